"""The calculation of an exported file is the engine's, to the last digit and to the reason why there is no figure."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.accounting import CalculationOutcome, FactorPolicy
from headwater.accounting.calculation import half_up as whole_half_up
from headwater.accounting.timeline import GASES
from headwater.accounting.units import SPELLINGS, UNITS, registry_hash, registry_text
from headwater.replay.figures import Factors, Units, half_up
from tests.examples import examples
from tests.unit.accounting.factors import activity, calculated, factor, factors

USUAL = sorted(unit.symbol for unit in UNITS.values() if not unit.dimension.startswith(("money", "CO2e by", "mass of")))
UNIT_TEXTS = st.sampled_from([*sorted(text for text, unit in SPELLINGS.items() if unit.symbol in USUAL), "ton", " kWh"])
METHODS = ("activity_based", "location_based", "market_based", "spend_based")
quantities = st.one_of(
    st.integers(-5, 10**18 - 1), st.integers(0, 10**9), st.sampled_from([0, 1, 10**18 - 1, 10**17, 92233720368547758])
).map(lambda units: Decimal(units).scaleb(-6))
per_unit = st.one_of(
    st.integers(0, 10**18 - 1), st.integers(0, 10**12), st.sampled_from([0, 1, 5, 10**9, 10**18 - 1])
).map(lambda units: Decimal(units).scaleb(-10))
days = st.integers(0, 20).map(lambda number: date(2024, 1, 1) + timedelta(days=number))
some_factors = st.builds(
    factor,
    factor_id=st.sampled_from(["F1", "F2", "F3"]),
    source=st.sampled_from("ABC"),
    activity_type=st.sampled_from(["electricity", "gas"]),
    region=st.sampled_from(["DE", "FR"]),
    unit=st.sampled_from([*USUAL, "kWh", "kWh", "kWh", "MWh", "MWh", "furlong"]),
    method=st.sampled_from(METHODS),
    valid_from=days.map(lambda day: day - timedelta(days=10)),
    valid_to=days.map(lambda day: day + timedelta(days=15)),
    stage=st.sampled_from([None, "use", "well_to_tank"]),
    co2e_kg_per_unit=per_unit,
    **{f"{gas}_kg_per_unit": st.none() | per_unit for gas in GASES[1:]},
)


@cache
def units() -> Units:
    return Units(registry_text())


def texts(row: dict[str, Any]) -> dict[str, str | None]:
    """As the pinned set has them."""
    return {name: None if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
            for name, value in row.items()}  # fmt: skip


@settings(max_examples=examples(300), deadline=None)
@given(
    rows=st.lists(some_factors, min_size=1, max_size=4),
    quantity=quantities,
    unit=st.sampled_from(["kWh", "MWh"]) | UNIT_TEXTS,
    region=st.sampled_from(["DE", "FR", "GB"]),
    day=days,
    methods=st.permutations(METHODS).map(lambda order: tuple(order[:3])),
    sources=st.sampled_from([(), ("B",), ("C", "A")]),
)
def test_a_figure_is_the_engines(  # noqa: PLR0917  hypothesis passes by name
    rows: list[dict[str, Any]],
    quantity: Decimal,
    unit: str,
    region: str,
    day: date,
    methods: tuple[str, ...],
    sources: tuple[str, ...],
) -> None:
    record = activity(quantity=quantity, unit=unit, region=region, period_start=day)
    policy = FactorPolicy(methods=methods, sources=sources)
    (by_engine,) = calculated(factors(*rows), record, policy=policy)
    by_script = Factors(map(texts, rows), units(), methods=methods, sources=sources).figure(record)
    outcome = CalculationOutcome(by_engine["calculation_outcome"])
    if by_script.values is None:
        assert outcome.name.lower() == by_script.why
        return
    assert outcome is CalculationOutcome.CALCULATED
    for name, value in by_script.values.items():
        if name != "activity_id":
            assert by_engine[name] == value, name


@given(dividend=st.integers(-(10**30), 10**30), divisor=st.integers(1, 10**12))
def test_rounding_is_half_up(dividend: int, divisor: int) -> None:
    assert half_up(Fraction(dividend, divisor), 0) == whole_half_up(dividend, divisor)


def test_every_unit_is_read_from_the_text_of_the_registry() -> None:
    assert units().digest == registry_hash()
    for text, unit in SPELLINGS.items():
        found = units().find(text)
        assert found is not None
        assert (found.symbol, found.dimension, found.size) == (unit.symbol, unit.dimension, unit.size)
    assert units().find("gas volume at 0 °C and 101.325 kPa") is None
