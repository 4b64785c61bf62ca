"""A recipe whose words do not go together is refused in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from headwater.errors import Misuse
from headwater.pipeline.recipe import load_recipe, recipe_of

if TYPE_CHECKING:
    from pathlib import Path


def said(**source: Any) -> dict[str, Any]:
    return {"recipe": "readings", "source": source, "mapping": "readings.yaml"}


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({}, "a source is one of path, connector and contract, and none is said"),
        (
            {"path": "a.csv", "connector": "lab"},
            "a source is one of path, connector and contract, and more is said: path, connector",
        ),
        ({"path": "a.csv", "table": "a"}, "table is said of what a connector reads, and no connector is said"),
        ({"path": "a.csv", "columns": ["a"]}, "columns is said of what a connector reads, and no connector is said"),
        ({"path": "a.csv", "key": ["a"]}, "key is said of what a connector reads, and no connector is said"),
        ({"path": "a.csv", "cursor": "a"}, "cursor is said of what a connector reads, and no connector is said"),
        ({"path": "a.csv", "lag": 900}, "lag is said of what a connector reads, and no connector is said"),
        ({"connector": "bucket", "key": ["a"]}, "key is said of a table, and no table is said"),
        ({"connector": "bucket", "cursor": "a"}, "cursor is said of a table, and no table is said"),
        ({"connector": "lab", "table": "a", "lag": 900}, "lag is said of a cursor, and no cursor is said"),
    ],
)
def test_what_does_not_go_together_is_refused(source: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Misuse) as refused:
        recipe_of(said(**source), where="recipe.yaml")
    assert str(refused.value) == f"recipe.yaml: source: {sentence}. See docs/reference/recipe.md."


@pytest.mark.parametrize(
    "source",
    [
        {"path": "a.csv", "name": "a"},
        {"connector": "bucket"},
        {"connector": "lab", "table": "a", "columns": ["a", "b"], "key": ["a"], "cursor": "b", "lag": 900},
    ],
)
def test_what_goes_together_is_taken(source: dict[str, Any]) -> None:
    recipe = recipe_of(said(**source), where="recipe.yaml")
    assert recipe.source.model_dump(mode="json", exclude_defaults=True) == source


def test_a_misspelt_file_is_told_with_the_one_beside_it(tmp_path: Path) -> None:
    (tmp_path / "readings.yaml").write_text("recipe: readings\n", encoding="utf-8")
    with pytest.raises(Misuse) as refused:
        load_recipe(tmp_path / "raedings.yaml")
    assert str(refused.value) == f"{tmp_path / 'raedings.yaml'}: there is no such recipe. Did you mean readings.yaml?"
