"""Units of activities and factors: exact multipliers within a dimension, spellings, and the words that are no unit.

Multipliers are fractions, so that every conversion is exact until the one declared rounding. A unit that depends on
something unsaid (ton, gallon, therm) is not in the registry: its candidates are named instead.
"""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit: `size` is how many of the dimension's base unit it is."""

    symbol: str
    dimension: str
    size: Fraction
    spellings: tuple[str, ...] = ()


def _units(dimension: str, *rows: tuple[str, str, tuple[str, ...]]) -> list[Unit]:
    return [
        Unit(symbol=symbol, dimension=dimension, size=Fraction(size), spellings=spelled)
        for symbol, size, spelled in rows
    ]


def _calorific(basis: str, words: str) -> list[Unit]:
    """Energy of a fuel by gross (higher) or net (lower) calorific value: about 10 % apart for gas, never converted."""
    short = {"gross": ("Hs", "HHV"), "net": ("Hi", "LHV")}[basis]
    sizes = {
        "kWh": "3.6",
        "MWh": "3600",
        "GWh": "3600000",
        "MJ": "1",
        "GJ": "1000",
        "TJ": "1000000",
        "MMBtu": "1055.05585262",
    }
    return [
        Unit(
            symbol=f"{name}_{basis}",
            dimension=f"energy by {basis} calorific value",
            size=Fraction(size),
            spellings=(f"{name} ({words})", f"{name} ({words.lower()})", *(f"{name} {each}" for each in short)),
        )
        for name, size in sizes.items()
    ]


_ENERGY = _units(
    "energy",
    ("Wh", "0.0036", ()),
    (
        "kWh",
        "3.6",
        ("KWH", "kwh", "Kwh", "KWh", "kW h", "kW·h", "kW.h", "kilowatt hour", "kilowatt hours", "kilowatt-hours"),
    ),
    ("MWh", "3600", ("MWH", "Mwh", "MW h", "MW·h", "megawatt hour", "megawatt hours", "megawatt-hours")),
    ("GWh", "3600000", ("GWH", "Gwh", "GW h")),
    ("TWh", "3600000000", ("TWH", "Twh")),
    ("MJ", "1", ("megajoule", "megajoules")),
    ("GJ", "1000", ("gigajoule", "gigajoules")),
    ("TJ", "1000000", ("terajoule", "terajoules")),
    # International-table Btu: 1055.05585262 J exactly.
    ("MMBtu", "1055.05585262", ("mmBtu", "MMBTU", "mmbtu", "million Btu")),
    ("therm_us", "105.4804", ()),
    ("therm_ec", "105.505585262", ()),
)

_MASS = _units(
    "mass",
    ("mg", "0.000001", ("milligram", "milligrams")),
    ("g", "0.001", ("gram", "grams", "gramme", "grammes")),
    ("kg", "1", ("KG", "Kg", "kgs", "kilogram", "kilograms", "kilogramme", "kilogrammes")),
    ("t", "1000", ("tonne", "tonnes", "Tonne", "Tonnes", "metric ton", "metric tons", "metric tonne", "metric tonnes")),
    ("kt", "1000000", ("kilotonne", "kilotonnes")),
    ("Mt", "1000000000", ("megatonne", "megatonnes")),
    ("lb", "0.45359237", ("lbs", "LB", "LBS", "pound", "pounds")),
    ("short_ton", "907.18474", ("short ton", "short tons", "US ton", "US tons", "us_ton")),
    ("long_ton", "1016.0469088", ("long ton", "long tons", "imperial ton", "UK ton")),
)

_DISTANCE = _units(
    "distance",
    ("m", "0.001", ("metre", "metres", "meter", "meters")),
    ("km", "1", ("KM", "Km", "kilometre", "kilometres", "kilometer", "kilometers", "vkm", "vehicle-km", "vehicle km")),
    ("mi", "1.609344", ("mile", "miles", "Miles")),
    ("nmi", "1.852", ("nautical mile", "nautical miles")),
)

_VOLUME = _units(
    "volume",
    ("ml", "0.001", ("mL", "millilitre", "millilitres")),
    ("l", "1", ("L", "litre", "litres", "liter", "liters", "Litre", "Litres", "Liter", "ltr")),
    ("m3", "1000", ("m³", "m^3", "M3", "cbm", "cubic metre", "cubic metres", "cubic meter", "cubic meters")),
    ("ft3", "28.316846592", ("ft³", "ft^3", "cubic foot", "cubic feet")),
    ("gal_us", "3.785411784", ("US gallon", "US gallons", "us_gallon", "gal (US)")),
    ("gal_imp", "4.54609", ("imperial gallon", "imperial gallons", "UK gallon", "UK gallons", "gal (imp)")),
    ("bbl_oil", "158.987294928", ("oil barrel", "oil barrels", "oil_bbl", "bbl (oil)")),
)

_TRANSPORT = [
    *_units(
        "passenger distance",
        ("pkm", "1", ("p.km", "passenger.km", "passenger km", "passenger-km", "passenger kilometres")),
        ("pmi", "1.609344", ("passenger-mile", "passenger miles")),
    ),
    *_units(
        "freight",
        ("tkm", "1", ("t.km", "tonne.km", "tonne km", "tonne-km", "tonne kilometres")),
        # 0.90718474 t × 1.609344 km
        ("tmi_short", "1.45997231821056", ("short ton-mile", "short ton-miles")),
    ),
]

