from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from headwater.accounting import CalculationOutcome, FactorPolicy, calculate, factor_table
from headwater.accounting.timeline import fits
from headwater.accounting.units import CANDIDATES, SPELLINGS, UNITS, candidates, conversion, find_unit, units_of
from headwater.accounting.units.spelling import word_forms
from tests.unit.accounting.factors import activity, calculated, factor, factors


def times(source: str, target: str) -> Fraction | None:
    return conversion(UNITS[source], UNITS[target])


@pytest.mark.parametrize(
    ("source", "target", "factor"),
    [
        ("MWh", "kWh", "1000"),
        ("kWh", "MWh", "1/1000"),
        ("kWh", "MJ", "18/5"),
        ("MJ", "kWh", "5/18"),
        ("TJ", "kWh", "2500000/9"),
        ("t", "kg", "1000"),
        ("g", "t", "1/1000000"),
        ("lb", "kg", "0.45359237"),
        ("short_ton", "kg", "907.18474"),
        ("long_ton", "lb", "2240"),
        ("short_ton", "lb", "2000"),
        ("mi", "km", "1.609344"),
        ("m3", "l", "1000"),
        ("gal_us", "l", "3.785411784"),
        ("gal_imp", "l", "4.54609"),
        ("bbl_oil", "gal_us", "42"),
        ("ft3", "m3", "0.028316846592"),
        ("MMBtu", "MJ", "1055.05585262"),
        ("therm_ec", "MMBtu", "1/10"),
        ("kWh_gross", "MJ_gross", "18/5"),
        ("tmi_short", "tkm", "1.45997231821056"),
        ("tmi_short", "tmi", "0.90718474"),
        ("vkm", "km", "1"),
        ("kBtu", "MMBtu", "1/1000"),
        ("therm_us", "kBtu", "105480400/1055055.85262"),
        ("Gcal_it", "toe", "1/10"),
        ("toe", "MWh", "11.63"),
        ("kft3", "m3", "28.316846592"),
        ("kscf_60F", "scf_60F", "1000"),
        ("oz", "lb", "1/16"),
        ("acre_ft", "ft3", "43560"),
        ("acre", "ft2", "43560"),
        ("cwt_uk", "lb", "112"),
        ("d", "h", "24"),
        ("MEUR", "kEUR", "1000"),
        ("tCO2e_AR5", "kgCO2e_AR5", "1000"),
        ("short_ton_CO2e", "lbCO2e", "2000"),
    ],
)
def test_multipliers_are_exact(source: str, target: str, factor: str) -> None:
    dividend, _, divisor = factor.partition("/")
    assert times(source, target) == Fraction(dividend) / Fraction(divisor or 1)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("kWh", "kWh_gross"),
        ("kWh_net", "kWh_gross"),
        ("km", "pkm"),
        ("m3", "Nm3"),
        ("Nm3", "Sm3"),
        ("EUR", "USD"),
        ("trip", "pkm"),
        ("kg", "l"),
        ("ft3", "scf_60F"),
        ("scf_60F", "scf_68F"),
        ("EUR", "EUR_2024"),
        ("EUR_2019", "EUR_2024"),
        ("tCO2e", "tCO2e_AR5"),
        ("tCO2e_AR5", "tCO2e_AR6"),
        ("kgCO2", "kgCO2e_AR6"),
        ("kgCH4_fossil", "kgCH4_nonfossil"),
        ("kgCO2", "kgC"),
        ("kg", "kgCO2"),
    ],
)
def test_what_differs_in_kind_is_not_converted(source: str, target: str) -> None:
    assert times(source, target) is None


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("kWh", "kWh"),
        ("KWH", "kWh"),
        ("kwh", "kWh"),
        ("MWH", "MWh"),
        (" kWh ", "kWh"),
        ("m^3", "m3"),
        ("m³", "m3"),
        ("tonnes", "t"),
        ("short ton", "short_ton"),
        ("kWh (Gross CV)", "kWh_gross"),
        ("kWh (Net CV)", "kWh_net"),
        ("passenger.km", "pkm"),
        ("litres", "l"),
        ("kilowatt hours", "kWh"),
        ("Kilowatt-Hours", "kWh"),
        ("KILOWATT HOURS", "kWh"),
        ("KiloWatt hours", None),
        ("MEGAWATTHOURS", "MWh"),
        ("kWh NCV", "kWh_net"),
        ("KWH (gross cv)", "kWh_gross"),
        ("m**3", "m3"),
        ("CBM", "m3"),
        ("Short Tons", "short_ton"),
        ("metric-ton", "t"),
        ("Us Gallon", "gal_us"),
        ("Vehicle-Kilometres", "vkm"),
        ("pax-km", "pkm"),
        ("t CO2e", "tCO2e"),
        ("tCO2-eq", "tCO2e"),
        ("tCO₂e", "tCO2e"),
        ("tonnes CO2 equivalent", "tCO2e"),
        ("TONNES CO2E", "tCO2e"),
        ("kgco2e", "kgCO2e"),
        ("kg CO2e (AR5)", "kgCO2e_AR5"),
        ("tCO2eq AR6", "tCO2e_AR6"),
        ("eur", "EUR"),
        ("€", "EUR"),
        ("EUR 2024", "EUR_2024"),
        ("thousand USD", "kUSD"),
        ("Mg", "t"),
        ("mg", "mg"),
        ("mL", "ml"),
    ],
)
def test_spellings(text: str, symbol: str | None) -> None:
    unit = find_unit(text)
    assert (None if unit is None else unit.symbol) == symbol


