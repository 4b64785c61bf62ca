"""The tables of units beside this file, read once: what a unit is stands there, never in code.

units.csv         symbol, dimension, size in the dimension's base unit, who laid it down, spellings taken as they are
                  written (`exact`), and words read in any case and spacing (`free`); `|` parts them
sources.csv       who laid units down, in full
conditions.csv    temperature (K) and pressure (kPa) of each kind of gas volume, and the litres its base unit measures
doubtful.csv      words that say too little, what they may mean, and why they are in doubt
source_words.csv  what such words mean in a source that says so
currencies.csv    ISO 4217 codes; `of_a_year`: the ones of which money of a year can be told apart
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import resources

from headwater.accounting.units.unit import exact


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of units.csv."""

    symbol: str
    dimension: str
    size: Fraction
    source: str
    exact: tuple[str, ...]
    free: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Temperature in kelvin and pressure in kilopascal at which a gas volume counts; `litres` in its base unit."""

    temperature: Fraction
    pressure: Fraction
    litres: Fraction


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A word that says too little: the symbols it may mean, likeliest first, and why."""

    candidates: tuple[str, ...]
    why: str


@cache
def unit_rows() -> tuple[Row, ...]:
    return tuple(
        Row(
            symbol=row["symbol"],
            dimension=row["dimension"],
            size=exact(row["size"]),
            source=row["source"],
            exact=_parts(row["exact"]),
            free=_parts(row["free"]),
        )
        for row in _table("units.csv")
    )


@cache
def conditions() -> dict[str, Condition]:
    """By dimension."""
    return {
        row["dimension"]: Condition(
            temperature=exact(row["temperature"]), pressure=exact(row["pressure"]), litres=exact(row["volume"])
        )
        for row in _table("conditions.csv")
    }


@cache
def doubtful() -> dict[str, Doubt]:
    """By the word in lower case."""
    return {row["word"]: Doubt(candidates=_parts(row["candidates"]), why=row["why"]) for row in _table("doubtful.csv")}


@cache
def source_words() -> dict[str, dict[str, str]]:
    """By source: its words, as it writes them, and the symbols of the units they mean there."""
    found: dict[str, dict[str, str]] = {}
    for row in _table("source_words.csv"):
        found.setdefault(row["source"], {})[row["word"]] = row["symbol"]
    return found


@cache
def sources() -> dict[str, str]:
    """Who laid units down, by the short name that units.csv uses."""
    return {row["source"]: row["meaning"] for row in _table("sources.csv")}


@cache
def currency_codes() -> dict[str, bool]:
    """By code: whether money of a year is told apart."""
    return {row["code"]: row["of_a_year"] == "yes" for row in _table("currencies.csv")}


def _table(name: str) -> list[dict[str, str]]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(text.split("|")) if text else ()
