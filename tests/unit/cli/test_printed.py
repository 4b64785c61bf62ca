"""What people read is in their words: no exponents, no keys of locators, runs by their ids."""

from __future__ import annotations

from decimal import Decimal

import pytest

from headwater.cli.connectors_asking import _place
from headwater.cli.printing import text_of


def test_numbers_have_no_exponents() -> None:
    assert [text_of(Decimal(text)) for text in ("0E-12", "0.00", "1E+3", "-0.0000000001", "12.50")] == [
        "0", "0", "1000", "-0.0000000001", "12.50",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("locator", "told"),
    [
        ({"by": "whole"}, "the whole table"),
        ({"by": "key_range", "key": ["site", "id"], "types": ["text", "bigint"], "from": ["7", "1200"], "to": None},
         "by key (site, id) from 7, 1200"),
        ({"by": "key_range", "key": ["id"], "types": ["bigint"], "from": None, "to": ["9"]}, "by key (id) to before 9"),
        ({"by": "time_window", "cursor": "changed", "types": ["date"], "from": "2026-01-01", "to": "2026-02-01"},
         "by changed from 2026-01-01 to before 2026-02-01"),
        ({"by": "blank", "columns": ["changed"]}, "rows without changed"),
        ({"page": 7, "token": None}, "page 7"),
    ],
)  # fmt: skip
def test_chunks_are_told_in_words(locator: dict[str, object], told: str) -> None:
    assert _place(locator) == told
