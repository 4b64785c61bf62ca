"""Which row of an edited workbook is which row of the original: certain, or not said.

A person edits cells, deletes rows, inserts some, sorts. Rows that say what they said are themselves, wherever they
stand. A changed row is known by its place where nothing on its sheet has moved and it still agrees with the original in
most of its cells; else by its cells that nobody had to change, where exactly one row could be meant and that one row
could be no other. What is not known so is left out and said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from headwater.connectors.text_table import Part

Cells = tuple[str, ...]
Place = tuple[str, int]
"""Sheet and row."""


@dataclass(frozen=True, kw_only=True)
class SheetRow:
    """A row of a sheet: its record, or the records that its columns were turned into."""

    sheet: str
    number: int
    records: tuple[Cells, ...]

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.sheet, self.number

    @property
    def is_blank(self) -> bool:
        """Whether it says nothing."""
        return not any(any(cells) for cells in self.records)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A row that holds records to be mended: which of its records, and which cells, as (record, column)."""

    records: frozenset[int]
    cells: frozenset[tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Matched:
    """What became of the rows asked about.

    found    original place -> the edited row it is now
    gone     those that are not there any more
    unclear  those of which it cannot be said which row they are now
    others   records not asked about that the edited workbook has, and the original does not have so
    missing  records not asked about that the original has, and the edited workbook does not have so
    """

    found: Mapping[Place, SheetRow]
    gone: tuple[Place, ...]
    unclear: tuple[Place, ...]
    others: int
    missing: int


def sheet_rows(records: Iterable[tuple[int, Cells]], parts: Sequence[Part]) -> Iterator[SheetRow]:
    """Rows of sheets, of numbered records in order."""
    place: Place | None = None
    held: list[Cells] = []
    at = 0
    for number, cells in records:
        while at + 1 < len(parts) and parts[at + 1].first_record <= number:
            at += 1
        here = (parts[at].name, parts[at].number(number))
        if place is not None and here != place:
            yield SheetRow(sheet=place[0], number=place[1], records=tuple(held))
            held = []
        place = here
        held.append(cells)
    if place is not None:
        yield SheetRow(sheet=place[0], number=place[1], records=tuple(held))


_Alike = tuple[dict[Cells, list[SheetRow]], Counter[Cells]]


@dataclass
class _Sheet:
    """One sheet's rows that are not as they were, on either side."""

    before: dict[int, SheetRow] = field(default_factory=dict)
    after: dict[int, SheetRow] = field(default_factory=dict)
    moved: bool = False
    _alike: dict[frozenset[tuple[int, int]], _Alike] = field(default_factory=dict)

    def alike(self, mended: frozenset[tuple[int, int]]) -> _Alike:
        """Rows by the cells that were not to be mended: those that are there now, and how many there were."""
        if mended not in self._alike:
            now: dict[Cells, list[SheetRow]] = defaultdict(list)
            for row in self.after.values():
                now[_kept(row, mended) or ()].append(row)
            self._alike[mended] = dict(now), Counter(_kept(row, mended) or () for row in self.before.values())
        return self._alike[mended]


def match(
    original: Sequence[SheetRow],
    edited: Sequence[SheetRow],
    asked: Mapping[Place, Asked],
    keys: frozenset[int],
) -> Matched:
    """Find rows again, by what is to be mended at each place; `keys` are the columns that name a record."""
    found: dict[Place, SheetRow] = {}
    sheets = _uncancelled(original, edited, asked, found)
    gone: list[Place] = []
    unclear: list[Place] = []
    for name, sheet in sheets.items():
        lost = [number for number in sheet.before if (name, number) in asked]
        now: dict[int, SheetRow] = {}
        for number in lost:
            mended = asked[name, number].cells
            row = _by_cells(sheet, number, mended) or _in_place(sheet, number, mended, keys)
            if row is not None:
                now[number] = row
        twice = {number for number, count in Counter(row.number for row in now.values()).items() if count > 1}
        found |= {(name, number): row for number, row in now.items() if row.number not in twice}
        taken = {row.number for row in now.values() if row.number not in twice}
        for number in lost:
            if number not in now or now[number].number in twice:
                is_gone = not any(place not in taken for place in sheet.after)
                (gone if is_gone else unclear).append((name, number))
    known = {row.place for row in found.values()}
    rest = [row for sheet in sheets.values() for row in sheet.after.values() if row.place not in known]
    left = [row for sheet in sheets.values() for row in sheet.before.values() if row.place not in asked]
    beside = _beside(original, asked, found)
    others, missing = _different([*rest, *(now for _, now in beside)], [*left, *(was for was, _ in beside)])
    return Matched(found=found, gone=tuple(gone), unclear=tuple(unclear), others=others, missing=missing)


def _beside(
    original: Sequence[SheetRow], asked: Mapping[Place, Asked], found: Mapping[Place, SheetRow]
) -> list[tuple[SheetRow, SheetRow]]:
    """Of rows found again the records that were not to be mended, before and after."""
    pairs = [(row, found[row.place]) for row in original if row.place in found and len(row.records) > 1]
    return [(_without(row, asked[row.place].records), _without(now, asked[row.place].records)) for row, now in pairs]


def _without(row: SheetRow, places: frozenset[int]) -> SheetRow:
    return replace(row, records=tuple(cells for place, cells in enumerate(row.records) if place not in places))


def _uncancelled(
    original: Sequence[SheetRow],
    edited: Sequence[SheetRow],
    asked: Mapping[Place, Asked],
    found: dict[Place, SheetRow],
) -> dict[str, _Sheet]:
    """What is left of each sheet when rows that say the same are taken out: first those in place, then the others."""
    sheets: dict[str, _Sheet] = defaultdict(_Sheet)
    for row in original:
        if not row.is_blank:
            sheets[row.sheet].before[row.number] = row
    for row in edited:
        if not row.is_blank:
            sheets[row.sheet].after[row.number] = row
    for name, sheet in sheets.items():
        sheet.moved = sheet.before.keys() != sheet.after.keys()
        same = [number for number, row in sheet.before.items() if _says(sheet.after.get(number)) == row.records]
        elsewhere: dict[tuple[Cells, ...], list[SheetRow]] = defaultdict(list)
        pairs = [(sheet.before.pop(number), sheet.after.pop(number)) for number in same]
        for row in reversed(sheet.after.values()):
            elsewhere[row.records].append(row)
        for row in list(sheet.before.values()):
            if elsewhere.get(row.records):
                there = elsewhere[row.records].pop()
                pairs.append((sheet.before.pop(row.number), sheet.after.pop(there.number)))
                sheet.moved = True
        found |= {row.place: there for row, there in pairs if (name, row.number) in asked}
    return sheets


def _says(row: SheetRow | None) -> tuple[Cells, ...] | None:
    return row.records if row is not None else None


def _in_place(sheet: _Sheet, number: int, mended: frozenset[tuple[int, int]], keys: frozenset[int]) -> SheetRow | None:
    """The row where it was, where nothing has moved, its key is the same, and most of its cells are."""
    row, there = sheet.before[number], sheet.after.get(number)
    if sheet.moved or there is None or len(there.records) != len(row.records):
        return None
    cells = [
        (before == after, column in keys and (place, column) not in mended)
        for place, (was, now) in enumerate(zip(row.records, there.records, strict=True))
        for column, (before, after) in enumerate(zip(was, now, strict=True))
        if before
    ]
    if not all(agrees for agrees, is_key in cells if is_key):
        return None
    return there if 2 * sum(agrees for agrees, _ in cells) >= len(cells) else None


def _by_cells(sheet: _Sheet, number: int, mended: frozenset[tuple[int, int]]) -> SheetRow | None:
    """The one row that agrees in every cell that was not to be mended, and with no other row of the original."""
    wanted = _kept(sheet.before[number], mended)
    if wanted is None:
        return None
    could_be, could_come_from = sheet.alike(mended)
    found = could_be.get(wanted, ())
    return found[0] if len(found) == 1 and could_come_from[wanted] == 1 else None


def _kept(row: SheetRow, mended: frozenset[tuple[int, int]]) -> tuple[str, ...] | None:
    """The cells that were not to be mended; None where they say nothing."""
    cells = tuple(
        "" if (place, column) in mended else cell
        for place, record in enumerate(row.records)
        for column, cell in enumerate(record)
    )
    return cells if any(cells) else None


def _different(rest: Sequence[SheetRow], left: Sequence[SheetRow]) -> tuple[int, int]:
    """Records on one side only, on either."""
    after = Counter((row.sheet, cells) for row in rest for cells in row.records if any(cells))
    before = Counter((row.sheet, cells) for row in left for cells in row.records if any(cells))
    return (after - before).total(), (before - after).total()
