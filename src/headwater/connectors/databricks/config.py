"""Which SQL warehouse of Databricks, and who asks."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from headwater.connectors.sql.counting import CountingConfig
from headwater.connectors.sql.refused import Login


class DatabricksConfig(CountingConfig):
    """Which warehouse, and who asks.

    host               of the workspace, without https://
    port               of that host
    http_path          of the SQL warehouse: /sql/1.0/warehouses/…
    token_ref          reference to a personal or a service principal's token
    catalog            of Unity Catalog
    schemas            those whose tables are told; () for all
    fetch              `connector`: sessions of Databricks' SQL connector; `statements`: the Statement Execution API, by
                       Databricks' SDK
    cloud_fetch        whether large results are fetched from the workspace's storage, past the warehouse; by statements
                       all are
    tls                `disable` only for what stands in for Databricks in tests
    connect_timeout    seconds to wait for a session
    statement_timeout  seconds a statement may take; 0 for as long as it likes
    """

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$")]
    port: Annotated[int, Field(ge=1, le=65535)] = 443
    http_path: Annotated[str, Field(pattern=r"^/")]
    token_ref: str
    catalog: str
    schemas: tuple[str, ...] = ()
    fetch: Literal["connector", "statements"] = "connector"
    cloud_fetch: bool = True
    tls: Literal["verify-full", "disable"] = "verify-full"
    connect_timeout: Annotated[int, Field(ge=1, le=600)] = 60
    statement_timeout: Annotated[int, Field(ge=0, le=86_400)] = 900

    @model_validator(mode="after")
    def _can_be_fetched_so(self) -> DatabricksConfig:
        if self.fetch == "statements":
            if not self.warehouse_id:
                raise ValueError("http_path: by statements a SQL warehouse is asked, /sql/1.0/warehouses/…")
            if not self.cloud_fetch:
                raise ValueError("cloud_fetch: false goes with fetch: connector; statements give Arrow by links only")
        return self

    @property
    def warehouse_id(self) -> str:
        """What the path of a SQL warehouse ends in; "" of another path."""
        found = re.fullmatch(r"/sql/1\.0/(?:warehouses|endpoints)/([^/?]+)/?", self.http_path)
        return found[1] if found else ""

    @property
    def url(self) -> str:
        """Of the workspace."""
        return f"{'https' if self.tls == 'verify-full' else 'http'}://{self.host}:{self.port}"

    @property
    def where(self) -> str:
        """The workspace and the catalog, for messages."""
        return f"{self.host}/{self.catalog}"

    @property
    def login(self) -> Login:
        """Who asks whom, for what is said where that is refused."""
        return Login(
            server=f"{self.host}:{self.port}",
            user=None,
            asked=f"the warehouse {self.http_path} with the catalog {self.catalog!r}",
            where=self.where,
            secret=("token_ref", self.token_ref),
        )
