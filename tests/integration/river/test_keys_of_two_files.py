"""A record that two files hold: where the one loaded last holds it no longer, the other is told of and not read."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from headwater.pipeline.recipe import Recipe
from headwater.services.batches import import_each
from headwater.services.entered_records import enter
from headwater.services.imports import carry_out, plan_source, source_files
from headwater.services.quarantine import quarantines
from headwater.services.quarantine.by_cell import resubmit
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.river import River, activities


class Folder:
    def __init__(self, river: River, strategy: str) -> None:
        self.river, self.path = river, river.folder / "sites"
        self.path.mkdir()
        self.strategy = strategy

    def put(self, name: str, **records: str) -> None:
        rows = [{"activity_id": key, "quantity": quantity} for key, quantity in records.items()]
        (self.path / f"{name}.csv").write_text(activities(rows), encoding="utf-8")

    def load(self, path: str = "sites", *, again: bool = False) -> str:
        """Import the folder: the files that were read, in order, then those that are told of with how many records."""
        recipe = Recipe.model_validate(
            {"recipe": "t", "source": {"path": path}, "mapping": self.river.mapping("activity_form"),
             "load": {"strategy": self.strategy, "chunk_size": 2}}
        )  # fmt: skip
        installation, base = self.river.installation, self.river.folder
        files = source_files(installation, recipe, base)
        ended = list(import_each(installation, recipe, base, files, again=again, progress=SilentProgress()))
        assert all(each.error is None for each in ended)
        read = "".join(Path(each.file).stem for each in ended if each.view is not None)
        return " ".join([read, *(f"{Path(each.file).stem}:{each.given_up}" for each in ended if each.given_up)])

    @property
    def stands(self) -> dict[str, int]:
        rows = self.river.rows("SELECT activity_id, quantity::float AS quantity FROM activity_v1 ORDER BY 1")
        return {row["activity_id"]: int(row["quantity"]) for row in rows}


@pytest.fixture
def folder(river: River) -> Folder:
    return Folder(river, "delta")


def by_hand(river: River, **records: str) -> None:
    rows = [{"activity_id": key, "quantity": quantity} for key, quantity in records.items()]
    read = csv.DictReader(io.StringIO(activities(rows)))
    enter(river.installation, "activity", [{name: text for name, text in row.items() if text} for row in read])


def refused_key(river: River) -> str:
    (refused,) = quarantines.list_records(river.installation, state="open", run=None, rule=None, limit=9).records
    return str(refused.key)


def mend(river: River, **cells: str) -> None:
    carry_out(river.installation, resubmit(river.installation, {refused_key(river): cells}), progress=SilentProgress())


@pytest.mark.parametrize("strategy", ["delta", "full"])
@pytest.mark.parametrize("corrected", [{"n": "5", "w": "20"}, {"n": "5"}], ids=["changed", "removed"])
def test_a_file_is_told_of_until_all_are_read_again_once_another_gives_up_what_it_took_from_it(
    river: River, folder: Folder, corrected: dict[str, str], strategy: str
) -> None:
    folder.strategy = strategy
    folder.put("a", x="10", y="1")
    folder.put("b", n="5", x="20")
    assert folder.load() == "ab"
    assert folder.load() == ""

    folder.put("b", **corrected)
    assert folder.load() == "b a:1"
    assert folder.stands["x"] == 20
    assert folder.load() == " a:1"
    assert folder.load(again=True) == "ab"
    assert folder.load() == ""
    assert folder.stands == {"n": 5, "x": 10, "y": 1} | ({"w": 20} if "w" in corrected else {})
    found = verify(river.installation, progress=SilentProgress())
    assert found.ok, found.differences


def test_what_was_loaded_corrected_and_mended_since_of_a_file_that_is_told_of_stays(
    river: River, folder: Folder
) -> None:
    folder.put("a", x="10", z="1", h="1", m="much")
    folder.put("b", n="5", x="20")
    folder.put("c", z="3")
    folder.load()
    by_hand(river, h="99")
    mend(river, quantity="7")
    stands = {"h": 99, "m": 7, "n": 5, "x": 20, "z": 3}
    assert folder.stands == stands
    folder.put("b", n="5")
    assert folder.load() == "b a:1"
    assert folder.load() == " a:1"
    assert folder.stands == stands


def test_what_the_other_file_has_changed_itself_since_is_given_up_too(folder: Folder) -> None:
    folder.put("a", x="10")
    folder.put("b", n="5", x="20")
    folder.load()
    folder.put("b", n="5", x="21")
    assert folder.load() == "b"
    folder.put("b", n="5")
    assert folder.load() == "b a:1"


def test_of_three_the_one_loaded_last_that_holds_it_still_is_told_of(folder: Folder) -> None:
    for name, quantity in {"a": "10", "b": "20", "c": "30"}.items():
        folder.put(name, **{"x": quantity, name: "1"})
    folder.load()
    folder.put("c", c="1")
    assert folder.load() == "c b:1"
    folder.load(again=True)
    assert folder.stands["x"] == 20
    assert folder.load() == ""


def test_a_file_that_held_it_first_and_gives_it_up_changes_nothing(folder: Folder) -> None:
    folder.put("a", x="10", y="1")
    folder.put("b", x="20")
    folder.load()
    folder.put("a", y="1")
    assert folder.load() == "a"
    assert folder.stands == {"x": 20, "y": 1}


def test_a_record_that_is_sent_wrong_is_not_given_up(river: River, folder: Folder) -> None:
    folder.strategy = "full"
    folder.put("a", x="10")
    folder.put("b", n="5", x="20")
    folder.load()
    folder.put("b", n="5", x="much")
    assert folder.load() == "b"
    quarantines.dismiss_records(river.installation, [refused_key(river)], reason="a test")
    assert folder.load() == "b"
    assert folder.stands == {"n": 5, "x": 20}


@pytest.mark.parametrize("line", [",electricity,DE,2024-01-01,20,kWh", "x,20"], ids=["no key", "cut off"])
def test_a_record_whose_key_cannot_be_read_may_be_any(folder: Folder, line: str) -> None:
    folder.put("a", x="10")
    folder.put("b", n="5", x="20")
    folder.load()
    folder.put("b", n="5")
    with (folder.path / "b.csv").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    assert folder.load() == "b"
    folder.put("b", n="5")
    assert folder.load() == "b a:1"


def test_what_was_corrected_by_hand_or_mended_since_is_held(river: River, folder: Folder) -> None:
    folder.put("a", x="10", y="1")
    folder.put("b", n="5", x="20", y="2")
    folder.put("c", y="much")
    folder.load()
    by_hand(river, x="25")
    mend(river, quantity="30")
    folder.put("b", n="5")
    assert folder.load() == "b"
    folder.put("c", c="1")
    assert folder.load() == "c a:1"
    assert folder.stands == {"c": 1, "n": 5, "x": 25, "y": 30}


def test_a_run_that_was_planned_and_never_begun_holds_what_the_file_held(river: River, folder: Folder) -> None:
    for name in "abc":
        folder.put(name, **{"x": "10", name: "1"})
    folder.load()
    recipe = Recipe.model_validate(
        {"recipe": "t", "source": {"path": "sites"}, "mapping": river.mapping("activity_form")}
    )
    file = source_files(river.installation, recipe, river.folder)[1]
    plan_source(river.installation, recipe, river.folder, file)
    folder.put("c", c="1")
    assert folder.load() == "bc"


def test_what_a_file_gave_up_when_it_was_imported_alone_is_known_to_the_next_import_of_all(folder: Folder) -> None:
    folder.put("a", x="10")
    folder.put("b", n="5", x="20")
    folder.load()
    folder.put("b", n="5")
    folder.load("sites/b.csv")
    assert folder.load() == " a:1"
    folder.load("sites/a.csv", again=True)
    assert folder.load() == ""
    assert folder.stands == {"n": 5, "x": 10}


def test_what_a_file_holds_again_is_its_own(folder: Folder) -> None:
    folder.put("a", x="10")
    folder.put("b", n="5", x="20")
    folder.load()
    folder.put("b", n="5")
    folder.load("sites/b.csv")
    folder.put("b", n="5", x="25")
    folder.load("sites/b.csv")
    assert folder.load() == ""
    assert folder.stands == {"n": 5, "x": 25}
