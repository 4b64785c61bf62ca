"""Lines as SQL: activities joined with what `tables` worked out, in exact whole numbers; `twin` gives the same digits.

counted    activities inside the boundary, with what counts of their quantity
placed     each with the pieces of its slots and its parts: one row for every figure looked for
figured    converted quantity and masses, in units of 10^-6
lines      one row for every set, in the columns of `lines.COLUMNS`
"""

from __future__ import annotations

from headwater.accounting.calculation_sql import converted_sql, decimal_sql, figure_sql, units_sql
from headwater.accounting.inventory.figures import POTENTIAL_UNITS
from headwater.accounting.inventory.lines import COLUMNS, HASHED, REPORTED, STAGES, line_hash_sql, sql_type
from headwater.accounting.outcome import CalculationOutcome

COUNTED, PLACED, LINES = "inventory_counted", "inventory_placed", "inventory_lines"
OUT_OF_RANGE = int(CalculationOutcome.OUT_OF_RANGE)
_TENTHS = 10**10
RANKS = 1024
"""More than there are methods, sets and stages together."""
_FACTS = (
    "factor_id", "instrument_id", "renewable", "factor_source", "factor_unit", "gas",
    "factor_uncertainty_percent", "factor_pedigree", "factor_row_hash",
)  # fmt: skip
_PLACED = ("part", "part_kwh", "stage", "method", "tier", "substitutions", "scope", "category")
_FROM_FIGURE = (*_PLACED, *_FACTS)
_FROM_ACTIVITY = (
    "activity_id", "activity_type", "facility_code", "region", "period_start", "period_end", "quantity", "unit",
    "data_quality", "quantity_uncertainty_percent", "activity_row_hash",
)  # fmt: skip


def counted_sql(batch: str, *, facilities: bool, shares: bool) -> str:
    """Activities of `batch` inside the boundary, with `share` and `counted`: what counts of the quantity.

    facilities, shares: whether the tables inventory_facilities and inventory_shares narrow them.
    """
    share = "share" if shares else "NULL::DECIMAL(7,6)"
    units = f"CAST({units_sql('quantity')} AS HUGEINT) * CAST(share * 1000000 AS BIGINT)"
    half_up = f"CAST(({units} * 2 + 1000000) // 2000000 AS BIGINT)"
    counted = decimal_sql(half_up) if shares else "quantity"
    within = "SEMI JOIN inventory_facilities USING (facility_code)" if facilities else ""
    joined = "JOIN inventory_shares USING (facility_code)" if shares else ""
    return f"SELECT *, {share} AS share, {counted} AS counted FROM {batch} {within} {joined}"


def placed_sql(counted: str = COUNTED) -> str:
    """One row for each figure looked for: row_no, part, part_kwh, units, and the piece; `is_figure` where one comes."""
    facts = "piece_no, stage, method, tier, outcome, factor_no, numerator, denominator, is_narrow, quantity_limit"
    listed = ", ".join(f"piece.{name}" for name in (*facts.split(", "), "substitutions", "scope", "category"))
    carried = _of_activity("a")
    valid = "piece.valid_from <= a.period_start AND a.period_start < piece.valid_to"
    return f"""
SELECT *, outcome = 0 AND quantity_in BETWEEN 0 AND quantity_limit AS is_figure FROM (
  SELECT {carried}, 0 AS part, NULL::DECIMAL(18,6) AS part_kwh, a.counted AS quantity_in, {listed}
  FROM {counted} AS a
  JOIN inventory_demands AS d
    ON d.activity_type = a.activity_type AND d.region = a.region AND d.unit = a.unit
  JOIN inventory_pieces AS piece ON piece.demand_no = d.demand_no AND {valid}
  WHERE a.reported_co2e_kg IS NULL
  UNION ALL
  SELECT {carried}, p.part, p.kwh, p.kwh, {listed}
  FROM {counted} AS a
  JOIN inventory_parts AS p ON p.row_no = a.row_no
  JOIN inventory_pieces AS piece ON piece.demand_no = p.demand_no AND {valid}
)"""


def lines_sql(placed: str = PLACED, counted: str = COUNTED) -> str:
    """The lines of a batch in the columns and types of `COLUMNS`, in order."""
    typed = ", ".join(
        f"CAST({name} AS {sql_type(column)}) AS {name}" for column in COLUMNS[:-1] for name in [column.name]
    )
    # One number is sorted fifty times faster than five columns of text.
    order = "line_rank, part"
    return f"""
SELECT * EXCLUDE (line_rank), {line_hash_sql()} AS row_hash FROM (
  SELECT {typed}, {_line_rank()} AS line_rank FROM ({calculated_sql(placed)} UNION ALL BY NAME {_reported(counted)})
) ORDER BY {order}"""


def _line_rank() -> str:
    """The row, then method, set and stage in the order of their texts, as one number."""
    ranks = "(SELECT map_from_entries(list((name, place))) FROM inventory_ranks)"
    row = f"row_no * {RANKS**3}"
    return f"{row} + {ranks}[method] * {RANKS**2} + {ranks}[gwp_set] * {RANKS} + {ranks}[stage]"


