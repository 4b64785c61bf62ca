"""The calendar of meters, by cases computed by hand."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from headwater.accounting.meters import METHODS, Calendar, fill_gaps, read_calendar
from headwater.engine.duck import engine
from headwater.errors import Misuse
from tests.unit.accounting.bills import bill, bills

Connection = duckdb.DuckDBPyConnection
day = datetime.date.fromisoformat


@pytest.fixture
def connection() -> Iterator[Connection]:
    with engine() as opened:
        yield opened


def calendar(connection: Connection, *rows: dict[str, Any], **window: Any) -> Calendar:
    return read_calendar(connection, bills(rows), **window)


JANUARY = bill("jan", "2024-01-01", "2024-02-01", 310)
FEBRUARY = bill("feb", "2024-02-01", "2024-03-01", 290)
MARCH = bill("mar", "2024-03-01", "2024-04-01", 620)


def test_bills_that_follow_each_other_are_found_in_order(connection: Connection) -> None:
    found = calendar(connection, MARCH, JANUARY, FEBRUARY)
    assert found.findings.num_rows == 0
    (meter,) = found.meters.to_pylist()
    assert (meter["bills"], meter["billed_days"], meter["missing_days"], meter["doubled_days"]) == (3, 91, 0, 0)
    assert (meter["first_day"], meter["end"]) == (day("2024-01-01"), day("2024-04-01"))


def test_a_gap_is_worth_the_mean_day_of_the_bills_around_it(connection: Connection) -> None:
    """29 days at (310 + 620) / (31 + 31) = 15 kWh a day."""
    (gap,) = calendar(connection, JANUARY, MARCH).of_kind("gap")
    assert (gap["period_start"], gap["period_end"], gap["days"]) == (day("2024-02-01"), day("2024-03-01"), 29)
    assert gap["bills"] == ["jan", "mar"]
    assert (gap["quantity"], gap["unit"], gap["co2e_kg"]) == (Decimal(435), "kWh", Decimal("217.5"))


@pytest.mark.parametrize(
    ("start", "end"),
    [("2030-01-01", "2031-01-01"), ("2024-02-01", "2024-03-01"), ("2024-04-01", None), (None, "2024-01-01")],
)
def test_days_without_any_bill_are_refused_and_no_gaps(
    connection: Connection, start: str | None, end: str | None
) -> None:
    window = {"start": day(start) if start else None, "end": day(end) if end else None}
    with pytest.raises(Misuse, match=r"no bill lies in the days .*; bills are there from 2024-01-01 up to 2024-04-01"):
        calendar(connection, JANUARY, MARCH, **window)
    assert calendar(connection, **window).judged == 0


def test_an_overlap_is_worth_the_mean_day_of_its_bills(connection: Connection) -> None:
    """10 days that are billed at 10 and at 20 kWh a day: 150 kWh are one too many."""
    late = bill("late", "2024-01-22", "2024-03-01", 39 * 20)
    (overlap,) = calendar(connection, JANUARY, late).of_kind("overlap")
    assert (overlap["days"], overlap["quantity"], overlap["co2e_kg"]) == (10, Decimal(150), Decimal(75))
    assert (overlap["bills"], overlap["same_period"]) == (["jan", "late"], False)


def test_a_bill_sent_three_times_is_two_too_many(connection: Connection) -> None:
    again = [{**JANUARY, "activity_id": name} for name in ("copy", "third")]
    (overlap,) = calendar(connection, JANUARY, *again).of_kind("overlap")
    assert overlap["same_period"]
    assert overlap["quantity"] == Decimal(620)
    assert overlap["bills"] == ["copy", "jan", "third"]


def test_days_asked_for_are_missed_at_both_ends(connection: Connection) -> None:
    found = calendar(connection, FEBRUARY, start=day("2024-01-01"), end=day("2024-04-01"))
    before, after = found.of_kind("gap")
    assert (before["period_start"], before["days"], before["bills"]) == (day("2024-01-01"), 31, ["feb"])
    assert (after["period_end"], after["days"], after["quantity"]) == (day("2024-04-01"), 31, Decimal(310))
    assert found.meters["missing_days"].to_pylist() == [62]


def test_days_outside_those_asked_for_do_not_count(connection: Connection) -> None:
    found = calendar(connection, JANUARY, MARCH, start=day("2024-02-15"), end=day("2024-03-10"))
    (gap,) = found.of_kind("gap")
    assert (gap["period_start"], gap["days"]) == (day("2024-02-15"), 15)
    assert found.meters["billed_days"].to_pylist() == [9]


def test_without_meter_ids_a_site_and_activity_type_are_the_meter(connection: Connection) -> None:
    rows = [
        {**row, "meter_id": None, "facility_code": site, "activity_type": kind}
        for row, site, kind in (
            (JANUARY, "LON", "electricity"),
            (MARCH, "LON", "electricity"),
            (FEBRUARY, "LON", "natural_gas"),
            (FEBRUARY, "PAR", "electricity"),
        )
    ]
    found = calendar(connection, *rows)
    assert [row["meter"] for row in found.meters.to_pylist()] == [
        "site LON, electricity",
        "site LON, natural_gas",
        "site PAR, electricity",
    ]
    assert [row["meter"] for row in found.of_kind("gap")] == ["site LON, electricity"]


def test_the_same_id_at_two_sites_is_two_meters(connection: Connection) -> None:
    rows = [
        {**row, "activity_id": f"{row['activity_id']}-{site}", "facility_code": site}
        for row in (JANUARY, MARCH)
        for site in ("LON", "PAR")
    ]
    found = calendar(connection, *rows)
    assert [row["meter"] for row in found.meters.to_pylist()] == [
        "meter m1 at LON, electricity",
        "meter m1 at PAR, electricity",
    ]
    assert found.of_kind("overlap") == []
    assert [(row["facility_code"], row["bills"]) for row in found.of_kind("gap")] == [
        ("LON", ["jan-LON", "mar-LON"]),
        ("PAR", ["jan-PAR", "mar-PAR"]),
    ]
    estimates = fill_gaps(connection, "mean_of_neighbours").estimates.to_pylist()
    assert [(row["facility_code"], row["quantity"]) for row in estimates] == [
        ("LON", Decimal(435)),
        ("PAR", Decimal(435)),
    ]


def test_what_cannot_be_laid_out_is_counted_by_reason(connection: Connection) -> None:
    trip = bill("trip", "2024-01-05", None, 100)
    nowhere = {**FEBRUARY, "meter_id": None}
    found = calendar(connection, JANUARY, trip, nowhere)
    assert (found.judged, found.unjudged) == (1, {"neither meter nor site": 1, "no end of the period": 1})


def test_bills_in_different_units_are_at_risk_in_co2e_only(connection: Connection) -> None:
    (gap,) = calendar(connection, JANUARY, {**MARCH, "unit": "MWh"}).of_kind("gap")
    assert (gap["quantity"], gap["unit"], gap["co2e_kg"]) == (None, None, Decimal("217.5"))


def test_two_spellings_of_a_unit_are_one_unit(connection: Connection) -> None:
    (gap,) = calendar(connection, JANUARY, {**MARCH, "unit": "KWH"}).of_kind("gap")
    assert (gap["quantity"], gap["unit"]) == (Decimal(435), "kWh")


def test_a_bill_without_a_figure_is_told_and_not_taken_for_nothing(connection: Connection) -> None:
    (gap,) = calendar(connection, JANUARY, {**MARCH, "co2e_kg": None}).of_kind("gap")
    assert (gap["without_figure"], gap["co2e_kg"]) == (1, Decimal(145))
    (none,) = calendar(connection, *({**row, "co2e_kg": None} for row in (JANUARY, MARCH))).of_kind("gap")
    assert (none["without_figure"], none["co2e_kg"]) == (2, None)
    (overlap,) = calendar(connection, JANUARY, {**JANUARY, "activity_id": "b", "co2e_kg": None}).of_kind("overlap")
    assert overlap["co2e_kg"] == Decimal(155)


def test_the_mean_of_neighbours_is_an_estimate_that_says_so(connection: Connection) -> None:
    calendar(connection, JANUARY, MARCH)
    filled = fill_gaps(connection, "mean_of_neighbours")
    (estimate,) = filled.estimates.to_pylist()
    assert estimate["quantity"] == Decimal(435)
    assert (estimate["period_start"], estimate["period_end"]) == (day("2024-02-01"), day("2024-03-01"))
    assert (estimate["data_quality"], estimate["unit"], estimate["meter_id"]) == ("estimated", "kWh", "m1")
    assert estimate["note"] == "Estimated by mean_of_neighbours from jan, mar"
    assert filled.left.num_rows == 0


def test_the_same_period_of_last_year_is_taken_by_days(connection: Connection) -> None:
    """February 2023 had 28 days at 5 kWh a day; the gap has 29."""
    rows = [
        JANUARY,
        MARCH,
        bill("winter", "2023-01-15", "2023-02-15", 31 * 5),
        bill("late winter", "2023-02-15", "2023-04-01", 45 * 5),
        bill("rest", "2023-04-01", "2024-01-01", 2000),
    ]
    calendar(connection, *rows)
    (estimate,) = fill_gaps(connection, "same_period_last_year").estimates.to_pylist()
    assert estimate["quantity"] == Decimal(29 * 5)
    assert estimate["note"] == "Estimated by same_period_last_year from winter, late winter"


@pytest.mark.parametrize(
    ("method", "rows", "reason"),
    [
        ("none", [JANUARY, MARCH], "no method was asked for"),
        ("same_period_last_year", [JANUARY, MARCH], "the days of the year before are not billed in full"),
        (
            "mean_of_neighbours",
            [JANUARY, {**MARCH, "data_quality": "estimated"}],
            "a bill beside it is an estimate itself",
        ),
        ("mean_of_neighbours", [JANUARY, {**MARCH, "unit": "MWh"}], "the bills beside it differ in unit"),
        ("mean_of_neighbours", [JANUARY, {**MARCH, "region": "GB"}], "the bills beside it differ in region"),
    ],
)
def test_a_gap_that_is_not_filled_says_why(
    connection: Connection, method: str, rows: list[dict[str, Any]], reason: str
) -> None:
    calendar(connection, *rows)
    filled = fill_gaps(connection, method)
    assert filled.estimates.num_rows == 0
    assert filled.left["reason"].to_pylist() == [reason]


def test_an_edge_has_no_two_neighbours(connection: Connection) -> None:
    calendar(connection, FEBRUARY, start=day("2024-01-01"))
    assert fill_gaps(connection, "mean_of_neighbours").left["reason"].to_pylist() == ["a bill on one side is missing"]


def test_last_years_days_billed_twice_are_not_taken(connection: Connection) -> None:
    before = [bill(name, "2023-01-01", "2024-01-01", 3650) for name in ("one", "two")]
    calendar(connection, JANUARY, MARCH, *before)
    left = fill_gaps(connection, "same_period_last_year").left["reason"].to_pylist()
    assert left == ["the days of the year before are billed twice"]


def test_a_method_nobody_knows_is_refused(connection: Connection) -> None:
    with pytest.raises(Misuse, match="no such method") as refused:
        fill_gaps(connection, "guess")
    assert refused.value.valid == ", ".join(METHODS)


def test_no_bills_at_all_are_an_empty_calendar(connection: Connection) -> None:
    found = calendar(connection)
    assert (found.meters.num_rows, found.findings.num_rows, found.judged) == (0, 0, 0)
