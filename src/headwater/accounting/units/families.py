"""Units that are made by rule: fuel energy by calorific basis, gases and CO2e by weight, money, money of a year."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.accounting.units.tables import Row, currency_codes
from headwater.accounting.units.unit import exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GWP_SETS = ("SAR", "AR4", "AR5", "AR5_feedback", "AR6")
"""Sets of warming potentials by which CO2e may be stated; AR5_feedback is AR5 with climate-carbon feedbacks."""
NO_SET = "CO2e, set not stated"
FIRST_YEAR, LAST_YEAR = 1995, 2035
"""Of money told apart by year."""

_FUEL_ENERGY = ("kWh", "MWh", "GWh", "kJ", "MJ", "GJ", "TJ", "PJ", "kBtu", "MMBtu", "therm_us", "therm_ec", "therm_uk")
_BASES = {"gross": ("Gross CV", "Hs", "HHV", "GCV"), "net": ("Net CV", "Hi", "LHV", "NCV")}
_WEIGHTS = {
    "g": ("0.001", ("g",), ("gram", "grams")),
    "kg": ("1", ("kg", "KG", "Kg"), ("kilogram", "kilograms")),
    "t": ("1000", ("t",), ("tonne", "tonnes", "metric ton", "metric tons")),
    "kt": ("1000000", ("kt",), ("kilotonne", "kilotonnes")),
    "megatonne": ("1000000000", (), ("megatonne", "megatonnes", "million tonnes")),
    "lb": ("0.45359237", ("lb",), ("lbs", "pounds")),
    "short_ton": ("907.18474", (), ("short ton", "short tons")),
}
_CO2E = ("CO2e", "CO2-e", "CO2eq", "CO2-eq", "CO2 eq", "CO2 e", "CO2 equivalent", "CO2-equivalent", "CO2 equivalents")
_GASES = {
    "CO2": ("CO2",),
    "CO2_biogenic": ("biogenic CO2", "CO2 biogenic", "CO2 (biogenic)"),
    "CH4": ("CH4", "methane"),
    "CH4_fossil": ("fossil CH4", "CH4 fossil", "CH4 (fossil)"),
    "CH4_nonfossil": ("non-fossil CH4", "CH4 non-fossil", "CH4 (non-fossil)", "CH4_non_fossil"),
    "N2O": ("N2O", "nitrous oxide"),
    "SF6": ("SF6",),
    "NF3": ("NF3",),
    "C": ("carbon",),
}


def fuel_energy(rows: Iterable[Row]) -> Iterator[Row]:
    """Energy of a fuel by gross (higher) or net (lower) calorific value: about 10 % apart for gas, never converted."""
    known = {row.symbol: row for row in rows}
    for basis, marks in _BASES.items():
        for name in _FUEL_ENERGY:
            row = known[name]
            usual = {"kwh", "KWH", "MWH", "MMBTU", "mmBtu"} & {*row.exact, *row.free, name.upper()}
            yield Row(
                symbol=f"{name}_{basis}",
                dimension=f"energy by {basis} calorific value",
                size=row.size,
                source=row.source,
                exact=tuple(
                    text
                    for word in (name, *sorted(usual))
                    for mark in marks
                    for text in (f"{word} ({mark})", f"{word} ({mark.lower()})", f"{word} {mark}")
                ),
                free=(),
            )


def gases() -> Iterator[Row]:
    """Masses of single gases, and of CO2e: one dimension for each set of warming potentials, one for none stated."""
    for gas, names in _GASES.items():
        yield from _weights(gas, f"mass of {gas}", [(name, "") for name in names])
    yield from _weights("CO2e", NO_SET, [(name, "") for name in _CO2E])
    for gwp_set in GWP_SETS:
        marked = [(name, mark) for name in ("CO2e", "CO2eq") for mark in (f" {gwp_set}", f" ({gwp_set})")]
        yield from _weights(f"CO2e_{gwp_set}", f"CO2e by {gwp_set}", marked)


def money() -> Iterator[Row]:
    """Each currency, thousands and millions of the usual ones, and money of a year, each of its own dimension."""
    for code, of_a_year in currency_codes().items():
        dimension = f"money in {code}"
        if not of_a_year:
            yield _money(code, dimension, "1", ())
            continue
        euro = ("€", "euro", "Euro", "euros", "Euros") if code == "EUR" else ()
        yield _money(code, dimension, "1", (code.lower(), *euro))
        yield _money(f"k{code}", dimension, "1000", (f"thousand {code}", f"{code} thousand", f"{code} 1000"))
        yield _money(f"M{code}", dimension, "1000000", (f"million {code}", f"{code} million", f"{code} mn"))
        for year in range(FIRST_YEAR, LAST_YEAR + 1):
            yield _money(f"{code}_{year}", f"money in {code} of {year}", "1", (f"{code} {year}", f"{code}{year}"))


def _weights(gas: str, dimension: str, names: list[tuple[str, str]]) -> Iterator[Row]:
    for weight, (size, symbols, words) in _WEIGHTS.items():
        yield Row(
            symbol=f"{weight}{'_' if weight == 'short_ton' else ''}{gas}",
            dimension=dimension,
            size=exact(size),
            source="definition",
            exact=tuple(
                dict.fromkeys(
                    f"{text}{mark}"
                    for name, mark in names
                    for form in _scripts(name)
                    for text in (
                        *(f"{symbol}{gap}{form}" for symbol in symbols for gap in ("", " ")),
                        *(written for word in words for written in (f"{word} {form}", f"{word} {form}".upper())),
                    )
                )
            ),
            free=(),
        )


def _scripts(name: str) -> tuple[str, ...]:
    """CO2e as people type it: with a small figure, in capitals, in small letters."""
    small = name.translate(str.maketrans("2346", "₂₃₄₆"))
    return tuple(dict.fromkeys((name, small, name.lower())))


def _money(symbol: str, dimension: str, size: str, spelled: tuple[str, ...]) -> Row:
    return Row(symbol=symbol, dimension=dimension, size=exact(size), source="ISO 4217", exact=spelled, free=())