def calculated_sql(placed: str = PLACED) -> str:
    """The join with factors and sets, and every figure: lines without hash and order."""
    return f"""
SELECT {", ".join(f"f.{name}" for name in (*_CARRIED, *_FROM_FIGURE))},
  s.gwp_set, s.basis, s.missing_sets,
  {decimal_sql(_co2e())} AS co2e_kg,
  {decimal_sql("converted_units")} AS converted_quantity,
  {_masses()}
FROM ({_figured(placed)}) AS f
JOIN inventory_sets AS s ON s.factor_no = f.factor_no"""


def _figured(placed: str) -> str:
    """Converted quantity and masses, each worked once whatever the number of sets."""
    masses = ", ".join(f"{_mass(gas)} AS {gas}_mass" for gas in ("co2", "ch4", "n2o", "gas", "biogenic"))
    facts = ", ".join(f"factor.{name}" for name in _FACTS)
    carried = ", ".join(f"p.{name}" for name in (*_CARRIED, *_PLACED))
    return f"""
SELECT * EXCLUDE (converted), converted AS converted_units, {masses} FROM (
  SELECT {carried}, {facts},
    factor.* EXCLUDE ({", ".join(_FACTS)}),
    {converted_sql("p.units")} AS converted
  FROM (SELECT *, {units_sql("quantity_in")} AS units FROM {placed} WHERE is_figure) AS p
  JOIN inventory_factors AS factor ON factor.factor_no = p.factor_no
)"""


def _mass(gas: str) -> str:
    """In units of 10^-6 kg; from CO2e in 128 bits, see `figures`."""
    if gas not in {"ch4", "n2o"}:
        return figure_sql(gas)
    large = f"CAST(converted AS HUGEINT) * {gas}_units * (2 * {gas}_numerator)"
    divisor = f"CAST({gas}_denominator AS HUGEINT) * {_TENTHS}"
    wide = f"CAST(({large} + {divisor}) // (2 * {divisor}) AS BIGINT)"
    return f"CASE WHEN {gas}_units IS NULL THEN {figure_sql(gas)} ELSE {wide} END"


def _co2e() -> str:
    """Published: the factor's own; derived: masses × potentials, in units of 10^-6 kg."""
    published = figure_sql("co2e").replace("converted", "converted_units")
    gases = " + ".join(f"CAST(coalesce({gas}_mass, 0) AS HUGEINT) * {gas}_potential" for gas in ("ch4", "n2o", "gas"))
    total = f"CAST(coalesce(co2_mass, 0) AS HUGEINT) * {POTENTIAL_UNITS} + {gases}"
    derived = f"CAST((({total}) * 2 + {POTENTIAL_UNITS}) // {2 * POTENTIAL_UNITS} AS BIGINT)"
    return f"CASE WHEN s.basis = 'published' THEN {published} ELSE {derived} END"


def _masses() -> str:
    named = {"co2_kg": "co2", "n2o_kg": "n2o", "gas_kg": "gas", "biogenic_co2_kg": "biogenic"}
    plain = [f"{decimal_sql(f'{gas}_mass')} AS {name}" for name, gas in named.items()]
    methane = [
        f"CASE WHEN methane = '{name}' THEN {decimal_sql('ch4_mass')} END AS {name}"
        for name in ("ch4_fossil_kg", "ch4_non_fossil_kg", "ch4_kg")
    ]
    return ", ".join(plain + methane)


def _reported(counted: str) -> str:
    """Figures that came as CO2e: taken as they are, the share of them that counts."""
    units = f"CAST({units_sql('reported_co2e_kg')} AS HUGEINT)"
    of_share = decimal_sql(f"CAST(({units} * CAST(share * 1000000 AS BIGINT) * 2 + 1000000) // 2000000 AS BIGINT)")
    absent = ", ".join(
        f"NULL::{sql_type(column)} AS {column.name}"
        for column in COLUMNS
        if column.name in HASHED and column.name not in _REPORTED_HAS
    )
    return f"""
SELECT {_of_activity("a")}, {absent}, '{REPORTED}' AS method, own_set AS gwp_set, '{STAGES[0]}' AS stage, 0 AS part,
  reported_scope AS scope, reported_category AS category, '{REPORTED}' AS basis,
  CASE WHEN share IS NULL THEN reported_co2e_kg ELSE {of_share} END AS co2e_kg,
  nullif(array_to_string(list_filter(sets, lambda each: each <> own_set), ';'), '') AS missing_sets
FROM (
  SELECT *, coalesce(reported_gwp_set, 'not_stated') AS own_set, (SELECT list(gwp_set ORDER BY place) FROM
    inventory_asked_sets) AS sets
  FROM {counted} WHERE reported_co2e_kg IS NOT NULL AND reported_scope IS NOT NULL) AS a"""


_CARRIED = ("row_no", *_FROM_ACTIVITY, "activity_pedigree", "share")
"""What of an activity stands on its lines."""
_REPORTED_HAS = frozenset(
    {
        *_FROM_ACTIVITY, "activity_pedigree", "share", "method", "gwp_set", "stage", "part", "scope", "category",
        "basis", "co2e_kg", "missing_sets",
    }
)  # fmt: skip


def _of_activity(name: str) -> str:
    listed = ", ".join(f"{name}.{column}" for column in _FROM_ACTIVITY)
    return f"{name}.row_no, {listed}, {name}.pedigree AS activity_pedigree, {name}.share"
