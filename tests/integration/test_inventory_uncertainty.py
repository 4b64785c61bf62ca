"""Indicators and uncertainty over the lines of an inventory, from its pinned files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from headwater.accounting.uncertainty import Assumed
from headwater.accounting.uncertainty.model import Z
from headwater.errors import Misuse
from headwater.packs.ghg import pack
from headwater.services.indicators import as_json, compute_indicators, defined_indicators
from headwater.services.indicators import page as indicators_page
from headwater.services.inventories.calculating import calculate
from headwater.services.inventory_lines import Wanted
from headwater.services.reports.figure_page import render
from headwater.services.uncertainty import Uncertainty, inventory_uncertainty, page
from headwater.telemetry import SilentProgress
from tests.river import River

pytestmark = [pytest.mark.server, pytest.mark.long]

ACTIVITY_FORM = str(Path(str(pack.mappings)) / "activity_form.yaml")
ACTIVITY = {"activity_type": "electricity", "region": "DE", "unit": "kWh", "period_start": "2024-01-01"}
FACTOR = {
    "source": "test", "licence": "CC BY 4.0", "redistributable": "true",
    "publication_year": "2024", "activity_type": "electricity", "region": "DE", "unit": "kWh",
    "scope": "2", "method": "location_based", "gwp_set": "AR5", "co2e_kg_per_unit": "0.4", "valid_from": "2020-01-01",
    "valid_to": "2030-01-01",
}  # fmt: skip
FACTORS = [
    {"factor_id": "grid", "uncertainty_percent": "10"},
    {"factor_id": "gas", "activity_type": "natural_gas", "unit": "kWh_gross", "scope": "1", "method": "activity_based",
     "co2e_kg_per_unit": "0.2", "pedigree": "11121"},
]  # fmt: skip
ACTIVITIES = [
    {"activity_id": "lon", "facility_code": "LON", "quantity": "1000", "quantity_uncertainty_percent": "5",
     "pedigree": "11111"},
    {"activity_id": "par", "facility_code": "PAR", "quantity": "500", "pedigree": "31111"},
    {"activity_id": "heat", "facility_code": "LON", "activity_type": "natural_gas", "unit": "kWh_gross",
     "quantity": "2000"},
]  # fmt: skip
INSTRUMENTS = [
    {"instrument_id": "wind", "kind": "contract", "market": "DE", "valid_from": "2024-01-01", "valid_to": "2025-01-01",
     "energy_mwh": "0.6", "co2e_kg_per_kwh": "0", "gwp_set": "AR5", "renewable": "true", "tracking_id": "t",
     "retired_on": "2025-01-02", "claimed_by": "plant", "source": "registry"},
]  # fmt: skip


def form(river: River, contract: str, rows: Iterable[Mapping[str, str]], usual: Mapping[str, str]) -> str:
    names = [spec.name for spec in river.installation.contract(contract, 1).fields]
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**dict.fromkeys(names, ""), **usual, **row} for row in rows)
    return out.getvalue()


def instrument_form(river: River) -> str:
    names = [spec.name for spec in river.installation.contract("energy_instrument", 1).fields]
    body = {"mapping": "instruments", "version": "1.0.0", "contract": "energy_instrument@1",
            "fields": {name: {"column": name} for name in names}}  # fmt: skip
    path = river.folder / "instruments.yaml"
    path.write_text(yaml.safe_dump(body))
    return str(path)


def document(river: River, name: str = "plant", **given: Any) -> Path:
    body: dict[str, Any] = {
        "inventory": name,
        "organisation": "Plant",
        "boundary": {"approach": "operational_control"},
        "period": {"start": "2024-01-01", "end": "2025-01-01"},
        "gwp_sets": ["AR5"],
        "instruments": {"grid_average": True},
    }
    path = river.folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(body | given))
    return path


@pytest.fixture
def plant(river: River) -> River:
    """By hand, location-based: 400 kg (LON) and 200 kg (PAR) of electricity, 400 kg of gas (LON)."""
    river.load(form(river, "emission_factor", FACTORS, FACTOR), name="factors.csv", mapping="emission_factor_form")
    river.load(form(river, "activity", ACTIVITIES, ACTIVITY), mapping=ACTIVITY_FORM)
    instruments = form(river, "energy_instrument", INSTRUMENTS, {})
    river.load(instruments, name="instruments.csv", mapping=instrument_form(river))
    calculate(river.installation, document(river), progress=SilentProgress())
    return river


def assessed(river: River, inventory: str = "plant", **given: Any) -> Uncertainty:
    return inventory_uncertainty(river.installation, inventory, **{"draws": 1000, "seed": 1, "first": 10, **given})


def values(river: River, name: str, inventories: tuple[str, ...] = ("plant",), **given: Any) -> dict[str, str]:
    defined = defined_indicators()
    (found,) = compute_indicators(river.installation, defined, [name], inventories=inventories, **given)
    return {
        " ".join(str(part) for part in each["key"].values()): each["value"] or each["not_available"][0]
        for each in as_json(found)["values"]
    }


def test_the_total_is_the_inventorys_own_and_its_spread_by_hand(plant: River) -> None:
    """Variance of lognormals, by hand: the grid's factor on 600 kg, LON's reading on 400, both together on 400; gas by
    its pedigree (completeness 2: 0.0001), PAR by its (technology 3: 0.008), with the grid.
    """
    found = assessed(plant)
    assert found.total_kg == 1000
    assert found.assessment.whole.kg == pytest.approx(1000)
    grid, lon = (10 / 100 / Z) ** 2, (5 / 100 / Z) ** 2
    par, gas = 2.71828182845904523**0.008 - 1, 2.71828182845904523**0.0001 - 1
    expected = grid * 600**2 + lon * 400**2 + par * 200**2 + gas * 400**2 + grid * lon * 400**2 + grid * par * 200**2
    assert found.assessment.whole.standard_kg == pytest.approx(expected**0.5)
    assert [each.name for each in found.assessment.improve] == ["grid", "par", "lon", "gas"]
    whole = found.assessment.whole
    shares = [whole.covered, whole.activities_covered, whole.factors_covered]
    assert shares == pytest.approx([1, 0.6, 1])


def test_parts_and_ratings_are_told_apart_as_asked(plant: River) -> None:
    found = assessed(plant, by=["site"])
    assert {each.group: round(each.kg) for each in found.assessment.groups} == {("LON",): 800, ("PAR",): 200}
    whole, *_ = found.activity_ratings
    assert whole.overall == Decimal("1.13")
    assert [whole.rated_kg, whole.kg] == [600, 1000]
    assert whole.indicators is not None
    assert whole.indicators["technology"] == Decimal("1.67")
    with pytest.raises(Misuse, match="not told apart"):
        assessed(plant, by=["activity_id"])


def test_the_same_seed_gives_the_same_interval(plant: River) -> None:
    assert assessed(plant).as_json() == assessed(plant).as_json()
    assert assessed(plant).assessment.whole.low != assessed(plant, seed=2).assessment.whole.low


def test_what_states_nothing_can_be_assumed_and_is_said(plant: River) -> None:
    found = assessed(plant, assumed=Assumed(activity_percent=20))
    assert found.assessment.whole.half_width > assessed(plant).assessment.whole.half_width
    assert found.assessment.whole.activities_covered == pytest.approx(0.6)
    shown = render(page(found, organisation="Plant"))
    assert "assumed: ± 20 % where activities state nothing" in shown
    assert "<script" not in shown
    with pytest.raises(Misuse, match="no such pedigree table"):
        assessed(plant, assumed=Assumed(table="mine"))


def test_other_totals_are_assessed_by_name(plant: River) -> None:
    found = assessed(plant, wanted=Wanted(method="market_based"))
    assert found.method == "market_based"
    assert found.total_kg == 400 + Decimal("0.4") * 900
    with pytest.raises(Misuse, match="no such figures"):
        assessed(plant, wanted=Wanted(gwp_set="AR6"))


def test_indicators_over_lines(plant: River) -> None:
    assert values(plant, "emissions") == {"": "1.000"}
    assert values(plant, "emissions_by_scope") == {"1": "0.400", "2": "0.600"}
    assert values(plant, "emissions_by_year") == {"2024": "1.000"}
    assert values(plant, "emissions", wanted=Wanted(method="market_based")) == {"": "0.760"}
    assert values(plant, "electricity_bought") == {"": "1.500"}
    assert values(plant, "renewable_share") == {"": "40.0"}
    assert values(plant, "change_on_year") == {"2024": "there is no emissions 2023"}


def test_electricity_without_a_figure_was_bought_all_the_same(plant: River) -> None:
    more = [
        {"activity_id": "no_factor", "region": "FR", "quantity": "3.9", "unit": "MWh", "facility_code": "LYO"},
        {"activity_id": "upstream", "quantity": "7000", "reported_co2e_kg": "1", "reported_scope": "3"},
    ]
    plant.load(form(plant, "activity", more, ACTIVITY), name="more.csv", mapping=ACTIVITY_FORM)
    calculate(plant.installation, document(plant, "more"), progress=SilentProgress())
    assert values(plant, "electricity_bought", ("more",)) == {"": "5.400"}
    assert values(plant, "electricity_bought", ("more",), by=["site"]) == {
        "LON": "1.000",
        "LYO": "3.900",
        "PAR": "0.500",
    }
    assert values(plant, "renewable_share", ("more",)) == {"": "11.1"}
    share = {"approach": "equity_share", "shares": {"LON": "0.5"}}
    calculate(plant.installation, document(plant, "half", boundary=share), progress=SilentProgress())
    assert values(plant, "electricity_bought", ("half",)) == {"": "0.500"}
    assert values(plant, "renewable_share", ("half",)) == {"": "100.0"}


def test_every_report_names_sources_and_licences(plant: River) -> None:
    """Of a licence text that two sources have, both are named: each asks to be named."""
    both = {("test", "CC BY 4.0"), ("registry", None)}
    found = assessed(plant, wanted=Wanted(method="market_based"))
    assert {(each.source, each.licence) for each in found.licences} == both
    assert {(each["source"], each["licence"]) for each in found.as_json()["licences"]} == both
    assert {(each.source, each.factors, each.lines) for each in assessed(plant).licences} == {("test", 2, 3)}
    assert "CC BY 4.0" in render(page(found, organisation="Plant"))
    share, headcount = compute_indicators(
        plant.installation, defined_indicators(), ["renewable_share", "headcount"], inventories=["plant"]
    )
    assert {(each.source, each.licence) for each in share.licences} == both
    assert (as_json(headcount)["licences"], as_json(share)["licences"][0]["lines"]) == ([], 2)
    assert "registry" in render(indicators_page([share], organisation="Plant", of="inventory plant"))
    (live,) = compute_indicators(plant.installation, defined_indicators(), ["emissions"])
    assert [(each.source, each.factors, each.lines) for each in live.licences] == [("test", 2, 3)]


def test_figures_by_a_set_of_ones_own(plant: River) -> None:
    """By hand: 1000 kWh × (0.2 kg CO2 + 0.01 kg CH4 × 20) = 400 kg, as the factor has it in the same set."""
    gases = {"CO2": "1", "CH4_fossil": "20", "CH4_non_fossil": "20", "N2O": "300"}
    rows = [{"gwp_set": "MINE", "gas": gas, "gwp_100": value, "source": "house"} for gas, value in gases.items()]
    plant.load(form(plant, "warming_potential", rows, {}), name="sets.csv", mapping="warming_potential_form")
    own = {"factor_id": "own", "region": "XX", "gwp_set": "MINE", "co2_kg_per_unit": "0.2", "ch4_kg_per_unit": "0.01",
           "n2o_kg_per_unit": "0", "ch4_origin": "fossil"}  # fmt: skip
    plant.load(form(plant, "emission_factor", [own], FACTOR), name="own.csv", mapping="emission_factor_form")
    plant.load(form(plant, "activity", [{"activity_id": "own", "region": "XX", "quantity": "1000"}], ACTIVITY),
               name="own_use.csv", mapping=ACTIVITY_FORM)  # fmt: skip
    calculate(plant.installation, document(plant, "own", gwp_sets=["MINE", "AR6"]), progress=SilentProgress())
    assert values(plant, "emissions", ("own",)) == {"": "0.400"}
    (found,) = compute_indicators(plant.installation, defined_indicators(), ["emissions"], inventories=["own"])
    assert (found.figures[0].unit, "CO2e by MINE" in found.figures[0].value.told[0]) == ("tCO2e", True)
    assert values(plant, "emissions", ("own",), wanted=Wanted(gwp_set="AR6")) == {"": "0.498"}


def test_electricity_in_money_makes_no_share(plant: River) -> None:
    bill = {"activity_id": "bill", "quantity": "900", "unit": "EUR"}
    plant.load(form(plant, "activity", [bill], ACTIVITY), name="bill.csv", mapping=ACTIVITY_FORM)
    calculate(plant.installation, document(plant, "bill"), progress=SilentProgress())
    assert "EUR" in values(plant, "renewable_share", ("bill",))[""]


def test_lines_of_an_inventory_do_not_move_with_what_is_loaded_later(plant: River) -> None:
    before = values(plant, "emissions")
    plant.load(form(plant, "activity", [{"activity_id": "new", "quantity": "9"}], ACTIVITY), name="new.csv",
               mapping=ACTIVITY_FORM)  # fmt: skip
    assert values(plant, "emissions") == before


def test_what_is_in_no_total_is_told(plant: River) -> None:
    assert assessed(plant).caveat is None
    plant.load(form(plant, "activity", [{"activity_id": "abroad", "region": "FR", "quantity": "9"}], ACTIVITY),
               name="abroad.csv", mapping=ACTIVITY_FORM)  # fmt: skip
    calculate(plant.installation, document(plant, "with_a_gap"), progress=SilentProgress())
    caveat = assessed(plant, "with_a_gap").caveat
    assert caveat is not None
    assert "in no total" in caveat
    defined = defined_indicators()
    (found,) = compute_indicators(plant.installation, defined, ["emissions"], inventories=["with_a_gap"])
    assert found.figures[0].value.told == (caveat,)


def test_several_inventories_are_a_series(plant: River) -> None:
    rows = [{**ACTIVITIES[0], "activity_id": "last year", "period_start": "2023-05-01"}]
    plant.load(form(plant, "activity", rows, ACTIVITY), name="2023.csv", mapping=ACTIVITY_FORM)
    period = {"start": "2023-01-01", "end": "2024-01-01"}
    calculate(plant.installation, document(plant, "plant_2023", period=period), progress=SilentProgress())
    both = ("plant", "plant_2023")
    assert values(plant, "emissions_by_year", both) == {"2023": "0.400", "2024": "1.000"}
    assert values(plant, "change_on_year", both)["2024"] == "150.0"
    apart = "2023 and 2024 are not added up: ask by year, or for one inventory"
    assert values(plant, "emissions", both) == {"": apart}
    assert values(plant, "emissions_by_scope", both) == {"1": "0.400", "2": apart}  # gas was bought in 2024 alone
    assert apart in values(plant, "renewable_share", both)[""]
    assert values(plant, "electricity_bought", both, by=["year"]) == {"2023": "1.000", "2024": "1.500"}
    with pytest.raises(Misuse, match="days in common"):
        values(plant, "emissions", ("plant", "plant"))


def test_figures_of_one_activity_in_two_sets_are_not_added_up(plant: River) -> None:
    """As two runs with different policies could leave them: the second row is put there by hand."""
    plant.change(
        "CREATE TEMP TABLE twice AS SELECT * FROM emission_v1 WHERE activity_id = 'lon';"
        " UPDATE twice SET gwp_set = 'AR4', row_hash = decode(repeat('00', 32), 'hex');"
        " INSERT INTO emission_v1 SELECT * FROM twice"
    )
    assert values(plant, "emissions", ())[""] == "figures by AR4 and by AR5 cannot be added: choose one"
    assert values(plant, "emissions", (), wanted=Wanted(gwp_set="AR5")) == {"": "1.000"}
