"""The library of factors: status by publication, conflicts between sources, licences, and regions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.accounting.factors import STATUSES, broader, conflicts, gate, identity, licences_of, rests_on, statuses
from headwater.accounting.factors.regions import groups
from tests.unit.accounting.factors import factor


def own(**given: Any) -> dict[str, Any]:
    return factor(**{"source_version": None, "licence": "CC0", "redistributable": True, "gas": None, **given})


def year(number: int, **given: Any) -> dict[str, Any]:
    return own(factor_id=f"F{number}", publication_year=number, **given)


def test_a_newer_publication_supersedes_and_what_it_lacks_turns_stale() -> None:
    library = [year(2023), year(2024), year(2023, unit="MWh"), year(2022, source="B"), year(2023, region="FR")]
    assert statuses(library) == ["superseded", "current", "stale", "current", "stale"]


def test_what_was_stale_for_a_year_and_came_back_is_superseded() -> None:
    library = [year(2021), year(2022, region="FR"), year(2023), year(2024, region="FR")]
    assert statuses(library) == ["superseded", "superseded", "stale", "current"]


@pytest.mark.parametrize(("older", "newer"), [("1.0", "1.1"), ("1.9", "1.10"), ("", "1"), ("2 final", "10 draft")])
def test_versions_of_a_year_are_ordered_by_their_numbers(older: str, newer: str) -> None:
    library = [own(source_version=newer), own(source_version=older)]
    assert statuses(library) == ["current", "superseded"]


def test_stages_are_told_apart_and_use_is_what_no_stage_says() -> None:
    assert identity(own(stage=None)) == identity(own(stage="use")) != identity(own(stage="well_to_tank"))


FACTORS = st.builds(
    own,
    factor_id=st.uuids().map(str),
    source=st.sampled_from("ABC"),
    publication_year=st.integers(2020, 2023),
    source_version=st.sampled_from((None, "1.0", "1.1", "2")),
    region=st.sampled_from(("DE", "FR")),
    unit=st.sampled_from(("kWh", "MWh", "GJ", "kWh_gross", "m3")),
    stage=st.sampled_from((None, "use", "well_to_tank")),
    co2e_kg_per_unit=st.decimals(0, 2, places=2),
    valid_from=st.sampled_from((date(2024, 1, 1), date(2024, 7, 1), None)),
    valid_to=st.sampled_from((date(2025, 1, 1), date(2025, 7, 1), None)),
)


@given(st.lists(FACTORS, max_size=12))
def test_every_factor_has_one_status_and_every_source_a_current_one(library: list[dict[str, Any]]) -> None:
    found = statuses(library)
    assert set(found) <= set(STATUSES)
    current = {each["source"] for each, status in zip(library, found, strict=True) if status == "current"}
    assert current == {each["source"] for each in library}


@given(st.lists(FACTORS, max_size=12), st.randoms())
def test_conflicts_do_not_depend_on_the_order(library: list[dict[str, Any]], random: Any) -> None:
    def told(factors: list[dict[str, Any]]) -> list[Any]:
        return [(each.one["factor_id"], each.other["factor_id"], each.difference) for each in conflicts(factors)]

    shuffled = list(library)
    random.shuffle(shuffled)
    assert told(library) == told(shuffled)
    for each in conflicts(library):
        assert each.one["source"] != each.other["source"]
        assert max(each.co2e) > min(each.co2e) * Fraction(11, 10)


def pair(**given: Any) -> list[dict[str, Any]]:
    return [own(factor_id="a", source="A"), own(**{"factor_id": "b", "source": "B", **given})]


@pytest.mark.parametrize(
    ("given", "in_conflict"),
    [
        ({"co2e_kg_per_unit": Decimal("0.55")}, False),
        ({"co2e_kg_per_unit": Decimal("0.5501")}, True),
        ({"co2e_kg_per_unit": Decimal("0.45")}, True),
        ({"co2e_kg_per_unit": Decimal("0.4546")}, False),
        ({"co2e_kg_per_unit": Decimal(0)}, True),
        ({"co2e_kg_per_unit": Decimal(500), "unit": "MWh"}, False),
        ({"co2e_kg_per_unit": Decimal(600), "unit": "MWh"}, True),
        ({"co2e_kg_per_unit": Decimal(600), "unit": "kWh_gross"}, False),
        ({"co2e_kg_per_unit": Decimal(1), "region": "FR"}, False),
        ({"co2e_kg_per_unit": Decimal(1), "stage": "well_to_tank"}, False),
        ({"co2e_kg_per_unit": Decimal(1), "method": "market_based"}, False),
        ({"co2e_kg_per_unit": Decimal(1), "valid_from": date(2025, 1, 1), "valid_to": date(2026, 1, 1)}, False),
        ({"co2e_kg_per_unit": Decimal(1), "valid_from": date(2024, 12, 31), "valid_to": None}, True),
        ({"co2e_kg_per_unit": Decimal(1), "source": "A"}, False),
    ],
)
def test_two_factors_are_in_conflict(given: dict[str, Any], in_conflict: bool) -> None:
    assert bool(conflicts(pair(**given))) is in_conflict


def test_a_conflict_says_how_far_and_what_may_explain_it() -> None:
    (found,) = conflicts(pair(co2e_kg_per_unit=Decimal(750), unit="MWh", gwp_set="AR4", publication_year=2020))
    assert found.unit == "kWh"
    assert found.co2e == (Fraction(1, 2), Fraction(3, 4))
    assert found.difference == Fraction(1, 2)
    assert found.why == (
        "by different sets of warming potentials (AR4, AR5); published in different years (2020, 2024)"
    )
    (nothing,) = conflicts(pair(co2e_kg_per_unit=Decimal(0)))
    assert nothing.difference is None


def test_a_superseded_factor_is_in_conflict_with_none() -> None:
    newer = own(factor_id="c", source="B", publication_year=2025)
    assert conflicts([*pair(co2e_kg_per_unit=Decimal(1)), newer]) == []


def test_only_what_somebody_found_free_is_passed_on() -> None:
    library = [
        own(),
        own(factor_id="F2", redistributable=False, licence="IEA terms", source="IEA"),
        own(factor_id="F3", redistributable=None, licence=None),
    ]
    passed, left_out = gate(library)
    assert [each["factor_id"] for each in passed] == ["F1"]
    assert [(each.factor_id, each.why) for each in left_out] == [
        ("F2", "its licence does not let it be passed on"),
        ("F3", "nobody has said whether it may be passed on"),
    ]
    assert [(each.source, each.licence, each.redistributable, each.factors) for each in licences_of(library * 2)] == [
        ("A", None, None, 2),
        ("A", "CC0", True, 2),
        ("IEA", "IEA terms", False, 2),
    ]


@pytest.mark.parametrize(
    ("region", "wider"),
    [
        ("DE", ("WESTERN_EUROPE", "EU", "EEA", "EUROPE", "WORLD")),
        ("GB-SCT", ("GB", "NORTHERN_EUROPE", "EUROPE", "WORLD")),
        ("US-CA", ("US", "NORTHERN_AMERICA", "AMERICAS", "WORLD")),
        ("CY", ("WESTERN_ASIA", "EU", "EEA", "ASIA", "WORLD")),
        ("EU", ("EEA", "WORLD")),
        ("TW", ("WORLD",)),
        ("nowhere", ("WORLD",)),
        ("XX-YY", ("WORLD",)),
        ("WORLD", ()),
    ],
)
def test_a_region_lies_in_others_nearest_first(region: str, wider: tuple[str, ...]) -> None:
    assert broader(region) == wider


def test_the_groups_are_those_of_their_makers() -> None:
    members = groups()
    assert (len(members["EU"]), len(members["EEA"])) == (27, 30)
    areas = [name for name in members if name not in ("EU", "EEA", "AFRICA", "AMERICAS", "ASIA", "EUROPE", "OCEANIA")]
    countries = [country for name in areas for country in members[name]]
    assert len(countries) == len(set(countries)) == 247
    continents = {country for name in ("AFRICA", "AMERICAS", "ASIA", "EUROPE", "OCEANIA") for country in members[name]}
    assert continents == set(countries)


def test_a_licence_of_two_sources_names_both() -> None:
    one = {"source": "Agency", "licence": "CC BY 4.0", "redistributable": True}
    other = {"source": "Registry", "licence": "CC BY 4.0", "redistributable": None}
    found = rests_on([(one, 3), (other, 9), (one, 4)])
    assert [(each.source, each.licence, each.factors, each.lines) for each in found] == [
        ("Registry", "CC BY 4.0", 1, 9),
        ("Agency", "CC BY 4.0", 2, 7),
    ]
