"""The policy of an inventory as an exported file works it: the engine's choice on every day, whatever the factors."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.accounting.inventory.document import Factors
from headwater.accounting.inventory.policy import Policy, Wanted
from headwater.accounting.outcome import CalculationOutcome
from headwater.accounting.units import registry_text
from headwater.replay import choosing
from headwater.replay.figures import Units
from tests.examples import examples
from tests.unit.accounting.factors import factor

METHODS = ("activity_based", "spend_based", "location_based", "market_based")
PERIOD = (date(2023, 1, 1), date(2025, 1, 1))
days = st.integers(-900, 900).map(lambda number: date(2024, 1, 1) + timedelta(days=number))
spans = st.tuples(days, st.integers(1, 600)).map(lambda span: (span[0], span[0] + timedelta(days=span[1])))
stages = st.sampled_from([None, None, "use", "well_to_tank", "outside_of_scopes"])


@st.composite
def some_factors(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = []
    for number in range(draw(st.integers(1, 7))):
        start, end = draw(spans)
        found.append(
            factor(
                factor_id=f"F{number}", source=draw(st.sampled_from("ABC")), region=draw(st.sampled_from(["DE", "EU"])),
                activity_type=draw(st.sampled_from(["electricity", "grid"])), stage=draw(stages),
                unit=draw(st.sampled_from(["kWh", "MWh", "kg", "furlong"])), method=draw(st.sampled_from(METHODS)),
                publication_year=draw(st.integers(2022, 2024)), valid_from=start, valid_to=end,
                scope=draw(st.sampled_from([1, 2])),
                source_version=draw(st.sampled_from([None, "1.9", "1.10", "1.10 final", "revised"])),
            )
        )  # fmt: skip
    return found


rules = st.builds(
    Factors,
    sources=st.sampled_from([(), ("B",), ("C", "A")]),
    only_listed=st.booleans(),
    types=st.sampled_from([{}, {"electricity": ("grid", "electricity")}, {"electricity": ("electricity", "grid")}]),
    regions=st.sampled_from([{}, {"DE": ("DE", "EU")}, {"DE": ("EU", "DE")}]),
    years=st.fixed_dictionaries({"allow": st.sampled_from(["none", "previous", "nearest"]), "most": st.integers(1, 3)}),
)


@cache
def units() -> Units:
    return Units(registry_text())


def texts(row: dict[str, Any]) -> dict[str, str | None]:
    return {name: None if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
            for name, value in row.items()}  # fmt: skip


@settings(max_examples=examples(300), deadline=None)
@given(
    rows=some_factors(),
    policy=rules,
    unit=st.sampled_from(["kWh", "GJ", "kg", "nothing"]),
    methods=st.sampled_from([METHODS[:2], METHODS[2:3], METHODS[3:], METHODS]),
    stage=st.sampled_from(["use", "well_to_tank"]),
)
def test_the_choice_is_the_engines(
    rows: list[dict[str, Any]], policy: Factors, unit: str, methods: tuple[str, ...], stage: str
) -> None:
    engine = Policy(factors=rows, rules=policy)
    script = choosing.Policy(map(texts, rows), units(), policy.model_dump(mode="json"))
    asked: dict[str, Any] = {
        "activity_type": "electricity", "region": "DE", "unit": unit, "methods": methods, "stage": stage,
    }  # fmt: skip
    assert engine.is_scope_2("electricity", "DE") == script.is_scope_2("electricity", "DE")
    for first, last, choice in script.pieces(choosing.Wanted(**asked), *PERIOD):
        for day in (first, last - timedelta(days=1)):
            expected = engine.choose(Wanted(**asked), day)
            if expected.factor is None:
                assert choice.factor is None
                is_competing = expected.outcome is CalculationOutcome.TWO_FACTORS
                assert (choice.outcome == choosing.COMPETING) == is_competing
            else:
                assert choice.factor is not None
                assert choice.factor["factor_id"] == expected.factor["factor_id"]
                assert (choice.multiplier, choice.substitutions) == (expected.multiplier, expected.substitutions)
