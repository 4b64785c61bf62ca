"""Estimates for the gaps of a calendar, by a named method, marked as such; what was measured is never changed.

    mean_of_neighbours      days × (quantity before + after) / (days before + after); both bills must be there
    same_period_last_year   the measured bills of the same days a year before, by days, brought to the gap's length
    none                    nothing is estimated: every gap is told with its reason

An estimate is an activity with the data quality `estimated`, known by meter and days: made again it is the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from headwater.accounting.meters.calendar import ESTIMATED, decimal_sql, half_up_sql, nano_sql
from headwater.errors import Misuse

if TYPE_CHECKING:
    import duckdb

MEAN_OF_NEIGHBOURS, SAME_PERIOD_LAST_YEAR, NONE = "mean_of_neighbours", "same_period_last_year", "none"
MADE_HERE = "estimate-"
"""How the ids of estimates begin."""
METHODS = (MEAN_OF_NEIGHBOURS, SAME_PERIOD_LAST_YEAR, NONE)

ACTIVITY_COLUMNS = (
    "activity_id", "activity_type", "meter_id", "facility_code", "region", "period_start", "period_end", "quantity",
    "unit", "data_quality", "supplier", "note",
)  # fmt: skip
"""Of an estimate, named as the fields of the contract `activity`."""


@dataclass(frozen=True, kw_only=True)
class Filling:
    """estimates: `ACTIVITY_COLUMNS`, in order of meter and day. left: gaps that stay, each with its `reason`."""

    method: str
    estimates: pa.Table
    left: pa.Table


def fill_gaps(connection: duckdb.DuckDBPyConnection, method: str) -> Filling:
    """Estimates for the gaps that `read_calendar` has found with this connection, by one of `METHODS`."""
    if method not in METHODS:
        raise Misuse("there is no such method of filling gaps", where="method", value=method, valid=", ".join(METHODS))
    statement = {MEAN_OF_NEIGHBOURS: _MEAN, SAME_PERIOD_LAST_YEAR: _LAST_YEAR, NONE: _NOTHING}[method]
    connection.execute(f"CREATE OR REPLACE TEMP TABLE calendar_filled AS {statement}")
    return Filling(
        method=method,
        estimates=connection.sql(_ESTIMATES, params={"method": method}).to_arrow_table(),
        left=connection.sql(_LEFT).to_arrow_table(),
    )


_GAP = "meter, island, period_start, period_end, days"

_NOTHING = f"""
SELECT {_GAP}, NULL::DECIMAL(18,6) AS quantity, NULL::VARCHAR AS symbol, NULL::VARCHAR AS region,
  NULL::VARCHAR AS supplier, NULL::VARCHAR AS rests_on, 'no method was asked for' AS reason
FROM calendar_findings WHERE kind = 'gap'"""

_MEAN = f"""
WITH sides AS (
  SELECT meter, island, count(*) AS bills, count(DISTINCT symbol) AS units, min(symbol) AS symbol,
    count(*) FILTER (data_quality = '{ESTIMATED}') AS estimated, count(DISTINCT region) AS regions,
    min(region) AS region, CASE WHEN count(DISTINCT supplier) = 1 AND count(supplier) = 2 THEN min(supplier) END
      AS supplier,
    sum(days)::HUGEINT AS all_days, sum({nano_sql("quantity")})::HUGEINT AS whole,
    string_agg(activity_id, ', ' ORDER BY period_start) AS rests_on
  FROM calendar_concerned WHERE place <> 'in' GROUP BY meter, island
), judged AS (
  SELECT gap.meter, gap.island, gap.period_start, gap.period_end, gap.days, sides.* EXCLUDE (meter, island),
    CASE WHEN coalesce(sides.bills, 0) < 2 THEN 'a bill on one side is missing'
         WHEN estimated > 0 THEN 'a bill beside it is an estimate itself'
         WHEN units > 1 THEN 'the bills beside it differ in unit'
         WHEN regions > 1 THEN 'the bills beside it differ in region' END AS reason
  FROM (SELECT {_GAP} FROM calendar_findings WHERE kind = 'gap') AS gap
  LEFT JOIN sides ON sides.meter = gap.meter AND sides.island = gap.island
)
SELECT {_GAP},
  CASE WHEN reason IS NULL THEN {decimal_sql(half_up_sql("days * whole", "all_days"))} END AS quantity,
  symbol, region, supplier, rests_on, reason
