"""What becomes of an inventory: it is published under a number for good, or a draft is discarded, and seen no more.

Nothing of it changes either way: it is not deleted, and `verify` goes on checking it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.errors import Conflict
from headwater.services.access.policy import Right
from headwater.services.deletions import refuse_made_of_destroyed
from headwater.services.inventories.integrity import require_intact
from headwater.services.inventories.viewing import find_inventory
from headwater.store import audit, inventories

if TYPE_CHECKING:
    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.inventories import StoredInventory


def publish(installation: Installation, text: str) -> int:
    """Give an inventory the next number. Conflict where it has one: a number stands for one inventory, for ever.

    One that was discarded is not published either, nor one of whose records any was destroyed. Stopped where its lines
    are not those that were calculated.
    """
    installation.require(Right.TRANSFORM)
    inventory = find_inventory(installation, text)
    require_intact(installation, inventory)
    with installation.database.connect(installation.tenant_id) as connection:
        inventory = _locked(connection, installation, inventory)
        if inventory.number is not None:
            raise Conflict(
                f"it is published already, under the number {inventory.number}",
                where="inventory",
                value=text,
                remedy="Calculate it again: where anything it is made of has changed, the new one can be published.",
            )
        if inventory.discarded_at is not None:
            raise Conflict(
                "it was discarded",
                where="inventory",
                value=text,
                remedy="Calculate it again: the same again brings it back.",
            )
        refuse_made_of_destroyed(installation, connection, inventory.inventory_id)
        number = inventories.publish(connection, installation.tenant_id, inventory)
        audit.append(
            connection,
            installation.tenant_id,
            action="inventory.published",
            resource=f"inventory/{inventory.inventory_id}",
            payload={"number": number, "name": inventory.name, "lines": inventory.lines.hex()},
        )
    return number


def discard(installation: Installation, text: str) -> StoredInventory:
    """Put a draft away: it is no longer listed or found by its name, until the same is calculated again.

    Conflict where it is published, for a number stands for ever, or was discarded before.
    """
    installation.require(Right.TRANSFORM)
    inventory = find_inventory(installation, text)
    with installation.database.connect(installation.tenant_id) as connection:
        inventory = _locked(connection, installation, inventory)
        if inventory.number is not None:
            raise Conflict(
                f"it is published under the number {inventory.number}, and what is published stands",
                where="inventory",
                value=text,
                valid="a draft: an inventory without a number",
                remedy="Publish the right one beside it: `headwater compare` tells what moved, and why.",
            )
        if inventory.discarded_at is not None:
            raise Conflict("it was discarded before", where="inventory", value=text, valid="a draft that is listed")
        audit.append(
            connection,
            installation.tenant_id,
            action=inventories.DISCARDED,
            resource=f"inventory/{inventory.inventory_id}",
            payload={"name": inventory.name, "lines": inventory.lines.hex()},
        )
    return inventory


def _locked(connection: TenantConnection, installation: Installation, inventory: StoredInventory) -> StoredInventory:
    """The inventory as it stands once nobody else can publish or discard it, until the transaction ends."""
    audit.lock_head(connection, installation.tenant_id)
    known = inventories.all_inventories(connection, installation.tenant_id)
    return next(each for each in known if each.inventory_id == inventory.inventory_id)
