"""Any service that speaks HTTP and JSON, declared in its config."""

from __future__ import annotations

from headwater.connectors.http.config import READ_AHEAD
from headwater.connectors.protocol import Kind
from headwater.connectors.rest.config import RestConfig
from headwater.connectors.rest.connector import RestConnector

__all__ = ["RestConfig", "kind"]

kind = Kind(
    name="rest",
    title="HTTP and JSON, declared",
    config=RestConfig,
    open=RestConnector,
    chunks=("time_window", "whole"),
    cursor=True,
    read_ahead=READ_AHEAD,
    reads_by="HTTP and JSON, as the config declares",
    unproven="run against an HTTP server of the tests' own, with faults; every service is another",
)
