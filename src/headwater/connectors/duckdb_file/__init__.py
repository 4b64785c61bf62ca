"""DuckDB: a database in one file."""

from headwater.connectors.duckdb_file.connector import DuckdbConfig, DuckdbConnector
from headwater.connectors.protocol import Kind

kind = Kind(
    name="duckdb",
    title="DuckDB",
    config=DuckdbConfig,
    open=DuckdbConnector,
    chunks=("key_range", "time_window", "whole"),
    cursor=True,
    read_ahead=0,
    proven_against=("DuckDB 2.0",),
)

__all__ = ["DuckdbConfig", "DuckdbConnector", "kind"]
