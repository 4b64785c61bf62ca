"""Parquet files: typed columns, inspected and read as one table of texts."""

from headwater.connectors.parquet_file.read import inspect_parquet, read_parquet

__all__ = ["inspect_parquet", "read_parquet"]
