"""SQLite: a database in one file."""

from headwater.connectors.protocol import Kind
from headwater.connectors.sqlite.connector import SqliteConfig, SqliteConnector

kind = Kind(
    name="sqlite",
    title="SQLite",
    config=SqliteConfig,
    open=SqliteConnector,
    chunks=("key_range", "time_window", "whole"),
    cursor=True,
    read_ahead=0,
    reads_by="Python's sqlite3, the file opened read only",
    proven_against=("SQLite 3",),
)

__all__ = ["SqliteConfig", "SqliteConnector", "kind"]
