"""Runs Headwater and the other tools on the same data and the same server, and tells how they compare.

Figures are worth something on an idle machine only. Peers run `--repeats` times, between Headwater's own loads, and the
run of median speed is told.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import contestants, machine, river
from bench.inputs import Inputs
from bench.report import Report, complaints, goals, sources, speeds, validations, write_json, write_page
from bench.server import Server, running_server
from bench.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.result import Result

REPOSITORY: Final = Path(__file__).resolve().parents[1]
PAGE: Final = REPOSITORY / "docs" / "reference" / "benchmarks.md"
FULL_ROWS: Final = 2_000_000
QUICK_ROWS: Final = 200_000
GROUPS: Final = ("psql", "dlt", "river", "validation", "sources")


class _Benchmark:
    """One benchmark; `runs` gives the results as they come in."""

    def __init__(self, server: Server, inputs: Inputs, asked: argparse.Namespace) -> None:
        self._server = server
        self._inputs = inputs
        self._groups: set[str] = set(asked.only)
        self._repeats: int = asked.repeats
        self._headwater = shlex.split(asked.headwater)
        self._headwater_python = shlex.split(asked.headwater_python)

    def runs(self) -> Iterator[Result]:
        """Quick ones in turns, so that a slow spell of the machine meets all of them; then those that take long."""
        again = [river.UNCHANGED, river.SCATTERED, river.BLOCK]
        for turn in range(max(self._repeats, len(again) if "river" in self._groups else 0)):
            if turn < self._repeats:
                for contestant in self._quick_peers():
                    yield contestant()
            if "river" in self._groups and turn < len(again):
                yield from river.load_and_load_again(self._headwater, self._server, self._inputs, again[turn])
        yield from self._long_ones()

    def _long_ones(self) -> Iterator[Result]:
        if "river" in self._groups:
            for case in (river.HALF_BAD, river.FIVE_TIMES):
                yield river.load(self._headwater, self._server, self._inputs, case)
        if "dlt" in self._groups:
            yield contestants.dlt(self._server, self._inputs.copyable_part, contestants.DLT_ROWS)
        if "validation" in self._groups:
            for _ in range(self._repeats):
                yield from self._validations()
        if "sources" in self._groups:
            yield from Sources(self._headwater, self._server, self._inputs).runs(self._repeats)

    def _quick_peers(self) -> Iterator[Callable[[], Result]]:
        source = self._inputs.copyable
        if "psql" in self._groups:
            yield lambda: contestants.copy(self._server, source, keyed=False)
            yield lambda: contestants.copy(self._server, source, keyed=True)
        if "dlt" in self._groups:
            yield lambda: contestants.dlt(self._server, source, contestants.DLT_APPEND)
            yield lambda: contestants.dlt(self._server, source, contestants.DLT_UPSERT)
            yield lambda: contestants.dlt(self._server, source, contestants.DLT_DELETE_INSERT)

    def _validations(self) -> Iterator[Result]:
        columns, source = self._inputs.text_columns, self._inputs.rectangular
        program = [*self._headwater_python, "-m", "bench.river_validation"]
        yield contestants.validate(river.VALIDATION, program, columns, source)
        for case in contestants.VALIDATORS:
            yield contestants.validate(case, contestants.validator(case), columns, source)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows, once; results are not kept")
    parser.add_argument("--rows", type=int, help=f"rows of the file; {FULL_ROWS:,} unless quick")
    parser.add_argument("--repeats", type=int, help="runs of each peer; 3 unless quick")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=GROUPS, help="run these groups only")
    parser.add_argument("--work", type=Path, help="folder for data and server; about 4 GB, kept for the next run")
    parser.add_argument("--headwater", default=str(REPOSITORY / ".venv/bin/headwater"), help="how to call Headwater")
    parser.add_argument(
        "--headwater-python", default=str(REPOSITORY / ".venv/bin/python"), help="a Python that has Headwater"
    )
    parser.add_argument("--page", type=Path, default=PAGE, help="page to write a full run's results into")
    asked = parser.parse_args()
    asked.rows = asked.rows or (QUICK_ROWS if asked.quick else FULL_ROWS)
    asked.repeats = asked.repeats or (1 if asked.quick else 3)
    asked.work = (asked.work or Path(tempfile.gettempdir()) / "headwater-bench").absolute()
    return asked


def _tell(result: Result) -> None:
    cpu = result.client_cpu_seconds + (result.server_cpu_seconds or 0.0)
    print(
        f"{result.case}: {result.rows:,} rows in {result.seconds:.2f} s, {result.rows_per_second:,.0f} rows/s, "
        f"{cpu:.1f} CPU s, {result.peak_memory_mib:,.0f} MiB",
        flush=True,
    )
    for complaint in result.complaints:
        print(f"  not as it should be: {complaint}", flush=True)


def main() -> None:
    """Run what is asked for; keep the results of a full run, and put them into the documentation."""
    asked = _arguments()
    # Programs of the benchmark find its package wherever they are started.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    where = machine.facts(REPOSITORY)
    if float(str(where["busy_processors_before"])) > machine.BUSY:
        print(f"careful: {where['busy_processors_before']} processors are busy with something else", file=sys.stderr)
    asked.work.mkdir(parents=True, exist_ok=True)
    results: list[Result] = []
    with running_server(asked.work / "postgres") as server:
        for result in _Benchmark(server, Inputs(asked.work, asked.rows), asked).runs():
            results.append(result)
            _tell(result)
        settings = server.settings()
    command = " ".join(["python -m bench.run", *sys.argv[1:]])
    report = Report(command=command, machine=where, server=settings, runs=tuple(results))
    for part in (speeds, sources, validations, goals, complaints):
        if told := part(report):
            print("\n" + told)
    whole = set(asked.only) == set(GROUPS) and not asked.quick
    name = f"{where['date']}-{asked.rows}" if whole else "latest-partial"
    write_json(report, REPOSITORY / "bench" / "results" / f"{name}.json")
    if whole:
        write_page(report, asked.page)


if __name__ == "__main__":
    main()
