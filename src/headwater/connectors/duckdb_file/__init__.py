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
    reads_by="DuckDB itself, the file opened read only, as Arrow",
    proven_against=("DuckDB 2.0",),
    unproven="files written by other versions",
)

__all__ = ["DuckdbConfig", "DuckdbConnector", "kind"]
