"""Gases are read as people write them, count what a report published, and are doubted where a set needs more."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.accounting.gases import Blend, Gas, GasInDoubt, Potential, built_in, find_gas, gwp, read_gas
from headwater.accounting.gases.tables import blends, gases
from headwater.accounting.units import find_unit
from headwater.errors import InputRefused, Misuse

SETS = built_in()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("CO2", "CO2"),
        (" co₂ ", "CO2"),
        ("CH₄", "CH4"),
        ("methane", "CH4"),
        ("Methane (CH4)", "CH4"),
        ("fossil methane", "CH4_fossil"),
        ("CH4 (non-fossil)", "CH4_non_fossil"),
        ("CH4_nonfossil", "CH4_non_fossil"),
        ("Nitrous Oxide", "N2O"),
        ("n2o", "N2O"),
        ("HFC134a", "HFC-134a"),
        ("R-134a", "HFC-134a"),
        ("R134A", "HFC-134a"),
        ("hfc 134 A", "HFC-134a"),
        ("HFC-134", "HFC-134"),
        ("HFC-43-I0mee", "HFC-43-10mee"),
        ("Perfluorocyclobutane (PFC-318)", "c-C4F8"),
        ("HCFC-22/R22 = chlorodifluoromethane", "HCFC-22"),
        ("1,1,1-trifluoroethane", "HFC-143a"),
        ("1,1,2-trifluoroethane", "HFC-143"),
        ("R 410 A", "R-410A"),
        ("r404a", "R-404A"),
        ("sulfur hexafluoride", "SF6"),
        ("propane", "R-290"),
    ],
)
def test_a_gas_is_read_as_people_write_it(text: str, code: str) -> None:
    read = read_gas(text)
    assert isinstance(read, Gas | Blend)
    assert read.code == code
    assert find_gas(code) == read


@pytest.mark.parametrize(
    ("text", "candidates", "why"),
    [
        ("N20", ("N2O",), "nought where the gas has the letter O"),
        ("c02", ("CO2",), "nought"),
        ("HFC-134b", ("HFC-134",), "no gas of the registry"),
        ("CO2/CH4", ("CO2", "CH4"), "names several"),
        ("", (), "A blank"),
        ("phlogiston", (), "no gas of the registry"),
    ],
)
def test_what_is_no_gas_is_a_finding_with_what_it_may_mean(text: str, candidates: tuple[str, ...], why: str) -> None:
    read = read_gas(text)
    assert isinstance(read, GasInDoubt)
    assert read.candidates[: len(candidates)] == candidates
    assert bool(read.candidates) is bool(candidates)
    assert why in read.message
    assert read.rule_id == "gas.in_doubt"


@pytest.mark.parametrize("code", [*gases(), *blends()])
def test_every_code_and_word_leads_to_its_own_gas(code: str) -> None:
    read = read_gas(code)
    assert isinstance(read, Gas | Blend)
    assert read.code == code
    for word in gases()[code].words if code in gases() else ():
        again = read_gas(word)
        assert isinstance(again, Gas)
        assert again.code == code


@pytest.mark.parametrize(
    ("gas", "ar4", "ar5", "ar6"),
    [
        ("CO2", "1", "1", "1"),
        ("CH4_fossil", "25", "30", "29.8"),
        ("CH4_non_fossil", "25", "28", "27"),
        ("N2O", "298", "265", "273"),
        ("SF6", "22800", "23500", "25200"),
        ("NF3", "17200", "16100", "17400"),
        ("HFC-32", "675", "677", "771"),
        ("HFC-125", "3500", "3170", "3740"),
        ("HFC-134a", "1430", "1300", "1530"),
        ("HFC-43-10mee", "1640", "1650", "1600"),
        ("CF4", "7390", "6630", "7380"),
        ("HCFC-22", "1810", "1760", "1960"),
        ("R-410A", "2087.5", "1923.5", "2255.5"),
    ],
)
def test_potentials_are_those_published(gas: str, ar4: str, ar5: str, ar6: str) -> None:
    assert [gwp(gas, name) for name in SETS.sets] == [Decimal(ar4), Decimal(ar5), Decimal(ar6)]


def test_methane_of_no_origin_counts_only_where_the_set_has_one_potential() -> None:
    assert gwp("CH4", "AR4") == 25
    for name, shown in (("AR5", "CH4_fossil (30), CH4_non_fossil (28)"), ("AR6", "CH4_fossil (29.8)")):
        found = SETS.find("CH4", name)
        assert isinstance(found, GasInDoubt)
        assert found.candidates == ("CH4_fossil", "CH4_non_fossil")
        assert shown in found.valid
        with pytest.raises(InputRefused, match="origin is not said"):
            gwp("methane", name)


def test_a_gas_a_set_knows_nothing_of_and_a_set_nobody_knows_are_refused() -> None:
    with pytest.raises(InputRefused, match="HFC-41 has no warming potential in AR4"):
        gwp("HFC-41", "AR4")
    with pytest.raises(InputRefused, match="R-290 has no warming potential in AR6"):
        gwp("propane", "AR6")
    with pytest.raises(Misuse, match="no such set") as caught:
        gwp("CO2", "SAR")
    assert caught.value.valid == "AR4, AR5, AR6"


@pytest.mark.parametrize(
    ("blend", "desnz"),
    [
        ("R-403A", 3124), ("R-404A", 3922), ("R-406A", 1943), ("R-407A", 2107), ("R-407C", 1774), ("R-407F", 1825),
        ("R-408A", 3152), ("R-409A", 1585), ("R-410A", 2088), ("R-502", 4657), ("R-507A", 3985), ("R-508B", 13396),
    ],
)  # fmt: skip
def test_blends_come_to_what_desnz_publishes_for_them(blend: str, desnz: int) -> None:
    """Sheet Refrigerant & other of the set of 2020, on AR4, whole numbers; hydrocarbons (3 or 3.3) are not counted."""
    found = SETS.find(blend, "AR4")
    assert isinstance(found, Potential)
    assert abs(found.gwp_100 - desnz) <= Decimal("0.7")


def test_a_part_without_potential_counts_nothing_and_is_named() -> None:
    found = SETS.find("R-448A", "AR4")
    assert isinstance(found, Potential)
    assert found.uncounted == ("HFO-1234yf", "HFO-1234ze(E)")
    assert found.gwp_100 == Decimal("0.26") * 675 + Decimal("0.26") * 3500 + Decimal("0.21") * 1430
    later = SETS.find("R-448A", "AR6")
    assert isinstance(later, Potential)
    assert later.uncounted == ()


@given(blend=st.sampled_from(sorted(blends())), name=st.sampled_from(SETS.sets))
def test_blends_conserve(blend: str, name: str) -> None:
    """The parts are the whole, and the potential is theirs by mass, to the last digit."""
    parts = blends()[blend].parts
    assert sum(percent for _, percent in parts) == 100
    found = SETS.find(blend, name)
    assert isinstance(found, Potential)
    known = [(each.gwp_100, percent) for gas, percent in parts if isinstance(each := SETS.find(gas, name), Potential)]
    assert found.gwp_100 * 100 == sum(value * percent for value, percent in known)
    assert found.gwp_100 <= max(value for value, _ in known)
    assert len(known) + len(found.uncounted) == len(parts)


def own(**given: Any) -> dict[str, Any]:
    return {"gwp_set": "EPA", "gas": "N2O", "gwp_100": Decimal(270), "source": "40 CFR 98, table A-1", **given}


def test_users_bring_sets_of_their_own() -> None:
    sets = SETS.with_rows(
        [own(), own(gas="R-134a", gwp_100=Decimal("1430.5")), own(gas="methane", gwp_100=Decimal(28))]
    )
    assert sets.sets == ("AR4", "AR5", "AR6", "EPA")
    assert [sets.gwp(gas, "EPA") for gas in ("N2O", "HFC-134a", "CH4")] == [270, Decimal("1430.5"), 28]
    assert sets.gwp("N2O", "AR6") == 273
    assert sets.hash != SETS.hash


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([own(gwp_set="AR5")], "the set is there already"),
        ([own(gas="N20")], "nought"),
        ([own(), own(gas="nitrous oxide")], "stands twice"),
    ],
)
def test_a_set_in_doubt_is_refused(rows: list[dict[str, Any]], what: str) -> None:
    with pytest.raises(InputRefused, match=what):
        SETS.with_rows(rows)


def test_the_table_has_every_gas_and_blend_exactly() -> None:
    table = SETS.table()
    rows = {(row["gwp_set"], row["gas"]): row for row in table.to_pylist()}
    assert len(rows) == table.num_rows
    assert rows["AR6", "R-513A"]["gwp_100"] == Decimal("673.48056")
    assert rows["AR5", "R-513A"]["uncounted"] == "HFO-1234yf"
    assert ("AR5", "CH4") not in rows
    assert all(row["source"] for row in rows.values())


@pytest.mark.parametrize("code", ["CO2", "CH4", "CH4_fossil", "CH4_non_fossil", "N2O", "SF6", "NF3"])
def test_masses_of_gases_are_units_under_the_same_names(code: str) -> None:
    unit = find_unit(f"kg{code}")
    assert unit is not None
    assert unit.dimension.startswith("mass of ")


def test_the_hash_is_of_every_figure() -> None:
    """It is part of what an inventory rests on: a change of the tables must be meant."""
    assert SETS.hash.hex()[:16] == "72dc56cbcb2771a2"
