"""Any table of texts, in any dialect and encoding it can be written in, is loaded as it was written, or refused."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from headwater.connectors.csv_file import CsvConfig, Planner, inspect_file, is_utf8, read_chunk, to_utf8
from headwater.errors import InputRefused
from tests.examples import examples

if TYPE_CHECKING:
    from pathlib import Path

Rows = list[list[str]]

UNICODE = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
SINGLE_BYTE = ["cp1252", "latin-1", "iso8859-2", "iso8859-15", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257"]
OTHERS = ["mac-roman", "koi8-r", "cp437", "cp850", "shift_jis", "gb18030", "euc_jp", "big5", "utf-16", "utf-32-be"]
# What a careful writer puts in quotes, since a reader might take it for something else.
SPECIAL = set(",;\t|^~:!=§¦¬¤·•'\"#\r\n\x01\x0b\x0c\x1a\x1c\x1d\x1e\x1f\x85\u2028\u2029“”„‟«»<{[ ")
CHARACTERS = st.one_of(
    st.sampled_from("ab19.-,;|\t\"'#=\n\r éßЖ\ufeff\u2028\x1a🌊"),
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
)
CELLS = st.one_of(st.text(CHARACTERS, max_size=6), st.sampled_from(["1", "2.5", "2024-01-01", "n/a", "Total", ""]))


@st.composite
def tables(draw: st.DrawFn) -> Rows:
    """A header of names that a person can tell apart, and records of which none is blank or the header."""
    width = draw(st.integers(1, 5))
    names = draw(st.lists(st.text("abcxyzé", min_size=1, max_size=5), min_size=width, max_size=width, unique=True))
    rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=8))
    told = (row for row in rows if any(cell.strip() for cell in row) and row != names)
    return [names, *(row for row in told if not (width == 1 and row == ["\x1a"]))]


def written(rows: Rows, config: CsvConfig, line_end: str, *, every: bool) -> str:
    """As a careful writer writes it: in quotes is all, or whatever could be taken for something else."""
    delimiter, quote = config.delimiter or ",", config.quote or '"'
    special = SPECIAL | {delimiter, quote}

    def field(cell: str) -> str:
        return quote + cell.replace(quote, quote * 2) + quote if every or special & set(cell) else cell

    return "".join(delimiter.join(map(field, row)) + line_end for row in rows)


def loaded(path: Path, config: CsvConfig, chunk_size: int) -> Rows:
    """What is read by a complete config, the columns' names first."""
    data = path.read_bytes()
    if not is_utf8(config.encoding or ""):
        out = io.BytesIO()
        to_utf8(path, config.encoding or "", out)
        data = out.getvalue()
    planner = Planner(config, chunk_size, name="written.csv")
    planner.feed(data)
    plan = planner.finish()
    chunks = [read_chunk(io.BytesIO(data), span, plan) for span in plan.chunks]
    assert [chunk.ragged for chunk in chunks if chunk.ragged] == []
    assert sum(chunk.table.num_rows for chunk in chunks) == plan.records
    rows = [list(row) for chunk in chunks for row in zip(*(c.to_pylist() for c in chunk.table.columns), strict=True)]
    return [list(plan.columns), *rows]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("written") / "written.csv"


@given(
    rows=tables(),
    delimiter=st.sampled_from(",;\t|:^~!/ "),
    quote=st.sampled_from("\"'`$"),
    encoding=st.sampled_from([*UNICODE, *SINGLE_BYTE, *OTHERS]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    every=st.booleans(),
    chunk_size=st.integers(1, 5),
)
@settings(max_examples=examples(250), suppress_health_check=[HealthCheck.filter_too_much])
def test_what_is_said_about_a_table_is_enough_to_read_it(
    *,
    path: Path,
    rows: Rows,
    delimiter: str,
    quote: str,
    encoding: str,
    line_end: str,
    every: bool,
    chunk_size: int,
) -> None:
    config = CsvConfig(
        encoding=encoding,
        delimiter=delimiter,
        quote=quote,
        comment="",
        preamble=0,
        line_end="\r" if line_end == "\r" else "\n",
        unnamed=0,
    )
    text = written(rows, config, line_end, every=every)
    try:
        path.write_bytes(text.encode(encoding))
    except UnicodeEncodeError:
        assume(False)
    if path.read_bytes().decode(encoding) != text:
        assume(False)
    assert loaded(path, inspect_file(path, config).config, chunk_size) == rows


@given(
    rows=tables(),
    delimiter=st.sampled_from(",;\t|^~"),
    encoding=st.sampled_from(UNICODE),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    every=st.booleans(),
    chunk_size=st.integers(1, 5),
)
@settings(max_examples=examples(400))
def test_a_table_of_which_nothing_is_said_is_loaded_as_written_or_refused(
    *, path: Path, rows: Rows, delimiter: str, encoding: str, line_end: str, every: bool, chunk_size: int
) -> None:
    dialect = CsvConfig(delimiter=delimiter, quote='"')
    path.write_bytes(written(rows, dialect, line_end, every=every).encode(encoding))
    try:
        found = inspect_file(path)
        got = loaded(path, found.config, chunk_size)
    except InputRefused as refused:
        event(f"refused: {refused.what[:40]}")
        return
    event("loaded")
    assert got == rows
    assert replace(found.config, delimiter=delimiter) == found.config or len(rows[0]) == 1
