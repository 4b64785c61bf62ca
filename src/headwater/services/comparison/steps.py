"""The steps of a comparison: each is a calculation with some causes of B and the rest of A, made once for all alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from headwater.accounting.comparison.causes import (
    CAUSES,
    STEPS,
    Comparison,
    Mover,
    Side,
    moves,
    told_left_out,
    tonnes_only,
)
from headwater.accounting.comparison.moves import (
    FIGURES,
    KNOWN,
    moved_sql,
    movers_sql,
    steps_sql,
    tables_sql,
    totals_sql,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence
    from decimal import Decimal

    import duckdb

SHOWN_TYPES, SHOWN_ACTIVITIES = 30, 20


@dataclass(frozen=True, kw_only=True)
class Named:
    """What a side is called, and what it is in a sentence."""

    name: str
    what: str
    gwp_set: str | None
    activities: int


@dataclass(kw_only=True)
class Steps:
    """Steps in the order of causes, beginning with A as it is and ending with B as it is."""

    connection: duckdb.DuckDBPyConnection
    notes: dict[str, str] = field(default_factory=dict)
    left_out: dict[int, dict[str, Decimal]] = field(default_factory=dict)
    """By calculation: kg CO2e that its total lacks, by the one set in which they exist."""
    _made: list[int] = field(default_factory=list)
    _known: dict[Hashable, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for statement in tables_sql():
            self.connection.execute(statement)

    def add(self, key: Hashable, fill: Callable[[int], None]) -> None:
        """The next step. `key` names all that decides about its figures; `fill` puts these into the table of figures
        under the number it is given, and is asked only where no step with that key was made before.
        """
        if key not in self._known:
            self._known[key] = len(self._known)
            fill(self._known[key])
        self._made.append(self._known[key])

    def insert(self, number: int, query: str) -> None:
        """Figures of a step: activity_id, scope, activity_type, co2e_kg."""
        self.connection.execute(f"INSERT INTO {FIGURES} SELECT {number}, * FROM ({query})")

    def know(self, query: str) -> None:
        """Activities that A has."""
        self.connection.execute(f"INSERT INTO {KNOWN} {query}")

    def compared(self, a: Named, b: Named, notes: Sequence[str] = ()) -> Comparison:
        """What all the steps come to."""
        self.connection.execute(steps_sql(self._made))
        totals = self._rows(totals_sql())[0]
        lacking = [self.left_out.get(number, {}) for number in self._made]
        told = {
            cause: said
            for cause, (before, after) in zip(CAUSES, pairwise(lacking), strict=True)
            if (said := told_left_out(before, after))
        }
        sides = [
            f"the total of {side} lacks {tonnes_only(kg, gwp_set)}"
            for side, lacks in (("A", lacking[0]), ("B", lacking[-1]))
            for gwp_set, kg in sorted(lacks.items())
        ]
        ((moved,),) = self._rows(moved_sql())
        return Comparison(
            a=_side(a, totals[0]),
            b=_side(b, totals[-1]),
            moves=moves(totals, self.notes | told),
            by_type=self._movers("activity_type", SHOWN_TYPES),
            by_activity=self._movers("activity_id", SHOWN_ACTIVITIES),
            moved_activities=moved,
            notes=(*notes, *sides),
        )

    def _movers(self, name: str, limit: int) -> tuple[Mover, ...]:
        return tuple(_mover(*row) for row in self._rows(movers_sql(name, limit)))

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()


def _mover(name: str, scope: int | None, *steps: Decimal) -> Mover:
    if len(steps) != STEPS:
        raise AssertionError("a row has a sum before and after each cause")
    moved: Mapping[str, Decimal] = {cause: steps[place + 1] - steps[place] for place, cause in enumerate(CAUSES)}
    return Mover(name=name, scope=scope, a_kg=steps[0], b_kg=steps[-1], moves=moved)


def _side(named: Named, total: Decimal) -> Side:
    return Side(name=named.name, what=named.what, co2e_kg=total, gwp_set=named.gwp_set, activities=named.activities)
