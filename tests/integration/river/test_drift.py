"""Two files of one source whose columns differ: told, and treated as the recipe says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from headwater.errors import InputRefused
from headwater.packs.ghg import pack
from headwater.pipeline.recipe import Recipe
from headwater.services.batches import Imported
from headwater.services.connectors.keeping import add, find, opened
from headwater.services.connectors.syncing import files_to_sync, sync_files
from headwater.services.imports import carry_out, plan_recipe, run_recipe
from headwater.services.reports.of_run import read_report, render
from headwater.services.runs_view import show_run
from headwater.services.verification import verify
from headwater.store.chunks import Ledger
from headwater.telemetry import SilentProgress
from tests.river import ACTIVITY_COLUMNS, River, activities

KEPT_BACK = (
    "A record with a text in a new column goes to quarantine, and waits there until the mapping reads the column or "
    "one run with --drift freeze takes it; where a cursor says what changed, by one run with --full."
)


def recipe(river: River, name: str, mode: str) -> Path:
    path = river.folder / "drift.yaml"
    body: dict[str, Any] = {"recipe": "drift", "mapping": river.mapping("activity_form")}
    path.write_text(yaml.safe_dump({**body, "source": {"path": name}, "load": {"drift": mode}}), encoding="utf-8")
    return path


def load(river: River, name: str, mode: str) -> tuple[tuple[str, ...], Ledger]:
    run_id = run_recipe(river.installation, recipe(river, name, mode), progress=SilentProgress())
    return show_run(river.installation, run_id).drift, river.ledger(run_id)


@pytest.fixture
def two_years(river: River) -> River:
    """A file, and the next year's with one column more that two of three records fill."""
    ids = ("a", "b", "c")
    (river.folder / "2023.csv").write_text(activities([{"activity_id": each} for each in ids]), encoding="utf-8")
    rows = [{"activity_id": each, "meter": meter} for each, meter in zip(ids, ("", "m1", "m2"), strict=True)]
    (river.folder / "2024.csv").write_text(activities(rows, (*ACTIVITY_COLUMNS, "meter")), encoding="utf-8")
    assert load(river, "2023.csv", "stop")[0] == ()
    return river


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("evolve", ["Since 2023.csv: column 'meter' is new."]),
        ("freeze", ["Since 2023.csv: column 'meter' is new.", "What is new is not loaded until it is mapped."]),
    ],
)
def test_what_is_mapped_is_loaded_and_the_change_is_said(two_years: River, mode: str, said: list[str]) -> None:
    drift, ledger = load(two_years, "2024.csv", mode)
    assert list(drift) == said
    assert (ledger.read, ledger.unchanged, ledger.quarantined_raw) == (3, 3, 0)


def test_records_with_a_text_in_a_new_column_are_refused_until_the_recipe_takes_them(two_years: River) -> None:
    drift, ledger = load(two_years, "2024.csv", "quarantine")
    assert drift[-1] == KEPT_BACK
    assert (ledger.read, ledger.unchanged, ledger.quarantined_raw) == (3, 1, 2)
    refused = two_years.rows("SELECT line, raw, findings FROM quarantine ORDER BY line")
    assert [(row["line"], row["raw"]["meter"], row["findings"][0]["rule"]) for row in refused] == [
        (3, "m1", "record.drift"),
        (4, "m2", "record.drift"),
    ]
    assert load(two_years, "2024.csv", "freeze")[1].quarantined_raw == 0
    assert two_years.rows("SELECT DISTINCT state FROM quarantine") == [{"state": "expired"}]
    assert verify(two_years.installation, progress=SilentProgress()).ok


def with_meter(river: River, name: str) -> str:
    """A file of further records, each with a text in the new column."""
    rows = [{"activity_id": f"{name} {number}", "meter": "m"} for number in range(3)]
    (river.folder / name).write_text(activities(rows, (*ACTIVITY_COLUMNS, "meter")), encoding="utf-8")
    return name


def test_what_is_refused_for_a_new_column_waits_run_after_run(two_years: River) -> None:
    for _ in range(3):
        drift, ledger = load(two_years, "2024.csv", "quarantine")
        assert drift == ("Since 2023.csv: column 'meter' is new.", KEPT_BACK)
        assert (ledger.read, ledger.unchanged, ledger.quarantined_raw) == (3, 1, 2)
        assert two_years.rows("SELECT state FROM quarantine") == [{"state": "open"}] * 2
    for name in ("2025.csv", "2026.csv"):
        drift, ledger = load(two_years, with_meter(two_years, name), "quarantine")
        assert (drift[-1], ledger.quarantined_raw) == (KEPT_BACK, 3)
    with pytest.raises(InputRefused, match="column 'meter' is new"):
        load(two_years, "2026.csv", "stop")
    assert verify(two_years.installation, progress=SilentProgress()).ok


