"""The contracts that packs bring, enforced row by row and in bulk: the same findings, values and hashed texts."""

from __future__ import annotations

import random

import duckdb
import pytest

from headwater.contracts import Document
from headwater.packs.erp import pack as erp
from headwater.values import TextFormat
from tests.property.test_contracts_twins import NASTY, assert_twins, con

__all__ = ["con"]
FORMAT = TextFormat(date_order="YMD")
RECORDS = 120
USUAL = {
    "decimal": ("1", "0", "-3.5", "999999999999.99"),
    "integer": ("1", "0"),
    "date": ("2024-03-01", "2023-12-31", "1924-01-01"),
    "boolean": ("true", "false"),
    "timestamp": ("2024-03-02T08:30:00.123Z",),
}


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("document", erp.documents(), ids=lambda document: document.name)
def test_rows_and_bulk_agree(con: duckdb.DuckDBPyConnection, document: Document) -> None:
    """One batch of records, in which fields hold what they may, something nasty or nothing: planning is what costs."""
    drawn = random.Random(document.reference)

    def text(name: str) -> str | None:
        spec = document.by_name[name]
        usual = spec.enum[:3] or USUAL.get(spec.type, ("a", "b"))
        return drawn.choice(NASTY) if drawn.random() < 0.2 else drawn.choice((None, *usual, *usual))

    records = [{name: text(name) for name in document.by_name} for _ in range(RECORDS)]
    assert_twins(con, document, records, FORMAT)
