"""`--drift`: what one run does where columns changed, whatever its recipe says, and what the next ones do then."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.integration.cli.conftest import ACTIVITY_FIELDS, Headwater, Lab
from tests.river import River, activities

pytestmark = pytest.mark.usefixtures("form")


def write(folder: Path, name: str, *more: str) -> str:
    """A file of two records, with texts in columns more than usual."""
    rows = [{"activity_id": f"{name} {number}", **dict.fromkeys(more, "m")} for number in (1, 2)]
    (folder / name).write_text(activities(rows, (*ACTIVITY_FIELDS, *more)))
    return name


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """Of a folder whose second file has a column more than the first; the recipe stops then."""
    (tmp_path / "in").mkdir()
    for name, more in (("2023.csv", ()), ("2024.csv", ("meter",))):
        write(tmp_path / "in", name, *more)
    path = tmp_path / "in.recipe.yaml"
    body = {"recipe": "yearly", "source": {"path": "in"}, "mapping": "form.yaml", "load": {"drift": "stop"}}
    path.write_text(yaml.safe_dump(body))
    return path


def states(headwater: Headwater, *said: object) -> dict[str, str]:
    return {each["file"]: each["state"] for each in headwater("run", *said, "--json").json["files"]}


@pytest.mark.parametrize("strict", ["stop", "quarantine"])
def test_what_a_recipe_keeps_back_is_taken_by_one_run_and_nothing_else_is_read_again(
    headwater: Headwater, recipe: Path, river: River, strict: str
) -> None:
    said = yaml.safe_load(recipe.read_text())
    recipe.write_text(yaml.safe_dump(said | {"load": {"drift": strict}}))
    kept_back = {"stop": "refused", "quarantine": "succeeded_with_quarantine"}[strict]
    assert states(headwater, recipe) == {"2023.csv": "succeeded", "2024.csv": kept_back}
    assert states(headwater, recipe, "--drift", "freeze") == {"2023.csv": "unchanged", "2024.csv": "succeeded"}
    assert river.rows(
        "SELECT d.body::jsonb -> 'load' ->> 'drift' AS mode FROM runs r JOIN documents d ON d.hash = r.recipe_hash"
        " WHERE source_name = '2024.csv' ORDER BY started_at DESC LIMIT 1"
    ) == [{"mode": "freeze"}]
    assert states(headwater, recipe) == dict.fromkeys(("2023.csv", "2024.csv"), "unchanged")
    write(recipe.parent / "in", "2025.csv", "meter", "phase")
    assert states(headwater, recipe)["2025.csv"] == kept_back


def test_an_error_names_the_command_to_type(headwater: Headwater, recipe: Path, tmp_path: Path) -> None:
    stopped = headwater("run", recipe)
    assert "headwater run RECIPE --drift freeze" in " ".join(stopped.err.split())
    assert headwater("run", recipe, "--drift", "thaw").code == 2
    said = ("--mapping", "form.yaml", "--drift")
    write(tmp_path, "other.csv", "phase")
    assert headwater("import", "other.csv", *said, "stop").code == 1
    assert "would be loaded" in headwater("import", "other.csv", *said, "freeze", "--dry-run").out
    assert headwater("import", "other.csv", *said, "quarantine").code == 3
    assert headwater("import", "other.csv", *said, "freeze").code == 0
    assert headwater("import", "other.csv", *said, "stop").code == 0


def test_it_holds_for_each_of_several_recipes_and_for_what_a_worker_does(
    headwater: Headwater, recipe: Path, tmp_path: Path
) -> None:
    headwater("run", recipe)
    write(tmp_path, "meters.csv", "meter")
    other = tmp_path / "other.recipe.yaml"
    body = {"recipe": "other", "source": {"path": "meters.csv"}, "mapping": "form.yaml", "load": {"drift": "stop"}}
    other.write_text(yaml.safe_dump(body))
    assert headwater("run", recipe, other, "--json").code == 1
    (asked,) = headwater("run", other, "--drift", "freeze", "--queue", "--json").json["jobs"]
    assert headwater("jobs", "show", asked, "--json").json["arguments"]["recipe"]["load"]["drift"] == "freeze"
    done = headwater("run", recipe, other, "--drift", "freeze", "--json")
    assert [each["exit_code"] for each in done.json["recipes"]] == [0, 0]


def test_a_sync_takes_a_column_that_it_stopped_for(headwater: Headwater, full_lab: Lab) -> None:
    sync = ("connectors", "sync", "lab", "--table", "a", "--mapping", full_lab.mapping)
    assert headwater(*sync).code == 0
    full_lab.change("ALTER TABLE a ADD COLUMN remark TEXT", "UPDATE a SET remark = 'x' WHERE reading_id = 1")
    stopped = headwater(*sync, "--drift", "stop")
    assert stopped.code == 1
    assert "or headwater connectors sync lab with the same option" in " ".join(stopped.err.split())
    assert headwater(*sync, "--drift", "quarantine").code == 3
    assert headwater(*sync, "--drift", "freeze").code == 0
    assert headwater(*sync, "--drift", "stop").code == 0
