"""What the processes of several recipes say, and what becomes of one that says nothing a result could be read from."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from headwater.cli import exits, several
from headwater.cli.several import Ended, _Children, _ended_with, _in_turn, _in_words, _tell, _Turn


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


def test_one_that_reads_records_waits_for_those_before_it_that_load_some(tmp_path: Path) -> None:
    def written(name: str, mapping: str, **source: object) -> Path:
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump({"recipe": name, "source": source, "mapping": mapping}))
        return path

    categories = {"follow": {"category": "erp.purchase_category@1"}}
    paths = [
        written("bills", "invoices_to_activities", contract="erp.invoice_line@1", **categories),
        written("fusion", "oracle_fusion_invoices", connector="fusion", table="invoices"),
        written("categories", "purchase_category_form", path="categories.csv"),
        written("workday", "workday_supplier_invoice_lines", connector="workday", table="lines"),
        written("again", "invoices_to_activities", contract="erp.invoice_line@1", **categories),
        written("late", "oracle_fusion_invoices", connector="fusion", table="more"),
    ]
    assert _in_turn(paths) == [
        _Turn(recipes=[0]),
        _Turn(recipes=[1, 5]),
        _Turn(recipes=[2]),
        _Turn(recipes=[3]),
        _Turn(recipes=[4], after=frozenset({1, 2, 3})),
    ]


class Scripted(_Children):
    """Runs a program of Python's in place of each recipe."""

    def each_of(self, at_once: int, *turns: _Turn) -> list[Ended]:
        return list(self.each(turns, at_once))


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Scripted:
    """Three: one cannot be begun, one says on and on what is no text, and one that waits tells whether it did."""
    said, says, waits = tmp_path / "said", tmp_path / "says.py", tmp_path / "waits.py"
    says.write_text(
        "import pathlib, sys\n"
        "sys.stderr.buffer.write(b'\\xff{\\x00' * 100_000 + b'\\n' + b'[' * 100_000 + b'\\n')\n"
        f"pathlib.Path({str(said)!r}).touch()\n"
        """print('{"state": "succeeded"}')\n"""
    )
    waits.write_text(
        "import json, pathlib\n"
        f"print(json.dumps(dict(state='late' if pathlib.Path({str(said)!r}).exists() else 'early')))\n"
    )
    begin = subprocess.Popen

    def popen(command: list[str], **said: object) -> object:
        if "nowhere" in command[-2]:
            raise OSError("no more processes")
        return begin([sys.executable, command[-2]], **said)  # type: ignore[call-overload]

    monkeypatch.setattr(several.subprocess, "Popen", popen)  # type: ignore[attr-defined]
    return Scripted([tmp_path / "nowhere", says, waits], [])


def test_what_goes_wrong_with_one_concerns_no_other(children: Scripted, capfd: pytest.CaptureFixture[str]) -> None:
    turns = _Turn(recipes=[0]), _Turn(recipes=[1]), _Turn(recipes=[2], after=frozenset({0, 1}))
    ended = children.each_of(3, *turns)
    assert [(Path(each.recipe).name, each.state) for each in ended] == [
        ("nowhere", "refused"), ("says.py", "succeeded"), ("waits.py", "late"),
    ]  # fmt: skip
    assert "nowhere: it cannot be carried out: no more processes" in capfd.readouterr().err


def test_a_line_that_cannot_be_passed_on_does_not_end_the_listening(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def echo(line: str, *, err: bool) -> None:
        assert err
        told.append(line)
        raise BrokenPipeError

    monkeypatch.setattr("typer.echo", echo)
    _tell("a.yaml", iter(["one\n", "two\n"]))
    assert told == ["a.yaml: one", "a.yaml: two"]
