"""Whatever a record holds comes back from an export as it was, and no cell of an export begins like a formula."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from headwater.connectors.csv_file import CsvConfig, Planner, read_chunk
from headwater.connectors.csv_file.records import Dialect
from headwater.pipeline.mending import MendForm, guard, unguarded

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
RISKY = st.builds("{}{}".format, st.text("'=+-@\t\r", max_size=4), TEXT)
CELL = TEXT | RISKY

FORM = MendForm(
    columns=("first", "second"),
    dialect=Dialect(delimiter=";", quote='"', comment="#", line_end="\n"),
    has_record=True,
    settled_from=datetime(2026, 1, 1, tzinfo=UTC),
)


@given(CELL)
def test_a_guard_comes_off_again(cell: str) -> None:
    assert unguarded(pa.chunked_array([[guard(cell)]])).to_pylist() == [cell]


@given(CELL)
def test_no_guarded_cell_is_a_formula(cell: str) -> None:
    assert not guard(cell).startswith(("=", "+", "-", "@", "\t", "\r"))


def _read(data: bytes) -> pa.Table:
    config = CsvConfig(encoding="utf-8", delimiter=",", quote='"', comment="", preamble=0, unnamed=0)
    planner = Planner(config, 1_000, name="mend.csv")
    planner.feed(data)
    found = planner.finish()
    return read_chunk(io.BytesIO(data), found.chunks[0], found).table


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=5))
def test_cells_come_back_through_the_file(rows: list[tuple[str, str]]) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(FORM.header)
    writer.writerows(["key", "why", "1", "", *map(guard, row)] for row in rows)
    found = [row.cells for row in FORM.rows(_read(out.getvalue().encode()))]
    assert found == rows


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=3))
def test_a_whole_record_is_cut_by_the_signs_of_its_source(rows: list[tuple[str, str]]) -> None:
    for row in rows:
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=";", lineterminator="", quoting=csv.QUOTE_ALL).writerow(row)
        assert FORM.cut(out.getvalue()) == row


def test_the_form_is_kept_as_it_was() -> None:
    assert MendForm.from_json(FORM.as_json()) == FORM
