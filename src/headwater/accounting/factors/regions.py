"""Which region lies in which: subdivision, country, groups of countries, continent, world.

regions.csv lists groups with the countries in them and who drew them: the United Nations (M49) or a treaty. What lies
in what is a fact; that a factor of the one may stand for the other is a choice, and only a written policy makes it.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

WORLD = "WORLD"


def broader(region: str) -> tuple[str, ...]:
    """The regions it lies in, nearest first, the world last. Of a region that nobody knows only the world is known.

    A subdivision is written as ISO 3166-2 does, country first: US-CA, GB-SCT.
    """
    if region == WORLD:
        return ()
    country, _, part = region.partition("-")
    found = [country] if part and country in _groups_of() else []
    return (*found, *_groups_of().get(found[0] if found else region, ()), WORLD)


def groups() -> dict[str, tuple[str, ...]]:
    """Every group with its countries, as two-letter codes of ISO 3166-1."""
    return {row["group"]: tuple(row["members"].split()) for row in _rows()}


@cache
def _groups_of() -> dict[str, tuple[str, ...]]:
    """By country, and by group for those that lie in a larger one: the smaller first."""
    found: dict[str, list[str]] = {}
    members = {group: set(countries) for group, countries in groups().items()}
    for group, countries in sorted(members.items(), key=lambda each: (len(each[1]), each[0])):
        for country in countries:
            found.setdefault(country, []).append(group)
        for other, theirs in members.items():
            if theirs < countries:
                found.setdefault(other, []).append(group)
    return {region: tuple(each) for region, each in found.items()}


@cache
def _rows() -> tuple[dict[str, str], ...]:
    text = resources.files(__package__).joinpath("regions.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))
