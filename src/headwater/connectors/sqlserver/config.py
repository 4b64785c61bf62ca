"""Where a SQL Server is, and who asks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headwater.connectors.sql.server import ServerConfig


class SqlServerConfig(ServerConfig):
    """Where the server is, and who asks.

    password_ref       reference to the password: `env:NAME`
    tls                `verify-full` trusts a certificate for this host; `require` only encrypts
    connect_timeout    seconds to wait for a connection
    statement_timeout  seconds until a statement must have begun to give rows; 0 for as long as it likes
    """

    port: Annotated[int, Field(ge=1, le=65535)] = 1433
    password_ref: str
    tls: Literal["verify-full", "require"] = "verify-full"
    connect_timeout: Annotated[int, Field(ge=1, le=600)] = 15
