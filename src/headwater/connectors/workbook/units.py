"""Whether a text is a unit, and nothing but a unit: kWh, t CO2e, kg/m³, %, EUR."""

from __future__ import annotations

import re

_PREFIXED = r"(?:[kMGTP]?(?:Wh|W|J|Pa|t|g|l|L|m|EUR|USD|GBP|€|\$|£|VAr?h?|BTU|Btu)|[cm]m|[mcdh][lL]|mg|µg|ug)"
_CO2 = "(?:CO2|CO₂|CH4|CH₄|N2O|N₂O|SF6|NF3|HFCs?|PFCs?)(?:[ -]?(?:eq?\\.?|equiv(?:alents?|\\.)?))?"
_WORDS = (
    "kilo(?:gram(?:me)?|met(?:re|er)|watt[- ]?hour|tonne)s?|ton(?:ne)?s?|tons|grams?|grammes?|lit(?:re|er)s?|"
    "gal(?:lon)?s?|met(?:re|er)s?|miles?|hours?|hrs?|days?|months?|years?|therms?|thm|mmbtu|btu|units?|"
    "pieces?|pcs|items?|number|count|per ?cent|percent|persons?|people|employees?|fte|rooms?|nights?|"
    r"vehicles?|passengers?|head|ha|hectares?|acres?|lbs?|sq\.? ?(?:m|ft|km)|m2|m²|m3|m³|km2|km²|ft2|ft²|ft3|"
    r"scf|mcf|bbl|barrels?|nm3|pkm|tkm|vkm|p\.km|t\.km|tonne[.-]?km|passenger[.-]?km|kgco2e?|tco2e?|ktco2e?|"
    "mtco2e?|gco2e?|mwh|kwh|gwh|twh|gj|mj|tj|pj|kg|km|cubic met(?:re|er)s?|square met(?:re|er)s?|eur|usd|gbp|"
    "chf|jpy|cny|aud|cad|sek|nok|dkk|pln|inr|kes|zar|brl|mxn|ppm|ppb|°c|°f|celsius|h|d|kt|mt|gt|gg|tg|gt|toe|"
    "ktoe|mtoe|tce|stk|stück|std|liter|tonnen|litres?|heures?|personnes?|jours?"
)
_ATOM = f"(?:{_PREFIXED}|{_CO2}|(?i:{_WORDS})|%|‰|[€$£¥])"
_SCALE = "(?i:(?:million|billion|thousand|mn|bn|m|k|'?000|1,?000|10\\^?[36]|metric|short|long|net|gross)s? )?"
_KIND = "(?: ?\\((?:Net CV|Gross CV|net|gross|LHV|HLV|HHV|NCV|GCV)\\))?"
_UNIT = re.compile(f"{_SCALE}{_ATOM}(?: ?(?:/|·|\\*|⋅|\\.|-|per|of)? ?{_SCALE}{_ATOM}){{0,4}}(?:[-⁻]?[123¹²³])?{_KIND}")
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_NO_UNIT = frozenset(
    [
        "-",
        "–",
        "—",
        "n/a",
        "na",
        "text",
        "date",
        "name",
        "unit",
        "units",
        "einheit",
        "unité",
        "none",
        "dd/mm/yyyy",
        "yyyy-mm-dd",
        "yyyy",
    ]
) | {""}
_LONGEST = 40


def unit_of(text: str) -> str | None:
    """The unit that a text is, without brackets around it; None for any other text."""
    bare = " ".join(text.split())
    if bare[:1] in _BRACKETS and bare.endswith(_BRACKETS[bare[0]]):
        bare = bare[1:-1].strip()
    if not bare or len(bare) > _LONGEST:
        return None
    return bare if _UNIT.fullmatch(bare) else None


def says_no_unit(text: str) -> bool:
    """Whether a cell of a row of units says that its column has none: a blank, a dash, "Unit", "date"."""
    return text.strip().lower() in _NO_UNIT
