"""The lines of an inventory: one figure of one activity, by one method, in one set of warming potentials.

A line is known by `KEY`. The columns stand in `COLUMNS` with what they mean; the table inventory_lines, the blob of
lines and all that is made of lines have exactly these, in this order. Masses and CO2e are kg, 6 places, half up.

    total of a set and a method = Σ co2e_kg where gwp_set is the set, scope is 1, 3, or 2 by the method or as reported
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headwater.values import record_text, record_text_sql, sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KG = pa.decimal128(18, 6)
PERCENT = pa.decimal128(9, 4)
SHARE = pa.decimal128(7, 6)

STAGES = ("use", "well_to_tank", "transmission_and_distribution", "well_to_tank_of_transmission", "outside_of_scopes")
UPSTREAM = STAGES[1:4]
"""What comes before the use: of fuels and energy bought, category 3 of scope 3."""
TIERS = ("certificate", "contract", "supplier_rate", "residual_mix", "market_factor", "grid_average")
"""What market-based figures of scope 2 rest on, in the order in which they are taken."""
REPORTED = "reported"
"""The method of figures that came as CO2e already; they count whatever the method of scope 2."""
SCOPE_2_METHODS = ("location_based", "market_based")
MASSES = ("co2_kg", "ch4_fossil_kg", "ch4_non_fossil_kg", "ch4_kg", "n2o_kg", "gas_kg", "biogenic_co2_kg")


@dataclass(frozen=True)
class Column:
    """A column of a line: its name, its type, and what it means."""

    name: str
    type: pa.DataType
    meaning: str


COLUMNS: tuple[Column, ...] = (
    Column("activity_id", pa.string(), "The activity the figure is of."),
    Column(
        "method",
        pa.string(),
        "location_based or market_based of scope 2, beside each other; else the factor's: activity_based, spend_based;"
        " `reported` of a figure that came as CO2e.",
    ),
    Column("gwp_set", pa.string(), "The set of warming potentials behind co2e_kg."),
    Column("stage", pa.string(), "use, or what of upstream: see the contract emission_factor."),
    Column("part", pa.int64(), "0, and on from there where several instruments cover one activity."),
    Column("scope", pa.int64(), "1, 2 or 3; absent: outside the scopes (biogenic CO2), and then co2e_kg is 0."),
    Column("category", pa.int64(), "Of scope 3, 1 to 15; upstream of scopes 1 and 2 is 3."),
    Column("activity_type", pa.string(), "As the activity says."),
    Column("facility_code", pa.string(), "As the activity says."),
    Column("region", pa.string(), "As the activity says; the factor's own is in `substitutions` where it is another."),
    Column("period_start", pa.date32(), "As the activity says."),
    Column("period_end", pa.date32(), "As the activity says."),
    Column("quantity", KG, "As the activity says, the whole of it."),
    Column("unit", pa.string(), "As the activity says."),
    Column("share", SHARE, "What of it counts, by equity share; absent: all. quantity × share is rounded to 6 places."),
    Column("tier", pa.string(), "Of market-based figures: what they rest on, one of TIERS."),
    Column("part_kwh", KG, "Of market-based figures: the kWh of this part; the parts add up to the activity's kWh."),
    Column("factor_id", pa.string(), "The factor; absent where an instrument or a reported figure stands in for it."),
    Column("instrument_id", pa.string(), "The instrument of scope 2."),
    Column("renewable", pa.bool_(), "Whether the instrument's energy counts as renewable, as the instrument says."),
    Column("factor_source", pa.string(), "Who published the factor; of an instrument its source."),
    Column("factor_unit", pa.string(), "The unit the factor is given per."),
    Column("converted_quantity", KG, "The quantity that counts, in factor_unit."),
    Column(
        "basis",
        pa.string(),
        "published: the factor's own CO2e in its own set; derived: Σ mass of gas × its potential in gwp_set;"
        " reported: as the file says.",
    ),
    Column("co2e_kg", KG, "CO2e in gwp_set."),
    Column("co2_kg", KG, "Mass of CO2, biogenic apart."),
    Column("ch4_fossil_kg", KG, "Mass of methane of fossil origin."),
    Column("ch4_non_fossil_kg", KG, "Mass of methane of other origin."),
    Column("ch4_kg", KG, "Mass of methane whose origin neither factor nor document says."),
    Column("n2o_kg", KG, "Mass of N2O."),
    Column("gas", pa.string(), "The one further gas, as the sets of potentials name it: SF6, HFC-134a."),
    Column("gas_kg", KG, "Mass of `gas`."),
    Column("biogenic_co2_kg", KG, "Biogenic CO2: outside the scopes, never part of co2e_kg."),
    Column(
        "missing_sets",
        pa.string(),
        "Sets that were asked for and in which this figure cannot be had, `;` between; it stands in none of their"
        " totals unless the document accepts other sets.",
    ),
    Column("substitutions", pa.string(), "What was taken in place of what was looked for, `;` between."),
    Column("data_quality", pa.string(), "As the activity says."),
    Column("quantity_uncertainty_percent", PERCENT, "As the activity says: half-width of the 95 % interval."),
    Column("factor_uncertainty_percent", PERCENT, "As the factor says."),
    Column("activity_pedigree", pa.string(), "As the activity says: five digits, 1 best."),
    Column("factor_pedigree", pa.string(), "As the factor says: five digits, 1 best."),
    Column("activity_row_hash", pa.string(), "Row hash of the activity, as pinned."),
    Column("factor_row_hash", pa.string(), "Row hash of the factor or instrument, as pinned."),
    Column("row_hash", pa.string(), "SHA-256 of the canonical texts of all columns before."),
)
NAMES = tuple(column.name for column in COLUMNS)
HASHED = NAMES[:-1]
KEY = NAMES[:5]
LINE_SCHEMA = pa.schema([(column.name, column.type) for column in COLUMNS])


def sql_type(column: Column) -> str:
    """The column's type in the engine and, read as SQL, in the database."""
    if pa.types.is_decimal(column.type):
        return f"DECIMAL({column.type.precision},{column.type.scale})"
    return {"string": "VARCHAR", "date32[day]": "DATE", "int64": "BIGINT", "bool": "BOOLEAN"}[str(column.type)]


