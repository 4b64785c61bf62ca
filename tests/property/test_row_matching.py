"""However a workbook is edited, a row is found as what it was, or not found: never as another."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from headwater.connectors.text_table import Part
from headwater.services.workbooks.row_matching import Asked, SheetRow, match, sheet_rows

KEYS = frozenset({0})
BAD = 2
WORDS = st.sampled_from(["", "a", "b", "c"])


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A workbook before and after, with the truth about its refused rows: where each is now; None where deleted."""

    before: list[SheetRow]
    after: list[SheetRow]
    asked: dict[tuple[str, int], Asked]
    truth: dict[tuple[str, int], int | None]


def _row(number: int, cells: tuple[str, ...]) -> SheetRow:
    return SheetRow(sheet="s", number=number, records=(cells,))


@st.composite
def edits(draw: st.DrawFn, *, unique_keys: bool = True) -> Edit:
    """Rows of a key, a word and a figure; bad figures are mended or not, rows deleted, sorted and put in."""
    count = draw(st.integers(1, 8))
    keys = [f"k{number}" if unique_keys else draw(WORDS) or "k" for number in range(count)]
    rows = [(key, draw(WORDS), draw(st.sampled_from(["1", "bad", "worse"]))) for key in keys]
    before = [_row(number, cells) for number, cells in enumerate(rows, start=2)]
    asked = {
        row.place: Asked(records=frozenset({0}), cells=frozenset({(0, BAD)}))
        for row in before
        if row.records[0][BAD] != "1"
    }
    kept = [number for number in range(count) if draw(st.integers(0, 5))]
    order = draw(st.permutations(kept)) if draw(st.booleans()) else kept
    after, truth, at = [], dict.fromkeys(asked), 2
    for number in order:
        if not draw(st.integers(0, 6)):
            after.append(_row(at, ("new", draw(WORDS), draw(WORDS))))
            at += 1
        key, word, figure = rows[number]
        figure = draw(st.sampled_from([figure, "5", "6"])) if figure != "1" else draw(st.sampled_from(["1", "1", "9"]))
        word = draw(st.sampled_from([word, word, word, "edited"]))
        after.append(_row(at, (key, word, figure)))
        if before[number].place in asked:
            truth[before[number].place] = at
        at += 1
    return Edit(before=before, after=after, asked=asked, truth=truth)


@given(edits())
def test_a_row_is_found_as_what_it_was_or_not_at_all(edit: Edit) -> None:
    matched = match(edit.before, edit.after, edit.asked, KEYS)
    for place, row in matched.found.items():
        assert edit.truth[place] == row.number
    assert {*matched.found, *matched.gone, *matched.unclear} == edit.asked.keys()


@given(edits(unique_keys=False))
def test_where_rows_share_their_keys_what_is_found_says_what_it_should(edit: Edit) -> None:
    matched = match(edit.before, edit.after, edit.asked, KEYS)
    numbers = [row.number for row in matched.found.values()]
    assert len(numbers) == len(set(numbers))
    by_place = {row.place: row for row in edit.before}
    for place, row in matched.found.items():
        assert row.records[0][0] == by_place[place].records[0][0]


@given(edits())
def test_only_what_was_to_be_mended_is_changed_where_nothing_else_was(edit: Edit) -> None:
    same = match(edit.before, edit.before, edit.asked, KEYS)
    assert {place: row.number for place, row in same.found.items()} == {place: place[1] for place in edit.asked}
    assert (same.gone, same.unclear, same.others, same.missing) == ((), (), 0, 0)


def test_rows_of_several_records_are_told_apart() -> None:
    parts = [
        Part(name="a", first_record=1, first_number=5, columns=("x", "y")),
        Part(name="b", first_record=5, first_number=2),
    ]
    records = [(1, ("1",)), (2, ("2",)), (4, ("4",)), (5, ("5",)), (6, ("6",))]
    assert list(sheet_rows(records, parts)) == [
        SheetRow(sheet="a", number=5, records=(("1",), ("2",))),
        SheetRow(sheet="a", number=6, records=(("4",),)),
        SheetRow(sheet="b", number=2, records=(("5",),)),
        SheetRow(sheet="b", number=3, records=(("6",),)),
    ]
