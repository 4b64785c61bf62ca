"""What indicators are taken from: figures that stand or lines of inventories, activities, and any contract's rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwater.accounting.indicators import CO2E, Rows, Source
from headwater.contracts.bulk import quoted
from headwater.contracts.document import FieldSpec
from headwater.errors import Misuse
from headwater.services.contract_rows import load_rows
from headwater.services.logic import CALCULATED, RESULTS

if TYPE_CHECKING:
    import duckdb

    from headwater.contracts import Document
    from headwater.services.installation import Installation

EMISSIONS, ACTIVITIES, MARKET_ELECTRICITY = "emissions", "activities", "market_electricity"
MASSES = {
    "co2_kg": "kgCO2",
    "ch4_kg": "kgCH4",
    "ch4_fossil_kg": "kgCH4_fossil",
    "ch4_non_fossil_kg": "kgCH4_nonfossil",
    "n2o_kg": "kgN2O",
    "biogenic_co2_kg": "kgCO2_biogenic",
    "part_kwh": "kWh",
}
"""Fields of figures whose unit is a constant."""
ROW_UNITS = {"quantity": "unit", "converted_quantity": "factor_unit", "cost": "currency", "revenue": "currency"}
"""Fields whose unit stands in another field of the row."""
SCOPE_2 = "CASE WHEN scope = 2 AND method IN ('location_based', 'market_based') THEN method END"
TOLD_APART = frozenset({"code", "text", "integer", "boolean"})
WHOLES = {"organisation_fact": ("facility_code", "*")}
"""Contracts some of whose rows are the total of others."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which figures are taken where several stand beside each other; None: all there are."""

    method: str | None = None
    gwp_set: str | None = None


def live_rows(
    installation: Installation, engine: duckdb.DuckDBPyConnection, names: Sequence[str], wanted: Wanted
) -> Rows:
    """The sources of these names from what stands in the contracts' tables."""
    sources: dict[str, Source] = {}
    for name in names:
        if name == EMISSIONS:
            sources[name] = _live_emissions(installation, engine, wanted)
        elif name == ACTIVITIES:
            sources[name] = contract_source(installation, engine, CALCULATED, 1, "activities")
        elif name != MARKET_ELECTRICITY:
            sources[name] = named_contract(installation, engine, name)
    why = "only inventories tell what electricity rests on: name one with --inventory"
    absent = {name: why for name in names if name not in sources}
    return Rows(connection=engine, sources=sources, absent=absent)


def named_contract(
    installation: Installation, engine: duckdb.DuckDBPyConnection, name: str, *, period: tuple[str, str] | None = None
) -> Source:
    """The rows of `contract@major`; those of a period, where it is given and the contract has a first day."""
    contract, _, major = name.partition("@")
    if not major:
        raise Misuse(
            "there is no such source",
            where="indicators",
            value=name,
            valid=f"{EMISSIONS}, {ACTIVITIES}, {MARKET_ELECTRICITY}, or a contract as in organisation_fact@1",
        )
    return contract_source(installation, engine, contract, int(major), contract, period=period)


def contract_source(
    installation: Installation,
    engine: duckdb.DuckDBPyConnection,
    contract: str,
    major: int,
    title: str,
    *,
    period: tuple[str, str] | None = None,
) -> Source:
    """A contract's rows as a source."""
    document = installation.contract(contract, major)
    relation = f"rows_of_{contract}_v{major}"
    sha256 = load_rows(installation, engine, document, relation)
    if period is not None and "period_start" in document.by_name:
        start, end = period
        engine.execute(f"DELETE FROM {relation} WHERE period_start < DATE '{start}' OR period_start >= DATE '{end}'")
        title = f"{title} of the period from {start} up to {end}"
    return Source(
        title=title,
        relation=relation,
        fields=document.by_name,
        dimensions=_dimensions(document.by_name),
        units=_units(document.by_name),
        whole=WHOLES.get(contract),
        period="period_start" if "period_start" in document.by_name else _year(document),
        sha256=sha256,
    )


def _live_emissions(installation: Installation, engine: duckdb.DuckDBPyConnection, wanted: Wanted) -> Source:
    """Figures that stand, each with what its activity says."""
    emission, activity = installation.contract(*RESULTS), installation.contract(CALCULATED, 1)
    hashes = [
        load_rows(installation, engine, document, relation)
        for document, relation in ((emission, "rows_of_emission"), (activity, "rows_of_its_activity"))
    ]
    own = set(emission.by_name)
    more = [spec for spec in activity.fields if spec.name not in own]
    columns = ", ".join(["e.*", *(f"a.{quoted(spec.name)}" for spec in more)])
    conditions = ["TRUE"]
    if wanted.gwp_set is not None:
        conditions.append(f"e.gwp_set = {_text(wanted.gwp_set)}")
    if wanted.method is not None:
        conditions.append(f"(e.scope <> 2 OR e.method = {_text(wanted.method)})")
    engine.execute(
        f"CREATE OR REPLACE TEMP VIEW live_emissions AS SELECT {columns} FROM rows_of_emission AS e"
        f" JOIN rows_of_its_activity AS a USING (activity_id) WHERE {' AND '.join(conditions)}"
    )
    fields = {**emission.by_name, **{spec.name: spec for spec in more}}
    return emission_source(fields, "live_emissions", "figures that stand", _both(hashes))


def emission_source(fields: Mapping[str, FieldSpec], relation: str, title: str, sha256: str) -> Source:
    """Rows with co2e_kg in a set of warming potentials, which are never added across sets or methods."""
    return Source(
        title=title,
        relation=relation,
        fields=fields,
        dimensions=_dimensions(fields),
        units={**_units(fields), "co2e_kg": CO2E},
        apart={"scope 2": SCOPE_2},
        sha256=sha256,
    )


def _dimensions(fields: Mapping[str, FieldSpec]) -> dict[str, str]:
    """What stands in a field, and the year and month of the first day."""
    found = {name: quoted(name) for name, spec in fields.items() if spec.type in TOLD_APART and not spec.personal}
    if "period_start" in fields:
        found["month"] = "strftime(period_start, '%Y-%m')"
        found.setdefault("year", "year(period_start)")
    return found


def _units(fields: Mapping[str, FieldSpec]) -> dict[str, str]:
    constant = {name: _text(unit) for name, unit in MASSES.items() if name in fields}
    return constant | {name: quoted(unit) for name, unit in ROW_UNITS.items() if name in fields and unit in fields}


def _year(document: Document) -> str | None:
    return "year" if "year" in document.by_name else None


def _both(hashes: Sequence[str]) -> str:
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
