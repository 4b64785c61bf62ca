"""Pages followed word for word in an empty folder: their commands are run, and print what the pages show."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from tests.servers import Installation

BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LOADED_WITH_QUARANTINE = 3
LONGEST_SECONDS = 840
NEWEST_RUN = "run=$(headwater runs list --limit 1 --json | python3 -c "
"""How pages keep the id of the run before."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """Commands as the page gives them, and the lines it shows after them; `…` stands for anything."""

    commands: str
    shown: tuple[str, ...]


def steps(page: str) -> list[Step]:
    """The blocks of a page, those of text with the commands before them."""
    found: list[Step] = []
    for language, body in BLOCK.findall(page):
        if language == "sh":
            found.append(Step(commands=body, shown=()))
        else:
            last = found.pop()
            found.append(Step(commands=last.commands, shown=(*last.shown, *body.splitlines())))
    return found


def script(followed: list[Step], expected_codes: tuple[int, ...]) -> str:
    """One shell for all, as a person has; a mark before each step, and a word about each command that fails."""
    expected = " || ".join(f"[ $code -eq {code} ]" for code in expected_codes)
    complain = f'code=$?; {expected} || echo "failed with $code: $BASH_COMMAND"'
    parts = ["exec 2>&1", f"trap '{complain}' ERR"]
    for number, step in enumerate(followed):
        parts += [f"echo '@@{number}@@'", step.commands]
    return "\n".join(parts)


def follow(
    page: Path,
    folder: Path,
    installation: Installation,
    *,
    expected_codes: tuple[int, ...] = (LOADED_WITH_QUARANTINE,),
    **said: str,
) -> int:
    """Do what a page says in `folder`, and hold what is printed against it; how many steps there were.

    expected_codes  exit codes other than 0 that the page expects
    said            variables that the page says may be set before
    """
    followed = steps(page.read_text(encoding="utf-8"))
    folder.mkdir()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "HOME": str(folder.parent),
        "HEADWATER_DATABASE_URL": installation.app_url,
        "HEADWATER_DATA_DIR": str(folder.parent / "data"),
        "COLUMNS": "100",
        **said,
    }
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(["bash"], cwd=folder, env=environment, text=True, start_new_session=True, **pipes) as shell:
        try:
            output, _ = shell.communicate(script(followed, expected_codes), timeout=LONGEST_SECONDS)
        finally:  # also what a page has started in the background, where it did not come to its end
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)
    printed = re.split(r"^@@\d+@@\n", output, flags=re.MULTILINE)[1:]
    assert len(printed) == len(followed)
    hold(followed, printed)
    return len(followed)


def follow_here(page: str, run: Callable[[list[str]], tuple[int, str]]) -> int:
    """The same in this process and folder, for pages that only write files, call `headwater` and keep a run's id; `run`
    does what `headwater` is given: exit code and what it printed.
    """
    followed = steps(page)
    printed = []
    newest = ""
    for step in followed:
        lines = iter(step.commands.splitlines())
        output = ""
        for line in lines:
            words = shlex.split(line)
            if words[:2] == ["cat", ">"]:
                body = "".join(f"{each}\n" for each in takewhile(words[3].removeprefix("<<").__ne__, lines))
                Path(words[2]).write_text(body, encoding="utf-8")
                continue
            if line.startswith(NEWEST_RUN):
                newest = json.loads(run(["runs", "list", "--limit", "1", "--json"])[1])["runs"][0]["run_id"]
                continue
            assert words[0] == "headwater", line
            code, told = run([newest if word == "$run" else word for word in words[1:]])
            output += told if code in {0, LOADED_WITH_QUARANTINE} else f"{told}\nfailed with {code}: {line}\n"
        printed.append(output)
    hold(followed, printed)
    return len(followed)


def hold(followed: list[Step], printed: list[str]) -> None:
    """What each step printed against what the page shows."""
    for step, output in zip(followed, printed, strict=True):
        may_fail = any(line.startswith("error:") for line in step.shown)
        assert may_fail or "failed with" not in output, output
        at = 0
        text = " ".join(output.split())
        for line in step.shown:
            parts = re.split(" ?… ?", " ".join(line.split()))
            wanted = re.compile(".*?".join(re.escape(part) for part in parts))
            match = wanted.search(text, at)
            assert match, f"{line!r} is not in what `{step.commands}` printed, or not there:\n{output}"
            at = match.end()
