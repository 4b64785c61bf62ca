"""The contracts of the pack: fields in their published order, references that lead somewhere, rules that speak up."""

from __future__ import annotations

import pytest

from headwater.contracts import diff, enforce_row
from headwater.packs.ghg import pack
from headwater.values import TextFormat
from tests.earlier import first_release

DOCUMENTS = {document.reference: document for document in pack.documents()}
ACTIVITY = {
    "activity_id": "1",
    "activity_type": "electricity",
    "region": "DE",
    "period_start": "2024-01-01",
    "quantity": "1",
    "unit": "kWh",
}
FACTOR = {
    "factor_id": "f",
    "source": "s",
    "publication_year": "2024",
    "activity_type": "a",
    "region": "DE",
    "unit": "kWh",
    "scope": "2",
    "method": "location_based",
    "gwp_set": "AR5",
    "co2e_kg_per_unit": "0.4",
    "valid_from": "2024-01-01",
    "valid_to": "2025-01-01",
}
INSTRUMENT = {
    "instrument_id": "i",
    "kind": "contract",
    "market": "DE",
    "valid_from": "2024-01-01",
    "valid_to": "2025-01-01",
    "energy_mwh": "10",
    "co2e_kg_per_kwh": "0",
    "gwp_set": "AR5",
}
POTENTIAL = {"gwp_set": "mine", "gas": "N2O", "gwp_100": "270", "source": "s"}
FACILITY = {"source": "s", "facility_code": "f", "year": "2020", "gwp_set": "AR4"}


def test_versions_and_fields_are_those_published() -> None:
    """A published document never changes: another hash needs another version."""
    assert {reference: document.hash.hex()[:16] for reference, document in DOCUMENTS.items()} == {
        "activity@1.2.0": "2acefc7cda7303da",
        "emission_factor@1.2.0": "a3e53261697e8ff3",
        "emission@1.2.0": "91c811b54d611606",
        "energy_instrument@1.1.0": "0931abafcfaf9e00",
        "warming_potential@1.0.0": "14c08ce96e81f4ea",
        "organisation_fact@1.0.0": "693a1daaa76c140f",
        "facility_emission@1.0.0": "75399b6cd7725d50",
        "facility_emission@2.0.0": "a4a6e81340ca7bf7",
    }


def test_what_a_minor_version_added_can_be_taken_away_again() -> None:
    """The first release of a contract is still told, to the byte, by what it has become."""
    names = ("activity@1.2.0", "emission_factor@1.2.0", "energy_instrument@1.1.0")
    first = [first_release(DOCUMENTS[name]).hash.hex()[:16] for name in names]
    assert first == ["5852f26585f72243", "d458dd3a7ff66635", "71b8a014506801cd"]


@pytest.mark.parametrize("reference", ["activity@1.2.0", "emission_factor@1.2.0", "energy_instrument@1.1.0"])
def test_no_version_breaks_what_was_stored_under_the_first(reference: str) -> None:
    changes = diff(first_release(DOCUMENTS[reference]), DOCUMENTS[reference])
    assert changes
    assert [change.what for change in changes if change.breaking] == []


def test_references_lead_to_a_field_of_the_pack() -> None:
    fields = {f"{document.name}.{field.name}" for document in DOCUMENTS.values() for field in document.fields}
    references = {field.reference for document in DOCUMENTS.values() for field in document.fields if field.reference}
    assert references == {"activity.activity_id", "emission_factor.factor_id"}
    assert references <= fields


