"""What a connector gives for a chunk, kept as one file; a plug-in's connector may give what it must not."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pytest

from headwater.errors import InputRefused
from headwater.services.connectors.extraction import write_parquet
from headwater.store.blobs import BlobStore

WHERE = "connector lab of kind meter_log, chunk 1"


def batch(**columns: list[int]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns)


def write(folder: Path, batches: list[pa.RecordBatch]) -> tuple[int, str | None]:
    with BlobStore(folder).writer(uuid4()) as writer:
        return write_parquet(iter(batches), ["id", "kwh"], ["id"], writer, where=WHERE)


def test_rows_are_counted_and_the_last_key_is_known(tmp_path: Path) -> None:
    assert write(tmp_path, [batch(id=[1, 2], kwh=[5, 6]), batch(id=[9], kwh=[7]), batch(id=[9], kwh=[7]).slice(1)]) == (
        3,
        "9",
    )


def test_a_connector_that_gives_no_batch_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="gave no batch") as refused:
        write(tmp_path, [])
    assert refused.value.where == WHERE
    assert "fault of the connector" in str(refused.value)


def test_columns_that_are_not_those_of_the_plan_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="changed while it was read") as refused:
        write(tmp_path, [batch(id=[1], kw=[5])])
    assert refused.value.value == "kwh gone; kw new"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
