"""Loads the text of a CSV file into PostgreSQL with dlt, in the way its documentation calls fast for the job.

Arrow batches go as Parquet through ADBC, without dlt's normalizer touching a row. Rows are dictionaries with a Pydantic
model as their columns: dlt checks each row and drops the bad ones.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import tempfile
import time
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import dlt
import pyarrow as pa
from dlt.common.schema.typing import TWriteDispositionConfig
from pyarrow import csv as arrow_csv
from pydantic import BaseModel, BeforeValidator, Field, model_validator

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Large enough that a batch's fixed cost vanishes, small enough that memory stays bounded.
BLOCK_BYTES: Final = 16 * 1024 * 1024
ROWS_A_PAGE: Final = 5_000
KEY: Final = "activity_id"
#: Found to be the fastest on two cores: files that are loaded while others are, by as many workers as there are cores.
#: Rows gained nothing from files of 50,000, two normalizing processes or CSV instead of INSERT.
FAST_ARROW: Final = {"DATA_WRITER__FILE_MAX_ITEMS": "500000", "LOAD__WORKERS": "2"}
GROUPED: Final = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")


class DataQuality(StrEnum):
    MEASURED = "measured"
    CALCULATED = "calculated"
    ESTIMATED = "estimated"
    DEFAULT = "default"


def _absent(text: object) -> object:
    return None if text == "" else text


def _without_groups(text: object) -> object:
    return text.replace(",", "") if isinstance(text, str) and GROUPED.fullmatch(text) else text


Code = Annotated[str, Field(min_length=1, max_length=64)]
OptionalText = Annotated[Annotated[str, Field(max_length=2000)] | None, BeforeValidator(_absent)]
Quantity = Annotated[Decimal, BeforeValidator(_without_groups), Field(ge=0, max_digits=18, decimal_places=6)]
Cost = Annotated[Annotated[Decimal, Field(max_digits=18, decimal_places=2)] | None, BeforeValidator(_absent)]


class Activity(BaseModel):
    """The rules of Headwater's activity contract, as Pydantic checks them."""

    activity_id: Code
    activity_type: Code
    facility_code: OptionalText
    region: Annotated[str, Field(min_length=1, max_length=32)]
    period_start: date
    period_end: Annotated[date | None, BeforeValidator(_absent)]
    quantity: Quantity
    unit: Annotated[str, Field(min_length=1, max_length=32)]
    data_quality: Annotated[DataQuality | None, BeforeValidator(_absent)]
    supplier: OptionalText
    document_no: OptionalText
    cost: Cost
    currency: Annotated[Annotated[str, Field(pattern="^[A-Z]{3}$")] | None, BeforeValidator(_absent)]
    note: OptionalText

    @model_validator(mode="after")
    def _across_fields(self) -> Activity:
        if self.period_end is not None and self.period_end <= self.period_start:
            raise ValueError("period_end must lie after period_start")
        if self.cost is not None and self.currency is None:
            raise ValueError("a cost needs a currency")
        return self


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with path.open("rb") as file:
        header = file.readline().decode().strip().split(",")
    yield from arrow_csv.open_csv(
        path,
        read_options=arrow_csv.ReadOptions(block_size=BLOCK_BYTES),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string())),
    )


def _pages(path: Path) -> Iterator[list[dict[str, Any]]]:
    with path.open(encoding="utf-8", newline="") as file:
        page: list[dict[str, Any]] = []
        for row in csv.DictReader(file):
            page.append(row)
            if len(page) == ROWS_A_PAGE:
                yield page
                page = []
        yield page


def _resource(way: str, path: Path) -> Any:
    if way == "rows":
        return dlt.resource(
            _pages(path),
            name="activity",
            columns=Activity,
            primary_key=KEY,
            write_disposition="merge",
            schema_contract={"columns": "freeze", "data_type": "discard_row"},
        )
    disposition: TWriteDispositionConfig = "append"
    if way == "arrow-delete-insert":
        disposition = {"disposition": "merge", "strategy": "delete-insert"}
    elif way == "arrow-upsert":
        disposition = {"disposition": "merge", "strategy": "upsert"}
    return dlt.resource(
        _batches(path),
        name="activity",
        primary_key=None if way == "arrow-append" else KEY,
        write_disposition=disposition,
    )


def _load(way: str, path: Path, url: str, folder: Path) -> None:
    pipeline = dlt.pipeline(
        pipeline_name="bench",
        destination=dlt.destinations.postgres(credentials=url),
        dataset_name="peer",
        pipelines_dir=str(folder),
    )
    information = pipeline.run(_resource(way, path), loader_file_format=None if way == "rows" else "parquet")
    information.raise_on_failed_jobs()


def main() -> None:
    """Load one file in one way, and tell how long it took."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers.dlt_load", description=__doc__)
    parser.add_argument("way", choices=("arrow-append", "arrow-delete-insert", "arrow-upsert", "rows"))
    parser.add_argument("path", type=Path)
    parser.add_argument("url")
    asked = parser.parse_args()
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    if asked.way != "rows":
        os.environ.update(FAST_ARROW)
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        _load(asked.way, asked.path, asked.url, Path(folder))
        print(json.dumps({"seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main()
