"""Which licences a report rests on: of the factors and instruments behind its figures, each with its source.

One way for every report: what is used is counted where the figures are, and looked up where it was pinned or stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.accounting.factors import RestsOn, rests_on
from headwater.documents.counted import counted
from headwater.services.reports.figure_page import Section, Table
from headwater.store.stored_rows import parse_rows

if TYPE_CHECKING:
    import duckdb

    from headwater.services.installation import Installation
    from headwater.store.inventories import StoredInventory

NOT_STATED = "not stated"
HEADS = ("source", "licence", "may be passed on", "factors", "lines")
NUMBERS = HEADS[3:]
_SAID = {True: "yes", False: "no", None: "not checked"}
_READ = {"true": True, "false": False}
_COLUMNS = ("source", "licence", "redistributable", "row_hash")


def of_lines(
    installation: Installation,
    engine: duckdb.DuckDBPyConnection,
    relation: str,
    inventories: Sequence[StoredInventory],
) -> list[RestsOn]:
    """What a relation of lines rests on, as the inventories that they are of had it pinned."""
    used = engine.execute(
        f"SELECT factor_row_hash, count(*) FROM {relation} WHERE factor_row_hash IS NOT NULL GROUP BY 1"
    ).fetchall()
    rows = {row["row_hash"]: row for inventory in inventories for row in pinned_rows(installation, inventory)}
    return rests_on((rows[row_hash], count) for row_hash, count in used)


def pinned_rows(installation: Installation, inventory: StoredInventory) -> Iterable[Mapping[str, Any]]:
    """Factors and instruments as an inventory pinned them: id, source, licence, and whether they may be passed on."""
    for key, sha256 in (("factor_id", inventory.factors), ("instrument_id", inventory.instruments)):
        with installation.blobs.open(installation.tenant_id, sha256) as file:
            pinned = parse_rows(file.read())
        listed = [key, *(column for column in _COLUMNS if column in pinned.column_names)]
        for row in pinned.select(listed).to_pylist():
            yield row | {"redistributable": _READ.get(row.get("redistributable") or "")}


def of_figures(engine: duckdb.DuckDBPyConnection, figures: str, factors: str) -> list[RestsOn]:
    """What figures with a factor_id rest on, of the rows of factors that stand; both are relations."""
    used = engine.execute(
        f"SELECT any_value(f.source), any_value(f.licence), any_value(f.redistributable), count(*) FROM {figures} AS e"
        f" JOIN {factors} AS f USING (factor_id) GROUP BY factor_id"
    ).fetchall()
    names = ("source", "licence", "redistributable")
    return rests_on((dict(zip(names, row, strict=True)), count) for *row, count in used)


def together(found: Iterable[Sequence[RestsOn]]) -> tuple[RestsOn, ...]:
    """Of several parts of a report each source and licence once, with the most that any part has of it."""
    most: dict[tuple[str, str | None, bool | None], RestsOn] = {}
    for each in (each for part in found for each in part):
        key = (each.source, each.licence, each.redistributable)
        if key not in most or most[key].lines < each.lines:
            most[key] = each
    return tuple(sorted(most.values(), key=lambda each: (-each.lines, each.source, each.licence or "")))


def texts(found: Sequence[RestsOn]) -> list[list[str]]:
    """Rows of a table under `HEADS`."""
    return [
        [each.source, each.licence or NOT_STATED, _SAID[each.redistributable], f"{each.factors:,}", f"{each.lines:,}"]
        for each in found
    ]


def section(found: Sequence[RestsOn]) -> Section:
    """The licences as the last section of a page."""
    table = Table(
        caption=f"{counted(len(found), 'source and licence', 'sources and licences')} of factors and instruments",
        columns=HEADS,
        rows=texts(found),
        numbers=[HEADS.index(name) for name in NUMBERS],
    )
    return Section(heading="Licences", tables=[table] if found else [], below=[] if found else ["No factor is used."])
