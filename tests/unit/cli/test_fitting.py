"""As many columns of a table as stand beside each other."""

from __future__ import annotations

import pytest

from headwater.cli.printing import FOLDED, fitting


@pytest.mark.parametrize(
    ("width", "shown"), [(10, "a"), (13, "ab"), (46, "abc"), (45, "ab")], ids=["one", "two", "folded", "too wide"]
)
def test_columns_are_shown_while_there_is_room(monkeypatch: pytest.MonkeyPatch, width: int, shown: str) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert fitting("abc", [["1" * 5, "22", "3" * (FOLDED + 50)], ["1", "2", "3"]]) == list(shown)


def test_a_table_without_records_has_its_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert fitting(["name", "unit"], []) == ["name", "unit"]
