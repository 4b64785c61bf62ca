"""MySQL and MariaDB: tables and views, streamed."""

from headwater.connectors.mysql.config import MysqlConfig
from headwater.connectors.mysql.connector import MysqlConnector
from headwater.connectors.protocol import Kind

kind = Kind(
    name="mysql",
    title="MySQL and MariaDB",
    config=MysqlConfig,
    open=MysqlConnector,
    chunks=("key_range", "time_window", "whole"),
    cursor=True,
    read_ahead=0,
    reads_by="PyMySQL, streaming, cast to Arrow by columns",
    proven_against=("MariaDB 10.11",),
    unproven="MySQL itself: no test has had a server of it",
)

__all__ = ["MysqlConfig", "MysqlConnector", "kind"]
