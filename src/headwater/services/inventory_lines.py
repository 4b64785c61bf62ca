"""Lines of inventories, brought into the engine from the blobs in which they are kept, never from what stands now."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa

from headwater.accounting.inventory.findings import LEAVES_OUT, NO_SHARE, NOT_IN_TOTAL
from headwater.accounting.inventory.lines import COLUMNS, LINE_SCHEMA, SHARE, counts_sql, sql_type
from headwater.accounting.inventory.lines_sql import counted_sql
from headwater.contracts.document import FieldSpec
from headwater.documents.counted import counted
from headwater.errors import Misuse
from headwater.services.inventories.calculating import stored_document
from headwater.services.inventories.inputs import pinned_activities
from headwater.services.inventories.integrity import require_file, require_intact
from headwater.services.inventories.viewing import find_inventory
from headwater.store.inventories import findings_of
from headwater.store.stored_rows import parsed_batches

if TYPE_CHECKING:
    import datetime
    from decimal import Decimal

    import duckdb

    from headwater.accounting.inventory.document import Inventory
    from headwater.services.installation import Installation
    from headwater.store.inventories import StoredFinding, StoredInventory

ALL_LINES, COUNTED, BOUGHT = "all_lines", "counted_lines", "electricity_bought"
"""Relations: every line of the inventories with `year`, those that make up the total that is asked for, and activities
that are electricity bought, whether or not they have a figure."""
DAYS_OF_A_YEAR = 366
_OF_ACTIVITIES = (
    "activity_id", "activity_type", "facility_code", "region", "period_start", "period_end", "quantity", "unit",
    "data_quality", "quantity_uncertainty_percent",
)  # fmt: skip
_KINDS = {"string": "text", "int64": "integer", "bool": "boolean", "date32[day]": "date"}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which figures are taken where several stand beside each other; None: the designated ones, or all there are."""

    method: str | None = None
    gwp_set: str | None = None


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """Inventories whose lines are in the engine.

    title      what people call the lines
    accepts    whether figures in another set than `gwp_set` are among those counted, as the document allows
    sha256     of the file of lines, or of these hashes where there are several
    left_out   activities that findings say are in no total, each time they say so
    elsewhere  what is missing in `gwp_set` and so not among the lines: by set, activities and kg CO2e in that set
    unshared   those of them whose site has no equity share
    """

    title: str
    inventories: tuple[StoredInventory, ...]
    documents: tuple[Inventory, ...]
    method: str
    gwp_set: str
    accepts: bool
    sha256: str
    left_out: int
    unshared: int
    elsewhere: tuple[tuple[str, int, Decimal], ...] = ()

    @property
    def activities_sha256(self) -> str:
        """Of the pinned activities, or of these hashes where there are several inventories."""
        return _hash([each.activities for each in self.inventories])

    @property
    def caveat(self) -> str | None:
        """What is not among the lines, as a sentence."""
        said = [f"activities that findings say are in no total: {self.left_out:,}"] if self.left_out else []
        said += [
            f"not among the lines, as it exists by {gwp_set} only: {kg.scaleb(-3):f} t CO2e of"
            f" {counted(count, 'activity', 'activities')}"
            for gwp_set, count, kg in self.elsewhere
        ]
        return f"{'; '.join(said)}; see `headwater inventory show`" if said else None

    @property
    def periods(self) -> tuple[tuple[datetime.date, datetime.date], ...]:
        """First day and day after the last of each."""
        return tuple((each.period.start, each.period.end) for each in self.documents)


