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
    reads_by="HTTP: OData in JSON, pages by key or by the links of the service",
    proven_against=("SAP CAP 10.1 with OData V4", "SAP CAP 10.1 with its adapter 1.15 for OData V2"),
    unproven="S/4HANA and SAP Gateway: no system of SAP's was at hand; SAP's own token service",
)
