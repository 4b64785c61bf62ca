"""Where a PostgreSQL server is, and who asks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from headwater.connectors.sql.server import ServerConfig


class PostgresConfig(ServerConfig):
    """Where the server is, and who asks.

    host               name, address, or the folder of a Unix socket
    password_ref       reference to the password: `env:NAME`; none where the server asks for none
    sslmode            `verify-full` trusts a certificate for this host; `verify-ca` one of the authority; `require`
                       only encrypts; `disable` neither. A Unix socket needs none of them
    ca_file            certificates of the authority; none for those the machine trusts
    schemas            those whose tables are told; () for all
    connect_timeout    seconds to wait for a connection
    statement_timeout  seconds a statement may take, reading its rows included; 0 for as long as it likes. A connection
                       on which nothing comes for longer than both counts as lost; where it is 0, after a day
    """

    port: Annotated[int, Field(ge=1, le=65535)] = 5432
    sslmode: Literal["verify-full", "verify-ca", "require", "disable"] = "verify-full"
    ca_file: Path | None = None
    schemas: tuple[str, ...] = ()
    connect_timeout: Annotated[int, Field(ge=2, le=600)] = 10
