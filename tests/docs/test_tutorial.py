"""The tutorial, followed word for word in an empty folder: its commands are run, and print what it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import Installation

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs/tutorial/first-figures.md"
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LOADED_WITH_QUARANTINE = 3


@dataclass(frozen=True, kw_only=True)
class Step:
    """Commands as the page gives them, and the lines it shows after them; `…` stands for anything."""

    commands: str
    shown: tuple[str, ...]


def steps(page: str) -> list[Step]:
    found: list[Step] = []
    for language, body in BLOCK.findall(page):
        if language == "sh":
            found.append(Step(commands=body, shown=()))
        else:
            last = found.pop()
            found.append(Step(commands=last.commands, shown=(*last.shown, *body.splitlines())))
    return found


def script(followed: list[Step]) -> str:
    """One shell for all, as a person has; a mark before each step, and a word about each command that fails."""
    complain = f'code=$?; [ $code -eq {LOADED_WITH_QUARANTINE} ] || echo "failed with $code: $BASH_COMMAND"'
    parts = ["exec 2>&1", f"trap '{complain}' ERR"]
    for number, step in enumerate(followed):
        parts += [f"echo '@@{number}@@'", step.commands]
    return "\n".join(parts)


@pytest.mark.server
@pytest.mark.slow
def test_the_tutorial_does_what_it_says(installation: Installation, tmp_path: Path) -> None:
    followed = steps(TUTORIAL.read_text(encoding="utf-8"))
    assert len(followed) >= 8
    folder = tmp_path / "first-figures"
    folder.mkdir()
    done = subprocess.run(
        ["bash"],
        input=script(followed),
        cwd=folder,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "HOME": str(tmp_path),
            "HEADWATER_DATABASE_URL": installation.app_url,
            "HEADWATER_DATA_DIR": str(tmp_path / "data"),
            "COLUMNS": "100",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    printed = re.split(r"^@@\d+@@\n", done.stdout, flags=re.MULTILINE)[1:]
    assert len(printed) == len(followed)
    for step, output in zip(followed, printed, strict=True):
        may_fail = any(line.startswith("error:") for line in step.shown)
        assert may_fail or "failed with" not in output, output
        at = 0
        text = " ".join(output.split())
        for line in step.shown:
            wanted = re.compile(".*?".join(re.escape(part) for part in " ".join(line.split()).split("…")))
            match = wanted.search(text, at)
            assert match, f"{line!r} is not in what `{step.commands}` printed, or not there:\n{output}"
            at = match.end()
