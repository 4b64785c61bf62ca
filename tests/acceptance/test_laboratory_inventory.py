"""An inventory of the laboratory's meters and trips × the UK government's workbook, by scope, worked out anew by hand.

The laboratory is in Germany and Britain in 2018 and 2019; the publisher means Britain in 2020. What stands in for what
is declared in the document, and counted in the findings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import pytest
import yaml

from headwater.contracts import Document
from headwater.services.factors.library import import_series, series
from headwater.services.inventories.calculating import calculate
from headwater.services.inventories.tracing import trace_line
from headwater.services.inventories.viewing import InventoryView, list_lines, show_inventory
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.acceptance.raw import SHARED, needs_real_files, rounded
from tests.acceptance.test_laboratory import Worked, commuting, electricity, heating, load
from tests.river import River, make_river
from tests.servers import TestServer

pytestmark = [pytest.mark.server, needs_real_files, pytest.mark.slow, pytest.mark.long]

WORKBOOK = SHARED / "factors/desnz_2020_condensed.xlsx"
SHEETS = ("desnz_2020_fuels", "desnz_2020_bioenergy", "desnz_2020_electricity", "desnz_2020_electricity_losses",
          "desnz_2020_cars_by_size", "desnz_2020_motorbikes_and_public_transport")  # fmt: skip
TYPES = {
    "electricity": "uk.electricity",
    "natural_gas": "fuel.gaseous.natural_gas",
    "heating_oil": "fuel.liquid.gas_oil",
    "coal": "fuel.solid.coal_domestic",
    "wood_chips": "bioenergy.biomass.wood_chips",
    "wood_pellets": "bioenergy.biomass.wood_pellets",
    "car_small_gasoline": "travel.car.small_car.petrol",
    "car_medium_gasoline": "travel.car.medium_car.petrol",
    "car_average_gasoline": "travel.car.average_car.petrol",
    "car_medium_diesel": "travel.car.medium_car.diesel",
}
CATEGORIES = {name: 7 for name in TYPES if name.startswith("car_")}
DOCUMENT = {
    "inventory": "laboratory",
    "organisation": "Laboratory groups",
    "boundary": {"approach": "operational_control"},
    "period": {"start": "2018-01-01", "end": "2020-01-01"},
    "gwp_sets": ["AR4", "AR5", "AR6"],
    "designated": {"gwp_set": "AR4"},
    "ch4_origin": {"default": "fossil"},
    "instruments": {"grid_average": True},
    "categories": CATEGORIES,
    "factors": {
        "types": {name: [factor] for name, factor in TYPES.items()},
        "regions": {"DE": ["DE", "GB"]},
        "years": {"allow": "nearest", "most": 2},
        "upstream": True,
    },
}


@pytest.fixture(scope="module")
def river(
    server: TestServer, documents: tuple[Document, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[River]:
    made = server.upgraded(documents)
    found = make_river(made, tmp_path_factory.mktemp("laboratory"))
    mappings = [name for name in series(found.installation, "desnz_2020") if name in SHEETS]
    assert len(mappings) == len(SHEETS)
    list(import_series(found.installation, WORKBOOK, mappings, progress=SilentProgress()))
    load(found, "electricity", "laboratory_electricity")
    load(found, "heating", "laboratory_heating")
    load(found, "commuting", "laboratory_commuting")
    path = found.folder / "laboratory.yaml"
    path.write_text(yaml.safe_dump(DOCUMENT))
    calculate(found.installation, path, progress=SilentProgress())
    yield found
    server.drop(made)


@pytest.fixture(scope="module")
def view(river: River) -> InventoryView:
    return show_inventory(river.installation, "laboratory")


def known(river: River, stage: str | None) -> dict[tuple[str, str], Decimal]:
    """Kg CO2e a unit, by activity type and unit; that the workbook came in whole is another test's matter."""
    rows = river.rows(
        "SELECT activity_type, unit, co2e_kg_per_unit FROM emission_factor_v1 WHERE region = 'GB'"
        " AND stage IS NOT DISTINCT FROM %(stage)s",
        stage=stage,
    )
    return {(row["activity_type"], row["unit"]): row["co2e_kg_per_unit"] for row in rows}


