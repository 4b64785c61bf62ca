"""A record that two files hold: where one of them holds it no longer, what stands is what the other says."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.pipeline.recipe import Recipe
from headwater.services import quarantines
from headwater.services.batches import import_each
from headwater.services.imports import source_files
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

    def load(self, path: str = "sites") -> str:
        """Import the folder: the files that were read, in order."""
        recipe = Recipe.model_validate(
            {"recipe": "t", "source": {"path": path}, "mapping": self.river.mapping("activity_form"),
             "load": {"strategy": self.strategy, "chunk_size": 2}}
        )  # fmt: skip
        installation, base = self.river.installation, self.river.folder
        files = source_files(installation, recipe, base)
        ended = list(import_each(installation, recipe, base, files, again=False, progress=SilentProgress()))
        assert all(each.error is None for each in ended)
        return "".join(Path(each.file).stem for each in ended if each.view is not None)

    @property
    def stands(self) -> dict[str, int]:
        rows = self.river.rows("SELECT activity_id, quantity::float AS quantity FROM activity_v1 ORDER BY 1")
        return {row["activity_id"]: int(row["quantity"]) for row in rows}


@pytest.fixture
def folder(river: River) -> Folder:
    return Folder(river, "delta")


@pytest.mark.parametrize("strategy", ["delta", "full"])
@pytest.mark.parametrize("corrected", [{"n": "5", "w": "20"}, {"n": "5"}], ids=["changed", "removed"])
def test_a_file_is_read_again_once_another_gives_up_what_it_took_from_it(
    river: River, folder: Folder, corrected: dict[str, str], strategy: str
) -> None:
    folder.strategy = strategy
    folder.put("a", x="10", y="1")
    folder.put("b", n="5", x="20")
    assert folder.load() == "ab"
    assert folder.stands == {"n": 5, "x": 20, "y": 1}
    assert folder.load() == ""

    folder.put("b", **corrected)
    assert folder.load() == "ba"
    assert folder.stands == {"n": 5, "x": 10, "y": 1} | ({"w": 20} if "w" in corrected else {})
    assert folder.load() == ""
    found = verify(river.installation, progress=SilentProgress())
    assert found.ok, found.differences


def test_what_the_other_file_has_changed_itself_since_is_given_up_too(folder: Folder) -> None:
    folder.put("a", x="10")
    folder.put("b", n="5", x="20")
    folder.load()
    folder.put("b", n="5", x="21")
    assert folder.load() == "b"
    folder.put("b", n="5")
    assert folder.load() == "ba"
    assert folder.stands == {"n": 5, "x": 10}


def test_of_three_the_one_loaded_last_that_holds_it_still_is_read(folder: Folder) -> None:
    for name, quantity in {"a": "10", "b": "20", "c": "30"}.items():
        folder.put(name, **{"x": quantity, name: "1"})
    folder.load()
    folder.put("c", c="1")
    folder.load()
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
    assert folder.stands == {"n": 5, "x": 20}
    (refused,) = quarantines.list_records(river.installation, state="open", run=None, rule=None, limit=9).records
    quarantines.dismiss_records(river.installation, [str(refused.key)], reason="a test")
    assert "a" not in folder.load()
    assert folder.stands == {"n": 5, "x": 20}


def test_what_a_file_gave_up_when_it_was_imported_alone_is_known_to_the_next_import_of_all(folder: Folder) -> None:
    folder.put("a", x="10")
    folder.put("b", n="5", x="20")
    folder.load()
    folder.put("b", n="5")
    folder.load("sites/b.csv")
    assert folder.load() == "a"
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
