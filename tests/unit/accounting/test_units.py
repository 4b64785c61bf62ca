from __future__ import annotations

from fractions import Fraction

import pytest

from headwater.accounting.units import CANDIDATES, SPELLINGS, UNITS, candidates, conversion, find_unit, units_of


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
    ],
)
def test_multipliers_are_exact(source: str, target: str, factor: str) -> None:
    assert times(source, target) == Fraction(factor)


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
    ],
)
def test_spellings(text: str, symbol: str) -> None:
    unit = find_unit(text)
    assert unit is not None
    assert unit.symbol == symbol


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ton", ("t", "short_ton", "long_ton")),
        ("TON", ("t", "short_ton", "long_ton")),
        ("MT", ("t", "Mt")),
        ("gallon", ("gal_us", "gal_imp")),
        ("therm", ("therm_us", "therm_ec")),
        ("mWh", ("MWh", "kWh")),
        ("mwh", ("MWh", "kWh")),
        ("Mcf", ("ft3",)),
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


def test_every_multiplier_fits_the_calculation() -> None:
    for dimension in {unit.dimension for unit in UNITS.values()}:
        members = [unit for unit, _ in units_of(dimension)]
        for source in members:
            for target in members:
                factor = conversion(source, target)
                assert factor is not None
                assert 0 < factor.numerator < 2**63
                assert 0 < factor.denominator < 2**62
                # A quantity has 18 digits, and its limit keeps quantity × numerator below 10^18 × denominator.
                assert 2 * 10**20 * min(factor.numerator, factor.denominator) + factor.denominator < 2**127
