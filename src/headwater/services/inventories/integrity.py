"""Whether an inventory is what was calculated, asked before anything is worked out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.accounting.inventory.lines import NAMES
from headwater.errors import Stopped
from headwater.store import inventories

if TYPE_CHECKING:
    from headwater.services.installation import Installation
    from headwater.store.inventories import StoredInventory


def require_intact(installation: Installation, inventory: StoredInventory) -> None:
    """Stopped unless the lines that stand, and the file of them, are those that were calculated."""
    with installation.database.connect(installation.tenant_id) as connection:
        inventories.check_lines(connection, installation.tenant_id, inventory, NAMES)
    require_file(installation, inventory, "lines")


def require_file(installation: Installation, inventory: StoredInventory, name: str) -> None:
    """Stopped unless what the inventory was made of or came to (`activities`, `lines`) is the file that it was."""
    expected: bytes = getattr(inventory, name)
    found = installation.blobs.measure(installation.tenant_id, expected).sha256
    if found != expected:
        raise Stopped(
            f"the file of {name} is not the one that was calculated"
            if name == "lines"
            else f"the file of {name} is not the one that was pinned",
            where=f"inventory {inventory.name} {inventory.inventory_id}",
            value=found.hex(),
            valid=expected.hex(),
            remedy="`headwater verify` names what was changed; bring the file back from a backup.",
        )
