"""Indicators over the laboratory's electricity and the headcount of its groups, worked out anew from the raw bytes."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest
import yaml

from headwater.services.indicators import as_json, compute_indicators, defined_indicators
from tests.acceptance.raw import SHARED, needs_real_files, records, rounded
from tests.acceptance.test_laboratory import FIGURES, known_factors, laboratory, load
from tests.river import River

pytestmark = [needs_real_files, pytest.mark.server]

GROUPS = "laboratory/trips_and_meters_working_groups.csv"
HEADS = {
    "mapping": "group_heads",
    "version": "1.0.0",
    "contract": "organisation_fact@1",
    "source": {"format": "csv", "delimiter": ";"},
    "fields": {
        "fact": {"constant": "headcount"},
        "facility_code": {"expression": "'group ' || id"},
        "period_start": {"constant": "2018-01-01"},
        "quantity": {"column": "n_employees"},
        "unit": {"constant": "person"},
    },
}


def values(river: River, name: str, *by: str) -> dict[tuple[object, ...], str]:
    (found,) = compute_indicators(river.installation, defined_indicators(), [name], by=by)
    return {tuple(each["key"].values()): each["value"] or each["not_available"][0] for each in as_json(found)["values"]}


def test_emissions_and_intensity_by_group_and_year(river: River) -> None:
    known_factors(river)
    load(river, "electricity", "laboratory_electricity")
    mapping = river.folder / "group_heads.yaml"
    mapping.write_text(yaml.safe_dump(HEADS))
    river.load((SHARED / GROUPS).read_bytes(), name="groups.csv", mapping=str(mapping))

    kg: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for each in laboratory("electricity"):
        if each["fuel_type"] == "german energy mix":  # solar power has no factor here
            site = f"group {each['group_id']}" + (f", {each['building']}" if each["building"] else "")
            quantity = Decimal(each["consumption"]) * Decimal(each["group_share"])
            kg[site, int(each["timestamp"][:4])] += rounded(quantity * Decimal(FIGURES["power-de"]), 6)
    heads = {f"group {each['id']}": Decimal(each["n_employees"]) for each in records(GROUPS, ";")}
    assert kg
    assert heads

    tonnes = {key: f"{rounded(mass / 1000, 3):f}" for key, mass in kg.items()}
    assert values(river, "emissions", "site", "year") == tonnes
    assert values(river, "emissions") == {(): f"{rounded(sum(kg.values(), Decimal(0)) / 1000, 3):f}"}
    assert values(river, "headcount") == {(): f"{rounded(sum(heads.values(), Decimal(0)), 1):f}"}
    for key, shown in values(river, "intensity_by_headcount", "site", "year").items():
        site, year = str(key[0]), int(str(key[1]))
        if year == 2018 and site in heads and (site, year) in kg:
            assert shown == f"{rounded(kg[site, year] / heads[site], 3):f}"  # in kg, as it comes
        else:
            assert shown.startswith("there is no ")