def canonical(value: Any) -> str | None:
    """The text of a value that is hashed: decimals with all their places, dates as 2024-01-31, true."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else str(value)


def line_hash(line: Mapping[str, Any]) -> str:
    """The row hash of a line whose decimals have the places of their columns."""
    return sha256(record_text([canonical(line[name]) for name in HASHED])).hex()


def line_hash_sql() -> str:
    """SQL twin of `line_hash` over typed columns: 64 hexadecimal digits."""
    text = record_text_sql([f"CAST({name} AS VARCHAR)" for name in HASHED])
    return f"sha256({text})"


def counts_sql(gwp_set: str, method: str, *, accept_other_sets: bool) -> str:
    """A condition over lines: those that make up the total of one set by one method of scope 2.

    Both are SQL texts already quoted. See `counts` for the rule in words.
    """
    own = f"gwp_set = {gwp_set}"
    if accept_other_sets:
        own = f"({own} OR list_contains(string_split(coalesce(missing_sets, ''), ';'), {gwp_set}))"
    return f"({own} AND scope IS NOT NULL AND (scope <> 2 OR method IN ({method}, '{REPORTED}')))"


def counts(line: Mapping[str, Any], gwp_set: str, method: str, *, accept_other_sets: bool) -> bool:
    """Whether a line is part of the total of a set by a method of scope 2: the twin of `counts_sql`."""
    missing: Sequence[str] = (line["missing_sets"] or "").split(";")
    in_set = line["gwp_set"] == gwp_set or (accept_other_sets and gwp_set in missing)
    return in_set and line["scope"] is not None and (line["scope"] != 2 or line["method"] in {method, REPORTED})
