"""Where a SQL Server is, and who asks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headwater.connectors.protocol import Config


class SqlServerConfig(Config):
    """Where the server is, and who asks.

    password_ref       reference to the password: `env:NAME`
    tls                `verify-full` trusts a certificate for this host; `require` only encrypts
    connect_timeout    seconds to wait for a connection
    statement_timeout  seconds until a statement must have begun to give rows; 0 for as long as it likes
    """

    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 1433
    database: str
    user: str
    password_ref: str
    tls: Literal["verify-full", "require"] = "verify-full"
    connect_timeout: Annotated[int, Field(ge=1, le=600)] = 15
    statement_timeout: Annotated[int, Field(ge=0, le=86_400)] = 900

    @property
    def where(self) -> str:
        """The server and the database, for messages."""
        return f"{self.host}:{self.port}/{self.database}"
