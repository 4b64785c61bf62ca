"""What the processes of several recipes say, and what becomes of one that says nothing a result could be read from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headwater.cli import exits
from headwater.cli.several import _ended_with, _in_words


@pytest.mark.parametrize("error", ["the connection was lost", ["a", "b"], None, {"what": "no facts beside"}])
def test_a_line_whose_error_is_not_ours_is_passed_on_as_it_is(error: object) -> None:
    line = json.dumps({"event": "failed", "error": error})
    assert _in_words(line) == line


@pytest.mark.parametrize("printed", ['{"run_id": ', "Killed\n", "[1]", "5"])
def test_what_is_no_result_is_an_error_of_that_recipe_alone(printed: str) -> None:
    ended = _ended_with(Path("a.yaml"), exits.LOADED, printed)
    assert (ended.code, ended.result, ended.state) == (exits.ERROR, None, "refused")


def test_a_result_is_read_and_an_unknown_code_is_an_error() -> None:
    assert _ended_with(Path("a.yaml"), -9, "").code == exits.ERROR
    ended = _ended_with(Path("a.yaml"), exits.LOADED, '{"state": "succeeded"}')
    assert (ended.code, ended.state) == (exits.LOADED, "succeeded")
