"""Rows for tests of indicators: emissions and facts of an organisation, small enough to add up by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from headwater.accounting.indicators import CO2E, Computed, Rows, Source, compute, read_indicators
from headwater.contracts.document import FieldSpec

_EMISSION: list[tuple[str, pa.DataType]] = [
    ("year", pa.int64()),
    ("scope", pa.int64()),
    ("facility_code", pa.string()),
    ("method", pa.string()),
    ("gwp_set", pa.string()),
    ("renewable", pa.bool_()),
    ("co2e_kg", pa.decimal128(18, 6)),
    ("quantity", pa.decimal128(18, 6)),
    ("unit", pa.string()),
]
_FACT: list[tuple[str, pa.DataType]] = [
    ("fact", pa.string()),
    ("facility_code", pa.string()),
    ("year", pa.int64()),
    ("quantity", pa.decimal128(18, 6)),
    ("unit", pa.string()),
]
_KINDS = {"int64": "integer", "string": "code", "bool": "boolean", "decimal128(18, 6)": "decimal"}
USUAL = {"year": 2024, "scope": 1, "method": "activity_based", "gwp_set": "AR5", "facility_code": "LON"}


def _fields(columns: Iterable[tuple[str, pa.DataType]]) -> dict[str, FieldSpec]:
    found = {}
    for name, type_ in columns:
        kind = _KINDS[str(type_)]
        digits, places = (18, 6) if kind == "decimal" else (None, None)
        found[name] = FieldSpec(
            name=name, type=kind, description=name, required=False, key=False, precision=digits, scale=places
        )
    return found


def _load(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Sequence[tuple[str, pa.DataType]],
    rows: Iterable[Mapping[str, Any]],
) -> None:
    given = [
        {column: Decimal(str(row[column])) if str(type_).startswith("decimal") and row.get(column) is not None
         else row.get(column) for column, type_ in columns}
        for row in rows
    ]  # fmt: skip
    connection.register("given", pa.Table.from_pylist(given, schema=pa.schema(columns)))
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM given")
    connection.unregister("given")


def rows_of(
    connection: duckdb.DuckDBPyConnection,
    emissions: Iterable[Mapping[str, Any]] = (),
    facts: Iterable[Mapping[str, Any]] = (),
) -> Rows:
    """The sources `emissions` and `organisation_fact@1` over these rows; what an emission leaves out is usual."""
    _load(connection, "emissions", _EMISSION, ({**USUAL, **row} for row in emissions))
    _load(connection, "facts", _FACT, ({"year": 2024, "facility_code": "*", **row} for row in facts))
    plain = {name: name for name in ("year", "scope", "facility_code", "method", "gwp_set")}
    return Rows(
        connection=connection,
        sources={
            "emissions": Source(
                title="lines of inventory 1",
                relation="emissions",
                fields=_fields(_EMISSION),
                dimensions=plain,
                units={"co2e_kg": CO2E, "quantity": "unit"},
                apart={"scope 2": "CASE WHEN scope = 2 AND method LIKE '%_based' THEN method END"},
                sha256="e" * 64,
            ),
            "organisation_fact@1": Source(
                title="organisation_fact",
                relation="facts",
                fields=_fields(_FACT),
                dimensions={"year": "year", "facility_code": "facility_code"},
                units={"quantity": "unit"},
                whole=("facility_code", "*"),
                period="year",
                sha256="f" * 64,
            ),
        },
    )


DEFINED: dict[str, Any] = {
    "emissions": {"title": "Emissions", "unit": "tCO2e", "sum": {"of": "emissions", "field": "co2e_kg"}},
    "headcount": {
        "title": "Headcount",
        "unit": "person",
        "sum": {"of": "organisation_fact@1", "field": "quantity", "where": "fact = 'headcount'", "state": "true"},
    },
    "intensity": {
        "title": "Intensity",
        "unit": "tCO2e/person",
        "places": "6",
        "ratio": {"of": "emissions", "per": "headcount"},
    },
}


def computed(rows: Rows, name: str, *, by: Sequence[str] | None = (), **more: Any) -> Computed:
    """One indicator of `DEFINED` and `more`."""
    found = read_indicators({"indicators": {**DEFINED, **more}}, where="test")
    return compute(found, rows, [name], by=by)[0]


def figures(rows: Rows, name: str, *, by: Sequence[str] | None = (), **more: Any) -> dict[Any, Any]:
    """Key → figure as text, or why there is none; a key of one part by itself, and the figure alone where no key."""
    shown = computed(rows, name, by=by, **more)
    return {
        (each.key[0] if len(each.key) == 1 else each.key): str(each.figure) if each.figure is not None else each.why
        for each in shown.figures
    }
