"""What would make an unsafe sum, product or conversion safe: a sentence for each pair of kinds."""

from __future__ import annotations

import re

_BASIS = (
    "Net is about 10 % below gross for natural gas, 5 % for oil. Multiply by the fuel's own ratio of calorific values,"
    " as in 0.9 kWh_net/kWh_gross, or take a factor on the quantity's basis."
)
_NO_BASIS = (
    "Say whether the energy is by gross or by net calorific value: kWh_gross, kWh_net. Gas bills are usually gross."
)
_CONDITIONS = (
    "Restate one by the ideal gas law (`restated`, by ideal_gas), or multiply by the meter's own correction, as in"
    " 1.055 Sm3/Nm3."
)
_NO_CONDITION = "Say at which temperature and pressure the gas was metered: Nm3 (0 °C), Sm3 (15 °C), scf_60F."
_SETS = "Compute both from the masses of the gases by one set; CO2e itself is never converted from set to set."
_NO_SET = "Find out on which set of warming potentials the published figure rests; until then it stands apart."
_WARMING = "Multiply by the gas's warming potential in one set, as in 29.8 kgCO2e_AR6/kgCH4_fossil."
_ORIGIN = "Say of which gas and origin the mass is: fossil and non-fossil methane have warming potentials of their own."
_CARBON = "Multiply by 44/12 kgCO2/kgC if all carbon ends as CO2 (CBAM prescribes 3.664)."
_RATE = "Load dated rates and exchange by the rate of the day, or multiply by a rate, as in 1.08 USD/EUR."
_INDEX = "Multiply by a price index, as in 1.19 EUR_2024/EUR_2019."
_NO_YEAR = "Say of which year the money is, as in EUR_2024."
_INDEX_AND_RATE = (
    "Bring it to the other year by the price index of its own currency first, then exchange it by that year's rate."
)
_DENSITY = "Multiply by a density, as in 0.832 kg/l."
_CALORIFIC = "Multiply by a calorific value that names its basis, as in 10.55 kWh_gross/m3."
_PERSONS = "Multiply by the number of persons."
_LOAD = "Multiply by the load, as in 12 t."
_ELSE = "They differ in kind: give a quantity that leads from one to the other, as one per the other."

_MONEY = re.compile(r"money in ([A-Z]{3})(?: of (\d{4}))?$")


def akin(one: str, two: str) -> bool:
    """Whether two dimensions look alike, so that one against the other is more likely a slip than meant."""
    family = _family(one)
    return family is not None and family == _family(two)


def advice(one: str, two: str) -> str:
    """What to do about two dimensions that do not go together."""
    return bridge(one, two) or _ELSE


def bridge(one: str, two: str) -> str | None:
    """What leads from one dimension to the other, where that is known."""
    money = _MONEY.match(one), _MONEY.match(two)
    if money[0] and money[1]:
        return _of_money((money[0][1], money[0][2]), (money[1][1], money[1][2]))
    families = {_family(one), _family(two)}
    if families == {"energy"}:
        return _NO_BASIS if "energy" in {one, two} else _BASIS
    if families == {"volume"}:
        return _NO_CONDITION if "volume" in {one, two} else _CONDITIONS
    if families == {"CO2e"}:
        return _NO_SET if any("not stated" in each for each in (one, two)) else _SETS
    if families == {"gas"}:
        return _CARBON if "mass of C" in {one, two} else _ORIGIN
    return _BETWEEN.get(frozenset(str(family) for family in families))


_BETWEEN = {
    frozenset({"gas", "CO2e"}): _WARMING,
    frozenset({"gas", "mass"}): _ORIGIN,
    frozenset({"mass", "CO2e"}): _WARMING,
    frozenset({"mass", "volume"}): _DENSITY,
    frozenset({"mass", "energy"}): _CALORIFIC,
    frozenset({"volume", "energy"}): _CALORIFIC,
    frozenset({"distance", "passenger distance"}): _PERSONS,
    frozenset({"distance", "freight"}): _LOAD,
    frozenset({"mass", "freight"}): "Multiply by the distance, as in 300 km.",
}


def _family(dimension: str) -> str | None:
    """The kinds that are mistaken for each other, by one name; None for a kind that stands alone."""
    if _MONEY.match(dimension):
        return "money"
    for prefix, family in (
        ("energy", "energy"),
        ("gas volume", "volume"),
        ("volume", "volume"),
        ("CO2e", "CO2e"),
        ("mass of", "gas"),
        ("mass", "mass"),
        ("passenger distance", "passenger distance"),
        ("distance", "distance"),
        ("freight", "freight"),
    ):
        if dimension.startswith(prefix):
            return family
    return None


def _of_money(one: tuple[str, str | None], two: tuple[str, str | None]) -> str:
    """Each as currency and year."""
    (currency, year), (other, its_year) = one, two
    if (year is None) != (its_year is None):
        return _NO_YEAR
    if year == its_year:
        return _RATE
    return _INDEX if currency == other else _INDEX_AND_RATE
