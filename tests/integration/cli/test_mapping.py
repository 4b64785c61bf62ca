"""From a file to a mapping, and what the mapping would do, with nothing loaded."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest

from headwater.mapping import load_mapping
from headwater.pipeline.recipe import load_recipe
from tests.integration.cli.conftest import Headwater
from tests.river import activities, factors

BILLS = """Bill No.,Fuel,Land,From,Consumption (kWh),Vendor,Total cost (EUR)
A-1,electricity,DE,13.01.2024,"10,5",Power & Co,"100,00"
A-2,electricity,DE,14.01.2024,"20,5",Power & Co,"200,00"
A-3,gas,DE,15.01.2024,k.A.,Gas & Co,"1.300,00"
"""
RECORDS = [
    {"activity_id": "a", "quantity": "1000"},
    {"activity_id": "b", "quantity": "2000", "period_end": "2023-01-01"},
    {"activity_id": "c", "quantity": "many"},
    {"activity_id": "a", "quantity": "1000"},
    {"activity_id": "a", "quantity": "4000"},
]


@pytest.fixture
def bills(tmp_path: Path) -> Path:
    path = tmp_path / "bills_2024.csv"
    path.write_text(BILLS)
    return path


def test_a_suggestion_is_a_table_and_a_mapping(headwater: Headwater, bills: Path) -> None:
    done = headwater("map", "suggest", bills, "--out", "bills.yaml")
    assert done.code == 0
    assert "activity@1, Activity" in done.out
    assert "required, open  none" in done.out
    assert "Written: bills.yaml" in done.out
    mapping = load_mapping(Path("bills.yaml"))
    assert mapping.mapping == "bills"
    assert {name: rule.column or rule.constant for name, rule in mapping.fields.items()} == {
        "activity_id": "Bill No.",
        "activity_type": "Fuel",
        "region": "Land",
        "period_start": "From",
        "quantity": "Consumption (kWh)",
        "unit": "kWh",
        "supplier": "Vendor",
        "cost": "Total cost (EUR)",
        "currency": "EUR",
    }
    assert (mapping.locale.decimal, mapping.locale.group, mapping.locale.date_order) == (",", ".", "DMY")
    assert mapping.absent == {"k.A.": "not_reported"}
    assert headwater("import", bills, "--mapping", "bills.yaml").code == 3  # the quantity that is not reported


def test_a_suggestion_never_writes_over_a_file_unasked(headwater: Headwater, bills: Path) -> None:
    Path("bills.yaml").write_text("mine")
    done = headwater("map", "suggest", bills, "--out", "bills.yaml")
    assert (done.code, Path("bills.yaml").read_text()) == (2, "mine")
    assert "bills.yaml: the file is there already" in done.err
    assert headwater("map", "suggest", bills, "--out", "bills.yaml", "--force").code == 0


def test_a_suggestion_as_json(headwater: Headwater, bills: Path) -> None:
    body = headwater("map", "suggest", bills, "--contract", "facility_emission", "--json").json
    assert body["contract"].startswith("facility_emission@")
    assert body["required_open"][:3] == ["source", "facility_code", "year"]
    assert body["others"] == []
    assert body["mapping"].startswith("mapping: bills\n")


def test_an_unknown_contract_is_misuse(headwater: Headwater, bills: Path) -> None:
    done = headwater("map", "suggest", bills, "--contract", "activities")
    assert done.code == 2
    assert "there is no such contract" in done.err


def test_a_preview_says_what_would_land_and_what_is_at_stake(headwater: Headwater, form: Path, tmp_path: Path) -> None:
    (tmp_path / "factors.csv").write_text(factors([{"factor_id": "f"}]))
    assert headwater("factors", "import", "factors.csv").code == 0
    (tmp_path / "meters.csv").write_text(activities(RECORDS))
    body = headwater("map", "preview", "meters.csv", "--mapping", form, "--json").json
    counts = ("read", "loaded", "merged", "refused_records", "skipped", "is_whole", "factors")
    assert [body[name] for name in counts] == [5, 1, 1, 3, {}, True, 1]
    assert body["refused"] == {"activity.period.order": 1, "activity.quantity.type": 1, "activity.key.conflict": 1}
    assert [(row["number"], row["state"]) for row in body["rows"]] == [
        (2, "loaded"),
        (3, "refused"),
        (4, "refused"),
        (5, "merged"),
        (6, "refused"),
    ]
    assert body["rows"][0]["fields"]["quantity"] == "1000.000000"
    # 1000 kWh at 0.5 kg are loaded; 2000 and 4000 kWh can be told in spite of what is wrong with them, "many" cannot.
    assert body["stakes"] == [
        {"figure": "location_based AR5", "loaded": "0.500000", "refused": "3.000000", "untold": 1}
    ]
    told = headwater("map", "preview", "meters.csv", "--mapping", form, "--rows", "2")
    assert told.code == 0
    all_of_it = headwater("map", "preview", "meters.csv", "--mapping", form).out
    assert "line 2 of this file" in " ".join(all_of_it.split())
    assert "The period ends before it begins, or on the same day." in told.out
    assert "Nothing was loaded." in told.out
    assert headwater("runs", "list", "--json").json["total"] == 1  # the factors


def test_a_preview_needs_no_database(
    headwater: Headwater, form: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEADWATER_DATABASE_URL")
    monkeypatch.delenv("HEADWATER_OWNER_URL")
    (tmp_path / "meters.csv").write_text(activities(RECORDS))
    body = headwater("map", "preview", "meters.csv", "--mapping", form, "--json").json
    assert (body["loaded"], body["factors"], body["stakes"]) == (1, None, [])
    assert not (tmp_path / "data" / "postgres").exists()


def test_a_preview_of_reported_figures_adds_them_up(headwater: Headwater, tmp_path: Path) -> None:
    (tmp_path / "cities.yaml").write_text(
        "mapping: cities\nversion: 1.0.0\ncontract: facility_emission@1\n"
        "skip: [{when: \"code = 'Total'\", reason: total_line}]\n"
        "fields:\n  source: {constant: test}\n  facility_code: {column: code}\n  year: {column: year}\n"
        "  total_co2e_t: {column: total}\n"
    )
    (tmp_path / "cities.csv").write_text("code,year,total\nA,2020,1.5\nB,20,2.25\nC,2020,x\nTotal,2020,9\n")
    body = headwater("map", "preview", "cities.csv", "--mapping", "cities.yaml", "--json").json
    assert (body["loaded"], body["refused_records"], body["skipped"]) == (1, 2, {"total_line": 1})
    assert body["stakes"] == [{"figure": "total_co2e_t", "loaded": "1.500000", "refused": "2.250000", "untold": 1}]


def test_a_mapping_that_does_not_fit_is_misuse(headwater: Headwater, form: Path, bills: Path) -> None:
    done = headwater("map", "preview", bills, "--mapping", form)
    assert done.code == 2
    assert "columns that the mapping reads are not in the file: 'activity_id', " in done.err


@pytest.mark.parametrize("mapping", ["activity_form", "activity@1"])
def test_a_file_with_some_columns_of_the_form_is_told_to_add_the_others(
    headwater: Headwater, tmp_path: Path, mapping: str
) -> None:
    (tmp_path / "few.csv").write_text("activity_id,activity_type,region,period_start,quantity,unit,dokument_no\n")
    done = headwater("map", "preview", "few.csv", "--mapping", mapping)
    assert done.code == 2
    assert "Add these columns, empty where there is nothing to say, or fill in a workbook that has them" in done.err
    assert "headwater contracts template activity" in done.err
    assert "Did you mean region" not in done.err


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Three files of one layout; one each of another, of a shipped mapping, of no contract; and one that is no data."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    for month in ("01", "02", "03"):
        (folder / f"bills_2024_{month}.csv").write_text(BILLS.replace("A-", f"{month}-"))
    (folder / "trace.csv").write_text(
        "region,sector/subsector,year,co2,ch4,n20,co2e100,co2e20\nKEN,waste,2020,1,2,3,4,5\n"
    )
    (folder / "sites.csv").write_text("Site;Use (kWh)\nA;1,5\n")
    (folder / "people.csv").write_text("first_name,last_name\nAnn,Lee\nBob,Ray\n")
    (folder / "broken.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    return folder


def test_many_files_become_a_mapping_a_layout_and_a_recipe_a_group(headwater: Headwater, inbox: Path) -> None:
    done = headwater("recipe", "init", inbox, "--json")
    assert done.code == 4  # one file cannot be read
    body = done.json
    found = {group["name"]: (len(group["files"]), group["mapping"], group["is_shipped"]) for group in body["groups"]}
    assert found == {
        "bills": (3, "bills.mapping.yaml", False),
        "people": (1, "", False),
        "sites": (1, "sites.mapping.yaml", False),
        "trace": (1, "climate_trace", True),
    }
    assert [Path(each["file"]).name for each in body["refused"]] == ["broken.xlsx"]
    recipe = load_recipe(Path("recipes/bills.recipe.yaml"))
    assert (recipe.source.path, recipe.mapping) == ("../inbox/bills_2024_*.csv", "bills.mapping.yaml")
    assert load_recipe(Path("recipes/trace.recipe.yaml")).mapping == "climate_trace"
    assert headwater("run", "recipes/trace.recipe.yaml").code == 0


def test_the_same_files_give_the_same_documents(headwater: Headwater, inbox: Path) -> None:
    (inbox / "broken.xlsx").unlink()
    assert headwater("recipe", "init", inbox).code == 0
    written = {path.name: path.read_bytes() for path in Path("recipes").iterdir()}
    assert headwater("recipe", "init", inbox).code == 0
    assert {path.name: path.read_bytes() for path in Path("recipes").iterdir()} == written


def test_a_document_that_was_worked_on_is_kept(headwater: Headwater, inbox: Path) -> None:
    (inbox / "broken.xlsx").unlink()
    headwater("recipe", "init", inbox)
    mine = Path("recipes/sites.mapping.yaml")
    mine.write_text("mine")
    Path("recipes/bills.mapping.yaml").unlink()
    done = headwater("recipe", "init", inbox)
    assert done.code == 2
    assert "sites.mapping.yaml: the file is there already, with other content" in done.err
    assert mine.read_text() == "mine"
    assert not Path("recipes/bills.mapping.yaml").exists()
    assert headwater("recipe", "init", inbox, "--force").code == 0
    assert mine.read_text() != "mine"


def test_an_archive_is_one_layout_for_all_its_files(headwater: Headwater, tmp_path: Path) -> None:
    with ZipFile(tmp_path / "bills.zip", "w") as archive:
        for month in ("01", "02"):
            archive.writestr(f"{month}.csv", BILLS.replace("A-", f"{month}-"))
    body = headwater("recipe", "init", "bills.zip", "--json").json
    assert [group["recipes"] for group in body["groups"]] == [["bills.recipe.yaml"]]
    assert "member" not in Path("recipes/bills.mapping.yaml").read_text()
    with ZipFile(tmp_path / "bills.zip", "a") as archive:
        archive.writestr("other.csv", "Other;Columns\n1;2\n")
    done = headwater("recipe", "init", "bills.zip", "--force")
    assert (done.code, "the archive holds files of several layouts" in done.err) == (1, True)


def test_a_file_beside_the_pattern_is_not_taken_by_it(headwater: Headwater, inbox: Path) -> None:
    (inbox / "broken.xlsx").unlink()
    (inbox / "bills_2024_04.csv").write_text("Other;Columns\n1;2\n")
    body = headwater("recipe", "init", inbox, "--json").json
    bills = next(group for group in body["groups"] if len(group["files"]) == 3)
    assert len(bills["recipes"]) == 3
    read = {load_recipe(Path("recipes") / name).source.path for name in bills["recipes"]}
    assert read == {f"../inbox/bills_2024_0{month}.csv" for month in (1, 2, 3)}


def test_nothing_to_read_is_said(headwater: Headwater, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = headwater("recipe", "init", "empty")
    assert (done.code, "there are no files" in done.err) == (2, True)
    (tmp_path / "empty" / "a.csv").write_bytes(b"")
    done = headwater("recipe", "init", "empty")
    assert (done.code, "none of the files can be read" in done.err) == (1, True)


def test_of_mappings_that_fit_the_one_that_reads_most_columns_is_taken(headwater: Headwater, tmp_path: Path) -> None:
    (tmp_path / "heating.csv").write_text(
        "group_id;building;timestamp;consumption;fuel_type;unit;group_share\n1;;2020-01-01;3;pellets;kg;1.0\n"
    )
    assert headwater("inspect", "heating.csv", "--json").json["mappings"] == [
        "laboratory_heating",
        "laboratory_electricity",
    ]
    body = headwater("recipe", "init", "heating.csv", "--json").json
    assert body["groups"][0]["mapping"] == "laboratory_heating"
