"""Headwater's suite for connectors, on a folder of logs."""

from __future__ import annotations

import datetime
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from headwater_meter_log import kind
from headwater_meter_log.config import MeterLogConfig

from headwater.connectors.protocol import Selection
from headwater.testing import Case, ConnectorConformance, Row, no_network

NO_SUCH_TYPE = "a log has numbers, times and texts only"


class LogCase(Case):
    kind = kind
    table = "readings"
    columns = ("reading", "read_at", "remark")
    lacks: ClassVar[dict[str, str]] = {
        **no_network("a folder of this machine is read without a login"),
        **dict.fromkeys(("update", "delete"), "readings are added and never changed or taken back"),
        **dict.fromkeys(("null key", "null cursor"), "every reading has a number and a time"),
        **dict.fromkeys(
            ("float", "bytes", "boolean", "date", "timestamp", "time", "json", "array", "enum", "uuid"), NO_SUCH_TYPE
        ),
        "held": "a folder holds nothing for who reads it",
        "integer": "the number of a reading is its key, which the suite counts from 1",
        "timestamptz": "the time is never empty; that it is exact, the checks of cursors try",
        **dict.fromkeys(
            ("decimal: 38 digits", "decimal: negative", "decimal: smallest"), "a meter counts to the watt hour"
        ),
    }

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def config(self) -> MeterLogConfig:
        return MeterLogConfig(folder=self.folder)

    def against(self) -> str:
        return "a folder of files"

    def make(self, rows: Sequence[Row]) -> None:
        for path in self.folder.iterdir():
            path.unlink()
        self.insert(rows)

    def insert(self, rows: Sequence[Row]) -> None:
        for row in rows:
            assert row.at is not None
            self._write(row.at, reading=row.id, remark=row.value)

    def make_values(self, sort: str, values: Sequence[Any]) -> Selection:
        self.make([])
        column = {"text": "remark", "decimal": "kwh"}[sort]
        for number, value in enumerate(values, 1):
            self._write(datetime.datetime(2024, 3, 30, tzinfo=datetime.UTC), reading=number, **{column: value})
        return Selection(table=self.table, key=("reading",), columns=("reading", column))

    def _write(self, at: datetime.datetime, **reading: Any) -> None:
        with (self.folder / f"{at.date()}.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps({**reading, "read_at": at.isoformat()}, default=float) + "\n")


class TestMeterLog(ConnectorConformance):
    case_type = LogCase

    @pytest.fixture
    def case(self) -> Iterator[LogCase]:
        with tempfile.TemporaryDirectory() as folder:
            yield LogCase(Path(folder))
