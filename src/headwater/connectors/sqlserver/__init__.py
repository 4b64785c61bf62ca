"""Microsoft SQL Server: tables and views, by the Arrow stream of Microsoft's own driver."""

from headwater.connectors.protocol import Kind
from headwater.connectors.sqlserver.config import SqlServerConfig
from headwater.connectors.sqlserver.connector import SqlServerConnector

kind = Kind(
    name="sqlserver",
    title="Microsoft SQL Server",
    config=SqlServerConfig,
    open=SqlServerConnector,
    chunks=("key_range", "time_window", "whole"),
    cursor=True,
    read_ahead=0,
    reads_by="mssql-python, Microsoft's driver, as Arrow",
    unproven="no server was to be had: its SQL and its types are tested as texts, no statement has met a server",
    needs="headwater[sqlserver]",
)

__all__ = ["SqlServerConfig", "SqlServerConnector", "kind"]
