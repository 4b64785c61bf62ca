"""The CSV connector as the plug-in door `headwater.connectors` offers it."""

from __future__ import annotations

from headwater.connectors.csv_file.config import CsvConfig
from headwater.connectors.csv_file.encoding import is_utf8, to_utf8
from headwater.connectors.csv_file.inspection import inspect_file
from headwater.connectors.csv_file.plan import Planner, plan
from headwater.connectors.csv_file.read import read_chunk, record_text


class CsvConnector:
    """Delimited text files: inspect, bring to UTF-8, plan in chunks of whole records, read a chunk, show a record."""

    name = "csv"
    title = "CSV and other delimited text files"
    config = CsvConfig
    planner = Planner
    inspect = staticmethod(inspect_file)
    is_utf8 = staticmethod(is_utf8)
    to_utf8 = staticmethod(to_utf8)
    plan = staticmethod(plan)
    read_chunk = staticmethod(read_chunk)
    record_text = staticmethod(record_text)
