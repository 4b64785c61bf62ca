"""Sites and sources that nothing bears, and periods with nothing in them."""

from __future__ import annotations

from datetime import date

from headwater.accounting.inventory.findings import (
    LEAVES_OUT,
    NOTHING_COUNTED,
    UNKNOWN_FACILITY,
    UNKNOWN_SOURCE,
)
from tests.inventories import Made, activity, factor, make


def told(made: Made, rule: str) -> dict[str, str]:
    return {each.subject: each.message for each in made.findings if each.rule_id == rule}


def test_a_period_without_activities_is_told_and_means_that_something_is_missing() -> None:
    made = make([], [factor()])
    (finding,) = [each for each in made.findings if each.rule_id == NOTHING_COUNTED]
    assert (finding.subject, finding.activities) == ("period", 0)
    assert "No activity begins in the period, from 2024-01-01 to before 2025-01-01" in finding.message
    assert NOTHING_COUNTED in LEAVES_OUT
    before = make([activity(period_start=date(2023, 12, 1), period_end=date(2024, 2, 1))], [factor()])
    assert NOTHING_COUNTED in before.rules()
    assert NOTHING_COUNTED not in make([activity()], [factor()]).rules()


def test_a_boundary_that_leaves_out_every_activity_is_told() -> None:
    sites = {"approach": "operational_control", "facilities": ["NOWHERE"]}
    made = make([activity(facility_code="LON"), activity(activity_id="A2")], [factor()], boundary=sites)
    (finding,) = [each for each in made.findings if each.rule_id == NOTHING_COUNTED]
    assert (finding.subject, finding.activities) == ("boundary", 2)


def test_sites_that_no_activity_names_are_told_with_what_is_near() -> None:
    rows = [activity(activity_id=code, facility_code=code) for code in ("LONDON", "PARIS")]
    sites = {"approach": "operational_control", "facilities": ["LONDON", "Lodnon", "XQ"]}
    found = told(make(rows, [factor()], boundary=sites, batch=1), UNKNOWN_FACILITY)
    assert found == {
        "Lodnon in boundary.facilities": "No activity of the period names the site Lodnon, so nothing of it is counted."
        " Did you mean LONDON? Sites that activities name: LONDON, PARIS.",
        "XQ in boundary.facilities": "No activity of the period names the site XQ, so nothing of it is counted."
        " Sites that activities name: LONDON, PARIS.",
    }
    shares = {"approach": "equity_share", "shares": {"LONDON": "0.5", "PARI": "0.5"}}
    assert list(told(make(rows, [factor()], boundary=shares), UNKNOWN_FACILITY)) == ["PARI in boundary.shares"]
    assert UNKNOWN_FACILITY in LEAVES_OUT


def test_sources_that_no_factor_names_are_told_with_what_is_near() -> None:
    factors = [factor(source="UK Government"), factor(factor_id="f2", source="EPA", region="US")]
    found = told(make([activity()], factors, policy={"sources": ["DEFRA", "UK government", "EPA"]}), UNKNOWN_SOURCE)
    assert list(found) == ["DEFRA in factors.sources", "UK government in factors.sources"]
    assert "Sources that factors name: EPA, UK Government." in found["DEFRA in factors.sources"]
    assert "Did you mean UK Government?" in found["UK government in factors.sources"]
