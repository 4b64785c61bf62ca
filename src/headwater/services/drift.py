"""Schema drift: what changed in a source's columns since a run through the same mapping last took them.

A run took the columns it found where it came to its end, or loaded something, and kept none of them back; one that
`quarantine` keeps back is not taken where it is blank in all records, either. So what `quarantine` keeps back and
`stop` stops is kept back and stopped the next time, too, until the mapping reads it or a run of another mode has taken
it. What such a run says, it says once.
"""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from headwater.connectors.csv_file import read_chunk
from headwater.errors import InputRefused
from headwater.mapping.compile import columns_sought
from headwater.mapping.profile import profile
from headwater.store import runs

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from headwater.mapping import Mapping as MappingDocument
    from headwater.pipeline.recipe import Recipe
    from headwater.services.installation import Installation
    from headwater.services.sources import TakenIn
    from headwater.store.runs import Run

SAMPLE = 2_000
"""So many records tell what a column holds."""
FEW = 5
"""Of so few texts nothing is said."""
SINGLY = 5
"""Of so many columns that the mapping does not read each change is told; of more how many there are."""
_FAMILIES = {"integer": "numbers", "number": "numbers", "date": "dates", "timestamp": "dates", "boolean": "yes or no"}

ADDED, GONE, RENAMED, RETYPED = "added", "gone", "renamed", "retyped"
KINDS = {ADDED: "new", GONE: "gone", RENAMED: "called otherwise", RETYPED: "with values of another kind"}
"""In words."""
ALIKE = 0.75
"""How alike two names must be to be one column's, old and new, where neither place nor type speaks for it."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One column that is not as it was. `before` and `after` are names, or for a retyped column kinds of values.

    read_as: of a name that was not there, the fields that the mapping fills from it; () where it only skips by it, None
    where it does not read it.
    is_read: whether the mapping reads the column, as it is or as it was.
    """

    kind: str
    column: str
    before: str | None
    after: str | None
    read_as: Sequence[str] | None = None
    is_read: bool = True

    def __str__(self) -> str:
        if self.kind == ADDED:
            return f"column {self.column!r} is new{self._read}"
        if self.kind == GONE:
            return f"column {self.column!r} is gone"
        if self.kind == RENAMED:
            return f"column {self.before!r} is called {self.after!r} now{self._read}"
        return f"column {self.column!r} held {self.before} and holds {self.after} now"

    @property
    def is_left_out(self) -> bool:
        """Whether it is a name that was not there, and that the mapping does not read. What it reads is known."""
        return self.kind in {ADDED, RENAMED} and self.read_as is None

    @property
    def _read(self) -> str:
        if self.read_as is None:
            return ""
        return f" and read as {', '.join(self.read_as)}" if self.read_as else " and read to skip records"


