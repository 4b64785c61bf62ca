"""Whatever bytes a file holds, inspection answers or refuses in words; what it found, planning and reading go by."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.connectors.csv_file import CsvConfig, inspect_file, plan, read_chunk
from headwater.errors import InputRefused
from tests.examples import examples

if TYPE_CHECKING:
    from pathlib import Path

WORDS = st.text("abcxyz", min_size=1, max_size=6)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inspected") / "file.csv"


@given(data=st.one_of(st.binary(max_size=60), st.text('ab1,;"#\n\r\t \ufeffé', max_size=60).map(str.encode)))
@settings(max_examples=examples(1000))
def test_any_bytes_are_answered_or_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        found = inspect_file(path)
        json.dumps(found.as_json())
        if found.encoding != "utf-8":
            return
        planned = plan(path, found.config, 3)
    except InputRefused:
        return
    assert planned.columns == found.columns
    with path.open("rb") as file:
        chunks = [read_chunk(file, span, planned) for span in planned.chunks]
    rows = [row for chunk in chunks for row in zip(*(c.to_pylist() for c in chunk.table.columns), strict=True)]
    assert list(found.sample) == rows[:20]


@given(
    delimiter=st.sampled_from(",;\t|"),
    header=st.lists(WORDS, min_size=2, max_size=6),
    records=st.integers(1, 30),
    decimal=st.sampled_from(".,"),
    title=st.booleans(),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_a_regular_table_is_found_as_it_was_written(
    *, path: Path, delimiter: str, header: list[str], records: int, decimal: str, title: bool, line_end: str
) -> None:
    if delimiter == decimal:
        decimal = "."
    rows = [header, *([f"{number}{decimal}5"] * len(header) for number in range(records))]
    lines = ["Meter readings"] * title + [delimiter.join(row) for row in rows]
    path.write_bytes("".join(line + line_end for line in lines).encode())
    found = inspect_file(path)
    assert found.config == CsvConfig(
        encoding="utf-8",
        delimiter=delimiter,
        quote='"',
        comment="",
        preamble=int(title),
        line_end="\r" if line_end == "\r" else "\n",
        unnamed=0,
    )
    assert list(found.sample) == [tuple(row) for row in rows[1:21]]
