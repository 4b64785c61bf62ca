"""Databricks: tables and views of one catalog of Unity Catalog, as Arrow, through a SQL warehouse."""

from headwater.connectors.databricks.config import DatabricksConfig
from headwater.connectors.databricks.connector import DatabricksConnector
from headwater.connectors.protocol import Kind

kind = Kind(
    name="databricks",
    title="Databricks",
    config=DatabricksConfig,
    open=DatabricksConnector,
    chunks=("key_range", "time_window", "whole"),
    cursor=True,
    reads_by="Databricks' SQL connector, or statements of its SDK; as Arrow",
    unproven="never run against Databricks itself; against servers of the tests that speak its Thrift and its Statement"
    " Execution API, DuckDB behind",
    needs="headwater[databricks]",
)

__all__ = ["DatabricksConfig", "DatabricksConnector", "kind"]
