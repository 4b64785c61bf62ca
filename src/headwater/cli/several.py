"""Several recipes at once: each is carried out by a `headwater run` of its own, in a process of its own.

So each run has its own memory, and one that is refused, or killed, leaves the others be. Recipes that read through the
same connector wait for each other, since a source is asked by one sync at a time.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Queue
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from headwater.cli import exits
from headwater.cli.printing import print_json, print_table
from headwater.errors import HeadwaterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

PROGRAM = (sys.executable, "-c", "from headwater.cli.main import run; run()")
WORSE_AND_WORSE = (exits.LOADED, exits.OPEN_IN_QUARANTINE, exits.PARTIAL, exits.USAGE, exits.ERROR, exits.INTERRUPTED)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How the `headwater run` of one recipe ended; `result` is what it printed as JSON, if anything."""

    recipe: str
    code: int
    result: Mapping[str, Any] | None

    @property
    def runs(self) -> Sequence[Mapping[str, Any]]:
        """Its run, or that of each file."""
        if self.result is None:
            return ()
        if "files" in self.result:
            return [each["run"] for each in self.result["files"] if each["run"]]
        return (self.result,)

    @property
    def state(self) -> str:
        """That of its run, or the state of each file with their number."""
        if self.result is None:
            return "interrupted" if self.code == exits.INTERRUPTED else "refused"
        states = self.result.get("states")
        return ", ".join(f"{count} {state}" for state, count in states.items()) if states else self.result["state"]


def run_each_and_tell(recipes: Sequence[Path], *, at_once: int, options: Sequence[str], as_json: bool) -> NoReturn:
    """Carry out recipes, so many at once; tell each as it ends, and leave with the worst exit code there was.

    Each recipe is read before the first begins: one that is wrong is refused with nothing done.
    """
    ended: list[Ended] = []
    children = _Children(options)
    for each in children.each(_in_turn(recipes), at_once):
        ended.append(each)
        typer.echo(f"{len(ended)} of {len(recipes)}  {each.recipe}: {each.state.replace('_', ' ')}", err=as_json)
    if as_json:
        print_json({"recipes": [{"recipe": e.recipe, "exit_code": e.code, "result": e.result} for e in ended]})
    else:
        columns = ["read", "loaded", "unchanged", "in quarantine"]
        print_table(
            ["recipe", "state", *columns, "run"],
            [_line(each) for each in ended],
            title=f"{len(ended)} recipes",
            numbers=columns,
            whole=["recipe"],
        )
    raise typer.Exit(max((each.code for each in ended), key=_badness))


def _in_turn(recipes: Sequence[Path]) -> list[list[Path]]:
    """Recipes by the connector they read through; each that reads through none stands alone."""
    from headwater.pipeline.recipe import load_recipe

    turns: dict[object, list[Path]] = {}
    for number, path in enumerate(recipes):
        turns.setdefault(load_recipe(path).source.connector or number, []).append(path)
    return list(turns.values())


class _Children:
    """The processes that carry out the recipes."""

    def __init__(self, options: Sequence[str]) -> None:
        self._options = options
        self._running: set[subprocess.Popen[str]] = set()
        self._starting = threading.Lock()
        self._ended: Queue[Ended | BaseException] = Queue()
        self._is_over = False

    def each(self, turns: Sequence[Sequence[Path]], at_once: int) -> Iterator[Ended]:
        """Recipes as they end. Interrupted, the processes are too, once each, and end in their own way."""
        with ThreadPoolExecutor(at_once, "recipe") as threads:
            try:
                for turn in turns:
                    threads.submit(self._carry_out, turn)
                for _ in range(sum(map(len, turns))):
                    yield _ended(self._ended.get())
            finally:
                self._interrupt()

    def _interrupt(self) -> None:
        with self._starting:
            self._is_over = True
            for process in self._running:
                process.send_signal(signal.SIGINT)

    def _carry_out(self, turn: Iterable[Path]) -> None:
        """One after another."""
        for path in turn:
            try:
                self._ended.put(self._run(path))
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                self._ended.put(error)

    def _run(self, path: Path) -> Ended:
        with self._starting:
            if self._is_over:
                return Ended(recipe=str(path), code=exits.INTERRUPTED, result=None)
            process = subprocess.Popen(  # noqa: S603 - this very program
                [*PROGRAM, "run", str(path), "--json", *self._options],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                start_new_session=True,  # Ctrl-C reaches it through us alone, once
            )  # fmt: skip
            self._running.add(process)
        with process:
            telling = threading.Thread(target=_tell, args=(str(path), process.stderr))
            telling.start()
            printed = process.stdout.read() if process.stdout else ""
            telling.join()
            code = process.wait()
        with self._starting:
            self._running.discard(process)
        return _ended_with(path, code, printed)


def _ended_with(path: Path, code: int, printed: str) -> Ended:
    """An error where what was printed is no result: the others are not concerned."""
    try:
        result = json.loads(printed) if printed.strip() else None
    except ValueError:
        return Ended(recipe=str(path), code=exits.ERROR, result=None)
    if result is not None and not isinstance(result, dict):
        return Ended(recipe=str(path), code=exits.ERROR, result=None)
    return Ended(recipe=str(path), code=code if code in WORSE_AND_WORSE else exits.ERROR, result=result)


def _ended(found: Ended | BaseException) -> Ended:
    if isinstance(found, BaseException):
        raise found
    return found


def _tell(recipe: str, lines: Iterable[str] | None) -> None:
    """Pass on what a process says meanwhile, with the name of its recipe."""
    for line in lines or ():
        typer.echo(f"{recipe}: {_in_words(line.rstrip())}", err=True)


def _in_words(line: str) -> str:
    """An error as a sentence; anything else as it is."""
    try:
        facts = json.loads(line)["error"]
        if not isinstance(facts, dict):
            return line
        what = facts.pop("what")
        return f"{typer.style('error:', fg='red', bold=True)} " + str(
            HeadwaterError(what, **{name: facts[name] for name in ("where", "value", "valid", "remedy")})
        )
    except (ValueError, KeyError, TypeError):
        return line


def _badness(code: int) -> int:
    return WORSE_AND_WORSE.index(code)


def _line(each: Ended) -> tuple[object, ...]:
    ledgers = [run["ledger"] for run in each.runs]
    if not ledgers:
        return (each.recipe, each.state.replace("_", " "), None, None, None, None, "")
    counts = {name: sum(ledger[name] for ledger in ledgers) for name in ("read", "inserted", "updated", "unchanged")}
    loaded = counts["inserted"] + counts["updated"]
    in_quarantine = sum(run["open_in_quarantine"] for run in each.runs)
    run = str(each.runs[0]["run_id"])[:8] if len(ledgers) == 1 else f"{len(ledgers)} runs"
    return (each.recipe, each.state.replace("_", " "), counts["read"], loaded, counts["unchanged"], in_quarantine, run)
