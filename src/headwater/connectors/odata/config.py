"""What can be said about an OData service."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from headwater.connectors.http.config import HttpConfig


class ODataConfig(HttpConfig):
    """A service of SAP or another that speaks OData.

    url               of the service: https://host/sap/opu/odata/sap/API_PURCHASEORDER_PROCESS_SRV
    version           v2 or v4; None takes what $metadata says
    client            SAP's client (Mandant), sent as sap-client
    page_rows         rows asked for in one answer
    max_whole_rows    rows of a set without a key that can be ordered, which is read as one chunk
    decimals_as_text  for services whose decimals do not keep to the precision they declare
    """

    version: Literal["v2", "v4"] | None = None
    client: str | None = Field(default=None, pattern=r"^\d{3}$")
    page_rows: int = Field(default=2000, ge=1, le=100_000)
    max_whole_rows: int = Field(default=100_000, ge=1)
    decimals_as_text: bool = False
