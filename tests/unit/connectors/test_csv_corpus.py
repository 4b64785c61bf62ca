"""Every kind of pollution is loaded right, cell by cell, or refused in words; never silently wrong."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headwater.connectors.csv_file import CsvConfig, Planner, RawChunk, is_utf8, read_chunk, to_utf8
from headwater.connectors.files import FileConfig, inspect_file
from headwater.connectors.inspection import Inspection
from headwater.errors import InputRefused
from tests.corpus.pollutions import Answer, Pollution, pollutions
from tools.corpus_comparison import PAGE, REFUSED, RIGHT, WRONG, outcomes

ALL = pollutions()
MARKERS = re.compile(r"<!-- corpus -->\n(.*?)<!-- /corpus -->", re.DOTALL)
# Chunk size and block size: a record a chunk; blocks that cut marks, quotes and characters; all at once.
CUTS = ((1, 7), (2, 3), (3, 1), (1_000_000, 64 * 1024))
SMALL = 5_000


def read(
    path: Path, found: Inspection[CsvConfig], chunk_size: int, block: int
) -> tuple[tuple[str, ...], list[RawChunk]]:
    text = path.read_bytes()
    if not is_utf8(found.encoding):
        out = io.BytesIO()
        to_utf8(path, found.encoding, out)
        text = out.getvalue()
    planner = Planner(found.config, chunk_size, name=path.name)
    for start in range(0, len(text), block):
        planner.feed(text[start : start + block])
    planned = planner.finish()
    chunks = [read_chunk(io.BytesIO(text), span, planned) for span in planned.chunks]
    assert planned.records == sum(
        chunk.table.num_rows + len(chunk.ragged) + sum(map(len, chunk.skipped.values())) for chunk in chunks
    )
    return planned.columns, chunks


def answer_of(columns: tuple[str, ...], chunks: list[RawChunk]) -> Answer:
    rows = [row for chunk in chunks for row in zip(*(c.to_pylist() for c in chunk.table.columns), strict=True)]
    skipped: dict[str, int] = {}
    for chunk in chunks:
        for reason, numbers in chunk.skipped.items():
            skipped[reason] = skipped.get(reason, 0) + len(numbers)
    ragged = tuple(row.text for chunk in chunks for row in chunk.ragged)
    return Answer(columns=columns, rows=tuple(rows), ragged=ragged, skipped=skipped)


def inspected(path: Path, said: CsvConfig) -> Inspection[CsvConfig]:
    """Through the door for files of every kind, as an import does."""
    found: Any = inspect_file(path, FileConfig(csv=said))
    answer: Inspection[CsvConfig] = replace(found, config=found.config.csv)
    return answer


def check(pollution: Pollution, path: Path, hints: CsvConfig) -> None:
    found = inspected(path, hints)
    expected = pollution.answer
    assert expected is not None
    assert found.columns == expected.columns
    assert found.sample == expected.rows[:20]
    if pollution.says:
        assert any(pollution.says in warning for warning in found.warnings), found.warnings
    for chunk_size, block in CUTS if len(pollution.data) < SMALL else CUTS[-1:]:
        got = answer_of(*read(path, found, chunk_size, block))
        assert (got.columns, got.rows, got.ragged) == (expected.columns, expected.rows, expected.ragged)
        assert expected.skipped is None or got.skipped == expected.skipped


@pytest.mark.parametrize("pollution", ALL, ids=lambda pollution: pollution.name)
def test_a_polluted_file_is_loaded_right_or_refused_in_words(pollution: Pollution, tmp_path: Path) -> None:
    path = tmp_path / "polluted.csv"
    path.write_bytes(pollution.data)
    hints = CsvConfig(**pollution.hints)
    if pollution.refused:
        said = CsvConfig() if pollution.answer else hints
        with pytest.raises(InputRefused) as caught:
            read(path, inspected(path, said), 3, 1024)
        assert pollution.refused in str(caught.value)
        assert (caught.value.where or "").startswith("polluted.csv")
        assert caught.value.remedy
    if pollution.answer and (pollution.hints or not pollution.refused):
        check(pollution, path, hints)


def test_the_page_says_what_becomes_of_each_kind() -> None:
    listed = dict(
        line.split(" | ")[:2]
        for line in MARKERS.findall(PAGE.read_text(encoding="utf-8"))[0].splitlines()
        if " | " in line
    )
    made = {"| " + pollution.name.replace("|", "&#124;"): outcomes(pollution, ["Headwater"])[0] for pollution in ALL}
    assert {name: listed.get(name) for name in made} == made
    assert WRONG not in made.values()
    assert [listed["| " + word] for word in ("loaded right", "refused", "silently wrong")] == [
        str(sum(what.startswith(said) for what in made.values())) for said in (RIGHT, REFUSED, WRONG)
    ]


def test_there_are_a_hundred_kinds_and_more() -> None:
    names = [pollution.name for pollution in ALL]
    assert len(names) == len(set(names)) >= 100
