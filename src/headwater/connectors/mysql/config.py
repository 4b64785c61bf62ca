"""Where a MySQL or MariaDB server is, and who asks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from headwater.connectors.sql.server import ServerConfig


class MysqlConfig(ServerConfig):
    """Where the server is, and who asks.

    host               name or address, or the path of a Unix socket
    password_ref       reference to the password: `env:NAME`; none where the server asks for none
    tls                `verify-full` trusts a certificate for this host; `require` only encrypts; `disable` neither
    ca_file            certificates of the authority; none for those the machine trusts
    connect_timeout    seconds to wait for a connection
    statement_timeout  seconds a statement may take, reading its rows included; 0 for as long as it likes. A connection
                       on which nothing comes for longer than both counts as lost; where it is 0, after a day
    """

    port: Annotated[int, Field(ge=1, le=65535)] = 3306
    tls: Literal["verify-full", "require", "disable"] = "verify-full"
    ca_file: Path | None = None
