"""Services of SAP and others that speak OData V2 or V4."""

from __future__ import annotations

from headwater.connectors.http.config import READ_AHEAD
from headwater.connectors.odata.config import ODataConfig
from headwater.connectors.odata.connector import ODataConnector
from headwater.connectors.protocol import Kind

__all__ = ["ODataConfig", "kind"]

kind = Kind(
    name="odata",
    title="OData V2 and V4 (SAP)",
    config=ODataConfig,
    open=ODataConnector,
    chunks=("time_window", "key_range", "whole"),
    cursor=True,
    read_ahead=READ_AHEAD,
    proven_against=("SAP CAP 10 with OData V4", "SAP CAP 10 with its adapter for OData V2"),
)
