"""Masks: by their form, and so that no more of a value is told than they show."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.services.access.masking import STARS, mask, masked, masked_table, personal_fields
from headwater.services.installation import documents

WORKER = next(document for document in documents() if document.name == "erp.worker")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("jane@example.org", "j***e@example.org"),
        ("jane.doe+tag@example.org", "j***g@example.org"),
        ("bob@example.org", "***@example.org"),
        ("b@example.org", "***@example.org"),
        ("+254712345123", "+254***123"),
        ("+49 30 1234567", "+49***567"),
        ("0712345123", "0***"),
        ("Jane Doe", "J***"),
        ("Jane Doe <jane@example.org>", "J***"),
        ("abc", "***"),
        ("", "***"),
        ("jane@example.org\n", "j***"),
        ("Åsa Öberg", "Å***"),
        (datetime.date(1990, 1, 31), "***"),
        (Decimal("1.5"), "***"),
        (None, None),
    ],
)
def test_a_value_is_masked_by_its_form(value: object, shown: str | None) -> None:
    assert mask(value) == shown


@given(st.text(min_size=1), st.text(min_size=1))
def test_values_that_differ_inside_only_look_the_same(one: str, other: str) -> None:
    shape = "x{}@@x"  # no address, no number: shown by its first sign
    assert mask(shape.format(one)) == mask(shape.format(other)) == "x***"


@given(st.lists(st.one_of(st.none(), st.text(), st.emails())))
def test_a_column_is_masked_as_each_value_is(values: list[str | None]) -> None:
    column = pa.array(values, pa.string())
    assert masked(column).to_pylist() == [mask(value) for value in values]
    assert (
        masked(pa.chunked_array([column, column.slice(0, 1)])).to_pylist()[: len(values)] == masked(column).to_pylist()
    )


def test_only_personal_fields_of_a_contract_are_masked_keys_too() -> None:
    hidden = personal_fields(WORKER)
    assert {"worker_id", "hired_on"} <= hidden
    values = {spec.name: datetime.date(2020, 1, 1) if spec.type == "date" else "value" for spec in WORKER.fields}
    (shown,) = masked_table(WORKER, pa.table({name: [value] for name, value in values.items()})).to_pylist()
    assert {name for name, value in shown.items() if value != values[name]} == hidden
    assert shown["worker_id"] == mask("value")
    assert STARS in shown["hired_on"]
