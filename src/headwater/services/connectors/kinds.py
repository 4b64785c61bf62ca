"""Kinds of connectors, found through the plug-in door."""

from __future__ import annotations

from functools import cache

from headwater import plugins
from headwater.connectors.protocol import Kind
from headwater.documents.near import did_you_mean
from headwater.errors import Misuse
from headwater.telemetry import get_logger


@cache
def installed_kinds() -> dict[str, Kind]:
    """Kinds by name. A plug-in that names no `Kind`, or one of another name, is named in a warning and left out."""
    found: dict[str, Kind] = {}
    for name, kind in plugins.load(plugins.CONNECTORS).items():
        if isinstance(kind, Kind) and kind.name == name:
            found[name] = kind
        else:
            get_logger(__name__).warning(
                "a plug-in is no connector of this name", group=plugins.CONNECTORS, plugin=name, found=repr(kind)[:100]
            )
    return found


def kind_named(name: str) -> Kind:
    """The kind of a name; Misuse naming those there are."""
    found = installed_kinds().get(name)
    if found is None:
        near = did_you_mean(name, installed_kinds())
        raise Misuse(
            "there is no such kind of connector",
            where="kind",
            value=name,
            valid=", ".join(sorted(installed_kinds())) or None,
            remedy=" ".join(filter(None, [near, "`headwater connectors kinds` tells what each is for."])),
        )
    return found
