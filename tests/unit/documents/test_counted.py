"""One is one, and many have thousands."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from headwater.documents.counted import counted, written

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


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("61.000000000000", "61"),
        ("61", "61"),
        ("35.000000", "35"),
        ("1204.50", "1,204.5"),
        ("1.2E+3", "1,200"),
        ("-0.000000000100", "-0.0000000001"),
        ("-0.00", "0"),
        ("0E-12", "0"),
        ("12345678901234567890123456789012.5", "12,345,678,901,234,567,890,123,456,789,012.5"),
    ],
)
def test_a_number_is_written_one_way_whoever_gave_it(number: str, told: str) -> None:
    assert written(number) == written(Decimal(number)) == told


def test_no_command_writes_a_number_before_a_plural() -> None:
    found = [
        f"{path.name}:{number} {line.strip()}"
        for path in sorted((ROOT / "src/headwater/cli").glob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if PLURAL.search(line)
    ]
    assert found == []
