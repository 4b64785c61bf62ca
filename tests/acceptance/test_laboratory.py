"""Meters, fuels, trips and commuting of laboratory groups × a factor CSV: emissions by scope, worked out anew by hand.

Published factors come from the examples of the pack. What the UK government does not publish (German power, a factor
per train trip) is invented here, for this test only.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib import resources
from uuid import UUID

import pytest

from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.acceptance.raw import SHARED, RawRecord, needs_real_files, records, rounded
from tests.river import River, factors

pytestmark = [needs_real_files, pytest.mark.server]

REGIONS = {"1": "DE", "2": "GB", "3": "DE", "4": "DE", "5": "DE"}
SPELT = {"kg": ("t", Decimal("0.001")), "m^3": ("m3", Decimal(1)), "l": ("l", Decimal(1)), "kWh": ("kWh", Decimal(1))}
FUELS = {
    "woodchips": "wood_chips", "pellets": "wood_pellets", "gas": "natural_gas", "oil": "heating_oil", "coal": "coal",
    "district_heating": "district_heating", "heatpump": "heat_pump",
}  # fmt: skip

INVENTED = [
    {"factor_id": "power-de", "activity_type": "electricity", "region": "DE", "unit": "kWh", "scope": "2"},
    {"factor_id": "trip-electric-de", "activity_type": "train_electric", "region": "DE", "unit": "trip", "scope": "3"},
    {"factor_id": "trip-diesel-de", "activity_type": "train_diesel", "region": "DE", "unit": "trip", "scope": "3"},
]
FIGURES = {"power-de": "0.468", "trip-electric-de": "11.25", "trip-diesel-de": "19.75"}


@dataclass(frozen=True, kw_only=True)
class Worked:
    """An activity as worked out from the raw bytes: what it is, and how much in the unit that factors are per."""

    activity_type: str
    region: str
    unit: str
    quantity: Decimal


Factors = dict[tuple[str, str, str], tuple[int, Decimal]]
"""Activity type, region, unit -> scope, kg CO2e a unit."""


def known_factors(river: River) -> Factors:
    """Import both factor files; what they say, read with the csv module."""
    published = resources.files("headwater.packs.ghg").joinpath("examples", "laboratory_factors.csv").read_bytes()
    invented = factors(
        {**row, "category": "6" if row["scope"] == "3" else "", "valid_from": "2018-01-01", "valid_to": "2020-01-01",
         "method": "location_based" if row["scope"] == "2" else "activity_based", "gwp_set": "AR4",
         "co2e_kg_per_unit": FIGURES[row["factor_id"]]}
        for row in INVENTED
    )  # fmt: skip
    found: Factors = {}
    for name, content in (("published.csv", published.decode()), ("invented.csv", invented)):
        rows = list(csv.DictReader(content.splitlines()))
        _, ledger = river.load(content, name=name, mapping="emission_factor_form")
        assert ledger.inserted == len(rows)
        for row in rows:
            figure = int(row["scope"]), Decimal(row["co2e_kg_per_unit"])
            found[row["activity_type"], row["region"], row["unit"]] = figure
    return found


def electricity() -> Iterator[Worked]:
    kinds = {"german energy mix": "electricity", "solar": "electricity_solar"}
    for each in laboratory("electricity"):
        quantity = Decimal(each["consumption"]) * Decimal(each["group_share"])
        yield Worked(activity_type=kinds[each["fuel_type"]], region="DE", unit="kWh", quantity=quantity)


def heating() -> Iterator[Worked]:
    for each in laboratory("heating"):
        unit, size = SPELT[each["unit"]]
        quantity = Decimal(each["consumption"]) * Decimal(each["group_share"]) * size
        kind, region = FUELS[each["fuel_type"]], REGIONS[each["group_id"]]
        yield Worked(activity_type=kind, region=region, unit=unit, quantity=quantity)


def commuting() -> Iterator[Worked]:
    """Without the three whose last day is none of the calendar."""
    for each in laboratory("commuting"):
        days = days_of(each)
        if days is None:
            continue
        mode = each["transportation_mode"]
        people = Decimal(each["passengers"]) if mode == "car" and each["passengers"] else Decimal(1)
        yearly = Decimal(each["distance"]) * Decimal(each["annual_workweeks"])
        kind = {"car": f"car_{each['size']}_{each['fuel_type']}", "motorbike": f"motorbike_{each['size']}"}.get(
            mode, mode
        )
        yield Worked(
            activity_type=kind,
            region=REGIONS[each["group_id"]],
            unit="km" if mode in {"car", "motorbike"} else "pkm",
            quantity=rounded(yearly * days / (365 * people), 6),
        )


def days_of(record: RawRecord) -> int | None:
    try:
        first, last = (date.fromisoformat(record[column]) for column in ("from_timestamp", "to_timestamp"))
    except ValueError:
        return None
    return (last - first).days + 1


def trains() -> Iterator[Worked]:
    for each in laboratory("business_trips_train"):
        region = {"Germany": "DE", "United Kingdom": "GB"}.get(each["country_start"], each["country_start"])
        quantity = Decimal(2 if each["roundtrip"] == "True" else 1)
        yield Worked(activity_type=f"train_{each['fuel_type']}", region=region, unit="trip", quantity=quantity)


def laboratory(name: str) -> list[RawRecord]:
    return records(f"laboratory/trips_and_meters_{name}.csv", ";")


def load(river: River, name: str, mapping: str) -> UUID:
    path = SHARED / f"laboratory/trips_and_meters_{name}.csv"
    run_id, ledger = river.load(path.read_bytes(), name=path.name, mapping=mapping)
    assert ledger.read == len(laboratory(name))
    assert ledger.read == ledger.mapped + ledger.quarantined_raw + sum(ledger.skipped.values())
    assert ledger.produced == ledger.inserted + ledger.merged + ledger.quarantined
    return run_id


def test_emissions_by_scope(river: River) -> None:
    known = known_factors(river)
    load(river, "electricity", "laboratory_electricity")
    load(river, "heating", "laboratory_heating")
    load(river, "commuting", "laboratory_commuting")
    load(river, "business_trips_train", "laboratory_trains")

    worked = [*electricity(), *heating(), *commuting(), *trains()]
    places = {spec.name: spec.scale or 0 for spec in river.installation.contract("emission", 1).fields}
    expected: Counter[tuple[int, str]] = Counter()
    sums: dict[int, Decimal] = {1: Decimal(0), 2: Decimal(0), 3: Decimal(0)}
    for each in worked:
        scope, factor = known.get((each.activity_type, each.region, each.unit), (None, None))
        if scope is not None and factor is not None:
            expected[scope, each.activity_type] += 1
            sums[scope] += rounded(rounded(each.quantity, places["converted_quantity"]) * factor, places["co2e_kg"])

    found = river.rows(
        "SELECT e.scope, a.activity_type, count(*) AS records FROM emission_v1 e"
        " JOIN activity_v1 a USING (tenant_id, activity_id) GROUP BY 1, 2"
    )
    assert {(row["scope"], row["activity_type"]): row["records"] for row in found} == expected
    by_scope = river.rows("SELECT scope, sum(co2e_kg) AS co2e_kg FROM emission_v1 GROUP BY 1")
    assert {row["scope"]: row["co2e_kg"] for row in by_scope} == sums
    # Every activity has a figure, or a finding that says why not; each of the files has both.
    without = river.rows("SELECT count(*) AS records FROM findings WHERE rule_id LIKE 'calculation.%%'")
    assert without[0]["records"] == len(worked) - sum(expected.values())
    assert river.rows("SELECT count(*) AS records FROM activity_v1")[0]["records"] == len(worked)
    assert verify(river.installation, progress=SilentProgress()).ok


@pytest.mark.parametrize(
    ("name", "mapping", "activity", "co2e_kg"),
    [
        # Group 5: 50000 kWh, of which 0.7; 35000 kWh × 0.468 kg
        ("electricity", "laboratory_electricity", "facility_code = 'group 5'", "16380"),
        # Group 2 in Britain, 2965 m³ of gas × 2.02266 kg
        ("heating", "laboratory_heating", "activity_type = 'natural_gas' AND unit = 'm3'", "5997.1869"),
        # Group 5, 4576 kg of pellets, of which 0.4: 1.8304 t × 72.29731 kg = 132.332996224 kg
        ("heating", "laboratory_heating", "activity_type = 'wood_pellets' AND unit = 'kg'", "132.332996224"),
        # 12 km a week for 44 weeks, two in the car: 264 km × 0.1743 kg
        ("commuting", "laboratory_commuting", "activity_type = 'car_average_gasoline'", "46.0152"),
        # Hamburg to Copenhagen and back by diesel: two trips × 19.75 kg
        ("business_trips_train", "laboratory_trains", "period_start = DATE '2018-06-23'", "39.5"),
    ],
)
def test_figures_worked_out_on_paper(river: River, name: str, mapping: str, activity: str, co2e_kg: str) -> None:
    known_factors(river)
    load(river, name, mapping)
    found = river.rows(
        f"SELECT e.co2e_kg FROM emission_v1 e JOIN activity_v1 a USING (tenant_id, activity_id) WHERE {activity}"
    )
    places = {spec.name: spec.scale or 0 for spec in river.installation.contract("emission", 1).fields}
    assert [row["co2e_kg"] for row in found] == [rounded(Decimal(co2e_kg), places["co2e_kg"])]


def test_days_that_do_not_exist_are_refused_with_their_lines(river: River) -> None:
    run_id = load(river, "commuting", "laboratory_commuting")
    wrong = [each.line for each in laboratory("commuting") if days_of(each) is None]
    assert len(wrong) == 3
    rows = river.rows(
        "SELECT q.line, q.findings -> 0 ->> 'rule' AS rule FROM quarantine q JOIN chunks c USING (tenant_id, chunk_id)"
        " WHERE c.run_id = %(run)s ORDER BY 1",
        run=run_id,
    )
    assert [(row["line"], row["rule"]) for row in rows] == [(line, "activity.period_end.type") for line in wrong]


def test_a_template_of_flights(river: River) -> None:
    raw = records("laboratory/travel_planes_template.csv")
    content = (SHARED / "laboratory/travel_planes_template.csv").read_bytes()
    _, ledger = river.load(content, name="planes.csv", mapping="laboratory_planes")
    assert (ledger.read, ledger.inserted, ledger.quarantined) == (3, 3, 0)
    found = river.rows("SELECT activity_type, period_start, quantity, unit FROM activity_v1")
    assert {(row["activity_type"], str(row["period_start"]), row["quantity"], row["unit"]) for row in found} == {
        (f"plane_{each['cabin_class']}", each["departure_date"], Decimal(each["number_of_trips"]), "trip")
        for each in raw
    }
