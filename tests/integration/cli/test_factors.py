"""`headwater factors`: the library as its commands tell it."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Headwater
from tests.river import factors

pytestmark = pytest.mark.server

LIBRARY = [
    {"factor_id": "old", "source": "A", "publication_year": "2022"},
    {"factor_id": "new", "source": "A", "publication_year": "2023"},
    {"factor_id": "gone", "source": "A", "publication_year": "2022", "region": "GB"},
    {"factor_id": "other", "source": "B", "unit": "MWh", "co2e_kg_per_unit": "620", "redistributable": "false"},
    {"factor_id": "unchecked", "source": "C", "region": "FR", "redistributable": "", "licence": ""},
]


@pytest.fixture
def library(headwater: Headwater, tmp_path: Path) -> Headwater:
    (tmp_path / "factors.csv").write_text(factors(LIBRARY))
    assert headwater("factors", "import", "factors.csv").code == 0
    return headwater


def test_the_status_is_told_and_asked_for(library: Headwater) -> None:
    listed = library("factors", "list", "--json").json
    assert {each["factor_id"]: each["status"] for each in listed["factors"]} == {
        "old": "superseded", "new": "current", "gone": "stale", "other": "current", "unchecked": "current",
    }  # fmt: skip
    stale = library("factors", "list", "--status", "stale", "--json").json
    assert [each["factor_id"] for each in stale["factors"]] == ["gone"]
    assert library("factors", "list", "--source", "B", "--stage", "use", "--json").json["total"] == 1
    wrong = library("factors", "list", "--status", "currant")
    assert wrong.code == 2
    assert "no factor has this status" in wrong.err
    assert "current" in wrong.err


def test_a_factor_is_shown_with_its_conflicts_and_regions(library: Headwater) -> None:
    shown = library("factors", "show", "new", "--json").json
    assert shown["status"] == "current"
    assert shown["broader_regions"] == ["WESTERN_EUROPE", "EU", "EEA", "EUROPE", "WORLD"]
    (conflict,) = shown["conflicts"]
    assert conflict["factors"] == ["new", "other"]
    text = library("factors", "show", "new").out
    assert "DE < WESTERN_EUROPE < EU < EEA < EUROPE < WORLD" in text
    assert "24.0 %" in text
    assert "newer" in library("factors", "show", "newer").err


def test_conflicts_between_sources_are_listed(library: Headwater) -> None:
    (conflict,) = library("factors", "conflicts", "--json").json["conflicts"]
    assert conflict["difference_percent"] == "24.0"
    assert conflict["co2e_kg_per_unit"] == ["0.5000000000", "0.6200000000"]
    assert "1 pair of factors in conflict" in library("factors", "conflicts").out
    assert library("factors", "conflicts", "--region", "FR", "--json").json["total"] == 0


def test_licences_are_listed(library: Headwater) -> None:
    found = library("factors", "licences", "--json").json["licences"]
    assert [(each["source"], each["redistributable"], each["factors"]) for each in found] == [
        ("A", True, 3), ("B", False, 1), ("C", None, 1),
    ]  # fmt: skip
    assert "nobody has said" in library("factors", "licences").out


def test_an_export_carries_what_may_be_passed_on_and_comes_back_unchanged(library: Headwater, tmp_path: Path) -> None:
    done = library("factors", "export", "out.csv", "--json").json
    assert [each["factor_id"] for each in done["left_out"]] == ["other", "unchecked"]
    assert [(each["licence"], each["factors"]) for each in done["licences"]] == [("CC0", 3)]
    with (tmp_path / "out.csv").open() as file:
        assert [row["factor_id"] for row in csv.DictReader(file)] == ["gone", "new", "old"]
    text = library("factors", "export", "out.csv").out
    assert "2 factors left out" in text
    assert "rests on: CC0 (A, 3 factors)" in text
    again = library("factors", "import", "out.csv", "--json").json
    assert (again["ledger"]["unchanged"], again["ledger"]["updated"]) == (3, 0)
    assert library("factors", "export", "semicolons.csv", "--delimiter", ";").code == 0
    again = library("factors", "import", "semicolons.csv", "--json").json
    assert (again["ledger"]["unchanged"], again["ledger"]["updated"]) == (3, 0)
    refused = library("factors", "export", "out.csv", "--delimiter", ".")
    assert (refused.code, "no sign that can stand between cells (value: '.')" in refused.err) == (2, True)
    assert library("factors", "export", "no/such/folder.csv").code == 2


def test_the_form_takes_every_field(headwater: Headwater, tmp_path: Path) -> None:
    columns = list(headwater("contracts", "export", "emission_factor", "--format", "json-schema").json["properties"])
    (row,) = csv.DictReader(factors([{"factor_id": "f", "gwp_set": "AR4"}]).splitlines())
    row |= {
        "name": "Natural gas", "source_version": "1.0", "stage": "use", "ch4_origin": "fossil",
        "ch4_co2e_kg_per_unit": "0.0005", "n2o_co2e_kg_per_unit": "0.001", "biogenic_co2_kg_per_unit": "0.25",
        "uncertainty_percent": "5", "pedigree": "12345", "tags": "gas; heat",
    }  # fmt: skip
    with (tmp_path / "full.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerow(row)
    assert headwater("factors", "import", "full.csv").code == 0
    shown = headwater("factors", "show", "f", "--json").json
    assert {name: shown[name] for name in ("pedigree", "stage", "tags", "ch4_co2e_kg_per_unit", "gas")} == {
        "pedigree": "12345", "stage": "use", "tags": "gas; heat", "ch4_co2e_kg_per_unit": "0.0005000000", "gas": None,
    }  # fmt: skip


@pytest.mark.parametrize("column", ["stage", "gas", "tags"])
def test_a_form_with_some_of_the_added_columns_is_refused_so_that_none_is_left_unread(
    headwater: Headwater, tmp_path: Path, column: str
) -> None:
    lines = factors([{"factor_id": "f"}]).splitlines()
    (tmp_path / "some.csv").write_text(f"{lines[0]},{column}\n{lines[1]},well_to_tank\n")
    done = headwater("factors", "import", "some.csv")
    assert done.code == 2
    assert re.search(r"1[01] columns that the mapping reads are not in the file: 'name', 'source_version', ", done.err)
    assert all(f"'{name}'" in done.err for name in {"stage", "gas", "tags", "pedigree", "ch4_origin"} - {column})
    assert headwater("factors", "list", "--json").json["total"] == 0


def test_one_word_stands_for_the_mappings_of_a_workbook(headwater: Headwater, tmp_path: Path) -> None:
    """A file that is none of them is refused by each, and each says so."""
    (tmp_path / "factors.csv").write_text(factors([{"factor_id": "x"}]))
    done = headwater("factors", "import", "factors.csv", "--mapping", "desnz_2020", "--json")
    assert done.code == 1
    assert done.json["states"] == {"refused": 24}
    assert [each["file"] for each in done.json["mappings"]][:2] == ["desnz_2020_air_travel", "desnz_2020_bioenergy"]
    wrong = headwater("factors", "import", "factors.csv", "--mapping", "desnz_1920")
    assert wrong.code == 2
    assert "there is no such mapping" in wrong.err
