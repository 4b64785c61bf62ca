"""Quarantine as a replay makes it, beside what is stored."""

from __future__ import annotations

import json
from uuid import UUID

import pyarrow as pa
import pytest

from headwater.engine.duck import engine
from headwater.pipeline.refusals import REFUSED_SCHEMA
from headwater.pipeline.replay.chunks_known import KnownChunks
from headwater.pipeline.replay.differences import Differences
from headwater.pipeline.replay.quarantines import IDENTITY, RECORD, REPAIR, Quarantines

THEIRS, OTHER, CHUNK = UUID(int=1), UUID(int=2), UUID(int=9)
CELLS = json.dumps({"name": "Ann Lovelace", "country": "DE"})
SEALED_CELLS = json.dumps({"name": "enc1.AAAA", "country": "DE"})
FINDINGS = json.dumps([{"rule": "r", "field": "name", "value": "Ann Lovelace"}])
SEALED_FINDINGS = json.dumps([{"rule": "r", "field": "name", "value": "enc1.BBBB"}])


def refused() -> pa.Table:
    rows = [
        {"quarantine_id": record.hex, "raw_hash": b"\1", "record_no": record.int, "line": 1, "raw": CELLS,
         "findings": FINDINGS, "key_hash": b"12345678"} for record in (THEIRS, OTHER)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=REFUSED_SCHEMA)


def mended() -> pa.Table:
    rows = [
        {"mends": f"{record}.1", "record_no": record.int, "outcome": "refused", "findings": FINDINGS,
         "key_hash": b"12345678"} for record in (THEIRS, OTHER)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)


def stored(columns: dict[str, str], values: dict[str, object]) -> list[pa.RecordBatch]:
    names = [*(part.split()[0] for part in IDENTITY.split(", ")), *columns]
    rows = [
        {name: None if (value := ({**values, "quarantine_id": record}.get(name))) is None else str(value)
         for name in names} | ({"record_no": str(record.int)}) for record in (THEIRS, OTHER)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows).to_batches()


@pytest.mark.parametrize("erased", [{THEIRS, OTHER}, {THEIRS}, set()])
def test_a_ciphertext_that_nobody_opens_counts_as_what_was_read_where_somebody_was_erased(erased: set[UUID]) -> None:
    with engine() as duck:
        KnownChunks(connection=duck)
        differences = Differences(limit=9)
        model = Quarantines(duck, differences, keyed=str)
        model.erased = frozenset(erased)
        of_record = {
            "occurrence": 1, "source_id": b"s".hex(), "raw_hash": "01", "contract": "c@1.0.0", "chunk_id": CHUNK,
            "line": 1, "last_chunk_id": CHUNK, "raw": SEALED_CELLS, "findings": SEALED_FINDINGS, "state": "open",
            "key_hash": b"12345678".hex(),
        }  # fmt: skip
        of_repair = {
            "occurrence": 1, "repair_no": 1, "chunk_id": CHUNK, "outcome": "refused", "findings": SEALED_FINDINGS,
            "actor": "me",
        }  # fmt: skip
        model.add_stored("quarantine", stored(RECORD, of_record))
        model.add_stored("repairs", stored({"repair_no": "INTEGER", **REPAIR}, of_repair))
        model.refuse(
            refused(), source_id=b"s", contract="c@1.0.0", chunk_id=CHUNK, run_id=CHUNK, is_held=True, is_told=True
        )
        model.mend(mended(), chunk_id=CHUNK, run_id=CHUNK, actor="me", is_told=True)
        model.finish()

    named = {(each.table, each.key.partition(".")[0], each.column) for each in differences.shown}
    assert named == {
        (table, str(record), column)
        for record in {THEIRS, OTHER} - erased
        for table, column in (("quarantine", "raw"), ("quarantine", "findings"), ("quarantine_repairs", "findings"))
    }