FROM judged"""

_LAST_YEAR = f"""
WITH gaps AS (
  SELECT {_GAP}, CAST(period_start - INTERVAL 1 YEAR AS DATE) AS earlier_start,
    CAST(period_end - INTERVAL 1 YEAR AS DATE) AS earlier_end
  FROM calendar_findings WHERE kind = 'gap'
), covering AS (
  SELECT gap.meter, gap.island, bill.activity_id, bill.symbol, bill.region, bill.supplier, bill.data_quality,
    bill.period_start, bill.quantity, bill.days,
    least(bill.period_end, gap.earlier_end) - greatest(bill.period_start, gap.earlier_start) AS common
  FROM gaps AS gap JOIN calendar_bills AS bill
    ON bill.meter = gap.meter AND bill.period_start < gap.earlier_end AND bill.period_end > gap.earlier_start
), apart AS (
  SELECT one.meter, one.island FROM covering AS one JOIN covering AS other
    ON one.meter = other.meter AND one.island = other.island AND one.activity_id < other.activity_id
    AND one.period_start < other.period_start + other.days::INTEGER
    AND other.period_start < one.period_start + one.days::INTEGER
  GROUP BY ALL
), summed AS (
  SELECT meter, island, sum(common)::BIGINT AS common, count(DISTINCT symbol) AS units, min(symbol) AS symbol,
    count(DISTINCT region) AS regions, min(region) AS region,
    CASE WHEN count(DISTINCT supplier) = 1 AND count(supplier) = count(*) THEN min(supplier) END AS supplier,
    count(*) FILTER (data_quality = '{ESTIMATED}') AS estimated,
    sum({half_up_sql(f"{nano_sql('quantity')} * common", "days::HUGEINT")})::HUGEINT AS whole,
    string_agg(activity_id, ', ' ORDER BY period_start) AS rests_on
  FROM covering GROUP BY meter, island
), judged AS (
  SELECT gap.*, gap.earlier_end - gap.earlier_start AS earlier_days, summed.* EXCLUDE (meter, island),
    CASE WHEN apart.meter IS NOT NULL THEN 'the days of the year before are billed twice'
         WHEN coalesce(common, 0) < gap.earlier_end - gap.earlier_start OR gap.earlier_end <= gap.earlier_start
           THEN 'the days of the year before are not billed in full'
         WHEN estimated > 0 THEN 'a bill of the year before is an estimate itself'
         WHEN units > 1 THEN 'the bills of the year before differ in unit'
         WHEN regions > 1 THEN 'the bills of the year before differ in region' END AS reason
  FROM gaps AS gap
  LEFT JOIN summed ON summed.meter = gap.meter AND summed.island = gap.island
  LEFT JOIN apart ON apart.meter = gap.meter AND apart.island = gap.island
)
SELECT {_GAP},
  CASE WHEN reason IS NULL THEN {decimal_sql(half_up_sql("whole * days", "earlier_days::HUGEINT"))} END AS quantity,
  symbol, region, supplier, rests_on, reason
FROM judged"""

_ESTIMATES = f"""
SELECT '{MADE_HERE}' || left(sha256(concat_ws(chr(31), filled.meter, filled.period_start, filled.period_end)), 24)
    AS activity_id,
  meters.activity_type, meters.meter_id, meters.facility_code, filled.region, filled.period_start, filled.period_end,
  filled.quantity, filled.symbol AS unit, '{ESTIMATED}' AS data_quality, filled.supplier,
  left('Estimated by ' || $method || ' from ' || rests_on, 2000) AS note
FROM calendar_filled AS filled JOIN (
  SELECT meter, min(activity_type) AS activity_type, min(meter_id) AS meter_id, min(facility_code) AS facility_code
  FROM calendar_bills GROUP BY meter) AS meters USING (meter)
WHERE reason IS NULL ORDER BY filled.meter, filled.period_start"""

_LEFT = """
SELECT meter, period_start, period_end, days, reason FROM calendar_filled WHERE reason IS NOT NULL
ORDER BY meter, period_start"""
