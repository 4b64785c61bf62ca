"""An inventory carried out of the house: a report for people, its lines as CSV for everything else."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from headwater.accounting.inventory.lines import NAMES
from headwater.errors import Misuse, Stopped
from headwater.services.inventories.viewing import find_inventory, show_inventory
from headwater.services.pages import rendered
from headwater.services.report_figures import tonnes, words
from headwater.store import inventories

if TYPE_CHECKING:
    from pathlib import Path

    from headwater.services.installation import Installation
    from headwater.services.inventories.viewing import InventoryView

CATEGORIES = (
    "purchased goods and services", "capital goods", "fuel- and energy-related activities",
    "upstream transport and distribution", "waste generated in operations", "business travel", "employee commuting",
    "upstream leased assets", "downstream transport and distribution", "processing of sold products",
    "use of sold products", "end-of-life treatment of sold products", "downstream leased assets", "franchises",
    "investments",
)  # fmt: skip
"""Of scope 3, in their order; GHG Protocol Corporate Value Chain (Scope 3) Standard, table 5.3."""


def write_report(installation: Installation, text: str, path: Path) -> None:
    """Write the report of an inventory: one HTML page that needs nothing else."""
    _write(path, render(show_inventory(installation, text)).encode())


def write_lines(installation: Installation, text: str, path: Path) -> None:
    """Write the lines of an inventory as they are kept: CSV, every value in quotes, a missing one without."""
    inventory = find_inventory(installation, text)
    with installation.database.connect(installation.tenant_id) as connection:
        inventories.check_lines(connection, installation.tenant_id, inventory, NAMES)
    with installation.blobs.open(installation.tenant_id, inventory.lines) as file:
        content = file.read()
    if hashlib.sha256(content).digest() != inventory.lines:
        raise Stopped(
            "the file of lines is not the one that was calculated",
            where=f"inventory {inventory.name} {inventory.inventory_id}",
            remedy="`headwater verify` names what was changed; bring the file back from a backup.",
        )
    _write(path, content)


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
