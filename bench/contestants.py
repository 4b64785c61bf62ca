"""The other tools, each run in a process of its own against a fresh database of the same server."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final

from bench.generate import COLUMNS
from bench.measure import Measured, run_measured
from bench.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bench.inputs import Source
    from bench.server import Server

HEAP: Final = r"psql \copy, text into a heap"
KEYED: Final = r"psql \copy, text into a table with a primary key"
DLT_APPEND: Final = "dlt, Arrow by ADBC, append"
DLT_UPSERT: Final = "dlt, Arrow by ADBC, merge on the key (upsert)"
DLT_DELETE_INSERT: Final = "dlt, Arrow by ADBC, merge on the key (delete and insert)"
DLT_ROWS: Final = "dlt, rows with a Pydantic model, merge on the key"
DLT_WAYS: Final = {
    DLT_APPEND: "arrow-append",
    DLT_UPSERT: "arrow-upsert",
    DLT_DELETE_INSERT: "arrow-delete-insert",
    DLT_ROWS: "rows",
}

BY_HAND: Final = "validation: DuckDB SQL by hand"
PANDERA: Final = "validation: Pandera on Polars"
GREAT_EXPECTATIONS: Final = "validation: Great Expectations on pandas"
VALIDATORS: Final = {
    BY_HAND: "duckdb_sql",
    PANDERA: "pandera_polars",
    GREAT_EXPECTATIONS: "great_expectations_pandas",
}
#: The rule that each fault of the generator breaks.
RULE_OF_FAULT: Final = {
    "not_a_number": "quantity.number",
    "missing_key": "activity_id.required",
    "bad_date": "period_start.date",
    "unknown_enum": "data_quality.enum",
    "negative_quantity": "quantity.minimum",
    "period_end_before_start": "period.order",
    "duplicate_key": "activity_id.unique",
}


def told(measured: Measured) -> dict[str, object]:
    """The JSON object in the last line of what a program printed."""
    answer: dict[str, object] = json.loads(measured.output.splitlines()[-1])
    return answer


def result(
    case: str, rows: int, measured: Measured, *, answer: dict[str, object] | None = None, complaints: Iterable[str] = ()
) -> Result:
    """A result whose rate is taken from the `seconds` of the contestant's answer if it gave one."""
    facts = dict(answer or {})
    return Result(
        case=case,
        rows=rows,
        seconds=float(str(facts.pop("seconds", measured.seconds))),
        process_seconds=measured.seconds,
        client_cpu_seconds=measured.client_cpu_seconds,
        server_cpu_seconds=measured.server_cpu_seconds,
        peak_memory_mib=measured.peak_memory_mib,
        facts=facts,
        complaints=tuple(complaints),
    )


def _count(server: Server, database: str, table: str) -> int:
    return int(str(server.value(database, f"SELECT count(*) FROM {table}")))


def copy(server: Server, source: Source, *, keyed: bool) -> Result:
    r"""`psql \copy` of the text, as it stands, into text columns."""
    columns = ", ".join(f"{column} text" for column in COLUMNS)
    key = ", PRIMARY KEY (activity_id)" if keyed else ""
    with server.database("peer") as database:
        server.execute(database, f"CREATE TABLE activity ({columns}{key})")
        server.settle()
        measured = run_measured(
            [
                server.psql,
                "--no-psqlrc",
                "--set=ON_ERROR_STOP=1",
                f"--command=\\copy activity FROM '{source.path}' WITH (FORMAT csv, HEADER)",
                server.url(database),
            ],
            postmaster=server.postmaster,
        )
        loaded = _count(server, database, "activity")
    complaints = [] if loaded == source.rows else [f"loaded {loaded:,} of {source.rows:,} rows"]
    return result(KEYED if keyed else HEAP, source.rows, measured, complaints=complaints)


def dlt(server: Server, source: Source, case: str) -> Result:
    """Dlt in one of its ways."""
    with server.database("peer") as database:
        server.settle()
        measured = run_measured(
            [sys.executable, "-m", "bench.peers.dlt_load", DLT_WAYS[case], source.path, server.url(database)],
            postmaster=server.postmaster,
        )
        loaded = _count(server, database, "peer.activity")
    expected = source.contents.good_rows if case == DLT_ROWS else source.rows
    complaints = [] if loaded == expected else [f"loaded {loaded:,} rows where {expected:,} are right"]
    return result(case, source.rows, measured, answer=told(measured), complaints=complaints)


def validate(case: str, program: Sequence[str | Path], text_columns: Path, source: Source) -> Result:
    """A validator over the text columns; its answer is compared with the faults that were put in."""
    measured = run_measured([*program, text_columns])
    answer = told(measured)
    right = {rule: source.contents.faults[fault] for fault, rule in RULE_OF_FAULT.items()}
    found = answer["failures"]
    if not isinstance(found, dict):
        raise TypeError(f"{case} told no failures by rule: {answer}")
    complaints = [
        f"{rule}: {found.get(rule, 0):,} rows where {right.get(rule, 0):,} are right"
        for rule in sorted({*right, *found})
        if found.get(rule, 0) != right.get(rule, 0)
    ]
    return result(case, source.rows, measured, answer=answer, complaints=complaints)


def validator(case: str) -> list[str | Path]:
    """The program of a peer that validates."""
    return [sys.executable, "-m", f"bench.peers.{VALIDATORS[case]}"]
