"""Several recipes at once: each is carried out by a `headwater run` of its own, in a process of its own.

So each run has its own memory, and one that is refused, or killed, leaves the others be. Recipes that read through the
same connector wait for each other, since a source is asked by one sync at a time; one that reads records of a contract
waits for those before it that load some.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from queue import Queue
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from headwater.cli import exits
from headwater.cli.many import COLUMNS
from headwater.cli.printing import print_json, print_table
from headwater.documents.counted import counted
from headwater.errors import HeadwaterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from headwater.pipeline.recipe import Recipe

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
    def nothing_deleted(self) -> Sequence[str]:
        """Why full syncs of it deleted nothing."""
        said = (run.get("reconciliation", {}).get("nothing_deleted") for run in self.runs)
        return [reason for reason in said if reason]

    @property
    def state(self) -> str:
        """That of its run, or the state of each file with their number."""
        if self.result is None:
            return "interrupted" if self.code == exits.INTERRUPTED else "refused"
        states = self.result.get("states")
        return ", ".join(f"{count} {state}" for state, count in states.items()) if states else self.result["state"]


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """Recipes, by their place, that are carried out one after another, once those of `after` have ended."""

    recipes: Sequence[int]
    after: frozenset[int] = frozenset()


def run_each_and_tell(recipes: Sequence[Path], *, at_once: int, options: Sequence[str], as_json: bool) -> NoReturn:
    """Carry out recipes, so many at once; tell each as it ends, and leave with the worst exit code there was.

    Each recipe is read before the first begins: one that is wrong is refused with nothing done.
    """
    ended: list[Ended] = []
    children = _Children(recipes, options)
    for each in children.each(_in_turn(recipes), at_once):
        ended.append(each)
        typer.echo(f"{len(ended)} of {len(recipes)}  {each.recipe}: {each.state.replace('_', ' ')}", err=as_json)
        for reason in each.nothing_deleted:
            typer.echo(f"  nothing was deleted: {reason}", err=True)
    if as_json:
        print_json({"recipes": [{"recipe": e.recipe, "exit_code": e.code, "result": e.result} for e in ended]})
    else:
        print_table(
            ["recipe", "state", *COLUMNS, "run"],
            [_line(each) for each in ended],
            title=counted(len(ended), "recipe"),
            numbers=COLUMNS,
            whole=["recipe"],
        )
    raise typer.Exit(max((each.code for each in ended), key=_badness))


def _in_turn(paths: Sequence[Path]) -> list[_Turn]:
    """Recipes by the connector they read through; each that reads through none stands alone."""
    from headwater.pipeline.recipe import load_recipe

    recipes = [load_recipe(path) for path in paths]
    turns: dict[object, list[int]] = {}
    for number, recipe in enumerate(recipes):
        turns.setdefault(recipe.source.connector or number, []).append(number)
    after = _waited_for(recipes, paths)
    return [_Turn(recipes=turn, after=after.get(turn[0], frozenset())) for turn in turns.values()]


def _waited_for(recipes: Sequence[Recipe], paths: Sequence[Path]) -> dict[int, frozenset[int]]:
    """Of each recipe that reads records, those said before it that load records of the same contracts."""
    if all(recipe.source.contract is None for recipe in recipes):
        return {}
    from headwater.services.recipe_contracts import contracts_loaded, contracts_read

    loaded = [contracts_loaded(recipe, path.parent) for recipe, path in zip(recipes, paths, strict=True)]
    return {
        number: frozenset(before for before in range(number) if loaded[before] & read)
        for number, recipe in enumerate(recipes)
        if (read := contracts_read(recipe))
    }


class _Children:
    """The processes that carry out the recipes."""

    def __init__(self, recipes: Sequence[Path], options: Sequence[str]) -> None:
        self._recipes = recipes
        self._options = options
        self._running: set[subprocess.Popen[str]] = set()
        self._starting = threading.Lock()
        self._told: Queue[tuple[int, Ended] | None] = Queue()
        self._is_over = False

    def each(self, turns: Sequence[_Turn], at_once: int) -> Iterator[Ended]:
        """Recipes as they end. Interrupted, the processes are told to end too, once, and do so in their way."""
        waiting, free, ended = list(turns), at_once, set[int]()
        with ThreadPoolExecutor(at_once, "recipe") as threads:
            try:
                while waiting or free < at_once:
                    ready = [turn for turn in waiting if turn.after <= ended][:free]
                    for turn in ready:
                        waiting.remove(turn)
                        threads.submit(self._carry_out, turn)
                    free -= len(ready)
                    told = self._told.get()
                    if told is None:  # a turn has come to its end
                        free += 1
                        continue
                    ended.add(told[0])
                    yield told[1]
            finally:
                self._interrupt()

    def _interrupt(self) -> None:
        """By SIGTERM, which ends `headwater` as Ctrl-C does: begun in the background, they may ignore Ctrl-C."""
        with self._starting:
            self._is_over = True
            for process in self._running:
                process.send_signal(signal.SIGTERM)

    def _carry_out(self, turn: _Turn) -> None:
        """One after another. What goes wrong with one concerns no other."""
        for number in turn.recipes:
            path = self._recipes[number]
            try:
                ended = self._run(path)
            except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
                _tell(str(path), [f"it cannot be carried out: {error}"])
                ended = Ended(recipe=str(path), code=exits.ERROR, result=None)
            self._told.put((number, ended))
        self._told.put(None)

    def _run(self, path: Path) -> Ended:
        with self._starting:
            if self._is_over:
                return Ended(recipe=str(path), code=exits.INTERRUPTED, result=None)
            process = subprocess.Popen(  # noqa: S603 - this very program
                [*PROGRAM, "run", str(path), "--json", *self._options],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
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


def _tell(recipe: str, lines: Iterable[str] | None) -> None:
    """Pass on what a process says meanwhile, with the name of its recipe. Whatever becomes of a line, the next is read:
    a process that nobody reads from would wait for ever.
    """
    for line in lines or ():
        with suppress(Exception):
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
    except (ValueError, KeyError, TypeError, RecursionError):
        return line


def _badness(code: int) -> int:
    return WORSE_AND_WORSE.index(code)


def _line(each: Ended) -> tuple[object, ...]:
    ledgers = [run["ledger"] for run in each.runs]
    if not ledgers:
        return (each.recipe, each.state.replace("_", " "), *[None] * len(COLUMNS), "")
    counts = [sum(ledger[name] for ledger in ledgers) for name in ("read", "inserted", "updated", "unchanged")]
    swept = [run["deleted"]["records"] for run in each.runs if run["deleted"] is not None]
    in_quarantine = sum(run["open_in_quarantine"] for run in each.runs)
    run = str(each.runs[0]["run_id"])[:8] if len(ledgers) == 1 else counted(len(ledgers), "run")
    return (each.recipe, each.state.replace("_", " "), *counts, sum(swept) if swept else None, in_quarantine, run)
