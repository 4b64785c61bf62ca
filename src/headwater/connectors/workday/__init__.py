"""Workday: custom reports as a service (RaaS) and queries in WQL: workers, travel, transactions and others."""

from __future__ import annotations

from headwater.connectors.http.config import READ_AHEAD
from headwater.connectors.protocol import Kind
from headwater.connectors.workday.config import WorkdayConfig
from headwater.connectors.workday.connector import WorkdayConnector

__all__ = ["WorkdayConfig", "kind"]

kind = Kind(
    name="workday",
    title="Workday",
    config=WorkdayConfig,
    open=WorkdayConnector,
    chunks=("time_window", "key_range", "whole"),
    cursor=True,
    read_ahead=READ_AHEAD,
    reads_by="HTTP: WQL and reports as a service, in JSON",
    unproven="never run against Workday's own system; against an HTTP server of the tests that speaks its envelopes",
)
