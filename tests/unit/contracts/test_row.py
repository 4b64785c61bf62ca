"""One record: values, reasons for missing ones, and findings in telling words."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated

import pytest

from headwater.contracts import Code, Contract, Integer, Number, Timestamp, compile_contract, enforce_row, enforce_rows
from headwater.errors import Misuse
from headwater.values import Outcome, TextFormat


class Sale(Contract, name="sale", version="1.0.0", title="Sale", description="d"):
    code: Annotated[str, Code(key=True, description="d")]
    place: Annotated[str, Code(key=True, description="d")] = "all"
    amount: Annotated[Decimal | None, Number(precision=6, scale=2, description="d")] = None
    pieces: Annotated[int | None, Integer(description="d")] = None
    at: Annotated[datetime.datetime | None, Timestamp(description="d")] = None
    buyer: Annotated[str | None, Code(reference="buyer.code", description="d")] = None


SALE = compile_contract(Sale)
FORMAT = TextFormat(decimal=",", group=".", absent={"-": Outcome.NOT_REPORTED})


def test_blank_zero_not_applicable_and_default_are_different_states() -> None:
    result = enforce_row(SALE, {"code": "a", "amount": "n/a", "pieces": "0", "buyer": "-", "at": ""}, FORMAT)
    assert result.absent == "place=default;amount=not_applicable;buyer=not_reported"
    assert result.values["pieces"] == 0
    assert result.values["at"] is None
    assert not result.findings


def test_a_finding_explains_the_text_itself() -> None:
    (finding,) = enforce_row(SALE, {"code": "a", "amount": "1,005"}, FORMAT).findings
    assert (finding.rule_id, finding.field, finding.value) == ("sale.amount.decimals", "amount", "1,005")
    assert "more decimals" in finding.message
    assert '","' in finding.valid
    assert finding.repair
    assert finding.severity == "reject"


def test_texts_are_read_under_the_format_and_python_values_by_their_own_text() -> None:
    assert enforce_row(SALE, {"code": "a", "amount": "1.234,5"}, FORMAT).values["amount"] == Decimal("1234.50")
    assert enforce_row(SALE, {"code": "a", "amount": Decimal("12.5")}, FORMAT).values["amount"] == Decimal("12.50")
    assert enforce_row(SALE, {"code": "a", "amount": 12.5}, FORMAT).values["amount"] == Decimal("12.50")
    at = datetime.datetime(2024, 3, 31, 2, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    assert enforce_row(SALE, {"code": "a", "at": at}, FORMAT).values["at"] == at
    (finding,) = enforce_row(SALE, {"code": "a", "at": at.replace(tzinfo=None)}, FORMAT).findings
    assert finding.rule_id == "sale.at.ambiguous"


def test_what_is_no_field_or_no_value_is_misuse() -> None:
    with pytest.raises(Misuse, match="no such field"):
        enforce_row(SALE, {"code": "a", "price": "1"}, FORMAT)
    with pytest.raises(Misuse, match="no field holds values of this type"):
        enforce_row(SALE, {"code": ["a"]}, FORMAT)
    with pytest.raises(Misuse, match="no codes given"):
        enforce_row(SALE, {"code": "a", "buyer": "b"}, FORMAT, {"seller.code": ()})


def test_the_first_of_a_key_stays_equal_ones_are_merged_others_refused() -> None:
    records = [
        {"code": "a", "amount": "bad"},
        {"code": "a", "amount": "1"},
        {"code": "a", "amount": "1,00"},
        {"code": "a", "amount": "2"},
        {"code": "a", "place": "all", "amount": "1"},
        {"code": "a", "place": "north", "amount": "2"},
    ]
    results = enforce_rows(SALE, records, FORMAT)
    assert [[finding.rule_id for finding in result.findings] for result in results] == [
        ["sale.amount.type"], [], [], ["sale.key.unique"], ["sale.key.unique"], []
    ]  # fmt: skip
    # The fifth says "all" where the second left it to the default: that is another record.
