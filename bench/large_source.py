"""Syncs a large table of PostgreSQL's, then what changed of it, and tells how much memory and how many rows that took.

    python -m bench.large_source --rows 5000000

It is no comparison: that memory does not grow with the table, and that a delta of 1 % reads 1 %, can be told on a
machine that does other work too.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.inputs import Inputs
from bench.measure import CommandFailedError, run_measured
from bench.river import LOADED_WITH_QUARANTINE, installed
from bench.run import REPOSITORY
from bench.server import Server, running_server

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROWS: Final = 5_000_000
TABLE: Final = """
CREATE TABLE reading AS
SELECT n AS reading_id, 'site-' || n % 1000 AS site, date '2024-01-01' + (n % 366)::integer AS month,
       (n % 100000) * 1.5 AS kwh, 'meter ' || md5(n::text) AS meter,
       timestamptz '2020-01-01 00:00:00+00' + n * interval '10 seconds' AS changed_at
FROM generate_series(1, {rows}) n
"""
CHANGE: Final = """
UPDATE reading SET kwh = kwh + 1, changed_at = changed_at + interval '10 years' WHERE reading_id % 100 = 0
"""
MAPPING: Final = """
mapping: large_source
version: 1.0.0
contract: activity@1
fields:
  activity_id: {column: reading_id}
  activity_type: {constant: electricity}
  facility_code: {column: site}
  region: {constant: DE}
  period_start: {column: month}
  quantity: {column: kwh}
  unit: {constant: kWh}
  note: {column: meter}
"""


def _sync(command: Sequence[str], environment: Mapping[str, str], mapping: Path, server: Server) -> dict[str, object]:
    words = ["connectors", "sync", "plant", "--table", "public.reading", "--cursor", "changed_at"]
    measured = run_measured(
        [*command, *words, "--mapping", mapping, "--json"],
        environment=environment,
        postmaster=server.postmaster,
        expected=(0, LOADED_WITH_QUARANTINE),
    )
    try:
        ledger = json.loads(measured.output)["ledger"]
    except ValueError as error:
        raise CommandFailedError(f"this is no JSON document: {measured.output[:2000]!r}") from error
    return {
        "read": ledger["read"],
        "inserted": ledger["inserted"],
        "updated": ledger["updated"],
        "unchanged": ledger["unchanged"],
        "seconds": round(measured.seconds, 1),
        "client CPU s": round(measured.client_cpu_seconds, 1),
        "server CPU s": round(measured.server_cpu_seconds or 0.0, 1),
        "client MiB": round(measured.peak_memory_mib),
    }


def main() -> None:
    """Make the table, sync it, change one row in a hundred, sync again."""
    parser = argparse.ArgumentParser(prog="python -m bench.large_source", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "headwater-bench")
    parser.add_argument("--headwater", default=str(REPOSITORY / ".venv/bin/headwater"), help="how to call Headwater")
    asked = parser.parse_args()
    command = shlex.split(asked.headwater)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    asked.work.mkdir(parents=True, exist_ok=True)
    with running_server(asked.work / "large") as server, server.database("plant") as source:
        server.execute(source, TABLE.format(rows=asked.rows))
        for statement in ("ALTER TABLE reading ADD PRIMARY KEY (reading_id)", "CREATE INDEX ON reading (changed_at)"):
            server.execute(source, statement)
        with (
            installed(command, server, Inputs(asked.work, asked.rows)) as made,
            tempfile.TemporaryDirectory() as folder,
        ):
            mapping = Path(folder, "large_source.yaml")
            mapping.write_text(MAPPING, encoding="utf-8")
            settings = {"host": server.socket_folder, "database": source, "user": "postgres"}
            said = [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]
            run_measured(
                [*command, "connectors", "add", "plant", "-k", "postgresql", *said], environment=made.environment
            )
            print(json.dumps({"first": _sync(command, made.environment, mapping, server)}), flush=True)
            server.execute(source, CHANGE)
            print(json.dumps({"delta": _sync(command, made.environment, mapping, server)}), flush=True)


if __name__ == "__main__":
    main()
