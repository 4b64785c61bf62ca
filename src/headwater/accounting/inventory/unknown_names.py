"""Sites and sources that a document names and nothing bears; and that nothing was counted at all."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from headwater.accounting.inventory.findings import NOTHING_COUNTED, UNKNOWN_FACILITY, UNKNOWN_SOURCE, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headwater.accounting.inventory.document import Inventory

_SHOWN = 10


def unknown_names(document: Inventory, facilities: Sequence[str], sources: Sequence[str]) -> Iterator[Finding]:
    """One for each name. `facilities` are those of the period's activities, `sources` those of all factors."""
    boundary = document.boundary
    listed = () if boundary.facilities == "all" else boundary.facilities
    for key, names in (("boundary.facilities", listed), ("boundary.shares", tuple(boundary.shares))):
        for name in dict.fromkeys(names):
            if name not in facilities:
                yield Finding(
                    rule_id=UNKNOWN_FACILITY,
                    subject=f"{name} in {key}",
                    message=f"No activity of the period names the site {name}, so nothing of it is counted."
                    f" {_near(name, facilities, 'Sites that activities name')}",
                )
    for name in dict.fromkeys(document.factors.sources):
        if name not in sources:
            yield Finding(
                rule_id=UNKNOWN_SOURCE,
                subject=f"{name} in factors.sources",
                message=f"No factor is of the source {name}, so that listing it changes nothing."
                f" {_near(name, sources, 'Sources that factors name')}",
            )


def nothing_counted(document: Inventory, activities: int, counted: int) -> Iterator[Finding]:
    """That there is no activity to count: of the period, or inside the boundary. Which is not a total of 0."""
    period = f"from {document.period.start} to before {document.period.end}"
    if counted:
        return
    yield Finding(
        rule_id=NOTHING_COUNTED,
        subject="boundary" if activities else "period",
        activities=activities,
        message=f"None of the activities {period} is inside the boundary: there is nothing to add up."
        " Check boundary.facilities and boundary.shares."
        if activities
        else f"No activity begins in the period, {period}: there is nothing to add up. Check period, or import"
        " activities.",
    )


def _near(name: str, known: Sequence[str], title: str) -> str:
    folded = {each.casefold(): each for each in known}
    near = [folded[each] for each in difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)]
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    more = f" ({_SHOWN} of {len(known)} shown)" if len(known) > _SHOWN else ""
    return f"{meant}{title}: {', '.join(sorted(known)[:_SHOWN]) or 'none'}{more}."
