"""Brings a table into PostgreSQL with dlt in its fastest way: connectorx reads it as Arrow, ADBC writes it."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import dlt
from dlt.sources.sql_database import sql_table

from bench.peers.dlt_load import FAST_ARROW, KEY

if TYPE_CHECKING:
    from dlt.common.schema.typing import TWriteDispositionConfig

DISPOSITIONS: Final[dict[str, TWriteDispositionConfig]] = {
    "append": "append",
    "upsert": {"disposition": "merge", "strategy": "upsert"},
    "delete-insert": {"disposition": "merge", "strategy": "delete-insert"},
}


def _load(way: str, reflected: str, source: str, target: str, folder: Path) -> None:
    table = sql_table(
        credentials=reflected,
        table="activity",
        backend="connectorx",
        backend_kwargs={"conn": source, "return_type": "arrow"},
        reflection_level="minimal",
    )
    table.apply_hints(primary_key=None if way == "append" else KEY, write_disposition=DISPOSITIONS[way])
    pipeline = dlt.pipeline(
        pipeline_name="bench",
        destination=dlt.destinations.postgres(credentials=target),
        dataset_name="peer",
        pipelines_dir=str(folder),
    )
    pipeline.run(table, loader_file_format="parquet").raise_on_failed_jobs()


def main() -> None:
    """Load the table `activity` in one way, and tell how long it took."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers.dlt_source", description=__doc__)
    parser.add_argument("way", choices=tuple(DISPOSITIONS))
    parser.add_argument("reflected", help="the source, as SQLAlchemy names it")
    parser.add_argument("source", help="the source, as connectorx names it")
    parser.add_argument("target")
    asked = parser.parse_args()
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ.update(FAST_ARROW)
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        _load(asked.way, asked.reflected, asked.source, asked.target, Path(folder))
        print(json.dumps({"seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main()
