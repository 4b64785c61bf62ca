"""What indicators are taken from: figures that stand or lines of inventories, activities, and any contract's rows."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from headwater.accounting.indicators import CO2E, OTHER_SET, YEARS, Rows, Source
from headwater.accounting.units.families import GWP_SETS
from headwater.contracts.bulk import quoted
from headwater.contracts.document import FieldSpec
from headwater.errors import Misuse
from headwater.services.contract_rows import load_rows
from headwater.services.inventories.inputs import FACTOR
from headwater.services.inventories.viewing import find_inventory
from headwater.services.inventory_lines import (
    ALL_LINES,
    BOUGHT,
    COUNTED,
    DAYS_OF_A_YEAR,
    Loaded,
    Wanted,
    called,
    line_fields,
    load_electricity,
    load_lines,
)
from headwater.services.logic import CALCULATED, RESULTS
from headwater.services.reports.licences import of_figures, of_lines

if TYPE_CHECKING:
    import duckdb

    from headwater.accounting.factors import RestsOn
    from headwater.contracts import Document
    from headwater.services.installation import Installation

EMISSIONS, ACTIVITIES = "emissions", "activities"
ELECTRICITY, MARKET_ELECTRICITY = "electricity", "market_electricity"
OF_INVENTORIES = (ELECTRICITY, MARKET_ELECTRICITY)
"""Sources that only inventories have: electricity bought, an activity a row, and what it rests on, a part a row."""
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
        elif name not in OF_INVENTORIES:
            sources[name] = named_contract(installation, engine, name)
    why = "only inventories tell what electricity rests on: name one with --inventory"
    absent = {name: why for name in names if name not in sources}
    return Rows(connection=engine, sources=sources, absent=absent)


def inventory_rows(
    installation: Installation,
    engine: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    wanted: Wanted,
    inventories: Sequence[str],
) -> Rows:
    """The sources of these names from the lines of inventories; contracts' rows as they stand, of their periods."""
    loaded = load_lines(installation, engine, inventories, wanted)
    fields = line_fields()
    sources: dict[str, Source] = {}
    for name in names:
        if name == EMISSIONS:
            by = None if loaded.gwp_set in GWP_SETS else f"CO2e by {loaded.gwp_set}"
            caveat = "; ".join(filter(None, (by, loaded.caveat))) or None
            found = replace(emission_source(fields, COUNTED, loaded.title, loaded.sha256), caveat=caveat)
            if loaded.accepts:
                unit = "kgCO2e" if by else f"kgCO2e_{loaded.gwp_set}"
                found = replace(
                    found, units={**found.units, "co2e_kg": _text(unit)}, apart={"scope 2": found.apart["scope 2"]}
                )
            sources[name] = found
        elif name == ACTIVITIES:
            sources[name] = _of_lines(engine, fields, name, loaded, "TRUE")
        elif name == ELECTRICITY:
            sources[name] = _bought(installation, engine, fields, loaded)
        elif name == MARKET_ELECTRICITY:
            condition = "method = 'market_based' AND stage = 'use' AND part_kwh IS NOT NULL"
            sources[name] = _of_lines(engine, fields, name, loaded, condition, parts=True)
        else:
            sources[name] = named_contract(installation, engine, name, periods=loaded.periods)
    if len(inventories) > 1:
        sources = {name: _by_years(source) for name, source in sources.items()}
    return Rows(connection=engine, sources=sources)


def _by_years(source: Source) -> Source:
    """The source with its years told apart: inventories of several years are no sum that anybody reports."""
    year = source.dimensions.get("year")
    return source if year is None else replace(source, apart={**source.apart, YEARS: f"CAST({year} AS VARCHAR)"})


def licences_behind(
    installation: Installation, engine: duckdb.DuckDBPyConnection, names: Sequence[str], inventories: Sequence[str]
) -> dict[str, list[RestsOn]]:
    """By source, the licences of the factors and instruments behind its rows, once the sources are made."""
    found: dict[str, list[RestsOn]] = {name: [] for name in names}
    stored = [find_inventory(installation, name) for name in inventories]
    if stored:
        relations = {EMISSIONS: COUNTED, MARKET_ELECTRICITY: f"of_{MARKET_ELECTRICITY}"}
        return found | {
            name: of_lines(installation, engine, relation, stored)
            for name, relation in relations.items()
            if name in found
        }
    if EMISSIONS in found:
        load_rows(installation, engine, installation.contract(*FACTOR), "rows_of_factors")
        found[EMISSIONS] = of_figures(engine, "live_emissions", "rows_of_factors")
    return found


