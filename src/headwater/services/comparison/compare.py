"""`headwater compare`: two sides by what they are called, inventories or runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.errors import Misuse, NotFound
from headwater.services.access.policy import Right
from headwater.services.comparison.inventories import compare_inventories
from headwater.services.comparison.runs import compare_runs
from headwater.services.inventories.viewing import find_inventory
from headwater.store import runs

if TYPE_CHECKING:
    from headwater.accounting.comparison.causes import Comparison
    from headwater.services.installation import Installation


def compare(installation: Installation, a: str, b: str) -> Comparison:
    """Compare two inventories (by number, name or id) or two runs (by id).

    NotFound where a name is neither, Misuse where it is both or several.
    """
    installation.require(Right.READ)
    kinds = {text: _kind(installation, text) for text in (a, b)}
    if kinds[a] != kinds[b]:
        raise Misuse(
            "an inventory cannot be compared with a run",
            where="compare",
            value=f"{a} is {kinds[a]}, {b} is {kinds[b]}",
            valid="two inventories, or two runs",
        )
    return (compare_inventories if kinds[a] == "an inventory" else compare_runs)(installation, a, b)


def _kind(installation: Installation, text: str) -> str:
    found, several = [], None
    for kind, find in {"an inventory": find_inventory, "a run": _find_run}.items():
        try:
            find(installation, text)
            found.append(kind)
        except NotFound:
            continue
        except Misuse as error:  # more than one begins so
            several = error
    if len(found) == 1:
        return found[0]
    if several is not None:
        raise several
    raise (Misuse if found else NotFound)(
        "this names an inventory and a run" if found else "there is neither such an inventory nor such a run",
        where="compare",
        value=text,
        valid="the number, name or id of an inventory; the id of a run, or enough of its beginning",
        remedy="`headwater inventory list` and `headwater runs list` show them.",
    )


def _find_run(installation: Installation, text: str) -> object:
    with installation.database.connect(installation.tenant_id) as connection:
        return runs.find_run(connection, installation.tenant_id, text)
