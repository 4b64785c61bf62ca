"""Errors as people and programs read them: in plain words, as JSON where JSON was asked for; and quiet pipes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Headwater
from tests.river import activities, factors

LOAD = {"recipe": "r", "source": {"path": "meters.csv"}, "mapping": "form.yaml"}


@pytest.mark.parametrize(
    ("arguments", "code", "facts"),
    [
        (["runs", "show", "ffff"], 2, {"kind": "NotFound", "what": "there is no such run", "value": "ffff"}),
        (["runs", "list", "--limit", "0"], 2, {"where": "--limit", "value": "0", "valid": "a whole number from 1"}),
        (["quarantine", "list", "--state", "odd"], 2, {"where": "--state", "value": "odd"}),
        (["quarantine", "resubmit", "meters.csv"], 1, {"kind": "InputRefused", "where": "meters.csv"}),
        (["runs", "list", "--lim", "1"], 2, {"what": "No such option: --lim", "valid": "--limit"}),
        (["import", "meters.csv"], 2, {"where": "--mapping", "what": "a mapping is needed"}),
    ],
)
def test_errors_are_json_where_json_was_asked_for(
    headwater: Headwater, tmp_path: Path, arguments: list[str], code: int, facts: dict[str, str]
) -> None:
    (tmp_path / "meters.csv").write_text("a,b\n1,2\n")
    done = headwater(*arguments, "--json")
    assert (done.code, done.out) == (code, "")
    error = json.loads(done.err)["error"]
    assert set(error) == {"kind", "what", "where", "value", "valid", "remedy"}
    assert {name: error[name] for name in facts} == facts
    told = headwater(*arguments)
    assert told.code == code
    assert told.err.startswith("error: ")


def test_several_things_wrong_are_told_one_by_one(headwater: Headwater) -> None:
    wrong = ["-s", "port=many", "-s", "hots=db.example.org"]
    done = headwater("connectors", "add", "plant", "-k", "postgresql", *wrong, "--json")
    assert done.code == 2
    error = json.loads(done.err)["error"]
    assert {each["where"] for each in error["errors"]} >= {"config of postgresql, port", "config of postgresql, hots"}
    assert error["where"] == error["errors"][0]["where"]


def test_choices_are_named(headwater: Headwater) -> None:
    done = headwater("quarantine", "list", "--state", "odd")
    assert "open, resubmitted, dismissed" in done.err


def test_a_rule_or_type_that_nobody_knows_is_no_empty_list(headwater: Headwater, form: Path, tmp_path: Path) -> None:
    done = headwater("quarantine", "list", "--rule", "activity.quantity.rnge")
    assert done.code == 2
    assert "activity.quantity.range" in done.err
    for rule in ("activity.quantity.range", "activity.key.conflict", "record.columns", "mapping.unit.values"):
        assert headwater("quarantine", "list", "--rule", rule).code == 0
    assert headwater("factors", "list", "--type", "electricity").code == 0
    (tmp_path / "factors.csv").write_text(factors([{"factor_id": "f"}]))
    headwater("factors", "import", "factors.csv")
    done = headwater("factors", "list", "--type", "electricty")
    assert (done.code, "Valid: electricity" in done.err) == (2, True)
    assert form.is_file()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"load": {"strategy": "ful"}}, "load.strategy: 'ful' is not valid; did you mean full? Valid: delta, full"),
        ({"load": {"chunk_size": 0}}, "load.chunk_size: 1 or more is wanted, not 0"),
        (
            {"load": {"chunks": 5}},
            "load.chunks: there is no such key; did you mean chunk_size? Valid: strategy, drift, chunk_size",
        ),
        ({"mapping": None}, "mapping: text is wanted, not nothing"),
        (
            {"recipe": "R!"},
            "recipe: a name of small letters, digits and _, a letter first, of at most 63 characters",
        ),
    ],
)
def test_what_is_wrong_with_a_recipe_is_said_in_plain_words(
    headwater: Headwater, tmp_path: Path, change: dict[str, object], says: str
) -> None:
    (tmp_path / "recipe.yaml").write_text(json.dumps(LOAD | change))
    done = headwater("run", "recipe.yaml")
    assert done.code == 2
    assert says in done.err


@pytest.mark.parametrize("command", [["runs", "list", "--json"], ["runs", "list"], ["contracts", "show", "activity"]])
def test_a_pipe_that_nobody_reads_ends_the_program_quietly(
    headwater: Headwater, form: Path, tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "meters.csv").write_text(activities([{"activity_id": "a"}]))
    headwater("import", "meters.csv", "-m", form)
    with subprocess.Popen(
        [Path(sys.executable).parent / "headwater", *command],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        said = process.stderr.read()
    assert (process.returncode, said) == (141, b"")
