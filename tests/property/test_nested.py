"""Whatever a file holds: it is read with every value in it, or refused in words; never anything else."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.connectors.formats import FORMATS, find_format
from headwater.connectors.nested import NestedConfig, inspect_nested, read_nested
from headwater.connectors.packing import members, unpack
from headwater.errors import InputRefused
from tests.examples import examples

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = st.text(max_size=5)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=20
)
MARKUP = st.lists(
    st.sampled_from(
        ["<r>", "</r>", "<a>", "</a>", "<b x='1'/>", "<a/>", "text", "&amp;", "&x;", "<!--c-->", "<![CDATA[<]]>"]
    ),
    max_size=20,
).map("".join)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nested") / "file"


def load(path: Path, data: bytes, format_: str) -> list[dict[str, str]] | None:
    """None where it is refused. What inspection shows is what reading gives, each time the same."""
    path.write_bytes(data)
    try:
        found = inspect_nested(path, NestedConfig(format=format_), name="file")
        json.dumps(found.as_json())
        again = [read(path, found.config) for _ in range(2)]
    except InputRefused:
        return None
    assert again[0] == again[1]
    assert [tuple(row.values()) for row in again[0][:20]] == list(found.sample)
    return again[0]


def read(path: Path, config: NestedConfig) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    number: int | None = None
    for batch in read_nested(path, config, name="file", decimal=".").batches:
        assert number in {None, batch.first_number}
        rows += batch.rows.to_pylist()
        number = batch.first_number + batch.rows.num_rows
    return rows


@given(value=VALUES, indent=st.sampled_from([None, 1]), escaped=st.booleans())
@settings(max_examples=examples(150))
def test_any_json_is_read_or_refused(path: Path, value: Any, indent: int | None, *, escaped: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=escaped)
    load(path, text.encode(errors="surrogatepass"), "json")
    load(path, text.encode(errors="surrogatepass"), "geojson")


@given(data=st.one_of(st.binary(max_size=60), st.text('[]{}",:1e.\\nul \n', max_size=40).map(str.encode)))
@settings(max_examples=examples(250))
def test_any_bytes_are_read_or_refused(path: Path, data: bytes) -> None:
    for format_ in ("json", "jsonl", "xml"):
        load(path, data, format_)


@given(text=MARKUP)
@settings(max_examples=examples(150))
def test_any_markup_is_read_or_refused(path: Path, text: str) -> None:
    load(path, f"<r>{text}</r>".encode(), "xml")


@given(
    records=st.lists(
        st.dictionaries(
            st.text("abc", min_size=1, max_size=2), st.none() | st.text('xyz é\n,"', max_size=4), min_size=1, max_size=4
        ),
        min_size=1,
        max_size=8,
    )
)
def test_lines_and_an_array_of_the_same_records_are_the_same_table(path: Path, records: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for record in records for name in record))
    expected = [{name: record.get(name) or "" for name in names} for record in records]
    assert load(path, json.dumps(records).encode(), "json") == expected
    assert load(path, "".join(json.dumps(record) + "\n" for record in records).encode(), "jsonl") == expected


@given(number=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_numbers_are_the_numbers_written(path: Path, number: Decimal) -> None:
    rows = load(path, f'[{{"n": {number}}}]'.encode(), "json")
    assert rows is not None
    assert Decimal(rows[0]["n"]) == number
    assert "e" not in rows[0]["n"].lower() or abs(number.adjusted()) > 400


@given(data=st.binary(max_size=80), name=st.sampled_from(["a.csv", "a.json", "a.xlsx", "a.gz", "a", ""]))
@settings(max_examples=examples(150))
def test_any_bytes_have_a_format_or_are_refused(path: Path, data: bytes, name: str) -> None:
    heads = (
        b"",
        b"PK\3\4",
        b"PK\5\6",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"\xff\xfe",
        b"<",
        b"{",
        b"\x1f\x8b\x08",
        b"BZh9",
    )
    for head in heads:
        path.write_bytes(head + data)
        try:
            found = find_format(path, name)
        except InputRefused:
            continue
        assert (found.format in FORMATS) != bool(found.packing)


@given(data=st.binary(max_size=200), at=st.integers(0, 60), flip=st.integers(1, 255))
@settings(max_examples=examples(250))
def test_a_packed_file_with_a_fault_is_brought_out_whole_or_refused(
    path: Path, data: bytes, at: int, flip: int
) -> None:
    packed = bytearray(gzip.compress(data, mtime=0))
    packed[at % len(packed)] ^= flip
    path.write_bytes(packed)
    out = bytearray()
    try:
        members(path, name="a.gz")
        unpack(path, None, Sink(out), name="a.gz")
    except InputRefused:
        return
    assert bytes(out) == data


class Sink:
    def __init__(self, out: bytearray) -> None:
        self._out = out

    def write(self, block: bytes) -> None:
        self._out += block
