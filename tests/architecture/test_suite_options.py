"""The suite's own promises: skips are named, fail in CI, and what chance drew can be drawn again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUITE = """
import pytest

@pytest.mark.faults(instants=30, sample=5)
def test_kill(instant):
    assert 0 <= instant < 1

def test_server():
    pytest.skip("no server: only root may install it")

@pytest.mark.long
@pytest.mark.parametrize("number", range(12))
def test_long(number):
    assert number < 12
"""

WHOLE = """
import pytest

pytestmark = pytest.mark.long

@pytest.mark.parametrize("number", range(3))
def test_of_a_long_file(number):
    assert number < 3
"""


def run(folder: Path, *options: str, ci: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(SUITE, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    faults\n    long\n", encoding="utf-8")
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.plugin_skips",
            "-p",
            "xdist",
            "-p",
            "no:cacheprovider",
            "-v",
            *options,
            str(folder),
        ],
        cwd=ROOT,
        env={**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def instants(output: str) -> list[str]:
    return re.findall(r"test_kill\[([\d.]+)\] PASSED", output)


def test_a_skip_is_named_at_the_end_and_passes(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "1 x no server: only root may install it" in done.stdout


@pytest.mark.parametrize("ci", ["true", "1"])
def test_a_skip_fails_in_ci(tmp_path: Path, ci: str) -> None:
    done = run(tmp_path, ci=ci)
    assert done.returncode == 1
    assert "the suite fails" in done.stdout


def test_a_sample_is_small_and_its_seed_repeats_it(tmp_path: Path) -> None:
    first = run(tmp_path)
    seed = re.search(r"seed: (\d+)", first.stdout)
    assert seed
    again = run(tmp_path, f"--seed={seed[1]}")
    assert len(instants(first.stdout)) == 5
    assert instants(first.stdout) == instants(again.stdout)
    assert instants(run(tmp_path, f"--seed={int(seed[1]) + 1}").stdout) != instants(first.stdout)


def test_full_tries_an_instant_in_each_part_of_the_work(tmp_path: Path) -> None:
    tried = instants(run(tmp_path, "--faults=full", "--seed=1").stdout)
    assert [int(float(instant) * 30) for instant in tried] == list(range(30))


def test_of_long_tests_some_are_drawn_and_the_summary_says_how_many_not(tmp_path: Path) -> None:
    drawn = {}
    for seed in (1, 2):
        done = run(tmp_path, "--one-long-in=3", f"--seed={seed}", "--numprocesses=2")
        drawn[seed] = sorted(set(re.findall(r"test_long\[(\d+)\]", done.stdout)))
        assert len(drawn[seed]) == 4
        assert "8 of 18 tests were not drawn" in done.stdout
    assert drawn[1] != drawn[2]


def test_a_long_file_is_drawn_whole(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / f"test_whole_{name}.py").write_text(WHOLE, encoding="utf-8")
    for seed in (1, 2, 3):
        told = run(tmp_path, "--one-long-in=2", f"--seed={seed}").stdout
        files = re.findall(r"test_whole_(.)\.py::\S+ PASSED", told)
        assert {files.count(name) for name in files} <= {3}
        assert len(set(files)) + told.count("test_long[") == 8


def test_of_files_some_are_drawn(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / f"test_whole_{name}.py").write_text(WHOLE, encoding="utf-8")
    drawn = set()
    for seed in (1, 2, 3):
        told = run(tmp_path, "--one-file-in=3", f"--seed={seed}").stdout
        files = set(re.findall(r"(test_\w+)\.py::", told))
        assert len(files) == 2
        drawn |= files
    assert len(drawn) > 2
