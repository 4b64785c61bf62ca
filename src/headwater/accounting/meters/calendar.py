"""Billing periods held side by side, meter by meter: overlaps and gaps, and the CO2e that is at risk in them.

A meter is known by site, id and activity type, since ids are given by sites; where bills carry no id, by site and
activity type. Its bills are laid over the days as a
running count: where it is 2 or more, days are billed too often; where it is 0 between the first bill and the last, or
between the days asked for, they are missing.

    a bill's daily figure     = figure / days, 9 places, half up
    too much in an overlap    = Σ over its stretches of days × Σ daily figures × (bills − 1) / bills with a figure
    missing in a gap          = days × (figure before + figure after) / (days before + days after)

At risk means: to be looked at. Nothing is changed; two bills of one period at a site may be two meters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headwater.accounting.units import SPELLINGS
from headwater.errors import Misuse

if TYPE_CHECKING:
    import datetime

    import duckdb

_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("activity_id", pa.string()),
    ("meter_id", pa.string()),
    ("facility_code", pa.string()),
    ("activity_type", pa.string()),
    ("region", pa.string()),
    ("supplier", pa.string()),
    ("unit", pa.string()),
    ("period_start", pa.date32()),
    ("period_end", pa.date32()),
    ("quantity", pa.decimal128(18, 6)),
    ("data_quality", pa.string()),
    ("co2e_kg", pa.decimal128(18, 6)),
]
BILLS_SCHEMA = pa.schema(_COLUMNS)
"""Activities as the calendar reads them; co2e_kg is the figure that counts, null where there is none."""

OVERLAP, GAP = "overlap", "gap"
ESTIMATED = "estimated"

FINDING_COLUMNS = (
    "kind", "meter", "meter_id", "facility_code", "activity_type", "period_start", "period_end", "days", "bills",
    "same_period", "estimated", "quantity", "unit", "co2e_kg", "without_figure",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """What was found.

    meters      a row a meter: bills, first_day, end (day after the last), days billed, missing and billed too often
    segments    meter, kind (billed, gap, overlap), period_start, period_end, bills: the days of each meter in order
    findings    a row a gap or an overlap, `FINDING_COLUMNS`: `bills` are those concerned (in a gap those before and
                after), quantity and co2e_kg what is at risk, null where bills differ in unit or none has a figure
    judged      bills that were laid out
    unjudged    reason → how many were not
    """

    meters: pa.Table
    segments: pa.Table
    findings: pa.Table
    judged: int
    unjudged: Mapping[str, int]

    def of_kind(self, kind: str) -> Sequence[Mapping[str, Any]]:
        """The findings of one kind, in order of meter and day."""
        return [row for row in self.findings.to_pylist() if row["kind"] == kind]


def read_calendar(
    connection: duckdb.DuckDBPyConnection,
    bills: pa.Table,
    *,
    start: datetime.date | None = None,
    end: datetime.date | None = None,
) -> Calendar:
    """Lay the bills (`BILLS_SCHEMA`) out.

    start, end: days that every meter should be billed for, end the day after the last; left out, from its own first
    bill to its own last. Misuse: no bill lies in them, so that every meter would be one gap.
    """
    make_bills(connection, bills)
    _check_days(connection, start, end)
    connection.execute(_SEGMENTS, {"start": start, "end": end})
    connection.execute(_ISLANDS)
    connection.execute(_NEIGHBOURS)
    connection.execute(_RISKS)
    unjudged = connection.execute(_UNJUDGED).fetchall()
    return Calendar(
        meters=connection.sql(_METERS).to_arrow_table(),
        segments=connection.sql(_LAID_OUT).to_arrow_table(),
        findings=connection.sql(f"SELECT {', '.join(FINDING_COLUMNS)} FROM calendar_findings").to_arrow_table(),
        judged=_count(connection, "calendar_bills"),
        unjudged={reason: count for reason, count in unjudged if count},
    )


def make_bills(connection: duckdb.DuckDBPyConnection, bills: pa.Table) -> None:
    """The tables calendar_given, as handed over, and calendar_bills, those that can be laid out, with daily figures."""
    spellings = pa.table(
        {"spelling": list(SPELLINGS), "symbol": [unit.symbol for unit in SPELLINGS.values()]},
        schema=pa.schema([pa.field("spelling", pa.string()), pa.field("symbol", pa.string())]),
    )
    connection.register("calendar_arrow", bills.select(BILLS_SCHEMA.names).cast(BILLS_SCHEMA))
    connection.register("calendar_spellings", spellings)
    try:
        connection.execute(_GIVEN)
        connection.execute(_BILLS)
    finally:
        connection.unregister("calendar_arrow")
        connection.unregister("calendar_spellings")


def _check_days(connection: duckdb.DuckDBPyConnection, start: datetime.date | None, end: datetime.date | None) -> None:
    ((first, last, within),) = connection.execute(
        "SELECT min(period_start), max(period_end), count(*) FILTER ("
        "($start::DATE IS NULL OR period_end > $start::DATE) AND ($end::DATE IS NULL OR period_start < $end::DATE))"
        " FROM calendar_bills",
        {"start": start, "end": end},
    ).fetchall()
    if first is not None and not within:
        said = [f"from {start}"] if start else []
        said += [f"up to {end}"] if end else []
        raise Misuse(
            f"no bill lies in the days {' '.join(said)}; bills are there from {first} up to {last}",
            where="the calendar",
        )


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    ((count,),) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
    return int(count)


def half_up_sql(dividend: str, divisor: str) -> str:
    """Whole numbers of 128 bits divided and rounded half up; both are 0 or more."""
    return f"((2 * ({dividend}) + ({divisor})) // (2 * ({divisor})))"


def nano_sql(decimal: str) -> str:
    """A DECIMAL(18,6) as a whole number of 10^-9."""
    return f"(CAST(CAST({decimal} AS DECIMAL(25,6)) * CAST(1000000 AS DECIMAL(7,0)) AS HUGEINT) * 1000)"


def decimal_sql(nano: str) -> str:
    """A whole number of 10^-9, 0 or more, as DECIMAL(18,6), half up."""
    micro = half_up_sql(nano, "1000::HUGEINT")
    return f"CAST(CAST({micro} AS DECIMAL(30,0)) * CAST('0.000001' AS DECIMAL(6,6)) AS DECIMAL(18,6))"


_GIVEN = """
CREATE OR REPLACE TEMP TABLE calendar_given AS
SELECT bill.*, coalesce(units.symbol, bill.unit) AS symbol,
  CASE WHEN meter_id IS NOT NULL THEN 'meter ' || meter_id || coalesce(' at ' || facility_code, '') || ', '
         || activity_type
       WHEN facility_code IS NOT NULL THEN 'site ' || facility_code || ', ' || activity_type END AS meter