def _of_lines(
    engine: duckdb.DuckDBPyConnection,
    fields: Mapping[str, FieldSpec],
    name: str,
    loaded: Loaded,
    condition: str,
    *,
    parts: bool = False,
) -> Source:
    """One row for each activity of the lines, or for each part of it: sets and methods repeat what is no figure.

    `quantity` is what counts of it, by equity share.
    """
    key = "activity_id, year, part" if parts else "activity_id, year"
    counted = "CASE WHEN share IS NULL THEN quantity ELSE CAST(round(quantity * share, 6) AS DECIMAL(18,6)) END"
    engine.execute(
        f"CREATE OR REPLACE TEMP VIEW of_{name} AS SELECT * REPLACE ({counted} AS quantity) FROM {ALL_LINES}"
        f" WHERE {condition} QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY method, gwp_set, stage, part) = 1"
    )
    return Source(
        title=f"{name.replace('_', ' ')} in {loaded.title}",
        relation=f"of_{name}",
        fields=fields,
        dimensions={**_dimensions(fields), "year": "year"},
        units=_units(fields),
        sha256=loaded.sha256,
    )


def _bought(
    installation: Installation, engine: duckdb.DuckDBPyConnection, fields: Mapping[str, FieldSpec], loaded: Loaded
) -> Source:
    """Electricity bought, an activity a row, from what was pinned: without a figure it was bought all the same."""
    names = load_electricity(installation, engine, loaded)
    known = {name: fields[name] for name in names}
    left_out = f"activities left out, since their sites have no equity share: {loaded.unshared:,}"
    return Source(
        title=f"electricity bought, as pinned by {' and '.join(map(called, loaded.inventories))}",
        relation=BOUGHT,
        fields=known,
        dimensions={**_dimensions(known), "year": "year"},
        units=_units(known),
        sha256=loaded.activities_sha256,
        caveat=left_out if loaded.unshared else None,
    )


def named_contract(
    installation: Installation,
    engine: duckdb.DuckDBPyConnection,
    name: str,
    *,
    periods: Sequence[tuple[datetime.date, datetime.date]] = (),
) -> Source:
    """The rows of `contract@major`; those of the periods, where they are given and the contract has a first day."""
    contract, _, major = name.partition("@")
    if not major:
        raise Misuse(
            "there is no such source",
            where="indicators",
            value=name,
            valid=f"{EMISSIONS}, {ACTIVITIES}, {', '.join(OF_INVENTORIES)}, or a contract as in organisation_fact@1",
        )
    return contract_source(installation, engine, contract, int(major), contract, periods=periods)


def contract_source(
    installation: Installation,
    engine: duckdb.DuckDBPyConnection,
    contract: str,
    major: int,
    title: str,
    *,
    periods: Sequence[tuple[datetime.date, datetime.date]] = (),
) -> Source:
    """A contract's rows as a source. periods: only rows whose first day is in one; their year is that it begins in."""
    document = installation.contract(contract, major)
    relation = f"rows_of_{contract}_v{major}"
    sha256 = load_rows(installation, engine, document, relation)
    dimensions = _dimensions(document.by_name)
    if periods and "period_start" in document.by_name:
        within = [f"(period_start >= DATE '{start}' AND period_start < DATE '{end}')" for start, end in periods]
        engine.execute(f"DELETE FROM {relation} WHERE NOT ({' OR '.join(within)})")
        cases = " ".join(
            f"WHEN period_start >= DATE '{start}' THEN {start.year}"
            for start, end in sorted(periods, reverse=True)
            if (end - start).days <= DAYS_OF_A_YEAR
        )
        dimensions["year"] = f"CASE {cases} ELSE year(period_start) END" if cases else "year(period_start)"
        title = f"{title} of the {'period' if len(periods) == 1 else 'periods'} of the inventory"
    return Source(
        title=title,
        relation=relation,
        fields=document.by_name,
        dimensions=dimensions,
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
    ((without,),) = engine.execute(
        "SELECT count(*) FROM rows_of_its_activity WHERE activity_id NOT IN (SELECT activity_id FROM rows_of_emission)"
    ).fetchall()
    ((twice,),) = engine.execute(
        "SELECT count(*) FROM (SELECT activity_id FROM live_emissions GROUP BY 1 HAVING count(DISTINCT gwp_set) > 1)"
    ).fetchall()
    found = emission_source(fields, "live_emissions", "figures that stand", _both(hashes))
    if twice:  # else nothing would say that a quantity or a mass of gas is there twice
        found = replace(found, apart={**found.apart, "figures": "gwp_set"})
    return replace(found, caveat=f"activities that stand without a figure: {without:,}" if without else None)


def emission_source(fields: Mapping[str, FieldSpec], relation: str, title: str, sha256: str) -> Source:
    """Rows with co2e_kg in a set of warming potentials, which are never added across sets or methods."""
    dimensions = _dimensions(fields)
    if relation == COUNTED:
        dimensions["year"] = "year"
    return Source(
        title=title,
        relation=relation,
        fields=fields,
        dimensions=dimensions,
        units={**_units(fields), "co2e_kg": CO2E},
        apart={"scope 2": SCOPE_2, "figures": OTHER_SET},
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
