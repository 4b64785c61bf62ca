"""The example plug-in, installed as a user installs it, found through the door, and run through the suite."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/connector-plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of its own with the package, built and installed by pip from what stands in the repository."""
    target = tmp_path_factory.mktemp("plugin")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(target)]
    run(sys.executable, "-m", "pip", "install", *options, str(EXAMPLE), beside=target)
    return target


def run(*command: str, beside: Path) -> str:
    done = subprocess.run(
        command,
        cwd=beside,
        env={**os.environ, "PYTHONPATH": str(beside)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.always
def test_it_is_found_through_the_door(installed: Path) -> None:
    code = "from headwater.services.connectors.kinds import kind_named; print(kind_named('meter_log').title)"
    assert run(sys.executable, "-c", code, beside=installed).strip() == "Daily logs of a meter gateway"


@pytest.mark.always
def test_it_passes_the_suite_and_says_what_does_not_apply(installed: Path) -> None:
    tests = str(EXAMPLE / "tests")
    options = ["-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(EXAMPLE), "-v"]
    told = run(sys.executable, "-m", "pytest", *options, tests, beside=installed)
    assert "test_conforms[every row once] PASSED" in told
    assert "test_not_applicable[rows deleted meanwhile - delete: readings are added and never changed" in told
    assert "skipped" not in told
