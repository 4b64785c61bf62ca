"""Delimited text files: inspected, planned in chunks of whole records, read chunk by chunk."""

from headwater.connectors.csv_file.config import CsvConfig
from headwater.connectors.csv_file.encoding import is_utf8, to_utf8
from headwater.connectors.csv_file.inspection import inspect_file
from headwater.connectors.csv_file.layout import Layout, read_layout
from headwater.connectors.csv_file.plan import ChunkSpan, Extract, Plan, Planner, plan
from headwater.connectors.csv_file.read import (
    FileSlice,
    OneRecord,
    Ragged,
    RawChunk,
    one_record,
    parse_slice,
    read_chunk,
    read_slice,
)

__all__ = [
    "ChunkSpan",
    "CsvConfig",
    "Extract",
    "FileSlice",
    "Layout",
    "OneRecord",
    "Plan",
    "Planner",
    "Ragged",
    "RawChunk",
    "inspect_file",
    "is_utf8",
    "one_record",
    "parse_slice",
    "plan",
    "read_chunk",
    "read_layout",
    "read_slice",
    "to_utf8",
]
