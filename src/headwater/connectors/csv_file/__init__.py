"""Delimited text files: inspected, planned in chunks of whole records, read chunk by chunk."""

from headwater.connectors.csv_file.config import CsvConfig
from headwater.connectors.csv_file.layout import Layout, read_layout
from headwater.connectors.csv_file.plan import ChunkSpan, Plan, Planner, plan
from headwater.connectors.csv_file.read import Ragged, RawChunk, read_chunk, record_text

__all__ = [
    "ChunkSpan",
    "CsvConfig",
    "Layout",
    "Plan",
    "Planner",
    "Ragged",
    "RawChunk",
    "plan",
    "read_chunk",
    "read_layout",
    "record_text",
]