def test_a_new_column_that_nobody_fills_yet_is_not_taken_for_that(two_years: River) -> None:
    text = activities([{"activity_id": each} for each in "abc"], (*ACTIVITY_COLUMNS, "meter"))
    (two_years.folder / "2024.csv").write_text(text)
    drift, ledger = load(two_years, "2024.csv", "quarantine")
    assert drift == ("Since 2023.csv: column 'meter' is new.", KEPT_BACK)
    assert (ledger.unchanged, ledger.quarantined_raw) == (3, 0)
    drift, ledger = load(two_years, with_meter(two_years, "2025.csv"), "quarantine")
    assert (drift[-1], ledger.quarantined_raw) == (KEPT_BACK, 3)


@pytest.mark.parametrize("mode", ["freeze", "evolve"])
def test_a_new_column_is_taken_for_good_by_one_run_that_says_so(two_years: River, mode: str) -> None:
    load(two_years, "2024.csv", "quarantine")
    assert load(two_years, "2024.csv", mode)[0][0] == "Since 2023.csv: column 'meter' is new."
    assert load(two_years, "2024.csv", mode)[0] == ()  # said once
    for name in ("2024.csv", with_meter(two_years, "2025.csv")):
        for strict in ("quarantine", "stop"):
            drift, ledger = load(two_years, name, strict)
            assert (drift, ledger.quarantined_raw) == ((), 0)
    assert two_years.rows("SELECT DISTINCT state FROM quarantine") == [{"state": "expired"}]


def map_meter(river: River) -> None:
    """In the next version of the mapping."""
    path = Path(river.mapping("activity_form"))
    body = yaml.safe_load(path.read_text())
    body["fields"]["meter_id"] = {"column": "meter"}
    path.write_text(yaml.safe_dump(body | {"version": "1.1.0"}))


def test_a_new_column_that_the_mapping_reads_by_now_is_kept_back_no_more(two_years: River) -> None:
    load(two_years, "2024.csv", "quarantine")
    map_meter(two_years)
    drift, ledger = load(two_years, "2024.csv", "quarantine")
    assert drift == ("Since 2023.csv: column 'meter' is new and read as meter_id.",)
    assert (ledger.read, ledger.updated, ledger.quarantined_raw) == (3, 2, 0)
    assert load(two_years, "2024.csv", "quarantine")[0] == ()
    assert two_years.rows("SELECT DISTINCT state FROM quarantine") == [{"state": "expired"}]
    assert verify(two_years.installation, progress=SilentProgress()).ok


def test_nothing_is_stopped_once_the_mapping_reads_all_that_is_new(two_years: River) -> None:
    with pytest.raises(InputRefused, match="column 'meter' is new"):
        load(two_years, "2024.csv", "stop")
    map_meter(two_years)
    drift, ledger = load(two_years, "2024.csv", "stop")
    assert drift == ("Since 2023.csv: column 'meter' is new and read as meter_id.",)
    assert ledger.updated == 2
    rows = [{"activity_id": "d", "meter": "m", "remark": ""}]
    (two_years.folder / "2025.csv").write_text(activities(rows, (*ACTIVITY_COLUMNS, "meter", "remark")))
    with pytest.raises(InputRefused, match=r"\(value: .column 'remark' is new.\)"):
        load(two_years, "2025.csv", "stop")


def test_what_was_stopped_is_stopped_again_until_a_run_has_loaded_it(two_years: River) -> None:
    for _ in range(2):
        with pytest.raises(InputRefused, match=r"column 'meter' is new.*RECIPE --drift freeze. It stops until then"):
            plan_recipe(two_years.installation, recipe(two_years, "2024.csv", "stop"))
    never_begun = plan_recipe(two_years.installation, recipe(two_years, "2024.csv", "freeze"))
    with pytest.raises(InputRefused, match="column 'meter' is new"):
        plan_recipe(two_years.installation, recipe(two_years, "2024.csv", "stop"))
    carry_out(two_years.installation, never_begun, progress=SilentProgress())
    assert load(two_years, "2024.csv", "stop")[0] == ()


def test_of_files_that_differ_each_has_the_columns_that_it_was_taken_with(two_years: River) -> None:
    """Else who has taken the columns of a folder is asked again where its files are read anew."""
    for name in ("2023.csv", "2024.csv"):
        load(two_years, name, "freeze")
    for mode in ("quarantine", "stop"):
        for name in ("2023.csv", "2024.csv", "2023.csv"):
            drift, ledger = load(two_years, name, mode)
            assert (drift, ledger.quarantined_raw) == ((), 0)
    load(two_years, "2023.csv", "stop")
    drift, ledger = load(two_years, with_meter(two_years, "2025.csv"), "quarantine")
    assert (drift[-1], ledger.quarantined_raw) == (KEPT_BACK, 3)


