"""The benchmark's results as a table: on the terminal, as JSON and in the reference documentation."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from bench import contestants, river
from bench import sources as tables
from bench.result import Result, middle, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

BEGIN: Final = "<!-- results: begin (written by bench/run.py) -->"
END: Final = "<!-- results: end -->"


@dataclass(frozen=True, kw_only=True)
class Report:
    """All runs of one benchmark and where they were measured."""

    command: str
    machine: Mapping[str, Any]
    server: Mapping[str, str]
    runs: tuple[Result, ...]

    def of(self, case: str) -> list[Result]:
        return [run for run in self.runs if run.case == case]

    def middle(self, case: str) -> Result | None:
        runs = self.of(case)
        return middle(runs) if runs else None

    def cases(self) -> list[str]:
        """In the order in which they first ran."""
        return list(dict.fromkeys(run.case for run in self.runs))


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A figure to reach: a ratio of two cases, at least (or at most) `bound`."""

    what: str
    case: str
    against: str
    figure: Callable[[Result], float]
    bound: float
    at_most: bool = False


def _speed(result: Result) -> float:
    return result.rows_per_second


def _validation_cpu(result: Result) -> float:
    """Processor seconds of the validation itself; validators tell them."""
    return float(str(result.facts["cpu_seconds"]))


GOALS: Final = (
    Goal(what="first load", case=river.FIRST, against=contestants.HEAP, figure=_speed, bound=0.18),
    Goal(what="first load", case=river.FIRST, against=contestants.DLT_ROWS, figure=_speed, bound=50),
    Goal(what="first load", case=river.FIRST, against=contestants.DLT_UPSERT, figure=_speed, bound=1),
    Goal(what="first load", case=river.FIRST, against=contestants.DLT_DELETE_INSERT, figure=_speed, bound=1),
    Goal(what="unchanged re-load", case=river.UNCHANGED, against=river.FIRST, figure=_speed, bound=10),
    Goal(what="1 % changed, scattered", case=river.SCATTERED, against=river.FIRST, figure=_speed, bound=1.8),
    Goal(what="1 % changed, one block", case=river.BLOCK, against=river.FIRST, figure=_speed, bound=5),
    Goal(what="50 % bad rows", case=river.HALF_BAD, against=river.FIRST, figure=_speed, bound=0.8),
    Goal(what="five times the rows", case=river.FIVE_TIMES, against=river.FIRST, figure=_speed, bound=0.85),
    Goal(
        what="processor time of validation",
        case=river.VALIDATION,
        against=contestants.BY_HAND,
        figure=_validation_cpu,
        bound=1.2,
        at_most=True,
    ),
    Goal(
        what="processor time of validation",
        case=river.VALIDATION,
        against=contestants.GREAT_EXPECTATIONS,
        figure=_validation_cpu,
        bound=0.125,
        at_most=True,
    ),
    *(
        Goal(what=f"a table of {kind}", case=tables.first(kind), against=tables.peer(kind, way), figure=_speed, bound=1)
        for kind in tables.KINDS
        for way in list(tables.WAYS)[1:]
    ),
)
MEMORY_GOAL_MIB: Final = 600


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Draw a Markdown table that can be read on a terminal too; all columns but the first are right-aligned."""
    widths = [max(len(row[place]) for row in [header, *rows]) for place in range(len(header))]

    def line(cells: tuple[str, ...]) -> str:
        padded = [cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))]
        return f"| {' | '.join(padded)} |"

    rule = ("-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:]))
    return "\n".join([line(header), line(rule), *map(line, rows)])


def speeds(report: Report) -> str:
    """The table of all cases; of repeats the middle one."""
    heap = report.middle(contestants.HEAP)
    rows = []
    for case in report.cases():
        result = report.middle(case)
        if result is None or case in {*contestants.VALIDATORS, river.VALIDATION, *tables.CASES}:
            continue
        cpu = result.client_cpu_seconds + (result.server_cpu_seconds or 0.0)
        runs = report.of(case)
        rows.append(
            (
                case,
                f"{result.rows:,}",
                f"{result.seconds:.2f}",
                f"{result.rows_per_second:,.0f}",
                f"{result.rows_per_second / heap.rows_per_second:.3f}" if heap else "",
                f"{result.client_cpu_seconds:.1f}",
                f"{result.server_cpu_seconds or 0.0:.1f}",
                f"{cpu / result.rows * 1e6:.1f}",
                f"{result.peak_memory_mib:,.0f}",
                f"{len(runs)}, ± {spread(runs):.0%}" if len(runs) > 1 else "1",
            )
        )
    header = (
        "what",
        "rows",
        "seconds",
        "rows/s",
        r"of `\copy`",
        "client CPU s",
        "server CPU s",
        "CPU µs/row",
        "client MiB",
        "runs",
    )
    return _table(header, rows) if rows else ""


def sources(report: Report) -> str:
    """The table of databases brought in, beside dlt's merge and a bare append; of repeats the middle one."""
    rows = []
    for kind in tables.KINDS:
        cases = [case for case in report.cases() if case in tables.CASES and case.startswith(f"{kind} →")]
        bases = [report.middle(tables.peer(kind, way)) for way in list(tables.WAYS)[1::-1]]
        for case in cases:
            result = report.middle(case)
            if result is None:
                continue
            ratios = [f"{result.rows_per_second / base.rows_per_second:.2f}" if base else "" for base in bases]
            servers = result.server_cpu_seconds or 0.0
            rows.append(
                (
                    case,
                    f"{result.rows:,}",
                    f"{result.seconds:.2f}",
                    f"{result.rows_per_second:,.0f}",
                    *ratios,
                    f"{result.client_cpu_seconds:.1f}",
                    f"{servers:.1f}",
                    f"{result.peak_memory_mib:,.0f}",
                    str(len(report.of(case))),
                )
            )
    header = (
        "a table of", "rows", "seconds", "rows/s", "of dlt, upsert", "of dlt, append", "client CPU s",
        "servers' CPU s", "client MiB", "runs",
    )  # fmt: skip
    return _table(header, rows) if rows else ""


