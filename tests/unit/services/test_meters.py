"""What a calendar of meters says is at risk, and the days that can be asked for."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from headwater.accounting.meters import read_calendar
from headwater.engine.duck import engine
from headwater.errors import Misuse
from headwater.services.meters import Asked, MeterCalendar, page
from tests.unit.accounting.bills import bill, bills

day = datetime.date.fromisoformat


def calendar(*rows: dict[str, Any]) -> MeterCalendar:
    with engine() as connection:
        return MeterCalendar(calendar=read_calendar(connection, bills(rows)), gwp_set="AR4")


def twice(meter: str, **given: Any) -> list[dict[str, Any]]:
    """A January of 310 kWh that was billed twice: 155 kg too many, where bills have their figures."""
    return [bill(f"{meter}-{number}", "2024-01-01", "2024-02-01", 310, meter_id=meter, **given) for number in (1, 2)]


def test_what_has_no_figure_is_not_available_and_never_0() -> None:
    found = calendar(*twice("m1", co2e_kg=None))
    assert found.at_risk("overlap") is None
    assert found.risk_in_words("overlap") == "CO2e at risk not available: 1 without a figure"
    assert found.as_json()["co2e_kg_at_risk"] == {"overlap": None, "gap": "0"}
    assert found.as_json()["without_figure"] == {"overlap": 1, "gap": 0}
    tile = ("not available", "t CO₂e AR4 at risk of being counted twice; 1 without a figure")
    assert tile in page(found, organisation="Plant").tiles


def test_what_has_no_figure_is_told_beside_what_has() -> None:
    found = calendar(*twice("m1"), *twice("m2", co2e_kg=None))
    assert found.at_risk("overlap") == Decimal(155)
    assert found.risk_in_words("overlap") == "0.155 t CO2e by AR4 at risk, 1 without a figure"
    assert found.risk_in_words("gap") == "0.000 t CO2e by AR4 at risk"


@pytest.mark.parametrize("end", ["2020-01-01", "2020-12-31"])
def test_days_that_end_before_they_begin_are_refused(end: str) -> None:
    with pytest.raises(Misuse, match=f"{end}, the day after the last, does not come after 2020-12-31, the first"):
        Asked(start=day("2020-12-31"), end=day(end))
