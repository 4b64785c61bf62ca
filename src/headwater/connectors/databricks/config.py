"""Which SQL warehouse of Databricks, and who asks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headwater.connectors.protocol import Config
from headwater.connectors.sql.refused import Login


class DatabricksConfig(Config):
    """Which warehouse, and who asks.

    host               of the workspace, without https://
    http_path          of the SQL warehouse: /sql/1.0/warehouses/…
    token_ref          reference to a personal or a service principal's token
    catalog            of Unity Catalog
    schemas            those whose tables are told; () for all
    cloud_fetch        whether large results are fetched from the workspace's storage, past the warehouse
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
    cloud_fetch: bool = True
    tls: Literal["verify-full", "disable"] = "verify-full"
    connect_timeout: Annotated[int, Field(ge=1, le=600)] = 60
    statement_timeout: Annotated[int, Field(ge=0, le=86_400)] = 900

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
