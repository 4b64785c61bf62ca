"""The calendar of any bills is what counting day by day gives; filling adds and never changes."""

from __future__ import annotations

import datetime
from collections import Counter
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.accounting.meters import fill_gaps, read_calendar
from headwater.engine.duck import engine
from tests.examples import examples
from tests.unit.accounting.bills import bill, bills

FIRST = datetime.date(2024, 1, 1)


def on(number: int) -> str:
    return (FIRST + datetime.timedelta(number)).isoformat()


periods = st.lists(
    st.tuples(st.sampled_from(["m1", "m2"]), st.integers(0, 60), st.integers(1, 20), st.integers(0, 10_000)),
    min_size=1,
    max_size=8,
)


def rows_of(found: list[tuple[str, int, int, int]]) -> list[dict[str, Any]]:
    return [
        bill(f"b{number}", on(start), on(start + days), quantity, meter_id=meter)
        for number, (meter, start, days, quantity) in enumerate(found)
    ]


@settings(deadline=None, max_examples=examples(60))
@given(periods, st.randoms(use_true_random=False))
def test_days_are_counted_as_one_would_by_hand(found: list[tuple[str, int, int, int]], random: Any) -> None:
    rows = rows_of(found)
    with engine() as connection:
        calendar = read_calendar(connection, bills(random.sample(rows, len(rows))))
    for meter in calendar.meters.to_pylist():
        own = [(start, start + days, quantity) for name, start, days, quantity in found if name == meter["meter_id"]]
        count = Counter(number for start, end, _ in own for number in range(start, end))
        span = range(min(start for start, _, _ in own), max(end for _, end, _ in own))
        assert meter["missing_days"] == sum(count[number] == 0 for number in span)
        assert meter["doubled_days"] == sum(count[number] > 1 for number in span)
        assert meter["billed_days"] == sum(count[number] > 0 for number in span)
        daily = {
            number: [Decimal(quantity) / (end - start) for start, end, quantity in own if start <= number < end]
            for number in span
        }
        expected = sum(sum(each) * (len(each) - 1) / len(each) for each in daily.values() if each)
        overlaps = [row for row in calendar.of_kind("overlap") if row["meter_id"] == meter["meter_id"]]
        assert abs(sum(row["quantity"] for row in overlaps) - expected) <= Decimal("0.00001") * len(own)


@settings(deadline=None, max_examples=examples(40))
@given(periods, st.sampled_from(["mean_of_neighbours", "same_period_last_year"]))
def test_filling_closes_gaps_and_changes_nothing_measured(found: list[tuple[str, int, int, int]], method: str) -> None:
    rows = rows_of(found)
    with engine() as connection:
        before = read_calendar(connection, bills(rows))
        filled = fill_gaps(connection, method)
        again = fill_gaps(connection, method)
        assert filled.estimates == again.estimates
        assert len(before.of_kind("gap")) == filled.estimates.num_rows + filled.left.num_rows
        estimates = [{**dict.fromkeys(rows[0]), **row} for row in filled.estimates.drop_columns("note").to_pylist()]
        after = read_calendar(connection, bills([*rows, *estimates]))
    assert len(after.of_kind("gap")) == filled.left.num_rows
    assert after.of_kind("overlap") == before.of_kind("overlap")
    assert all(row["data_quality"] == "estimated" for row in estimates)
    assert not {row["activity_id"] for row in rows} & {row["activity_id"] for row in estimates}
