"""Oracle Fusion Cloud Applications by their REST API: invoices, requisitions, ledger accounts and other collections."""

from __future__ import annotations

from headwater.connectors.http.config import READ_AHEAD
from headwater.connectors.oracle_fusion.config import FusionConfig
from headwater.connectors.oracle_fusion.connector import FusionConnector
from headwater.connectors.protocol import Kind

__all__ = ["FusionConfig", "kind"]

kind = Kind(
    name="oracle_fusion",
    title="Oracle Fusion Cloud Applications",
    config=FusionConfig,
    open=FusionConnector,
    chunks=("time_window", "key_range", "whole"),
    cursor=True,
    read_ahead=READ_AHEAD,
    reads_by="HTTP: Oracle's REST API in JSON, page by page",
    unproven="never run against Oracle's own system; against an HTTP server of the tests that speaks its envelope",
)
