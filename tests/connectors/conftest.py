"""Servers that several modules of this folder read from, one each a session."""

from __future__ import annotations

from tests.connectors.servers_odata import odata_server

__all__ = ["odata_server"]
