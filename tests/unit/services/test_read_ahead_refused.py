"""`load.read_ahead` and `load.window` are never left unheeded: where there is nothing they are of, they are refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from headwater.errors import Misuse
from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.planning import check_read_ahead
from headwater.services.imports import logic_of, source_files

NO_INSTALLATION = cast("Any", SimpleNamespace(require=lambda _: None))
"""It is refused before more is asked of one than whether whoever acts may do this."""


def recipe(read_ahead: int, **source: str) -> Recipe:
    return Recipe.model_validate(
        {"recipe": "readings", "source": source, "mapping": "readings.yaml", "load": {"read_ahead": read_ahead}}
    )


@pytest.mark.parametrize("source", [{"path": "a.csv"}, {"contract": "activity@1"}, {"connector": "bucket"}])
def test_of_what_is_no_table_of_a_connector(source: dict[str, str]) -> None:
    with pytest.raises(Misuse, match="only chunks of a table that a connector reads") as refused:
        logic_of(NO_INSTALLATION, recipe(2, **source), Path())
    assert (refused.value.where, refused.value.value) == ("recipe readings, load.read_ahead", 2)


def test_windows_of_what_is_no_table_of_a_connector() -> None:
    said = {"recipe": "readings", "source": {"path": "a.csv"}, "mapping": "readings.yaml", "load": {"window": "week"}}
    with pytest.raises(Misuse, match="have windows") as refused:
        logic_of(NO_INSTALLATION, Recipe.model_validate(said), Path())
    assert refused.value.where == "recipe readings, load.window"


def test_of_many_files_once() -> None:
    with pytest.raises(Misuse, match="only chunks of a table"):
        source_files(NO_INSTALLATION, recipe(2, path="bills/*.csv"), Path())


@pytest.mark.parametrize(("kind", "is_refused"), [("snowflake", True), ("sqlite", False), ("odata", False)])
def test_of_a_kind_that_reads_none_ahead(kind: str, *, is_refused: bool) -> None:
    said = {"connector": "plant", "table": "t"}
    check_read_ahead(recipe(0, **said), kind)
    if not is_refused:
        check_read_ahead(recipe(2, **said), kind)
        return
    with pytest.raises(Misuse, match="of kind snowflake read one chunk at a time"):
        check_read_ahead(recipe(2, **said), kind)
