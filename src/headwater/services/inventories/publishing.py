"""Publishing: an inventory gets a number for good. Nothing that comes later changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.accounting.inventory.lines import NAMES
from headwater.errors import Misuse
from headwater.services.inventories.viewing import find_inventory
from headwater.store import audit, inventories

if TYPE_CHECKING:
    from headwater.services.installation import Installation


def publish(installation: Installation, text: str) -> int:
    """Give an inventory the next number. Misuse where it has one: a number stands for one inventory, for ever.

    Stopped where its lines are not those that were calculated.
    """
    inventory = find_inventory(installation, text)
    if inventory.number is not None:
        raise Misuse(
            f"it is published already, under the number {inventory.number}",
            where="inventory",
            value=text,
            remedy="Calculate it again: where anything it is made of has changed, the new one can be published.",
        )
    with installation.database.connect(installation.tenant_id) as connection:
        inventories.check_lines(connection, installation.tenant_id, inventory, NAMES)
        number = inventories.publish(connection, installation.tenant_id, inventory)
        audit.append(
            connection,
            installation.tenant_id,
            action="inventory.published",
            resource=f"inventory/{inventory.inventory_id}",
            payload={"number": number, "name": inventory.name, "lines": inventory.lines.hex()},
        )
    return number
