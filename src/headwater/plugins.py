"""The doors for plug-ins, which the built-in ones use too: entry points `headwater.packs` and `headwater.connectors`.

A plug-in that cannot be loaded is named in a warning and never breaks the rest.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from headwater.telemetry import get_logger

PACKS = "headwater.packs"
CONNECTORS = "headwater.connectors"


@lru_cache(maxsize=8)
def _entries(group: str, _: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """What stands in the metadata of all packages along a path: to read it takes longer than to answer a request."""
    return tuple(sorted(entry_points(group=group), key=lambda entry: entry.name))


def load(group: str) -> dict[str, Any]:
    """What each plug-in of a group names, by the plug-in's name, in the order of names."""
    found: dict[str, Any] = {}
    for entry in _entries(group, tuple(sys.path)):
        try:
            found[entry.name] = entry.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever somebody else's module does, the rest goes on
            get_logger(__name__).warning(
                "a plug-in cannot be loaded", group=group, plugin=entry.name, error=f"{type(error).__name__}: {error}"
            )
    return found
