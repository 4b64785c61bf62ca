"""Check digits of identifiers that were issued, and of ones that were not."""

from __future__ import annotations

import pytest

from headwater.values import luhn, mod_97_10


@pytest.mark.parametrize("lei", ["254900BQVM5V0IY7RQ62", "529900T8BM49AURSDO55", "213800WSGIIZCXF1P572"])
def test_a_legal_entity_identifier_leaves_one(lei: str) -> None:
    assert mod_97_10(lei) == 1
    assert mod_97_10(lei[:-1] + str((int(lei[-1]) + 1) % 10)) != 1
    assert mod_97_10(lei[1] + lei[0] + lei[2:]) != 1


@pytest.mark.parametrize("isin", ["TW0006282007", "US0378331005", "GB0002634946", "DE000BAY0017"])
def test_a_securities_identifier_leaves_nothing(isin: str) -> None:
    assert luhn(isin) == 0
    assert luhn(isin[:-1] + str((int(isin[-1]) + 1) % 10)) != 0


@pytest.mark.parametrize("text", ["", "254900bqvm5v0iy7rq62", "2549 00BQ", "94‐3148464", "É", "１", "A" * 65])
def test_anything_else_has_no_check_digits(text: str) -> None:
    assert mod_97_10(text) is None
    assert luhn(text) is None