@dataclass(frozen=True, kw_only=True)
class Drift:
    """What changed since `since`, the source of the last run; `mode` is what the recipe says to do."""

    mode: str
    since: str
    changes: tuple[Change, ...]

    def as_json(self) -> dict[str, Any]:
        """As it is kept with the run."""
        return {"mode": self.mode, "since": self.since, "changes": [asdict(change) for change in self.changes]}

    @property
    def kept_back(self) -> tuple[str, ...]:
        """Columns that no record may have a text in."""
        return tuple(each.column for each in self.changes if each.is_left_out) if self.mode == "quarantine" else ()


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The columns of a source with the kinds of their values, and what changed of them.

    left_out: columns that were taken before, of a table of which the recipe names others.
    """

    kinds: Mapping[str, str]
    left_out: Mapping[str, str]
    drift: Drift | None = None

    @property
    def noted(self) -> dict[str, Any]:
        """As it is kept beside the layout of the run."""
        left_out = {"kinds_left_out": list(self.left_out.items())} if self.left_out else {}
        return {"kinds": list(self.kinds.items())} | left_out | ({"drift": self.drift.as_json()} if self.drift else {})

    @property
    def kept_back(self) -> tuple[str, ...]:
        """Columns that no record may have a text in."""
        return self.drift.kept_back if self.drift else ()


def kinds_of(installation: Installation, taken: TakenIn) -> dict[str, str]:
    """What each column of a file holds, by its first records: numbers, dates, yes or no, texts; "" where too few."""
    if not taken.plan.chunks:
        return dict.fromkeys(taken.plan.columns, "")
    with installation.blobs.open(installation.tenant_id, taken.text.sha256) as file:
        rows = read_chunk(file, taken.plan.chunks[0], taken.plan).table.slice(0, SAMPLE)
    return {
        column.name: _FAMILIES.get(column.kind, "texts") if column.filled >= FEW else ""
        for column in profile(rows).columns
    }


def find_drift(
    installation: Installation,
    recipe: Recipe,
    mapping: MappingDocument,
    kinds: Mapping[str, str],
    read: Mapping[str, Sequence[str]],
    *,
    unit: UUID | None,
    source: bytes,
    is_table: bool = False,
) -> Compared:
    """What changed since a run through the mapping of that name last took the columns it found; nothing where there is
    no such run.

    read: the columns that the mapping reads, with the fields each fills.
    unit: the one it is loaded into, in which alone an earlier run is looked for; None: that of the organisation.
    source: a table is compared with itself. Files through one mapping are one series; but what is as it was when this
    one was last taken itself has not changed, whatever came between.
    InputRefused where the recipe says that then nothing is loaded.
    """
    kind = "sync" if is_table else "import"  # files of a connector are imported, too
    with installation.database.connect(installation.tenant_id) as connection:
        looked_for = [
            runs.latest_that_took_columns(
                connection, installation.tenant_id, mapping.mapping, kind=kind, unit=unit, source_id=each
            )
            for each in ([source] if is_table else [None, source])
        ]
    took = [run for run in looked_for if run is not None]
    before, left_out = _asked(likest([_taken(run) for run in took], kinds), kinds, recipe)
    sought = columns_sought(mapping, before)
    changes = changes_between(before, kinds, read, sought) if before else ()
    compared = Compared(kinds=kinds, left_out=left_out)
    if not changes:
        return compared
    if recipe.load.drift == "stop" and (open_ := [each for each in changes if is_open(each, read, sought)]):
        raise InputRefused(
            f"the columns are not those of the last {'sync' if is_table else 'file'}, and the recipe says to stop then",
            where=f"recipe {recipe.recipe}, load.drift",
            value="; ".join(_in_words(open_)),
            valid=f"the columns of {' or '.join(dict.fromkeys(run.source_name for run in took))}",
            remedy="Look at the mapping, and have its next version read what is to be read. Or take the columns as "
            f"they are, once: headwater run RECIPE --drift freeze{_of_a_table(recipe)}. It stops until then.",
        )
    return replace(compared, drift=Drift(mode=recipe.load.drift, since=took[0].source_name, changes=changes))


def _of_a_table(recipe: Recipe) -> str:
    if recipe.source.table is None:
        return ""
    return f", or headwater connectors sync {recipe.source.connector} with the same option"


def is_open(change: Change, read: Mapping[str, Sequence[str]], sought: Mapping[str, Sequence[str]]) -> bool:
    """Whether the mapping has no answer to a change: it does not read what is new, reads what is of another kind, or a
    field that the column filled is filled by none now; so does one it skipped by.
    """
    if change.kind == RETYPED:
        return change.is_read
    lost = None if change.before is None else sought.get(change.before)
    is_missed = lost is not None and (not lost or not set(lost) <= set(chain.from_iterable(read.values())))
    return change.is_left_out or is_missed


def _taken(run: Run) -> dict[str, str]:
    """The columns that a run took, and those that runs before had taken and its recipe left out."""
    return dict(run.layout.get("kinds_left_out", ())) | dict(run.layout.get("kinds", ()))


def _asked(
    taken: Mapping[str, str], kinds: Mapping[str, str], recipe: Recipe
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """With which columns those of now are compared, and those that were taken and are left out by the recipe.

    One that names the columns of a table has taken those it names, and of the others nothing has changed.
    """
    if not recipe.source.columns:
        return taken, {}
    named = {column: taken.get(column, kind) for column, kind in kinds.items()}
    return named, {column: kind for column, kind in taken.items() if column not in kinds}


def likest(took: Sequence[Mapping[str, str]], now: Mapping[str, str]) -> dict[str, str]:
    """The columns from which those of now differ by what is not as it was in any of those that were taken: one that
    only some of them had stands there where it is there now, with the kind of values that is like now's.

    None where it is not known what one of them had.
    """
    if not all(took):
        return {}
    return {
        column: next((kind for kind in kinds if kind in {"", now.get(column)}), kinds[0])
        for column in dict.fromkeys(chain.from_iterable(took))
        if (kinds := [each[column] for each in took if column in each]) and (column in now or len(kinds) == len(took))
    }


def drift_in_words(noted: Mapping[str, Any] | None) -> tuple[str, ...]:
    """What was noted with a run, a line a change; () where nothing changed."""
    if not noted:
        return ()
    changes = [Change(**change) for change in noted["changes"]]
    left_out = [change for change in changes if change.is_left_out]
    every = not any(change.read_as is not None for change in changes)
    done = {
        "freeze": _not_loaded(left_out, every=every),
        "quarantine": _kept_back(left_out, every=every),
    }.get(str(noted["mode"]), "")
    said = [f"Since {noted['since']}: {words}." for words in _in_words(changes)]
    return (*said, *([done] if done else []))


def _in_words(changes: Sequence[Change]) -> tuple[str, ...]:
    """Each change; of many that the mapping does not read how many of each kind there are."""
    others = [change for change in changes if not change.is_read]
    if len(others) <= SINGLY:
        return tuple(map(str, changes))
    counts = Counter(change.kind for change in others)
    many = ", ".join(f"{counts[kind]:,} {words}" for kind, words in KINDS.items() if counts[kind])
    read = tuple(str(change) for change in changes if change.is_read)
    return (
        *read,
        f"{len(others):,} columns that the mapping does not read are not as they were: {many}; --json has all",
    )


def _not_loaded(left_out: Sequence[Change], *, every: bool) -> str:
    """What is said of new columns that no field is filled from; by name where others are."""
    if not left_out:
        return ""
    if not every and len(left_out) > SINGLY:
        return f"{len(left_out):,} of the new columns are not loaded until they are mapped."
    what = "What is new" if every else ", ".join(repr(change.column) for change in left_out)
    return f"{what} is not loaded until it is mapped."


def _kept_back(left_out: Sequence[Change], *, every: bool) -> str:
    """What is said of records with a text in such columns; which columns, where others are new, too."""
    if not left_out:
        return ""
    where = "a new column" if every else "a new column that the mapping does not read"
    return (
        f"A record with a text in {where} goes to quarantine, and waits there until the mapping reads the column or "
        "one run with --drift freeze takes it; where a cursor says what changed, by one run with --full."
    )


def changes_between(
    before: Mapping[str, str],
    after: Mapping[str, str],
    read: Mapping[str, Sequence[str]] | None = None,
    was_read: Collection[str] | None = None,
) -> tuple[Change, ...]:
    """What became of columns; both are name -> kind of values in the order of the file, "" where the kind is not known.

    read: columns that the mapping reads, with the fields each fills; was_read: those it reads of the columns before.
    Where they are left out, all count as read.

    A column that is gone and a new one are one renamed where they stand in the same place with values of one kind, or
    where their names are alike.
    """
    gone = [column for column in before if column not in after]
    new = [column for column in after if column not in before]
    renamed = _renamed(gone, new, before, after)
    of_interest = {*(after if read is None else read), *(before if was_read is None else was_read)}
    read = read or {}
    changes = [
        Change(kind=RENAMED, column=now, before=was, after=now, read_as=read.get(now)) for was, now in renamed.items()
    ]
    changes += [Change(kind=GONE, column=each, before=each, after=None) for each in gone if each not in renamed]
    taken = set(renamed.values())
    changes += [
        Change(kind=ADDED, column=each, before=None, after=each, read_as=read.get(each))
        for each in new
        if each not in taken
    ]
    for column in before:
        was, now = before[column], after.get(column)
        if now and was and was != now:
            changes.append(Change(kind=RETYPED, column=column, before=was, after=now))
    return tuple(
        replace(
            each,
            is_read=not of_interest.isdisjoint((each.column, each.before if each.kind == RENAMED else each.column)),
        )
        for each in changes
    )


def _renamed(
    gone: Sequence[str], new: Sequence[str], before: Mapping[str, str], after: Mapping[str, str]
) -> dict[str, str]:
    places_before, places_after = list(before), list(after)
    found: dict[str, str] = {}
    for was in gone:
        free = [now for now in new if now not in found.values()]
        near = difflib.get_close_matches(was.casefold(), [now.casefold() for now in free], n=1, cutoff=ALIKE)
        same_place = [
            now
            for now in free
            if places_before.index(was) == places_after.index(now)
            and len(before) == len(after)
            and before[was] == after[now]
        ]
        if near:
            found[was] = next(now for now in free if now.casefold() == near[0])
        elif same_place:
            found[was] = same_place[0]
    return found
