"""Names of columns taken apart: words, units, abbreviations."""

from __future__ import annotations

import re
import unicodedata

# Units as they stand in headers, folded: the spelling -> what a mapping writes. Words that may mean two units are not
# here (MtCO2e is written for megatonnes and for metric tonnes): better no unit than the wrong one.
UNITS: dict[str, str] = {
    "metric tonnes co2e": "t CO2e", "metric tons co2e": "t CO2e", "tonnes co2e": "t CO2e",
    "tco2e": "t CO2e", "t co2e": "t CO2e", "tco2eq": "t CO2e", "t co2eq": "t CO2e", "t co2 eq": "t CO2e",
    "kgco2e": "kg CO2e", "kg co2e": "kg CO2e", "kg co2eq": "kg CO2e", "kg co2 eq": "kg CO2e",
    "kgco2eq": "kg CO2e", "ktco2e": "kt CO2e", "kt co2e": "kt CO2e", "kt co2 eq": "kt CO2e", "kt co2eq": "kt CO2e",
    "gco2e": "g CO2e", "tco2": "t", "t co2": "t", "tonnes co2": "t", "kgco2": "kg", "kg co2": "kg",
    "metric tonnes": "t", "metric tons": "t", "tonnes": "t", "tonne": "t", "t": "t",
    "kilograms": "kg", "kg": "kg", "grams": "g", "g": "g", "kwh": "kWh", "mwh": "MWh", "gwh": "GWh", "wh": "Wh",
    "mj": "MJ", "gj": "GJ", "tj": "TJ", "litres": "l", "liters": "l", "litre": "l", "liter": "l", "l": "l",
    "m3": "m3", "m^3": "m3", "m³": "m3", "km": "km", "kilometres": "km", "kilometers": "km", "miles": "mi",
    "pkm": "pkm", "tkm": "tkm", "m2": "m2", "m²": "m2", "sqm": "m2", "ha": "ha", "km2": "km2", "square km": "km2",
    "square kilometres": "km2", "square kilometers": "km2", "square metres": "m2", "square meters": "m2",
    "square feet": "ft2", "sq ft": "ft2", "eur": "EUR", "usd": "USD", "gbp": "GBP", "chf": "CHF",
    "€": "EUR", "%": "%", "percent": "%", "degree": "degree", "degrees": "degree",
    "hours": "h", "h": "h", "days": "d",
}  # fmt: skip
_SHORT = frozenset({"t", "g", "l", "h", "ha", "days", "hours", "degree", "degrees", "m2", "wh"})
"""Spellings that count as a unit between brackets or after a row of units only: `t` may be anything behind a `_`."""
_BESIDE_UNITS = frozenset({
    "total", "used", "consumed", "purchased", "bought", "delivered", "driven", "travelled", "traveled", "number", "of",
})  # fmt: skip
"""Words that say no more of a column than its unit does: litres purchased, number of km."""


def folded(name: str) -> str:
    """Lower case, without accents, invisible characters and doubled spaces."""
    plain = unicodedata.normalize("NFKD", name.replace("₂", "2").replace("³", "3"))
    kept = "".join(c for c in plain if unicodedata.category(c) not in {"Mn", "Cf"})
    return " ".join(kept.lower().split())


def words(name: str) -> tuple[str, ...]:
    """The words of a name: `facilityCode`, `FACILITY_CODE` and `Facility code` have the same."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])|(?<=[a-z0-9])(?=[A-Z]{2,}\b)", " ", name.replace("kWh", " kwh"))
    return tuple(re.findall(r"[a-z0-9]+", folded(apart)))


def unit_of(text: str) -> str | None:
    """A unit as mappings write it, from the text of a units row or of brackets."""
    return UNITS.get(folded(text).strip(" .[]()"))


def unit_in_name(name: str) -> str | None:
    """The unit that a header names: in brackets, behind "in", as its last word, or as all that it says."""
    for inside in reversed(re.findall(r"[(\[{]([^()\[\]{}]{1,40})[)\]}]", name)):
        found = unit_of(inside)
        if found:
            return found
    plain = folded(name)
    behind = re.search(r"\bin ([a-z0-9²³$€£% ]{1,30})$", plain)
    if behind and (found := unit_of(behind[1])):
        return found
    parts = words(name)
    if len(parts) > 3 and parts[-2] == "per" and parts[-3] in UNITS:
        return f"{UNITS[parts[-3]]}/{UNITS.get(parts[-1], parts[-1])}"
    for count in (3, 2, 1):
        ending = " ".join(parts[-count:])
        if len(parts) > count and ending in UNITS and ending not in _SHORT:
            return UNITS[ending]
    return named_by_unit(name)


def named_by_unit(name: str) -> str | None:
    """The unit that is all a header says: Litres, kWh, m3, "km driven"."""
    left = " ".join(word for word in words(name) if word not in _BESIDE_UNITS)
    left = left or folded(name)
    return UNITS.get(left) if left not in _SHORT else None


def without_unit(name: str) -> str:
    """A name without its unit and without what stands in brackets."""
    bare = re.sub(r"[(\[{][^()\[\]{}]*[)\]}]", " ", name)
    parts = words(bare)
    for count in (3, 2, 1):
        ending = " ".join(parts[-count:])
        if len(parts) > count and ending in UNITS and ending not in _SHORT:
            return " ".join(parts[:-count])
    return " ".join(parts)