FROM calendar_arrow AS bill LEFT JOIN calendar_spellings AS units ON units.spelling = bill.unit"""

_BILLS = f"""
CREATE OR REPLACE TEMP TABLE calendar_bills AS
SELECT *,
  {half_up_sql(nano_sql("quantity"), "days::HUGEINT")} AS daily,
  {half_up_sql(nano_sql("co2e_kg"), "days::HUGEINT")} AS daily_kg
FROM (
  SELECT *, period_end - period_start AS days FROM calendar_given
  WHERE meter IS NOT NULL AND period_end > period_start AND quantity IS NOT NULL)"""

_UNJUDGED = """
SELECT CASE WHEN meter IS NULL THEN 'neither meter nor site' ELSE 'no end of the period' END AS reason, count(*)
FROM calendar_given WHERE meter IS NULL OR period_end IS NULL OR period_end <= period_start OR quantity IS NULL
GROUP BY 1 ORDER BY 1"""

_SEGMENTS = """
CREATE OR REPLACE TEMP TABLE calendar_segments AS
WITH events AS (
  SELECT meter, period_start AS day, 1 AS bills, daily, coalesce(daily_kg, 0) AS daily_kg,
         (daily_kg IS NULL)::INTEGER AS without_figure FROM calendar_bills
  UNION ALL
  SELECT meter, period_end, -1, -daily, -coalesce(daily_kg, 0), -(daily_kg IS NULL)::INTEGER FROM calendar_bills
  UNION ALL
  SELECT DISTINCT meter, $start::DATE, 0, 0, 0, 0 FROM calendar_bills WHERE $start IS NOT NULL
  UNION ALL
  SELECT DISTINCT meter, $end::DATE, 0, 0, 0, 0 FROM calendar_bills WHERE $end IS NOT NULL
), days AS (
  SELECT meter, day, sum(bills)::BIGINT AS bills, sum(daily)::HUGEINT AS daily, sum(daily_kg)::HUGEINT AS daily_kg,
         sum(without_figure)::BIGINT AS without_figure
  FROM events GROUP BY meter, day
), laid AS (
  SELECT meter, day AS period_start, lead(day) OVER calendar AS period_end,
    sum(bills) OVER calendar AS bills, (sum(daily) OVER calendar)::HUGEINT AS daily,
    (sum(daily_kg) OVER calendar)::HUGEINT AS daily_kg, sum(without_figure) OVER calendar AS without_figure
  FROM days WINDOW calendar AS (PARTITION BY meter ORDER BY day)
)
SELECT *, period_end - period_start AS days,
  CASE WHEN bills = 0 THEN 'gap' WHEN bills > 1 THEN 'overlap' ELSE 'billed' END AS kind
