"""Damaged files: refused or read, in bounded time and memory; one changed byte does not change other records' cells."""

from __future__ import annotations

import contextlib
import io
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.connectors.csv_file import CsvConfig, Planner, inspect_file, is_utf8, read_chunk, to_utf8
from headwater.errors import InputRefused, Misuse
from tests.corpus.pollutions import pollutions
from tests.examples import examples

if TYPE_CHECKING:
    from pathlib import Path

Read = list[tuple[str, ...]]

MEGABYTE = 1024 * 1024
GOOD = [pollution.data for pollution in pollutions() if len(pollution.data) < 2_000]
NASTY = [
    *(bytes([byte]) for byte in b"\0\x01\x1a\"'\\,;\t|#=\r\n\x80\xe9\xff"),
    *(text.encode() for text in ("\ufeff", "\u2028", "é", '""', '"\n', "\r\n\r\n", ",,,", "sep=;\n", "a,b\n")),
    *(b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"PK\x03\x04", b"\x1f\x8b", b"<html>", b"{"),
]
BASE = CsvConfig(encoding="utf-8", delimiter=",", quote='"', comment="", preamble=0, line_end="\n", unnamed=0)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file of the corpus with up to six things done to it: cut, doubled, swapped, inserted, put together."""
    data = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 6))):
        start, end = sorted(draw(st.tuples(st.integers(0, len(data)), st.integers(0, len(data)))))
        kind = draw(st.sampled_from(["insert", "insert", "insert", "cut", "double", "keep", "other", "turn"]))
        if kind == "insert":
            data = data[:start] + draw(st.sampled_from(NASTY)) + data[start:]
        elif kind == "cut":
            data = data[:start] + data[end:]
        elif kind == "double":
            data = data[:end] + data[start:]
        elif kind == "keep":
            data = data[start:end]
        elif kind == "other":
            data = data[:start] + draw(st.sampled_from(GOOD))
        else:
            data = data[:start] + data[start:end][::-1] + data[end:]
    return data


HINTS = st.fixed_dictionaries(
    {},
    optional={
        "encoding": st.sampled_from(["utf-8", "cp1252", "utf-16", "utf-32", "shift_jis", "utf-7", "utf-16-be"]),
        "delimiter": st.sampled_from(",;\t|:~ "),
        "quote": st.sampled_from(["", '"', "'"]),
        "comment": st.sampled_from(["", "#", "!"]),
        "preamble": st.integers(0, 5),
        "line_end": st.sampled_from(["\n", "\r"]),
        "unnamed": st.integers(0, 3),
    },
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "damaged.csv"


@given(data=st.one_of(damaged(), damaged(), st.binary(max_size=200)), said=HINTS, chunk_size=st.integers(1, 4))
@settings(max_examples=examples(400), deadline=5_000)
def test_whatever_a_file_holds_it_is_refused_or_every_record_is_accounted_for(
    path: Path, data: bytes, said: dict[str, str | int], chunk_size: int
) -> None:
    path.write_bytes(data)
    try:
        found = inspect_file(path, CsvConfig(**said))  # type: ignore[arg-type]
        text = io.BytesIO()
        if is_utf8(found.encoding):
            text.write(data)
        else:
            to_utf8(path, found.encoding, text)
        planner = Planner(found.config, chunk_size, name="damaged.csv")
        planner.feed(text.getvalue())
        plan = planner.finish()
    except (InputRefused, Misuse) as refused:
        assert refused.where  # noqa: PT017  (that it is refused is not what is tested)
        assert len(str(refused)) > 20  # noqa: PT017
        return
    assert plan.columns == found.columns
    chunks = [read_chunk(text, span, plan) for span in plan.chunks]
    for span, chunk in zip(plan.chunks, chunks, strict=True):
        numbers = [*chunk.record_nos.tolist(), *(row.record_no for row in chunk.ragged)]
        numbers += [number for skipped in chunk.skipped.values() for number in skipped.tolist()]
        assert sorted(numbers) == list(range(span.records))
    rows = [row for chunk in chunks for row in zip(*(c.to_pylist() for c in chunk.table.columns), strict=True)]
    assert list(found.sample) == rows[:20]


@st.composite
def one_byte(draw: st.DrawFn) -> tuple[bytes, int, bytes]:
    """A good file; where a byte of its records is changed; what it is changed to."""
    cell = st.one_of(st.text("ab1é", max_size=4), st.text('ab,"\n', max_size=4).map(_quoted))
    lines = draw(st.lists(st.lists(cell, min_size=2, max_size=3), min_size=1, max_size=8))
    data = ("x,y\n" + "".join(",".join(line) + "\n" for line in lines)).encode()
    place = draw(st.integers(4, len(data) - 1))
    return (
        data,
        place,
        draw(st.one_of(st.sampled_from([bytes([b]) for b in b'",\n\ra#\x1a']), st.binary(min_size=1, max_size=1))),
    )


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _records(data: bytes) -> Read:
    """Every record: its cells, or what became of it."""
    planner = Planner(BASE, 3, name="changed.csv")
    planner.feed(data)
    plan = planner.finish()
    found: dict[int, tuple[str, ...]] = {}
    for span in plan.chunks:
        chunk = read_chunk(io.BytesIO(data), span, plan)
        rows = zip(*(column.to_pylist() for column in chunk.table.columns), strict=True)
        inside = dict(zip(chunk.record_nos.tolist(), rows, strict=True))
        inside |= {row.record_no: ("ragged", row.text) for row in chunk.ragged}
        inside |= {number: (reason,) for reason, numbers in chunk.skipped.items() for number in numbers.tolist()}
        found |= {span.first_record - 1 + number: cells for number, cells in inside.items()}
    return [found[number] for number in range(plan.records)]


@given(change=one_byte())
@settings(max_examples=examples(400))
def test_a_changed_byte_changes_its_own_record_and_no_other(change: tuple[bytes, int, bytes]) -> None:
    """Refused, or: the records before are as they were, whatever the byte; those after too, if no quote is concerned.

    A line end gained or lost cuts the record in two, or joins it with the next. A quote gained or lost decides what the
    rest of the text is; then only the records before it are sure.
    """
    data, place, byte = change
    before = _records(data)
    # The records that end before the byte: planning what stands before it gives them all but the one it is in.
    number = len(_cut_before(data, place))
    try:
        after = _records(data[:place] + byte + data[place + 1 :])
    except InputRefused:
        return
    assert after[:number] == before[:number]
    if b'"' in (byte, data[place : place + 1]):
        return
    lost, gained = data[place : place + 1] == b"\n", byte == b"\n"
    if _is_in_quotes(data, place) or lost == gained:
        assert len(after) == len(before)
        assert after[number + 1 :] == before[number + 1 :]
    elif gained:
        assert after[number + 2 :] == before[number + 1 :]
    else:
        assert after[number + 1 :] == before[number + 2 :]


def _cut_before(data: bytes, place: int) -> list[int]:
    """Where the records end that are whole before the place."""
    ends, quotes = [], 0
    for position, byte in enumerate(data[:place]):
        quotes += byte == ord('"')
        if byte == ord("\n") and quotes % 2 == 0:
            ends.append(position)
    return ends[1:]  # the first is the header's


def _is_in_quotes(data: bytes, place: int) -> bool:
    return data.count(b'"', 0, place) % 2 == 1


@pytest.mark.parametrize(
    "data",
    [
        b'a,b\n"' + b"x" * 64 * MEGABYTE,
        b'a,b\n"' + b"x,1\n" * 16 * MEGABYTE,
        b"a,b\n" + b"x" * 64 * MEGABYTE,
        b"a" * 64 * MEGABYTE,
        b'"' * 64 * MEGABYTE + b"\n",
    ],
    ids=["a quote left open", "a quote left open over lines", "one long line", "no line end", "quotes"],
)
def test_what_never_ends_is_refused_before_it_fills_the_memory(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "endless.csv"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(InputRefused):
            _plan_of(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 600 * MEGABYTE


def _plan_of(path: Path) -> None:
    planner = Planner(BASE, 1_000, name=path.name)
    with path.open("rb") as file:
        while block := file.read(MEGABYTE):
            planner.feed(block)
    planner.finish()


@pytest.mark.parametrize(
    "text",
    [
        ("," * 1_999 + "\n\n") * 60,
        ("x" + ",x" * 1_999 + "\n\n") * 100,
        " " * MEGABYTE,
        ("a" + " " * 100_000 + "\n") * 9,
        "1" * MEGABYTE,
        "'" * MEGABYTE,
        '"' * MEGABYTE,
        "<" * MEGABYTE,
        ("{" + " " * 1_000) * 900,
        "Ã" * (MEGABYTE // 2),
        "a,b\n" + "Ã©," * (MEGABYTE // 5),
        "#\n" * (MEGABYTE // 2),
        "\r" * MEGABYTE,
        "1," * 60_000 + "\n" + "1," * 60_000,
    ],
    ids=range(14),
)
@pytest.mark.timeout(60)
def test_inspection_is_quick_whatever_the_first_megabyte_holds(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hostile.csv"
    path.write_bytes(text.encode())
    with contextlib.suppress(InputRefused):
        inspect_file(path)