def test_of_a_file_that_was_taken_with_a_column_only_further_ones_wait(two_years: River) -> None:
    """The last file of the series lacks the one it was taken with."""
    for name in ("2024.csv", "2023.csv"):
        load(two_years, name, "freeze")
    rows = [{"activity_id": each, "meter": "m", "phase": phase} for each, phase in (("a", "1"), ("b", ""), ("c", ""))]
    (two_years.folder / "2024.csv").write_text(activities(rows, (*ACTIVITY_COLUMNS, "meter", "phase")))
    drift, ledger = load(two_years, "2024.csv", "quarantine")
    assert drift == ("Since 2023.csv: column 'phase' is new.", KEPT_BACK)
    assert (ledger.unchanged, ledger.quarantined_raw) == (2, 1)
    with pytest.raises(InputRefused, match=r"\(value: .column 'phase' is new.\).*of 2023.csv or 2024.csv"):
        load(two_years, "2024.csv", "stop")
    assert verify(two_years.installation, progress=SilentProgress()).ok


def test_nothing_is_loaded_where_the_recipe_says_stop(two_years: River) -> None:
    with pytest.raises(InputRefused, match="column 'meter' is new"):
        plan_recipe(two_years.installation, recipe(two_years, "2024.csv", "stop"))
    assert two_years.rows("SELECT count(*) AS n FROM runs") == [{"n": 1}]


@pytest.mark.parametrize(("mode", "loaded"), [("stop", ["a"]), ("quarantine", ["a", "b"]), ("evolve", ["a", "b", "c"])])
def test_files_of_a_connector_are_compared_as_files_of_a_folder(river: River, mode: str, loaded: list[str]) -> None:
    (folder := river.folder / "bills").mkdir()
    (folder / "2023.csv").write_text(activities([{"activity_id": "a"}]), encoding="utf-8")
    add(river.installation, "bills", "folder", {"path": str(folder)})
    assert [each.error for each in synced_files(river, mode)] == [None]
    rows = [{"activity_id": "b"}, {"activity_id": "c", "meter": "m1"}]
    (folder / "2024.csv").write_text(activities(rows, (*ACTIVITY_COLUMNS, "meter")), encoding="utf-8")
    (new,) = [each for each in synced_files(river, mode) if each.file == "bills/2024.csv"]
    told = str(new.error) if new.view is None else new.view.drift[0]
    assert "column 'meter' is new" in told
    found = river.rows("SELECT activity_id FROM activity_v1 ORDER BY 1")
    assert [row["activity_id"] for row in found] == loaded
    (folder / "2025.csv").write_text(activities(rows, (*ACTIVITY_COLUMNS, "meter")) + "\n", encoding="utf-8")
    synced_files(river, mode)
    found = river.rows("SELECT activity_id FROM activity_v1 ORDER BY 1")
    assert [row["activity_id"] for row in found] == loaded


def synced_files(river: River, mode: str) -> list[Imported]:
    said = {"recipe": "bills", "source": {"connector": "bills"}, "mapping": river.mapping("activity_form")}
    by = Recipe.model_validate({**said, "load": {"drift": mode}})
    stored, told = find(river.installation, "bills"), SilentProgress()
    with opened(river.installation, stored) as source:
        store, files = files_to_sync(river.installation, stored, source)
        return list(sync_files(river.installation, stored, store, files, recipe=by, base=river.folder, progress=told))


def test_the_report_says_what_changed(two_years: River) -> None:
    load(two_years, "2024.csv", "freeze")
    (run,) = two_years.rows("SELECT run_id FROM runs WHERE source_name = '2024.csv'")
    page = render(read_report(two_years.installation, str(run["run_id"])))
    assert "Since 2023.csv: column &#39;meter&#39; is new." in page


def test_a_new_column_that_the_mapping_reads_is_loaded_and_said_to_be(river: River) -> None:
    form = str(Path(str(pack.mappings)) / "activity_form.yaml")
    later = ("meter_id", "reported_co2e_kg", "reported_scope", "reported_category", "reported_gwp_set",
             "quantity_uncertainty_percent", "pedigree")  # fmt: skip
    river.load(activities([{"activity_id": "a"}]), name="2024.csv", mapping=form)
    rows = [{"activity_id": "a", "meter_id": "m1"}]
    run_id, _ = river.load(activities(rows, (*ACTIVITY_COLUMNS, *later)), name="2025.csv", mapping=form)
    said = show_run(river.installation, run_id).drift
    assert said == tuple(f"Since 2024.csv: column {name!r} is new and read as {name}." for name in later)


def test_a_mapping_that_follows_a_new_name_holds_for_the_file_that_has_it(river: River) -> None:
    """The file before lacks a column that the mapping reads by now: that is told, and no reason to refuse."""
    path = Path(river.mapping("activity_form"))
    text = activities([{"activity_id": "a"}])
    river.load(text, name="2024.csv", mapping=str(path))
    body = yaml.safe_load(path.read_text())
    body["fields"]["quantity"]["column"] = "quantities"
    path.write_text(yaml.safe_dump(body | {"version": "1.1.0"}))
    run_id, ledger = river.load(text.replace("quantity", "quantities", 1), name="2025.csv", mapping=str(path))
    assert (ledger.read, ledger.quarantined) == (1, 0)
    said = show_run(river.installation, run_id).drift
    assert said == ("Since 2024.csv: column 'quantity' is called 'quantities' now and read as quantity.",)
