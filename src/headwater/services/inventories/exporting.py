"""An inventory carried out of the house: a report for people, its lines as CSV for everything else.

Quantity and CO2e of a line together are its factor: where that may not be passed on, lines go out without figures.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from headwater.accounting.factors import LeftOut, RestsOn, gate
from headwater.accounting.inventory.findings import UNEXPLAINED
from headwater.accounting.inventory.lines import MASSES, NAMES, counts
from headwater.errors import Misuse
from headwater.services.access.policy import Right
from headwater.services.inventories.integrity import require_intact
from headwater.services.inventories.viewing import find_inventory, show_inventory
from headwater.services.reports.figures import tonnes, words
from headwater.services.reports.licences import pinned_rows
from headwater.services.reports.pages import rendered
from headwater.store.stored_rows import parsed_batches

if TYPE_CHECKING:
    from pathlib import Path

    from headwater.documents.delimiters import Delimiter
    from headwater.services.installation import Installation
    from headwater.services.inventories.viewing import InventoryView
    from headwater.store.inventories import StoredInventory

CATEGORIES = (
    "purchased goods and services", "capital goods", "fuel- and energy-related activities",
    "upstream transport and distribution", "waste generated in operations", "business travel", "employee commuting",
    "upstream leased assets", "downstream transport and distribution", "processing of sold products",
    "use of sold products", "end-of-life treatment of sold products", "downstream leased assets", "franchises",
    "investments",
)  # fmt: skip
"""Of scope 3, in their order; GHG Protocol Corporate Value Chain (Scope 3) Standard, table 5.3."""
OF_FACTOR = ("co2e_kg", *MASSES, "factor_uncertainty_percent", "factor_pedigree", "factor_row_hash", "row_hash")
"""Columns of a line that tell its factor, or from which it could be found by trying."""
REASON = "left_out"
"""The column that says why a line has no figure; it is there where any is left out."""
_BY = ("gwp_set", "method", "scope", "missing_sets")


@dataclass(frozen=True, kw_only=True)
class LinesWritten:
    """What a file of lines lacks: lines without figures, how much of the inventory's own total, what they rest on."""

    left_out: int = 0
    left_out_kg: Decimal = Decimal(0)
    licences: tuple[RestsOn, ...] = ()


def write_report(installation: Installation, text: str, path: Path) -> None:
    """Write the report of an inventory: one HTML page that needs nothing else.

    A finding that tells what a factor's gases come to is left out where the factor may not be passed on.
    """
    installation.require(Right.QUERY)
    view = show_inventory(installation, text)
    gone = {each.factor_id for each in _left_out(installation, view.inventory)}
    told = (
        replace(each, message="Its gases are no reason for its CO2e. The factor may not be passed on, and is left out.")
        if each.rule_id == UNEXPLAINED and each.subject in gone
        else each
        for each in view.findings
    )
    _write(path, render(replace(view, findings=tuple(told))).encode())


def write_lines(installation: Installation, text: str, path: Path, *, delimiter: Delimiter = ",") -> LinesWritten:
    """Write the lines of an inventory as they are kept: CSV, every value in quotes, a missing one without.

    With another delimiter they are written anew. Where a line's factor or instrument may not be passed on, `OF_FACTOR`
    is left out, and a column says why.
    """
    installation.require(Right.QUERY)
    inventory = find_inventory(installation, text)
    require_intact(installation, inventory)
    with installation.blobs.open(installation.tenant_id, inventory.lines) as file:
        content = file.read()
    view = show_inventory(installation, str(inventory.inventory_id))
    used = [each for each in view.licences if not each.redistributable]
    if not used and delimiter == ",":
        _write(path, content)
        return LinesWritten()
    parts, written = [], LinesWritten(licences=tuple(used))
    why = {each.factor_id: each.why for each in _left_out(installation, inventory)}
    for number, batch in enumerate(parsed_batches(io.BytesIO(content))):
        whole = pa.Table.from_batches([batch])
        lines, gone = _without_factors(whole, why) if used else (whole, whole.slice(0, 0))
        block = pa.BufferOutputStream()
        options = arrow_csv.WriteOptions(quoting_style="all_valid", include_header=number == 0, delimiter=delimiter)
        arrow_csv.write_csv(lines, block, write_options=options)
        parts.append(block.getvalue().to_pybytes())
        written = replace(
            written, left_out=written.left_out + gone.num_rows, left_out_kg=written.left_out_kg + _in_own(gone, view)
        )
    _write(path, b"".join(parts))
    return written


def _left_out(installation: Installation, inventory: StoredInventory) -> Iterable[LeftOut]:
    """Factors and instruments that it pinned and that may not be passed on, each by its id."""
    rows = pinned_rows(installation, inventory)
    return gate({**row, "factor_id": row.get("factor_id") or row.get("instrument_id")} for row in rows)[1]


def _without_factors(lines: pa.Table, why: dict[str, str]) -> tuple[pa.Table, pa.Table]:
    """The lines as they may be passed on, and those of them that lost their figures, as they were."""
    ids, reasons = pa.array(why, pa.string()), pa.array(why.values(), pa.string())
    found = pc.coalesce(*(pc.index_in(lines[name], value_set=ids) for name in ("factor_id", "instrument_id")))
    is_gone = pc.is_valid(found)
    nothing = pa.scalar(None, pa.string())
    kept = {name: pc.if_else(is_gone, nothing, lines[name]) if name in OF_FACTOR else lines[name] for name in NAMES}
    return pa.table(kept | {REASON: reasons.take(found)}), lines.filter(is_gone)


def _in_own(lines: pa.Table, view: InventoryView) -> Decimal:
    """How many kg of these lines are in the inventory's own total."""
    kg = lines.append_column("kg", pc.cast(pc.cast(lines["co2e_kg"], pa.decimal128(18, 6)), pa.decimal128(38, 6)))
    own, accept = view.designated, view.document.accept_other_sets
    return sum(
        (
            row["kg_sum"]
            for row in kg.group_by(list(_BY)).aggregate([("kg", "sum")]).to_pylist()
            if counts(
                {**row, "scope": row["scope"] and int(row["scope"])}, own.gwp_set, own.method, accept_other_sets=accept
            )
        ),
        Decimal(0),
    )


def render(view: InventoryView) -> str:
    """The report as HTML."""
    return rendered(
        "inventory.html.j2",
        {"count": "{:,}".format, "moment": _moment, "tonnes": tonnes, "words": words},
        view=view,
        document=view.document,
        document_text=json.dumps(json.loads(view.document.to_json()), indent=2, ensure_ascii=False),
        categories=dict(enumerate(CATEGORIES, start=1)),
        as_of=datetime.now(UTC),
    )


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Misuse(
            f"it cannot be written: {error.strerror}", where=str(path), valid="a file in a folder that exists"
        ) from error
