"""Snowflake and Databricks on what stands in for them, in an environment of their own: their clients bring a lot."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests/warehouses"
PYTHON = os.environ.get("HEADWATER_WAREHOUSES")


@pytest.mark.skipif(
    not PYTHON,
    reason="HEADWATER_WAREHOUSES does not name the Python of the environment that tools/warehouses.lock makes",
)
@pytest.mark.parametrize("name", ["databricks", "statements", "snowflake"])
def test_the_suite_for_connectors_is_passed_on_what_stands_in(name: str) -> None:
    assert PYTHON is not None
    apart = ["-c", os.devnull, "--rootdir", str(FOLDER), "--confcutdir", str(FOLDER)]
    options = ["-p", "tests.plugin_redaction", "-p", "no:cacheprovider", *apart]
    done = subprocess.run(
        [PYTHON, "-m", "pytest", *options, "--timeout=200", str(FOLDER / f"test_{name}.py")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.strip().splitlines()[-1]
    assert " passed" in last
    assert "skipped" not in last
