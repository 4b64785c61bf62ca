"""One is one, and many have thousands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from headwater.documents.counted import counted

ROOT = Path(__file__).parents[3]
PLURAL = re.compile(r"\{(?!counted)[^{}]*\} (?:files|sources|records|rows|runs|columns|activities|factors)\b")


@pytest.mark.parametrize(
    ("count", "words", "told"),
    [
        (0, ("file",), "0 files"),
        (1, ("file",), "1 file"),
        (1200, ("record",), "1,200 records"),
        (1, ("activity", "activities"), "1 activity"),
        (2, ("record is", "records are"), "2 records are"),
    ],
)
def test_counts_are_told_as_people_say_them(count: int, words: tuple[str, ...], told: str) -> None:
    assert counted(count, *words) == told


def test_no_command_writes_a_number_before_a_plural() -> None:
    found = [
        f"{path.name}:{number} {line.strip()}"
        for path in sorted((ROOT / "src/headwater/cli").glob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if PLURAL.search(line)
    ]
    assert found == []
