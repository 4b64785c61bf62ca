"""Snowflake: tables and views of one database, as the Arrow that Snowflake itself sends."""

from headwater.connectors.protocol import Kind
from headwater.connectors.snowflake.config import SnowflakeConfig
from headwater.connectors.snowflake.connector import SnowflakeConnector

kind = Kind(
    name="snowflake",
    title="Snowflake",
    config=SnowflakeConfig,
    open=SnowflakeConnector,
    chunks=("key_range", "time_window", "whole"),
    cursor=True,
    reads_by="Snowflake's connector for Python, as Arrow",
    unproven="never run against Snowflake itself; against fakesnow 0.12, which stands in for it",
    needs="headwater[snowflake]",
)

__all__ = ["SnowflakeConfig", "SnowflakeConnector", "kind"]
