"""JSON, JSON Lines, GeoJSON and XML: nested records, inspected and read as one table of texts."""

from headwater.connectors.nested.config import NestedConfig
from headwater.connectors.nested.inspection import inspect_nested
from headwater.connectors.nested.read import read_nested

__all__ = ["NestedConfig", "inspect_nested", "read_nested"]
