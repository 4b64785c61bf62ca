"""Which consumption an instrument covers: market before market, day by day, one claim; what competes is not guessed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from headwater.accounting.inventory.findings import LEAVES_OUT
from tests.inventories import Made, activity, factor, instrument, make

D = Decimal
BOTH: dict[str, Any] = {"methods": ["location_based", "market_based"]}
YEAR = activity(period_start=date(2024, 1, 1), period_end=date(2025, 1, 1), quantity="366")
"""A kWh a day."""
EU: dict[str, Any] = {"regions": {"DE": ["DE", "EU"]}}


def mix(**given: Any) -> dict[str, Any]:
    return instrument(
        **{"instrument_id": "mix", "kind": "residual_mix", "energy_mwh": None, "co2e_kg_per_kwh": "0.6",
           "gwp_set": "AR5", "tracking_id": None} | given
    )  # fmt: skip


def parts(made: Made) -> list[tuple[Any, ...]]:
    """Of every market-based part: what covers it, kWh, what was said."""
    return [
        (line["instrument_id"] or line["tier"], line["part_kwh"], line["substitutions"])
        for line in made.lines if line["method"] == "market_based"
    ]  # fmt: skip


def test_the_document_s_order_of_markets_goes_before_any_name() -> None:
    held = [mix(instrument_id="a of EU", market="EU", co2e_kg_per_kwh="0.4"), mix(instrument_id="b of DE")]
    made = make([activity()], [factor()], instruments=held, policy=EU, **BOTH)
    assert parts(made) == [("b of DE", 100, None)]
    turned = make([activity()], [factor()], instruments=held, policy={"regions": {"DE": ["EU", "DE"]}}, **BOTH)
    assert parts(turned) == [("a of EU", 100, "region EU for DE")]


def test_each_region_has_its_own_order_and_one_energy_for_all() -> None:
    rows = [activity(), activity(activity_id="A2", region="FR", period_start=date(2024, 7, 1))]
    regions = {"regions": {"DE": ["DE", "EU"], "FR": ["EU", "FR"]}}
    held = [instrument(market="EU", energy_mwh="0.15"), mix(), mix(instrument_id="fr", market="FR")]
    made = make(rows, [factor(), factor(factor_id="fr", region="FR")], instruments=held, policy=regions, **BOTH)
    # In FR the certificate's market is listed first, in DE after its own.
    assert parts(made) == [
        ("C1", 50, "region EU for DE"), ("mix", 50, None), ("C1", 100, "region EU for FR"),
    ]  # fmt: skip


def test_the_market_of_a_certificate_from_elsewhere_stands_on_the_line_and_is_told() -> None:
    made = make([activity()], [factor()], instruments=[instrument(market="EU")], policy=EU, **BOTH)
    assert parts(made) == [("C1", 100, "region EU for DE")]
    (finding,) = made.findings
    assert (finding.rule_id, finding.subject, finding.message) == (
        "inventory.substitution", "certificate C1 in EU, kWh", "Taken: region EU for DE.",
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["residual_mix", "supplier_rate"])
def test_two_without_end_for_the_same_consumption_have_no_figure(kind: str) -> None:
    held = [mix(instrument_id="a", kind=kind), mix(instrument_id="b", kind=kind, co2e_kg_per_kwh="0.1")]
    rows = [activity(), activity(activity_id="A2", quantity="10", period_start=date(2024, 2, 1))]
    made = make(
        rows, [factor()], instruments=[instrument(energy_mwh="0.04"), *held], use={"grid_average": True}, **BOTH
    )
    assert parts(made) == [("C1", 30, None), ("C1", 10, None)]
    (finding,) = made.findings
    assert (finding.rule_id, finding.activities, finding.quantity, finding.unit) == (
        "inventory.instruments_compete", 1, 70, "kWh",
    )  # fmt: skip
    assert finding.subject == f"{kind} a, b"
    assert finding.rule_id in LEAVES_OUT


def test_what_a_site_a_market_or_a_day_tells_apart_does_not_compete() -> None:
    sites = [mix(instrument_id="a", facility_code="X"), mix(instrument_id="b", facility_code="Y"), mix()]
    rows = [activity(activity_id=name, facility_code=name) for name in "XYZ"]
    assert [each[0] for each in parts(make(rows, [factor()], instruments=sites, **BOTH))] == ["a", "b", "mix"]
    halves = [mix(instrument_id="a", valid_to=date(2024, 7, 1)), mix(instrument_id="b", valid_from=date(2024, 7, 1))]
    assert parts(make([YEAR], [factor()], instruments=halves, **BOTH)) == [("a", 182, None), ("b", 184, None)]
    rates = [mix(instrument_id="some", energy_mwh="0.06"), mix(instrument_id="all")]
    assert parts(make([activity()], [factor()], instruments=rates, **BOTH)) == [("some", 60, None), ("all", 40, None)]


@pytest.mark.parametrize(
    ("first", "last", "covered"),
    [
        (date(2024, 1, 1), date(2024, 2, 1), 31),
        (date(2024, 2, 1), date(2025, 1, 1), 335),
        (date(2023, 1, 1), date(2024, 1, 2), 1),
        (date(2024, 12, 31), date(2026, 1, 1), 1),
        (date(2024, 1, 1), date(2025, 1, 1), 366),
    ],
)
def test_a_certificate_covers_the_days_that_it_shares_with_a_bill(first: date, last: date, covered: int) -> None:
    held = [instrument(valid_from=first, valid_to=last, energy_mwh="1"), mix()]
    found = {name: kwh for name, kwh, _ in parts(make([YEAR], [factor()], instruments=held, **BOTH))}
    assert found == {"C1": covered} | ({"mix": 366 - covered} if covered < 366 else {})


def test_days_that_one_covers_are_not_there_for_another() -> None:
    months = [
        instrument(instrument_id=f"C{n}", tracking_id=f"T{n}", valid_to=date(2024, 2, 1), energy_mwh="0.02")
        for n in range(3)
    ]
    year = instrument(instrument_id="year", tracking_id="T9", energy_mwh="0.1")
    made = make([YEAR], [factor()], instruments=[*months, year, mix()], **BOTH)
    # January has 31 kWh: 20 + 11; the last covers nothing, and is told.
    assert parts(made) == [("C0", 20, None), ("C1", 11, None), ("year", 100, None), ("mix", 235, None)]
    unused = {finding.subject: finding.quantity for finding in made.findings}
    assert unused == {"certificate C1": 9, "certificate C2": 20}


def test_a_third_of_a_kwh_is_rounded_and_nothing_is_lost() -> None:
    bill = activity(period_start=date(2024, 1, 30), period_end=date(2024, 2, 2), quantity="1")
    held = [instrument(valid_to=date(2024, 2, 1)), mix()]
    assert parts(make([bill], [factor()], instruments=held, **BOTH)) == [
        ("C1", D("0.666667"), None), ("mix", D("0.333333"), None),
    ]  # fmt: skip


def test_a_certificate_retired_before_its_time_is_not_retired_for_it() -> None:
    held = [instrument(retired_on=date(2023, 12, 31)), mix()]
    made = make([activity()], [factor()], instruments=held, **BOTH)
    assert parts(made) == [("mix", 100, None)]
    (finding,) = made.findings
    assert finding.rule_id == "inventory.instrument_refused"
    assert "retired on 2023-12-31, before the first day that it covers, 2024-01-01. Retired:" in finding.message


@pytest.mark.parametrize("written", ["t1", " T1", "T1 ", "\tt1\n"])
def test_one_certificate_is_one_however_its_number_is_written(written: str) -> None:
    held = [instrument(), instrument(instrument_id="C2", tracking_id=written), mix()]
    made = make([activity(quantity="200")], [factor()], instruments=held, **BOTH)
    assert parts(made) == [("C1", 100, None), ("mix", 100, None)]
    assert "One claim" in made.findings[0].message


def test_nothing_but_space_is_no_number_under_which_a_certificate_is_tracked() -> None:
    made = make([activity()], [factor()], instruments=[instrument(tracking_id="  "), mix()], **BOTH)
    assert "Tracked:" in made.findings[0].message
