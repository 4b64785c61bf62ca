"""What is said of a total whose data state how sure they are, and of one whose data do not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from headwater.accounting.uncertainty import Assumed, assess, build_model
from headwater.services.uncertainty import NOTHING_STATED, Uncertainty, interval_rows, page, sentences
from tests.unit.accounting.uncertain_figures import figures


def assessed(*lines: dict[str, Any], assumed: Assumed | None = None) -> Uncertainty:
    assumed = assumed or Assumed()
    total = sum((Decimal(line["co2e_kg"]) for line in lines), Decimal(0))
    return Uncertainty(
        inventory="plant", method="location_based", gwp_set="AR5", lines="00", licences=(), caveat=None,
        total_kg=total, by=("factor",), assumed=assumed, activity_ratings=(), factor_ratings=(),
        assessment=assess(build_model(figures(lines), by=("factor",), assumed=assumed), draws=100),
    )  # fmt: skip


SILENT = {"activity": "a", "factor": "f", "co2e_kg": 1000}
LOUD = {"activity": "b", "factor": "g", "co2e_kg": 3000, "activity_percent": 5.0}


def test_where_nothing_states_a_spread_none_is_told() -> None:
    found = assessed(SILENT)
    assert sentences(found) == [NOTHING_STATED]
    assert "--assume-activity and --assume-factor" in NOTHING_STATED
    assert interval_rows(found)[0] == ["total", "1.000", "not stated", "", "", "0", "not stated"]
    shown = page(found, organisation="Plant")
    assert ("not stated", "half-width of the 95 % interval") in shown.tiles
    assert not [text for text, _ in shown.tiles if "±" in text]


def test_what_states_a_spread_is_told_by_activities_and_factors() -> None:
    found = assessed(SILENT, LOUD)
    assert "a spread is stated by activities for 75 % of the total, by factors for 0 %" in sentences(found)
    whole, silent, loud = interval_rows(found)
    assert (whole[0], whole[5], whole[6]) == ("total", "75", "exact")
    assert (silent[0], silent[2], silent[5]) == ("f", "not stated", "0")
    assert (loud[0], loud[2], loud[5]) == ("g", "5.0", "100")


def test_a_spread_that_is_assumed_is_told_even_where_it_is_0() -> None:
    found = assessed(SILENT, assumed=Assumed(activity_percent=0))
    assert interval_rows(found)[0][2] == "0.0"
    assert "assumed: ± 0 % where activities state nothing" in sentences(found)
