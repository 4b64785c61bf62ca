from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater import errors

SOURCE = Path(errors.__file__).parent


def drawn() -> dict[str, str]:
    """What the tree at the top of the module says: {class: sentence}."""
    return dict(re.findall(r"[├└]── (\w+) +(.+)", inspect.getdoc(errors) or ""))


def classes() -> set[str]:
    return {
        name
        for name, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, errors.HeadwaterError) and cls is not errors.HeadwaterError
    }


def test_the_tree_at_the_top_of_the_module_is_complete() -> None:
    assert set(drawn()) == classes()


@pytest.mark.parametrize("name", sorted(classes()))
def test_every_error_hangs_directly_below_the_root_or_says_what_of_a_call_is_wrong(name: str) -> None:
    assert getattr(errors, name).__bases__ in {(errors.HeadwaterError,), (errors.Misuse,)}


def test_of_what_was_read_no_value_is_kept_for_good() -> None:
    facts = {"where": "staff.csv, line 3", "value": "Ann Lovelace", "remedy": "Cut it."}
    for kind in (errors.InputRefused, errors.Stopped, errors.RetryLater, errors.Misuse):
        assert kind("this is no record", **facts).as_kept() == {
            "kind": kind.__name__, "message": "staff.csv, line 3: this is no record. Cut it.",
        }  # fmt: skip


def test_the_sentence_names_place_value_what_is_valid_and_what_to_do() -> None:
    error = errors.Misuse(
        "chunk_size must be positive",
        where="headwater.toml",
        value=-5,
        valid="1 to 1000000",
        remedy="Take the line out.",
    )
    assert str(error) == (
        "headwater.toml: chunk_size must be positive (value: '-5'). Valid: 1 to 1000000. Take the line out."
    )
    assert (error.what, error.where, error.value) == ("chunk_size must be positive", "headwater.toml", -5)


def test_a_long_value_is_cut() -> None:
    assert len(str(errors.InputRefused("not text", value="x" * 5000))) < 300


def test_what_is_not_there_or_in_conflict_says_what_is_valid_or_what_to_do() -> None:
    """Whoever asked has to decide: it is not enough to be told that it cannot be."""
    silent = [
        f"{path.relative_to(SOURCE)}:{call.lineno}"
        for path in sorted(SOURCE.rglob("*.py"))
        for call in raised_of(ast.parse(path.read_text(encoding="utf-8")), {"NotFound", "Conflict"})
        if not {keyword.arg for keyword in call.keywords} & {"valid", "remedy", None}
    ]
    assert silent == []


def raised_of(tree: ast.Module, names: set[str]) -> Iterator[ast.Call]:
    """Calls of errors of ours; other rooms have things of the same name."""
    ours = {
        alias.name for part in ast.walk(tree) if isinstance(part, ast.ImportFrom) and part.module == "headwater.errors"
        for alias in part.names
    }  # fmt: skip
    for part in ast.walk(tree):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in names & ours:
            yield part