def scope_of(each: Worked) -> int:
    return 2 if each.activity_type == "electricity" else 3 if each.activity_type in CATEGORIES else 1


def test_totals_by_scope_are_those_worked_out_by_hand(river: River, view: InventoryView) -> None:
    use, losses = known(river, None), known(river, "transmission_and_distribution")
    expected: Counter[int] = Counter()
    sums = {1: Decimal(0), 2: Decimal(0), 3: Decimal(0)}
    categories = {3: Decimal(0), 7: Decimal(0)}
    for each in [*electricity(), *heating(), *commuting()]:
        factor = use.get((TYPES.get(each.activity_type, ""), each.unit))
        if factor is None:
            continue
        scope = scope_of(each)
        quantity = rounded(each.quantity, 6)
        figure = rounded(quantity * factor, 6)
        expected[scope] += 1
        sums[scope] += figure
        if scope == 3:
            categories[7] += figure
        if scope == 2:
            lost = rounded(quantity * losses["uk.electricity", "kWh"], 6)
            sums[3] += lost
            categories[3] += lost
    own = view.designated
    assert (own.gwp_set, own.method) == ("AR4", "location_based")
    assert own.scopes == sums
    assert own.categories == categories
    counted = Counter(
        line["scope"]
        for line in list_lines(river.installation, "laboratory", gwp_set="AR4")[0]
        if line["stage"] == "use" and line["method"] != "market_based"
    )
    assert counted == expected
    assert min(expected.values()) > 1


def test_nothing_vanishes_and_what_stood_in_is_told(river: River, view: InventoryView) -> None:
    worked = [*electricity(), *heating(), *commuting()]
    lines, _ = list_lines(river.installation, "laboratory")
    with_figure = {line["activity_id"] for line in lines if line["stage"] == "use"}
    missing = sum(
        finding.activities for finding in view.findings
        if finding.rule_id == "inventory.no_figure" and finding.method != "market_based"
    )  # fmt: skip
    assert len(with_figure) + missing == len(worked) == view.inventory.activity_count
    said = " ".join(finding.message for finding in view.findings)
    assert "region GB for DE" in said
    assert "2020 to 2020 for 2018" in said
    assert "grid average" in said


def test_other_sets_are_derived_from_the_gases(river: River) -> None:
    lines, _ = list_lines(river.installation, "laboratory", scope=2)
    by_set = {
        (line["activity_id"], line["gwp_set"]): line
        for line in lines if line["method"] == "location_based"
    }  # fmt: skip
    checked = 0
    for (activity_id, gwp_set), line in by_set.items():
        if gwp_set != "AR6":
            continue
        published = by_set[activity_id, "AR4"]
        assert (published["basis"], line["basis"]) == ("published", "derived")
        derived = (
            line["co2_kg"] + line["ch4_fossil_kg"] * Decimal("29.8") + line["n2o_kg"] * Decimal(273)
        )  # fmt: skip
        assert line["co2e_kg"] == rounded(derived, 6)
        # The publisher's own CO2e is its gases by its own potentials, to the five places that it publishes.
        again = published["co2_kg"] + published["ch4_fossil_kg"] * 25 + published["n2o_kg"] * 298
        assert abs(again - published["co2e_kg"]) <= Decimal("0.00001") * published["converted_quantity"]
        checked += 1
    assert checked > 1


def test_each_line_is_traced_and_everything_is_computed_again(river: River) -> None:
    lines, _ = list_lines(river.installation, "laboratory", gwp_set="AR5", limit=5)
    for line in lines:
        key = "|".join(str(line[name]) for name in ("activity_id", "method", "gwp_set", "stage", "part"))
        traced = trace_line(river.installation, f"laboratory|{key}")
        assert traced.recomputed
        assert traced.record.raw.file.startswith("trips_and_meters_")
        assert traced.factor_record is not None
        assert traced.factor_record.record.raw.file.startswith("desnz_2020_condensed.xlsx")
    found = verify(river.installation, progress=SilentProgress())
    assert found.differences == ()
    assert found.ok