def validations(report: Report) -> str:
    """The table of validators: processor time of the validation alone, and whether the answer was exact."""
    rows = []
    for case in report.cases():
        result = report.middle(case)
        if result is None or "cpu_seconds" not in result.facts:
            continue
        cpu = _validation_cpu(result)
        rows.append(
            (
                case.removeprefix("validation: "),
                f"{result.rows:,}",
                f"{result.seconds:.2f}",
                f"{cpu:.2f}",
                f"{cpu / result.rows * 1e6:.2f}",
                f"{result.peak_memory_mib:,.0f}",
                "no: " + "; ".join(result.complaints) if result.complaints else "yes",
            )
        )
    header = ("validation alone", "rows", "seconds", "CPU s", "CPU µs/row", "MiB", "exact")
    return _table(header, rows) if rows else ""


def goals(report: Report) -> str:
    """The figures to reach, as far as their cases ran."""
    rows = []
    for goal in GOALS:
        ours, theirs = report.middle(goal.case), report.middle(goal.against)
        if ours is None or theirs is None:
            continue
        ratio = goal.figure(ours) / goal.figure(theirs)
        met = ratio <= goal.bound if goal.at_most else ratio >= goal.bound
        bound = f"{'≤' if goal.at_most else '≥'} {goal.bound:g} ×"
        rows.append((f"{goal.what} / {goal.against}", bound, f"{ratio:.3g} ×", "yes" if met else "no"))
    loads = [run.peak_memory_mib for run in report.runs if run.case in {river.FIRST, river.HALF_BAD, river.FIVE_TIMES}]
    if loads:
        peak = max(loads)
        reached = "yes" if peak <= MEMORY_GOAL_MIB else "no"
        rows.append(("memory of the client, MiB", f"≤ {MEMORY_GOAL_MIB}", f"{peak:,.0f}", reached))
    return _table(("figure to reach", "goal", "measured", "reached"), rows) if rows else ""


def complaints(report: Report) -> str:
    """What did not come out as it should, loads only; validators have it in their table."""
    found = {
        f"- {run.case}: {complaint}"
        for run in report.runs
        if "cpu_seconds" not in run.facts
        for complaint in run.complaints
    }
    return "\n".join(sorted(found))


def markdown(report: Report) -> str:
    """Everything, for the reference documentation."""
    machine = report.machine
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    settings = ", ".join(f"{name} {value}" for name, value in report.server.items())
    parts = [
        f"`{report.command}`, {machine['date']}, commit {machine['headwater_commit']}.",
        (
            f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB; {machine['system']}; "
            f"{machine['busy_processors_before']} processors busy before the start."
        ),
        f"PostgreSQL: {settings}.",
        f"Others: {versions}.",
        speeds(report),
        sources(report),
        validations(report),
        goals(report),
        complaints(report),
    ]
    return "\n\n".join(part for part in parts if part)


def write_json(report: Report, path: Path) -> None:
    """All runs, for whoever wants to work out other figures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")


def write_page(report: Report, page: Path) -> None:
    """Put the results between the two marks of a page; what is written around them stays."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{page} has no place for results: it needs the lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{markdown(report)}\n\n{END}{after}", encoding="utf-8")
