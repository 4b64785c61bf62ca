"""What a check finds: stages that hold, and what does not agree, named by member, row and field."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from headwater.errors import HeadwaterError

MOST_KEPT = 100
UNFIT = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""What Python says of content that is not of the form it should have."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that is not as it should be.

    member      the table or file
    row         of it; empty where the whole is meant, and so `field`
    stored      what stands there
    recomputed  what it should be
    """

    member: str
    row: str = ""
    field: str = ""
    stored: str | None = None
    recomputed: str | None = None
    why: str = ""


def _rank(difference: Difference) -> int:
    return {"record": 0, "entry": 0, "line": 1, "chunk": 2}.get(difference.row.partition(" ")[0], 3)


@dataclass(kw_only=True)
class Stage:
    """One step of the check: what it did, in words, and how many things it did it to."""

    name: str
    said: str = ""
    count: int = 0
    differences: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


@dataclass(kw_only=True)
class Findings:
    """What the check comes to. `notes` is what could not be computed again, or was left out, and why.

    changed     members that are not what the file's own manifest says: what differs elsewhere may follow from them
    """

    stages: list[Stage] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every stage holds."""
        return bool(self.stages) and all(stage.holds for stage in self.stages)

    @property
    def first(self) -> Difference | None:
        """The one that says most: of a changed member before what may follow from it; there the first that names a
        record or entry, else a line, else a chunk, else any.
        """
        return min(self.differences, key=self._order, default=None)

    def _order(self, difference: Difference) -> tuple[bool, int]:
        return difference.member not in self.changed, _rank(difference)

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """A step; what cannot be read in it is a difference like any other."""
        stage = Stage(name=name)
        self.stages.append(stage)
        with self.stage_part(name):
            yield stage

    @contextmanager
    def stage_part(self, name: str, of_row: str = "") -> Iterator[None]:
        """A part of a step, of a member and perhaps a row, after which the step goes on whatever was met."""
        try:
            yield
        except HeadwaterError as error:
            member, _, row = (error.where or "").partition(", ")
            value = None if error.value is None else str(error.value)[:200]
            place = {"member": name, "row": of_row} if of_row else {"member": member, "row": row}
            self.differ(Difference(**place, recomputed=value, why=error.what))
        except (*UNFIT, csv.Error) as error:
            why = f"what stands there cannot be worked with: {type(error).__name__} {str(error)[:200]}"
            self.differ(Difference(member=name, row=of_row, why=why))

    def differ(self, difference: Difference) -> None:
        """Note a difference of the stage at hand."""
        self.stages[-1].differences += 1
        if len(self.differences) < MOST_KEPT:
            self.differences.append(difference)

    def compare(self, member: str, row: str, name: str, *, stored: Any, recomputed: Any, why: str) -> bool:
        """Whether both are the same; where not, the difference is noted."""
        if stored == recomputed and type(stored) is type(recomputed):
            return True
        texts = [None if value is None else str(value) for value in (stored, recomputed)]
        self.differ(Difference(member=member, row=row, field=name, stored=texts[0], recomputed=texts[1], why=why))
        return False

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "ok": self.ok,
            **self.facts,
            "stages": [{**asdict(stage), "holds": stage.holds} for stage in self.stages],
            "first_difference": asdict(self.first) if self.first else None,
            "differences": [asdict(difference) for difference in self.differences],
            "notes": self.notes,
        }
