from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from headwater.accounting import TIMELINE_SCHEMA, FactorPolicy, factor_table
from headwater.accounting.timeline import FIRST_DAY, LAST_DAY
from headwater.errors import Misuse
from tests.unit.accounting.factors import factor, factors


def pieces(*rows: dict[str, Any], unit: str = "kWh", policy: FactorPolicy | None = None) -> list[tuple[Any, ...]]:
    table = factor_table(factors(*rows), policy or FactorPolicy())
    return [
        (row["valid_from"], row["valid_to"], row["outcome"], row["competing"], row["factor_id"])
        for row in table.to_pylist()
        if row["unit"] == unit
    ]


def test_the_whole_of_time_is_covered_and_gaps_are_facts() -> None:
    later = factor(factor_id="F2", valid_from=date(2026, 1, 1), valid_to=date(2027, 1, 1))
    assert pieces(factor(), later) == [
        (FIRST_DAY, date(2024, 1, 1), 4, 0, None),
        (date(2024, 1, 1), date(2025, 1, 1), 0, 1, "F1"),
        (date(2025, 1, 1), date(2026, 1, 1), 4, 0, None),
        (date(2026, 1, 1), date(2027, 1, 1), 0, 1, "F2"),
        (date(2027, 1, 1), LAST_DAY, 4, 0, None),
    ]


def test_neighbours_do_not_compete() -> None:
    following = factor(factor_id="F2", valid_from=date(2025, 1, 1), valid_to=date(2026, 1, 1))
    assert [piece[2:] for piece in pieces(factor(), following)] == [
        (4, 0, None),
        (0, 1, "F1"),
        (0, 1, "F2"),
        (4, 0, None),
    ]


def test_figures_per_km_and_per_mile_compete_for_neither_of_their_own_units() -> None:
    """As docs/how-to/import-emission-factors.md says of the UK government's cars."""
    per_km = factor(unit="km", co2e_kg_per_unit=Decimal("0.17"))
    per_mile = factor(factor_id="F2", unit="mi", co2e_kg_per_unit=Decimal("0.27"))
    for unit, piece in (("km", (0, 1, "F1")), ("mi", (0, 1, "F2")), ("m", (2, 2, None))):
        assert [found[2:] for found in pieces(per_km, per_mile, unit=unit)] == [(4, 0, None), piece, (4, 0, None)]


def test_between_two_sources_the_unit_decides_nothing() -> None:
    """A publisher is not chosen by the unit of a bill."""
    per_kwh, per_mwh = factor(), factor(factor_id="F2", source="B", unit="MWh")
    for unit in ("kWh", "MWh", "GWh"):
        found = [piece[2:] for piece in pieces(per_kwh, per_mwh, unit=unit)]
        assert found == [(4, 0, None), (2, 2, None), (4, 0, None)]
    preferred = pieces(per_kwh, per_mwh, unit="kWh", policy=FactorPolicy(sources=("B",)))
    assert [found[-1] for found in preferred] == [None, "F2", None]


def test_the_preferred_covers_the_other_without_splitting_it_apart() -> None:
    policy = FactorPolicy(sources=("A",))
    inner = factor(factor_id="F2", source="B", valid_from=date(2024, 3, 1), valid_to=date(2024, 4, 1))
    assert [piece[4] for piece in pieces(factor(), inner, policy=policy)] == [None, "F1", None]


def test_the_supply_chain_and_biogenic_co2_have_factors_beside_that_of_use_never_instead() -> None:
    upstream = factor(factor_id="F2", stage="well_to_tank", scope=3)
    outside = factor(factor_id="F3", stage="outside_of_scopes")
    assert [piece[4] for piece in pieces(upstream, factor(stage="use"), outside)] == [None, "F1", None]
    assert factor_table(factors(upstream), FactorPolicy()).num_rows == 0


def test_open_ends() -> None:
    assert pieces(factor(valid_from=None, valid_to=None)) == [(FIRST_DAY, LAST_DAY, 0, 1, "F1")]


def test_an_empty_set_gives_an_empty_timeline_of_the_same_columns() -> None:
    table = factor_table(factors(), FactorPolicy())
    assert table.num_rows == 0
    assert table.schema == TIMELINE_SCHEMA


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"valid_from": date(2025, 1, 1), "valid_to": date(2025, 1, 1)}, "ends before it begins"),
        ({"co2e_kg_per_unit": None}, "no co2e_kg_per_unit"),
        ({"ch4_kg_per_unit": Decimal("-0.1")}, "ch4_kg_per_unit is negative"),
    ],
)
def test_a_factor_that_breaks_its_contract_stops_the_timeline(given: dict[str, Any], words: str) -> None:
    with pytest.raises(Misuse, match=words) as caught:
        factor_table(factors(factor(**given)), FactorPolicy())
    assert caught.value.where == "emission factor F1"