def test_words_are_read_in_usual_cases_and_spacings() -> None:
    assert set(word_forms("short ton")) >= {"short ton", "Short Ton", "SHORT TON", "Short ton", "short-ton", "shortton"}
    assert set(word_forms("US gallon")) >= {"US gallon", "us gallon", "US_GALLON", "Us Gallon", "US-gallon"}
    assert word_forms("kWh")[0] == "kWh"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ton", ("t", "short_ton", "long_ton")),
        ("TON", ("t", "short_ton", "long_ton")),
        ("MT", ("t", "Mt")),
        ("gallon", ("gal_us", "gal_imp")),
        ("therm", ("therm_us", "therm_ec", "therm_uk")),
        ("mWh", ("MWh", "kWh")),
        ("mwh", ("MWh", "kWh")),
        ("Mcf", ("kft3", "kscf_60F")),
        ("MBtu", ("MMBtu", "kBtu")),
        ("kt", ("kilotonne", "knot")),
        ("a", ("year_365", "year_366", "are")),
        ("scf", ("ft3", "scf_60F", "scf_1473", "scf_68F")),
        ("MTCO2e", ("tCO2e", "megatonneCO2e")),
        ("MtCO2e", ("tCO2e", "megatonneCO2e")),
        ("$", ("USD", "CAD", "AUD")),
        ("KiloWatt hours", ("kWh",)),
        ("bbl", ("bbl_oil",)),
        ("kw", ("kWh",)),
        ("KM/H", ()),
        ("T", ("t",)),
        ("G", ("g",)),
        ("kilowat hour", ("kWh",)),
        ("", ()),
    ],
)
def test_words_that_say_too_little_are_no_unit_and_their_candidates_are_named(
    text: str, named: tuple[str, ...]
) -> None:
    assert find_unit(text) is None
    found = candidates(text)
    assert found[: len(named)] == named if named else isinstance(found, tuple)


def test_no_spelling_means_two_units() -> None:
    spelled = [text for unit in UNITS.values() for text in (unit.symbol, *unit.spellings)]
    assert len(spelled) == len(set(spelled))
    assert set(spelled) == set(SPELLINGS)


def test_an_ambiguous_word_is_never_a_spelling_and_its_candidates_are_units() -> None:
    assert not set(CANDIDATES) & set(SPELLINGS)
    assert {name for names in CANDIDATES.values() for name in names} <= set(UNITS)


def test_multipliers_that_do_not_fit_the_calculation_are_few_and_known() -> None:
    listed = {unit.dimension for unit in UNITS.values() if not unit.dimension.startswith("money")}
    far = {
        tuple(sorted((source.symbol, target.symbol)))
        for dimension in listed
        for source, _ in units_of(dimension)
        for target, _ in units_of(dimension)
        if not fits(conversion(source, target) or Fraction(1))
    }
    basis = ("", "_gross", "_net")
    assert far == {
        *((f"PJ{mark}", f"{other}{mark}") for mark in basis for other in ("kBtu", "therm_uk")),
        ("TWh", "kBtu"),
        ("TWh", "therm_uk"),
    }


def test_units_too_far_apart_are_out_of_range_and_not_wrong() -> None:
    table = factors(factor(unit="kBtu"))
    record = activity(unit="TWh", quantity=Decimal("0.000001"))
    (found,) = calculated(table, record)
    assert found["calculation_outcome"] == CalculationOutcome.OUT_OF_RANGE
    assert calculate(record, factor_table(table, FactorPolicy()).to_pylist()).outcome is CalculationOutcome.OUT_OF_RANGE
