"""The engine prints nothing, whatever program it works in."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
from headwater.engine.duck import engine
with engine() as connection:
    print(connection.sql("SELECT current_setting('enable_progress_bar')").fetchall())
"""


def test_no_progress_is_printed_in_a_program_that_has_no_file() -> None:
    """DuckDB takes such a program for a person at a prompt, and what it prints would stand before our JSON."""
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("[(False,)]", 0), done.stderr