@pytest.mark.parametrize(
    ("contract", "good", "change", "broken"),
    [
        ("activity@1.2.0", ACTIVITY, {}, []),
        ("activity@1.2.0", ACTIVITY, {"period_end": "2024-01-01"}, ["activity.period.order"]),
        ("activity@1.2.0", ACTIVITY, {"period_end": "2025-01-01"}, []),
        ("activity@1.2.0", ACTIVITY, {"period_end": "2025-01-02"}, ["activity.period.length"]),
        ("activity@1.2.0", ACTIVITY, {"cost": "5"}, ["activity.cost.currency"]),
        ("activity@1.2.0", ACTIVITY, {"cost": "5", "currency": "eur"}, ["activity.currency.pattern"]),
        # One fault, one finding: a currency that cannot be read is not missing besides.
        ("activity@1.2.0", ACTIVITY, {"cost": "5", "currency": "E\tU"}, ["activity.currency.type"]),
        ("activity@1.2.0", ACTIVITY, {"quantity": "1000000000.000001"}, ["activity.quantity.plausible"]),
        ("activity@1.2.0", ACTIVITY, {"quantity": "-1"}, ["activity.quantity.range"]),
        ("activity@1.2.0", ACTIVITY, {"quantity": "n/a"}, ["activity.quantity.required"]),
        ("activity@1.2.0", ACTIVITY, {"quantity": "9999999999999"}, ["activity.quantity.digits"]),
        ("activity@1.2.0", ACTIVITY, {"period_start": "1989-12-31"}, ["activity.period_start.plausible"]),
        ("activity@1.2.0", ACTIVITY, {"period_start": "03/04/2024"}, ["activity.period_start.ambiguous"]),
        ("activity@1.2.0", ACTIVITY, {"data_quality": "guessed"}, ["activity.data_quality.enum"]),
        ("activity@1.2.0", ACTIVITY, {"unit": "k" * 33}, ["activity.unit.length"]),
        ("activity@1.2.0", ACTIVITY, {"reported_co2e_kg": "5"}, ["activity.reported_co2e_kg.scope"]),
        ("activity@1.2.0", ACTIVITY, {"reported_co2e_kg": "5", "reported_scope": "1"}, []),
        (
            "activity@1.2.0",
            ACTIVITY,
            {"reported_scope": "1", "reported_category": "6"},
            ["activity.reported_category.scope"],
        ),
        ("activity@1.2.0", ACTIVITY, {"pedigree": "12345"}, []),
        ("activity@1.2.0", ACTIVITY, {"pedigree": "12346"}, ["activity.pedigree.pattern"]),
        ("emission_factor@1.2.0", FACTOR, {"gas": "R-410A"}, ["emission_factor.gas.mass"]),
        ("emission_factor@1.2.0", FACTOR, {"gas_kg_per_unit": "1"}, ["emission_factor.gas.mass"]),
        ("emission_factor@1.2.0", FACTOR, {"gas": "R-410A", "gas_kg_per_unit": "1"}, []),
        ("energy_instrument@1.1.0", INSTRUMENT, {}, []),
        ("energy_instrument@1.1.0", INSTRUMENT, {"energy_mwh": ""}, ["energy_instrument.energy_mwh.given"]),
        ("energy_instrument@1.1.0", INSTRUMENT, {"energy_mwh": "", "kind": "residual_mix"}, []),
        ("energy_instrument@1.1.0", INSTRUMENT, {"valid_to": "2024-01-01"}, ["energy_instrument.valid.order"]),
        ("warming_potential@1.0.0", POTENTIAL, {}, []),
        ("warming_potential@1.0.0", POTENTIAL, {"gwp_set": "AR5"}, ["warming_potential.gwp_set.own"]),
        ("emission_factor@1.2.0", FACTOR, {}, []),
        ("emission_factor@1.2.0", FACTOR, {"category": "6"}, ["emission_factor.category.scope"]),
        ("emission_factor@1.2.0", FACTOR, {"scope": "3"}, ["emission_factor.category.given"]),
        ("emission_factor@1.2.0", FACTOR, {"gwp_set": "EPA_2024"}, []),
        ("emission_factor@1.2.0", FACTOR, {"gwp_set": "EPA 2024"}, ["emission_factor.gwp_set.pattern"]),
        ("activity@1.2.0", ACTIVITY, {"reported_co2e_kg": "5", "reported_scope": "1", "reported_gwp_set": "mine"}, []),
        ("energy_instrument@1.1.0", INSTRUMENT, {"gwp_set": "mine"}, []),
        ("emission_factor@1.2.0", FACTOR, {"scope": "4"}, ["emission_factor.scope.enum"]),
        ("emission_factor@1.2.0", FACTOR, {"scope": "3", "category": "16"}, ["emission_factor.category.range"]),
        ("emission_factor@1.2.0", FACTOR, {"valid_to": "2024-01-01"}, ["emission_factor.valid.order"]),
        (
            "emission_factor@1.2.0",
            FACTOR,
            {"co2e_kg_per_unit": "0.12345678901"},
            ["emission_factor.co2e_kg_per_unit.decimals"],
        ),
        ("facility_emission@1.0.0", FACILITY, {}, []),
        (
            "facility_emission@1.0.0",
            FACILITY,
            {"latitude": "90.000001", "longitude": "0"},
            ["facility_emission.latitude.range"],
        ),
        ("facility_emission@1.0.0", FACILITY, {"latitude": "1"}, ["facility_emission.position.whole"]),
        ("facility_emission@1.0.0", FACILITY, {"scope1_co2e_t": "-1"}, ["facility_emission.scope1_co2e_t.plausible"]),
        (
            "facility_emission@1.0.0",
            FACILITY,
            {"scope3_co2e_t": "600000000"},
            ["facility_emission.scope3_co2e_t.plausible"],
        ),
        (
            "facility_emission@1.0.0",
            FACILITY,
            {"scope1_co2e_t": "50", "scope2_co2e_t": "30", "scope3_co2e_t": "15", "total_co2e_t": "100"},
            [],
        ),
        (
            "facility_emission@1.0.0",
            FACILITY,
            {"scope1_co2e_t": "50", "scope2_co2e_t": "30", "scope3_co2e_t": "14.999999", "total_co2e_t": "100"},
            ["facility_emission.total.parts"],
        ),
        ("facility_emission@1.0.0", FACILITY, {"scope1_co2e_t": "50", "total_co2e_t": "100"}, []),
        (
            "facility_emission@1.0.0",
            FACILITY,
            {"gwp_set": "", "total_co2e_t": "1"},
            ["facility_emission.gwp_set.given"],
        ),
        ("facility_emission@2.0.0", FACILITY, {"gwp_set": ""}, ["facility_emission.gwp_set.required"]),
    ],
)
def test_a_rule_speaks_up_and_no_other(
    contract: str, good: dict[str, str], change: dict[str, str], broken: list[str]
) -> None:
    result = enforce_row(DOCUMENTS[contract], good | change, TextFormat())
    assert [finding.rule_id for finding in result.findings] == broken
