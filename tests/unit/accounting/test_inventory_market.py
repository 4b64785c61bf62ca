"""The market-based method: the hierarchy of instruments, their quality criteria, and what is said when they fail."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.inventories import Made, activity, factor, instrument, make

BOTH: dict[str, Any] = {"methods": ["location_based", "market_based"]}
GRID = {"grid_average": True}


def parts(made: Made) -> list[tuple[Any, ...]]:
    """Of every market-based part: activity, what covers it, kWh."""
    return [
        (line["activity_id"], line["instrument_id"] or line["tier"], line["part_kwh"])
        for line in made.lines
        if line["method"] == "market_based"
    ]


def test_the_hierarchy_is_used_up_in_its_order() -> None:
    held = [
        instrument(instrument_id="mix", kind="residual_mix", energy_mwh=None, co2e_kg_per_kwh="0.6", gwp_set="AR5"),
        instrument(instrument_id="ppa", kind="contract", energy_mwh="0.03", tracking_id=None),
        instrument(instrument_id="rate", kind="supplier_rate", energy_mwh="0.04", co2e_kg_per_kwh="0.1", gwp_set="AR5"),
        instrument(instrument_id="go", energy_mwh="0.02"),
    ]
    made = make([activity()], [factor()], instruments=held, **BOTH)
    assert parts(made) == [("A1", "go", 20), ("A1", "ppa", 30), ("A1", "rate", 40), ("A1", "mix", 10)]
    assert made.co2e(method="market_based") == 10  # 40 × 0.1 + 10 × 0.6
    assert made.co2e(method="location_based") == 50
    assert made.findings == []


def test_consumption_is_covered_from_the_first_day_on() -> None:
    rows = [
        activity(activity_id="late", period_start=date(2024, 7, 1)),
        activity(activity_id="early", period_start=date(2024, 2, 1)),
    ]
    made = make(rows, [factor()], instruments=[instrument(energy_mwh="0.15"), MIX], **BOTH)
    assert parts(made) == [("early", "C1", 100), ("late", "C1", 50), ("late", "mix", 50)]


MIX = instrument(instrument_id="mix", kind="residual_mix", energy_mwh=None, co2e_kg_per_kwh="0.6", gwp_set="AR5")


def test_a_site_goes_before_the_whole_and_covers_only_itself() -> None:
    rows = [activity(facility_code="A"), activity(activity_id="A2", facility_code="B")]
    held = [instrument(instrument_id="all", tracking_id="T2"), instrument(instrument_id="of B", facility_code="B"), MIX]
    assert parts(make(rows, [factor()], instruments=held, **BOTH)) == [("A1", "all", 100), ("A2", "of B", 100)]
    nowhere = [instrument(facility_code="C"), MIX]
    made = make(rows, [factor()], instruments=nowhere, **BOTH)
    assert {what for _, what, _ in parts(made)} == {"mix"}
    assert made.rules() == {"inventory.instrument_unused"}


@pytest.mark.parametrize(
    ("given", "criterion"),
    [
        ({"tracking_id": None}, "Tracked:"),
        ({"retired_on": None}, "Retired:"),
        ({"claimed_by": "Somebody else"}, "One claim:"),
        ({"valid_from": date(2023, 1, 1), "valid_to": date(2024, 1, 1)}, "Same period:"),
    ],
)
def test_a_certificate_that_fails_a_criterion_is_not_used_and_told(given: dict[str, Any], criterion: str) -> None:
    made = make([activity()], [factor()], instruments=[instrument(**given), MIX], **BOTH)
    assert parts(made) == [("A1", "mix", 100)]
    (finding,) = made.findings
    assert (finding.rule_id, finding.quantity, finding.unit) == ("inventory.instrument_refused", Decimal(100), "kWh")
    assert criterion in finding.message


def test_one_certificate_is_claimed_once() -> None:
    twice = [instrument(), instrument(instrument_id="C2")]
    made = make([activity(quantity="200")], [factor()], instruments=[*twice, MIX], **BOTH)
    assert parts(made) == [("A1", "C1", 100), ("A1", "mix", 100)]
    assert "C1 has the same tracking_id T1" in made.findings[0].message


def test_another_market_covers_nothing_unless_the_document_lists_it() -> None:
    held = [instrument(market="EU"), MIX]
    assert parts(make([activity()], [factor()], instruments=held, **BOTH)) == [("A1", "mix", 100)]
    listed = make([activity()], [factor()], instruments=held, policy={"regions": {"DE": ["DE", "EU"]}}, **BOTH)
    assert parts(listed) == [("A1", "C1", 100)]


def test_what_nothing_covers_has_no_figure_and_the_residual_mix_is_said_to_be_missing() -> None:
    made = make([activity()], [factor()], instruments=[instrument(energy_mwh="0.04")], **BOTH)
    assert parts(made) == [("A1", "C1", 40)]
    (finding,) = made.findings
    assert (finding.rule_id, finding.quantity) == ("inventory.residual_mix_missing", Decimal(60))
    assert finding.message.startswith("Residual mix missing.")


def test_the_grid_average_stands_in_only_where_it_may_and_is_told() -> None:
    made = make([activity()], [factor()], instruments=[instrument(energy_mwh="0.04")], use=GRID, **BOTH)
    assert parts(made) == [("A1", "C1", 40), ("A1", "grid_average", 60)]
    assert made.co2e(method="market_based") == 30
    assert made.rules() == {"inventory.grid_average"}


def test_a_market_based_factor_of_the_library_is_the_residual_mix() -> None:
    residual = factor(factor_id="RM", method="market_based", co2e_kg_per_unit="0.7")
    made = make([activity(unit="MWh", quantity="0.1")], [factor(), residual], **BOTH)
    assert parts(made) == [("A1", "market_factor", 100)]
    assert (made.co2e(method="market_based"), made.co2e(method="location_based")) == (Decimal(70), Decimal(50))


def test_heat_is_not_covered_by_certificates_of_electricity() -> None:
    heat = activity(activity_type="district_heat")
    held = [instrument(), MIX]
    made = make([heat], [factor(activity_type="district_heat")], instruments=held, use=GRID, **BOTH)
    assert [(line["method"], line["tier"]) for line in made.lines] == [
        ("location_based", None), ("market_based", "grid_average"),
    ]  # fmt: skip


def test_without_the_market_based_method_instruments_are_no_matter() -> None:
    made = make([activity()], [factor()], instruments=[instrument(tracking_id=None)])
    assert (len(made.lines), made.findings) == (1, [])


def test_more_kwh_than_can_be_written_down_is_a_finding() -> None:
    made = make([activity(quantity="999999999999", unit="GWh")], [factor()], use=GRID, **BOTH)
    assert made.lines == []
    assert {finding.method for finding in made.findings} == {"location_based", "market_based"}
    assert all("would not fit" in finding.message for finding in made.findings)


def test_certificates_are_told_where_no_activity_type_is_covered() -> None:
    rows = [activity(activity_type="uk.electricity")]
    made = make(rows, [factor(activity_type="uk.electricity")], instruments=[instrument()], use={"grid_average": True},
                **BOTH)  # fmt: skip
    told = [each for each in made.findings if each.rule_id == "inventory.instrument_unused"]
    assert [(each.subject, each.quantity) for each in told] == [("certificate C1", 100)]
    assert "instruments.types" in told[0].message
    none = make([], [], instruments=[instrument()], **BOTH)
    assert none.rules() == {"inventory.instrument_unused", "inventory.nothing_counted"}
