from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.accounting import CALCULATION_COLUMNS, FactorPolicy, calculate, factor_table
from headwater.accounting.timeline import FIRST_DAY, GASES, LAST_DAY, fits
from headwater.accounting.units import SPELLINGS, UNITS, conversion
from tests.examples import examples
from tests.unit.accounting.factors import activity, calculated, factor, factors

WIDE = Context(prec=200, rounding=ROUND_HALF_UP)
USUAL = sorted(unit.symbol for unit in UNITS.values() if not unit.dimension.startswith(("money", "CO2e by", "mass of")))
UNIT_TEXTS = st.sampled_from(sorted(text for text, unit in SPELLINGS.items() if unit.symbol in USUAL))
"""Money and gases by the hundred would leave little chance to two units of a kind."""

quantities = st.one_of(
    st.integers(0, 10**18 - 1),
    st.integers(0, 10**9),
    st.sampled_from([0, 1, 10**18 - 1, 10**17, 5 * 10**5, 92233720368547758, 9223372036854775]),
).map(lambda units: Decimal(units).scaleb(-6))

per_unit = st.one_of(
    st.integers(0, 10**18 - 1),
    st.integers(0, 10**12),
    st.sampled_from([0, 1, 5, 10**9 - 1, 10**9, 10**18 - 1]),
).map(lambda units: Decimal(units).scaleb(-10))


def rounded(value: Fraction, places: int) -> Decimal:
    """Half up by the decimal module: a third way beside SQL and whole numbers."""
    exact = WIDE.divide(Decimal(value.numerator), Decimal(value.denominator))
    return exact.quantize(Decimal(1).scaleb(-places), context=WIDE)


@settings(max_examples=examples(300), deadline=None)
@given(
    quantity=quantities,
    unit=UNIT_TEXTS,
    target=st.sampled_from(USUAL),
    figures=st.tuples(per_unit, *[st.none() | per_unit for _ in GASES[1:]]),
)
def test_sql_is_its_twin_to_the_last_digit(
    quantity: Decimal, unit: str, target: str, figures: tuple[Decimal | None, ...]
) -> None:
    given_figures = {f"{gas}_kg_per_unit": value for gas, value in zip(GASES, figures, strict=True)}
    table = factors(factor(unit=target, **given_figures))
    record = activity(quantity=quantity, unit=unit)
    by_sql = calculated(table, record)[0]
    by_python = calculate(record, factor_table(table, FactorPolicy()).to_pylist())
    assert by_sql["calculation_outcome"] == by_python.outcome
    for name in CALCULATION_COLUMNS[1:8]:
        assert by_sql[name] == getattr(by_python, name), name
    assert tuple(by_sql[f"{gas}_kg"] for gas in GASES) == by_python.figures


@settings(max_examples=examples(200), deadline=None)
@given(quantity=quantities, unit=UNIT_TEXTS, target=st.sampled_from(USUAL), figure=per_unit)
def test_a_figure_is_quantity_times_multiplier_times_factor_rounded_twice(
    quantity: Decimal, unit: str, target: str, figure: Decimal
) -> None:
    found = calculated(factors(factor(unit=target, co2e_kg_per_unit=figure)), activity(quantity=quantity, unit=unit))[0]
    multiplier = conversion(SPELLINGS[unit], UNITS[target])
    if multiplier is None:
        assert found["calculation_outcome"] == 3
        return
    converted = rounded(Fraction(quantity) * multiplier, 6)
    emission = rounded(Fraction(converted) * Fraction(figure), 6)
    if not fits(multiplier):
        assert found["calculation_outcome"] == 5
    elif found["calculation_outcome"] == 5:
        # Refused only where it does not fit, but for a few units in the quantity's last place.
        step = Decimal(3).scaleb(-6) * max(1, math.ceil(multiplier))
        assert converted >= Decimal(10) ** 12 - step or emission >= Decimal(10) ** 12 - step * max(1, math.ceil(figure))
    else:
        assert found["converted_quantity"] == converted
        assert found["co2e_kg"] == emission


days = st.integers(0, 40).map(lambda number: date(2024, 1, 1) + timedelta(days=number))
spans = st.tuples(days, days).filter(lambda span: span[0] < span[1])


@settings(max_examples=examples(150), deadline=None)
@given(
    validities=st.lists(spans, min_size=1, max_size=6), sources=st.lists(st.sampled_from("ABC"), min_size=6, max_size=6)
)
def test_every_day_has_exactly_the_factors_valid_on_it(validities: list[tuple[date, date]], sources: list[str]) -> None:
    rows = [
        factor(factor_id=f"F{number}", source=source, valid_from=start, valid_to=end)
        for number, ((start, end), source) in enumerate(zip(validities, sources, strict=False))
    ]
    policy = FactorPolicy(sources=("A", "B"))
    table = factors(*rows)
    pieces = [row for row in factor_table(table, policy).to_pylist() if row["unit"] == "kWh"]
    assert pieces[0]["valid_from"] == FIRST_DAY
    assert pieces[-1]["valid_to"] == LAST_DAY
    assert all(one["valid_to"] == two["valid_from"] for one, two in pairwise(pieces))
    records = [activity(period_start=date(2023, 12, 31) + timedelta(days=number)) for number in range(43)]
    for record, found in zip(records, calculated(table, *records, policy=policy), strict=True):
        valid = [row for row in rows if row["valid_from"] <= record["period_start"] < row["valid_to"]]
        preferred: list[dict[str, Any]] = []
        for wanted in ("A", "B", "C"):
            preferred = preferred or [row for row in valid if row["source"] == wanted]
        if not valid:
            assert (found["calculation_outcome"], found["factor_id"]) == (4, None)
        elif len(preferred) > 1:
            assert (found["calculation_outcome"], found["factor_id"]) == (2, None)
        else:
            assert (found["calculation_outcome"], found["factor_id"]) == (0, preferred[0]["factor_id"])


@settings(max_examples=examples(60), deadline=None)
@given(
    records=st.lists(
        st.fixed_dictionaries(
            {
                "activity_type": st.sampled_from(["electricity", "gas", None]),
                "region": st.sampled_from(["DE", "GB", None]),
                "unit": st.sampled_from(["kWh", "MWh", "ton", "kg", None]),
                "period_start": st.none() | days,
                "quantity": st.none() | st.integers(-(10**18) + 1, 10**18 - 1).map(lambda n: Decimal(n).scaleb(-6)),
            }
        ),
        max_size=20,
    )
)
def test_every_row_comes_back_once_whatever_is_in_it(records: list[dict[str, Any]]) -> None:
    table = factors(factor(), factor(factor_id="F2", region="GB"), factor(factor_id="F3", region="GB"))
    pieces = factor_table(table, FactorPolicy()).to_pylist()
    found = calculated(table, *(activity(**record) for record in records))
    assert [row["row"] for row in found] == list(range(len(records)))
    for record, row in zip(records, found, strict=True):
        assert row["calculation_outcome"] == calculate(activity(**record), pieces).outcome