def load_lines(
    installation: Installation, engine: duckdb.DuckDBPyConnection, names: Sequence[str], wanted: Wanted
) -> Loaded:
    """Make the relations `all_lines` and `counted_lines` from the lines of inventories, each by number, id or name.

    `year` is that in which the inventory's period begins, or of a period longer than a year that of the first day of
    each line. Misuse: figures asked for that one of them does not have, or periods that overlap, so that something
    would count twice. Stopped: the lines of one are not those that were calculated.
    """
    stored = tuple(find_inventory(installation, name) for name in names)
    documents = tuple(stored_document(installation, each) for each in stored)
    _refuse_overlap(stored, documents)
    designated = {(each.designated.method, each.designated_set) for each in documents}
    method = wanted.method or _the_one({method for method, _ in designated}, "--method")
    gwp_set = wanted.gwp_set or _the_one({gwp_set for _, gwp_set in designated}, "--gwp-set")
    for document in documents:
        _require(method, document.methods, "--method", document)
        _require(gwp_set, document.gwp_sets, "--gwp-set", document)
    for each in stored:
        require_intact(installation, each)
    columns = ", ".join(f"{column.name} {sql_type(column)}" for column in COLUMNS)
    engine.execute(f"CREATE OR REPLACE TABLE {ALL_LINES} ({columns}, year BIGINT, counts BOOLEAN)")
    for each, document in zip(stored, documents, strict=True):
        counts = counts_sql(f"'{gwp_set}'", f"'{method}'", accept_other_sets=document.accept_other_sets)
        _append(installation, engine, each, f"{_year_sql(document)} AS year, coalesce({counts}, FALSE)")
    engine.execute(f"CREATE OR REPLACE TEMP VIEW {COUNTED} AS SELECT * FROM {ALL_LINES} WHERE counts")
    findings = [finding for each in stored for finding in _findings(installation, each)]
    accepts = any(document.accept_other_sets for document in documents)
    return Loaded(
        title=f"lines of {' and '.join(map(called, stored))}{', other sets accepted' if accepts else ''}",
        inventories=stored,
        documents=documents,
        method=method,
        gwp_set=gwp_set,
        accepts=accepts,
        sha256=_hash([each.lines for each in stored]),
        left_out=sum(each.activities for each in findings if each.rule_id in LEAVES_OUT - {NOT_IN_TOTAL}),
        elsewhere=_elsewhere(engine, gwp_set, method),
        unshared=sum(finding.activities for finding in findings if finding.rule_id == NO_SHARE),
    )


def _elsewhere(engine: duckdb.DuckDBPyConnection, gwp_set: str, method: str) -> tuple[tuple[str, int, Decimal], ...]:
    """What would count if it could be had in the set: findings tell it of the designated set alone."""
    wanted = counts_sql(f"'{gwp_set}'", f"'{method}'", accept_other_sets=True)
    rows = engine.execute(
        f"SELECT gwp_set, count(DISTINCT activity_id), sum(co2e_kg) FROM {ALL_LINES} WHERE NOT counts AND {wanted}"
        " GROUP BY gwp_set ORDER BY gwp_set"
    ).fetchall()
    return tuple((name, count, kg) for name, count, kg in rows)


def load_electricity(installation: Installation, engine: duckdb.DuckDBPyConnection, loaded: Loaded) -> list[str]:
    """Make the relation `electricity_bought` from the activities that the inventories pinned; its columns.

    Of the types that instruments may cover, inside the boundary, `quantity` what counts of it by equity share. What
    came as CO2e of another scope is not among them, and what the document counts in scope 3 neither.
    """
    names = list(_OF_ACTIVITIES)
    typed = ", ".join(f"{column.name} {sql_type(column)}" for column in COLUMNS if column.name in names)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {BOUGHT} ({typed}, year BIGINT)")
    for inventory, document in zip(loaded.inventories, loaded.documents, strict=True):
        require_file(installation, inventory, "activities")
        boundary = document.boundary
        facilities = [] if boundary.facilities == "all" else list(boundary.facilities)
        shares = {code: document.share(code) for code in boundary.shares}
        given = {
            "inventory_facilities": pa.table({"facility_code": pa.array(facilities, pa.string())}),
            "inventory_shares": pa.table(
                {"facility_code": pa.array(shares, pa.string()), "share": pa.array(shares.values(), SHARE)}
            ),
        }
        for name, table in given.items():
            engine.register(name, table)
        types = [name for name in document.instruments.types if name not in document.categories]
        counted = counted_sql(
            "pinned_batch", facilities=boundary.facilities != "all", shares=boundary.approach == "equity_share"
        )
        columns = ", ".join("counted AS quantity" if name == "quantity" else name for name in names)
        for batch in pinned_activities(installation, inventory.activities, document.period.start):
            engine.register("pinned_batch", batch)
            engine.execute(
                f"INSERT INTO {BOUGHT} BY NAME SELECT {columns}, {_year_sql(document)} AS year FROM ({counted})"
                " WHERE list_contains($types, activity_type) AND coalesce(reported_scope, 2) = 2",
                {"types": types},
            )
            engine.unregister("pinned_batch")
        for name in given:
            engine.unregister(name)
    return names


