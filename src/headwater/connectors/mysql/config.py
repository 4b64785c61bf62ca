"""Where a MySQL or MariaDB server is, and who asks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from headwater.connectors.protocol import Config


class MysqlConfig(Config):
    """Where the server is, and who asks.

    host               name or address, or the path of a Unix socket
    password_ref       reference to the password: `env:NAME`; none where the server asks for none
    tls                `verify-full` trusts a certificate for this host; `require` only encrypts; `disable` neither
    ca_file            certificates of the authority; none for those the machine trusts
    connect_timeout    seconds to wait for a connection
    statement_timeout  seconds a statement may take, reading its rows included; 0 for as long as it likes
    """

    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 3306
    database: str
    user: str
    password_ref: str | None = None
    tls: Literal["verify-full", "require", "disable"] = "verify-full"
    ca_file: Path | None = None
    connect_timeout: Annotated[int, Field(ge=1, le=600)] = 10
    statement_timeout: Annotated[int, Field(ge=0, le=86_400)] = 900

    @property
    def is_local(self) -> bool:
        """Whether the server is reached by a Unix socket."""
        return self.host.startswith("/")

    @property
    def where(self) -> str:
        """The server and the database, for messages."""
        return f"{self.host}:{self.port}/{self.database}"