FROM laid
WHERE period_end IS NOT NULL AND ($start IS NULL OR period_start >= $start) AND ($end IS NULL OR period_end <= $end)"""

_TOO_MANY = "days * {} * (bills - 1)::HUGEINT"
_ISLANDS = f"""
CREATE OR REPLACE TEMP TABLE calendar_islands AS
WITH cut AS (
  SELECT *, kind IS DISTINCT FROM lag(kind) OVER (PARTITION BY meter ORDER BY period_start) AS begins
  FROM calendar_segments
), numbered AS (
  SELECT *, count(*) FILTER (begins) OVER (PARTITION BY meter ORDER BY period_start) AS island FROM cut
)
SELECT meter, kind, island, min(period_start) AS period_start, max(period_end) AS period_end,
  sum(days)::BIGINT AS days, max(without_figure) AS without_figure, max(bills) AS most,
  sum({half_up_sql(_TOO_MANY.format("daily"), "greatest(bills, 1)::HUGEINT")})::HUGEINT AS too_much,
  sum({half_up_sql(_TOO_MANY.format("daily_kg"), "greatest(bills - without_figure, 1)::HUGEINT")})::HUGEINT
    AS too_much_kg
FROM numbered WHERE kind <> 'billed' GROUP BY meter, kind, island"""

_NEIGHBOURS = """
CREATE OR REPLACE TEMP TABLE calendar_concerned AS
SELECT island.meter, island.island, bill.*,
  CASE WHEN island.kind = 'overlap' THEN 'in' WHEN bill.period_end <= island.period_start THEN 'before' ELSE 'after'
  END AS place
FROM calendar_islands AS island JOIN calendar_bills AS bill ON bill.meter = island.meter AND (
  (island.kind = 'overlap' AND bill.period_start < island.period_end AND bill.period_end > island.period_start)
  OR (island.kind = 'gap' AND (bill.period_end = island.period_start OR bill.period_start = island.period_end)))
QUALIFY island.kind = 'overlap' OR row_number() OVER (
  PARTITION BY island.meter, island.island, bill.period_end <= island.period_start
  ORDER BY bill.days, bill.activity_id) = 1"""

_RISKS = f"""
CREATE OR REPLACE TEMP TABLE calendar_findings AS
WITH concerned AS (
  SELECT meter, island, list(activity_id ORDER BY period_start, period_end, activity_id) AS bills,
    min(period_start) = max(period_start) AND min(period_end) = max(period_end) AS same_period,
    count(*) FILTER (data_quality = '{ESTIMATED}') AS estimated,
    count(DISTINCT symbol) AS units, min(symbol) AS unit, sum(days)::HUGEINT AS all_days,
    sum({nano_sql("quantity")})::HUGEINT AS whole,
    sum({nano_sql("co2e_kg")})::HUGEINT AS whole_kg,
    (sum(days) FILTER (co2e_kg IS NOT NULL))::HUGEINT AS days_with_figure,
    count(*) FILTER (co2e_kg IS NULL) AS without_figure
  FROM calendar_concerned GROUP BY meter, island
), meters AS (
  SELECT meter, min(meter_id) AS meter_id, min(facility_code) AS facility_code, min(activity_type) AS activity_type
  FROM calendar_bills GROUP BY meter
)
SELECT island.kind, island.meter, meters.meter_id, meters.facility_code, meters.activity_type,
  island.period_start, island.period_end, island.days, coalesce(bills, []) AS bills, island.island,
  island.kind = 'overlap' AND same_period AS same_period, coalesce(estimated, 0) AS estimated,
  CASE WHEN units = 1 THEN CASE WHEN island.kind = 'overlap' THEN {decimal_sql("too_much")}
       ELSE {decimal_sql(half_up_sql("island.days * whole", "all_days"))} END END AS quantity,
  CASE WHEN units = 1 THEN unit END AS unit,
  CASE WHEN days_with_figure > 0 THEN CASE WHEN island.kind = 'overlap' THEN {decimal_sql("too_much_kg")}
       ELSE {decimal_sql(half_up_sql("island.days * whole_kg", "days_with_figure"))} END END AS co2e_kg,
  coalesce(concerned.without_figure, 0) AS without_figure
FROM calendar_islands AS island
LEFT JOIN concerned ON concerned.meter = island.meter AND concerned.island = island.island
JOIN meters ON meters.meter = island.meter
ORDER BY island.meter, island.period_start"""

_LAID_OUT = "SELECT meter, kind, period_start, period_end, bills FROM calendar_segments ORDER BY meter, period_start"

_METERS = """
WITH bills AS (
  SELECT meter, min(meter_id) AS meter_id, min(facility_code) AS facility_code, min(activity_type) AS activity_type,
    count(*) AS bills, count(*) FILTER (data_quality = 'estimated') AS estimated, min(period_start) AS first_day,
    max(period_end) AS "end", count(DISTINCT symbol) AS units
  FROM calendar_bills GROUP BY meter
), days AS (
  SELECT meter, coalesce(sum(days) FILTER (bills > 0), 0)::BIGINT AS billed_days,
    coalesce(sum(days) FILTER (bills = 0), 0)::BIGINT AS missing_days,
    coalesce(sum(days) FILTER (bills > 1), 0)::BIGINT AS doubled_days
  FROM calendar_segments GROUP BY meter
)
SELECT bills.*, coalesce(billed_days, 0) AS billed_days, coalesce(missing_days, 0) AS missing_days,
  coalesce(doubled_days, 0) AS doubled_days
FROM bills LEFT JOIN days USING (meter) ORDER BY meter"""
