"""What holds of indicators over any rows."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.accounting.indicators import compute, read_indicators
from headwater.engine.duck import engine
from tests.examples import examples
from tests.unit.accounting.indicator_rows import DEFINED, figures, rows_of

rows = st.lists(
    st.fixed_dictionaries(
        {
            "scope": st.integers(1, 3),
            "facility_code": st.sampled_from(["LON", "PAR", None]),
            "year": st.integers(2020, 2023),
            "co2e_kg": st.decimals(0, 10**6, places=6),
        }
    ),
    min_size=1,
    max_size=20,
)
KG: dict[str, Any] = {**DEFINED["emissions"], "unit": "kgCO2e", "places": "6"}


@settings(deadline=None, max_examples=examples(50))
@given(rows, st.sampled_from([["scope"], ["site"], ["year", "scope"]]), st.randoms(use_true_random=False))
def test_groups_add_up_to_the_total_in_any_order(given_rows: list[dict[str, Any]], by: list[str], random: Any) -> None:
    with engine() as connection:
        whole = figures(rows_of(connection, given_rows), "emissions", emissions=KG)
        parts = figures(
            rows_of(connection, random.sample(given_rows, len(given_rows))), "emissions", by=by, emissions=KG
        )
    assert sum(map(Decimal, parts.values())) == Decimal(whole[()]) == sum(row["co2e_kg"] for row in given_rows)


@settings(deadline=None, max_examples=examples(50))
@given(rows)
def test_a_cumulative_ends_at_the_total_where_no_year_is_missing(given_rows: list[dict[str, Any]]) -> None:
    total = {**KG, "sum": None, "cumulative": {"of": "emissions"}}
    years = {row["year"] for row in given_rows}
    with engine() as connection:
        found = figures(rows_of(connection, given_rows), "total", emissions=KG, total=total)
    if max(years) - min(years) + 1 == len(years):
        assert Decimal(found[max(years)]) == sum(row["co2e_kg"] for row in given_rows)
    else:
        assert "there is no emissions" in found[max(years)][0]


@settings(deadline=None, max_examples=examples(50))
@given(rows, st.integers(1, 10**9))
def test_a_ratio_is_the_exact_quotient(given_rows: list[dict[str, Any]], people: int) -> None:
    facts = [{"fact": "headcount", "unit": "person", "quantity": people}]
    found = read_indicators({"indicators": DEFINED}, where="test")
    with engine() as connection:
        (shown,) = compute(found, rows_of(connection, given_rows, facts), ["intensity"], by=())
    quantity = shown.figures[0].value.quantity
    assert quantity is not None
    total = sum((Fraction(row["co2e_kg"]) for row in given_rows), Fraction(0))
    assert quantity.to("kgCO2e_AR5/person").amount == total / people
