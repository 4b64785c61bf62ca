"""Texts of cursors: what is one, what is earlier by a lag, and which window of the calendar it stands in."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.connectors.protocol import Column
from headwater.connectors.sql import Family, Field, cursors
from headwater.errors import Misuse


def field(family: Family) -> Field:
    return Field(
        column=Column(name="c", type=family, arrow=pa.string()), select="c", order="c", cast=family, family=family
    )


@pytest.mark.parametrize(
    ("family", "cursor", "lag", "expected"),
    [
        ("integer", "5", 7, "-2"),
        ("integer", "170141183460469231731687303715884105727", 1, "170141183460469231731687303715884105726"),
        ("date", "2026-03-01", 1, "2026-02-28"),
        ("date", "2026-03-01", 86_400, "2026-02-28"),
        ("date", "2026-03-01", 86_401, "2026-02-27"),
        ("zoned", "2026-01-01T00:00:00.000000001Z", 1, "2025-12-31T23:59:59.000000001Z"),
        ("time", "2026-01-01T00:00:00.5", 0, "2026-01-01T00:00:00.5"),
        ("time", "2026-01-01 00:00:00", 60, "2025-12-31 23:59:00"),
        ("time", "0001-01-01T00:00:00", 1, None),
        ("zoned", "12026-01-01T00:00:00Z", 1, None),
        ("time", "1700000000", 60, "1699999940"),
    ],
)
def test_earlier(family: Family, cursor: str, lag: int, expected: str | None) -> None:
    assert cursors.earlier(field(family), cursor, lag) == expected


@given(st.datetimes(min_value=datetime.datetime(1900, 1, 1)), st.integers(0, 10**8))  # noqa: DTZ001
def test_earlier_is_a_subtraction(moment: datetime.datetime, lag: int) -> None:
    found = cursors.earlier(field("zoned"), moment.isoformat() + "Z", lag)
    assert found is not None
    assert datetime.datetime.fromisoformat(found).replace(tzinfo=None) == moment - datetime.timedelta(seconds=lag)


@given(
    st.dates(min_value=datetime.date(1, 2, 1), max_value=datetime.date(9998, 12, 31)),
    st.sampled_from(["month", "week", "day"]),
)
def test_windows_adjoin_and_hold_their_day(day: datetime.date, unit: str) -> None:
    date = field("date")
    found = cursors.window(date, day.isoformat(), unit)  # type: ignore[arg-type]
    assert found is not None
    assert found[0] <= day.isoformat() < found[1]
    following = cursors.window(date, found[1], unit)  # type: ignore[arg-type]
    assert following is not None
    assert following[0] == found[1]


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("month", ("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z")),
        ("week", ("2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z")),
        ("day", ("2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z")),
    ],
)
def test_window_of_a_moment(unit: str, expected: tuple[str, str]) -> None:
    assert cursors.window(field("zoned"), "2026-12-31T23:59:59.9Z", unit) == expected  # type: ignore[arg-type]
    assert cursors.window(field("zoned"), "9999-12-31T00:00:00Z", unit) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("family", "since"),
    [
        ("integer", "1.5"),
        ("integer", "1; DROP"),
        ("date", "2026-02-30"),
        ("date", "2026-01-01T00:00:00"),
        ("time", "2026-01-01T00:00:00Z"),
        ("zoned", "2026-01-01T00:00:00"),
        ("zoned", "yesterday"),
        ("zoned", "2026-01-01T25:00:00Z"),
    ],
)
def test_what_is_no_cursor_is_refused(family: Family, since: str) -> None:
    with pytest.raises(Misuse, match="no value of the cursor"):
        cursors.checked(field(family), since, "t")


@pytest.mark.parametrize(
    ("family", "since"),
    [
        ("integer", "-3"),
        ("date", "2024-02-29"),
        ("time", "2026-01-01T00:00:00.123456"),
        ("zoned", "2026-01-01T00:00:00+05:45"),
        ("zoned", "0044-03-15T00:00:00Z BC"),
        ("zoned", "12026-01-01T00:00:00Z"),
    ],
)
def test_what_is_a_cursor_is_taken(family: Family, since: str) -> None:
    assert cursors.checked(field(family), since, "t") == since
