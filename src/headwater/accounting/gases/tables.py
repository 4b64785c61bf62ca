"""The tables beside this file, read once: what a gas is, and how much it warms, stands there, never in code.

gases.csv        every gas by the name used here, what it is called, its kind, and further words for it; `|` parts them
potentials.csv   GWP-100 by set and gas, each with the table of the IPCC report it stands in
blends.csv       refrigerant blends by their ASHRAE designation (ANSI/ASHRAE Standard 34): per cent by mass of each part

Halocarbons are as in the CC0 package globalwarmingpotentials, methane by origin as the GHG Protocol lists it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources


@dataclass(frozen=True, kw_only=True)
class Gas:
    """One gas. `kind` is its family: HFC, PFC, methane."""

    code: str
    name: str
    kind: str
    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Blend:
    """A refrigerant that is a mixture; the parts are (gas, per cent by mass) and add up to 100."""

    code: str
    parts: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A potential as published."""

    gwp_set: str
    gas: str
    gwp_100: Decimal
    source: str


@cache
def gases() -> dict[str, Gas]:
    """By code."""
    return {
        row["gas"]: Gas(
            code=row["gas"],
            name=row["name"],
            kind=row["kind"],
            words=tuple(row["words"].split("|")) if row["words"] else (),
        )
        for row in _table("gases.csv")
    }


@cache
def blends() -> dict[str, Blend]:
    """By code."""
    parts: dict[str, list[tuple[str, Decimal]]] = {}
    for row in _table("blends.csv"):
        parts.setdefault(row["blend"], []).append((row["gas"], Decimal(row["percent"])))
    return {code: Blend(code=code, parts=tuple(each)) for code, each in parts.items()}


@cache
def potential_rows() -> tuple[Row, ...]:
    return tuple(
        Row(gwp_set=row["gwp_set"], gas=row["gas"], gwp_100=Decimal(row["gwp_100"]), source=row["source"])
        for row in _table("potentials.csv")
    )


def _table(name: str) -> list[dict[str, str]]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