def called(inventory: StoredInventory) -> str:
    """An inventory as people say it: by its number, or by name and id where it was not published."""
    if inventory.number is not None:
        return f"inventory {inventory.number}"
    return f"inventory {inventory.name} ({str(inventory.inventory_id)[:8]})"


def line_fields() -> dict[str, FieldSpec]:
    """The columns of a line as fields, for conditions."""
    found = {}
    for field in LINE_SCHEMA:
        is_decimal = pa.types.is_decimal(field.type)
        found[field.name] = FieldSpec(
            name=field.name,
            type="decimal" if is_decimal else _KINDS[str(field.type)],
            description=field.name,
            required=False,
            key=False,
            precision=field.type.precision if is_decimal else None,
            scale=field.type.scale if is_decimal else None,
        )
    return found


def _year_sql(document: Inventory) -> str:
    """A financial year is one year, however the calendar cuts it."""
    start, end = document.period.start, document.period.end
    return str(start.year) if (end - start).days <= DAYS_OF_A_YEAR else "year(period_start)"


def _append(
    installation: Installation, engine: duckdb.DuckDBPyConnection, inventory: StoredInventory, more: str
) -> None:
    casts = ", ".join(f"CAST({column.name} AS {sql_type(column)}) AS {column.name}" for column in COLUMNS)
    with installation.blobs.open(installation.tenant_id, inventory.lines) as file:
        for batch in parsed_batches(file):
            engine.register("line_texts", pa.Table.from_batches([batch]))
            engine.execute(f"INSERT INTO {ALL_LINES} SELECT *, {more} FROM (SELECT {casts} FROM line_texts)")
            engine.unregister("line_texts")


def _findings(installation: Installation, inventory: StoredInventory) -> list[StoredFinding]:
    with installation.database.connect(installation.tenant_id) as connection:
        return findings_of(connection, installation.tenant_id, inventory.inventory_id)


def _hash(found: Sequence[bytes]) -> str:
    hashes = [each.hex() for each in found]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def _refuse_overlap(stored: Sequence[StoredInventory], documents: Sequence[Inventory]) -> None:
    periods = sorted(
        (document.period.start, document.period.end, called(each))
        for each, document in zip(stored, documents, strict=True)
    )
    for (_, end, name), (start, _, other) in pairwise(periods):
        if start < end:
            raise Misuse(
                f"{name} and {other} cover days in common, which would count twice",
                where="--inventory",
                valid="inventories of periods that follow each other",
            )


def _the_one(found: set[str], option: str) -> str:
    if len(found) > 1:
        raise Misuse(
            f"the inventories designate {' and '.join(sorted(found))}",
            where="--inventory",
            remedy=f"Say which with {option}.",
        )
    return next(iter(found))


def _require(value: str, known: Sequence[str], option: str, document: Inventory) -> None:
    if value not in known:
        raise Misuse(
            f"inventory {document.inventory} has no such figures", where=option, value=value, valid=", ".join(known)
        )
