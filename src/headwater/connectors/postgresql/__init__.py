"""PostgreSQL: tables and views, by binary COPY into Arrow."""

from headwater.connectors.postgresql.config import PostgresConfig
from headwater.connectors.postgresql.connector import PostgresConnector
from headwater.connectors.protocol import Kind

kind = Kind(
    name="postgresql",
    title="PostgreSQL",
    config=PostgresConfig,
    open=PostgresConnector,
    chunks=("key_range", "time_window", "whole"),
    cursor=True,
    read_ahead=0,
    reads_by="ADBC: binary COPY into Arrow",
    proven_against=("PostgreSQL 15", "PostgreSQL 18"),
    unproven="connection poolers",
)

__all__ = ["PostgresConfig", "PostgresConnector", "kind"]
