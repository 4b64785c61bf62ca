"""What became of a factor as its publisher went on. Nothing is deleted: the status is worked out from what stands.

    current      of the source's newest publication
    superseded   a newer publication has a factor of the same identity
    stale        the newest publication has none any more

A publication is the year with the version; a source keeps its name from one publication to the next.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from headwater.accounting.timeline import USE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CURRENT, SUPERSEDED, STALE = STATUSES = ("current", "superseded", "stale")

Identity = tuple[str, str, str, str, str, str]
Publication = tuple[int, tuple[tuple[int, int, str], ...]]


def identity(factor: Mapping[str, Any]) -> Identity:
    """What a factor is about, whichever publication it stands in."""
    return (
        factor["source"],
        factor["activity_type"],
        factor["region"],
        factor["unit"],
        factor.get("stage") or USE,
        factor["method"],
    )


def publication(factor: Mapping[str, Any]) -> Publication:
    """Its publication in an order of time; the numbers in a version count as numbers: 1.10 comes after 1.9."""
    version = factor.get("source_version") or ""
    parts = re.findall(r"\d+|[^\d.\s]+", version)
    return factor["publication_year"], tuple((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts)


def statuses(factors: Sequence[Mapping[str, Any]]) -> list[str]:
    """The status of each factor, in their order."""
    newest: dict[str, Publication] = {}
    newest_of: dict[Identity, Publication] = {}
    for factor in factors:
        at = publication(factor)
        newest[factor["source"]] = max(at, newest.get(factor["source"], at))
        newest_of[identity(factor)] = max(at, newest_of.get(identity(factor), at))
    return [_status(publication(each), newest[each["source"]], newest_of[identity(each)]) for each in factors]


def _status(own: Publication, newest: Publication, newest_of_identity: Publication) -> str:
    if own == newest:
        return CURRENT
    return SUPERSEDED if own < newest_of_identity else STALE
