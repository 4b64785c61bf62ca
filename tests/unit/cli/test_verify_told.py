"""What does not agree, in a sentence."""

from __future__ import annotations

import pytest

from headwater.cli.evidence import _told
from headwater.pipeline.replay.differences import ABSENT, PRESENT, ROW, Difference

LONG = "x" * 40 + "%s" + "y" * 40


@pytest.mark.parametrize(
    ("column", "stored", "expected", "said"),
    [
        ("co2e_kg", "6", "5", "t, k: co2e_kg is 6 and should be 5 (why)"),
        ("note", None, "n", "t, k: note is nothing and should be n (why)"),
        (ROW, ABSENT, PRESENT, "t, k: the row is missing (why)"),
        (ROW, PRESENT, ABSENT, "t, k: the row is one too many (why)"),
        (
            "findings",
            LONG % "6",
            LONG % "5",
            f"t, k: findings is …{'x' * 16}6{'y' * 31}… and should be …{'x' * 16}5{'y' * 31}… (why)",
        ),
    ],
)
def test_a_difference_is_one_sentence(column: str, stored: str | None, expected: str | None, said: str) -> None:
    found = Difference(table="t", key="k", column=column, stored=stored, expected=expected, why="why")
    assert _told(found) == said