_GAS_VOLUME = [
    *_units("gas volume at 0 °C and 101.325 kPa", ("Nm3", "1", ("Nm³", "Nm^3", "normal cubic metre"))),
    *_units("gas volume at 15 °C and 101.325 kPa", ("Sm3", "1", ("Sm³", "Sm^3", "standard cubic metre"))),
]

_AREA_AND_TIME = [
    *_units(
        "area",
        ("m2", "1", ("m²", "m^2", "sqm", "square metre", "square metres")),
        ("ha", "10000", ("hectare", "hectares")),
        ("km2", "1000000", ("km²", "km^2")),
    ),
    *_units("duration", ("h", "1", ("hour", "hours", "hr", "hrs"))),
]

_COUNTED: dict[str, tuple[str, ...]] = {
    "trip": ("trips",),
    "night": ("nights", "room night", "room nights"),
    "piece": ("pieces", "pcs", "pc", "item", "items"),
    "person": ("persons", "people", "headcount"),
    "fte": ("FTE",),
    "TEU": (),
}
_COUNTS = [unit for name, spelled in _COUNTED.items() for unit in _units(f"count of {name}s", (name, "1", spelled))]

_CURRENCIES = ("EUR", "USD", "GBP", "CHF", "JPY", "CNY", "INR", "CAD", "AUD", "SEK", "NOK", "DKK", "PLN", "KES", "BRL")
_MONEY = [unit for code in _CURRENCIES for unit in _units(f"money in {code}", (code, "1", ()))]

UNITS: Mapping[str, Unit] = {
    unit.symbol: unit
    for unit in (
        *_ENERGY,
        *_calorific("gross", "Gross CV"),
        *_calorific("net", "Net CV"),
        *_MASS,
        *_DISTANCE,
        *_VOLUME,
        *_TRANSPORT,
        *_GAS_VOLUME,
        *_AREA_AND_TIME,
        *_COUNTS,
        *_MONEY,
    )
}
"""Every unit by its symbol."""

SPELLINGS: Mapping[str, Unit] = {text: unit for unit in UNITS.values() for text in (unit.symbol, *unit.spellings)}
"""Every spelling of every unit. Case counts: it tells mega from milli."""

CANDIDATES: Mapping[str, tuple[str, ...]] = {
    "ton": ("t", "short_ton", "long_ton"),
    "tons": ("t", "short_ton", "long_ton"),
    "to": ("t", "short_ton", "long_ton"),
    "mt": ("t", "Mt"),
    "gallon": ("gal_us", "gal_imp"),
    "gallons": ("gal_us", "gal_imp"),
    "gal": ("gal_us", "gal_imp"),
    "barrel": ("bbl_oil",),
    "barrels": ("bbl_oil",),
    "bbl": ("bbl_oil",),
    "therm": ("therm_us", "therm_ec"),
    "therms": ("therm_us", "therm_ec"),
    "mwh": ("MWh", "kWh"),
    "mj": ("MJ",),
    "btu": ("MMBtu",),
    "mbtu": ("MMBtu",),
    "ccf": ("ft3",),
    "mcf": ("ft3",),
    "scf": ("ft3",),
    "kw": ("kWh",),
    "mw": ("MWh",),
    "ton-mile": ("tkm", "tmi_short"),
    "$": ("USD", "CAD", "AUD"),
    "€": ("EUR",),
    "£": ("GBP",),
}
"""Words, lower case, that are no unit because they say too little: what they may mean."""


def find_unit(text: str) -> Unit | None:
    """The unit a text spells, or None. Never guesses: "Mwh" is a known spelling, "mwh" (milli? mega?) is not."""
    return SPELLINGS.get(text.strip())


def candidates(text: str) -> tuple[str, ...]:
    """Symbols that a text which is no unit may have been meant to be, likeliest first; empty when none is near."""
    word = text.strip()
    known = CANDIDATES.get(word.lower())
    if known is not None:
        return known
    folded = sorted({unit.symbol for spelling, unit in SPELLINGS.items() if spelling.lower() == word.lower()})
    if folded:
        return tuple(folded)
    near = difflib.get_close_matches(word, list(SPELLINGS), n=6, cutoff=0.75)
    return tuple(dict.fromkeys(SPELLINGS[spelling].symbol for spelling in near))


def conversion(source: Unit, target: Unit) -> Fraction | None:
    """How many `target` one `source` is, exactly; None across dimensions."""
    if source.dimension != target.dimension:
        return None
    return source.size / target.size


@cache
def registry_hash() -> bytes:
    """SHA-256 of every spelling with its unit, dimension and size: part of each chunk's fingerprint."""
    lines = sorted(f"{text}\t{unit.symbol}\t{unit.dimension}\t{unit.size}" for text, unit in SPELLINGS.items())
    return hashlib.sha256("\n".join(lines).encode()).digest()


@cache
def units_of(dimension: str) -> tuple[tuple[Unit, tuple[str, ...]], ...]:
    """The units of a dimension, each with every text that spells it."""
    return tuple((unit, (unit.symbol, *unit.spellings)) for unit in UNITS.values() if unit.dimension == dimension)
