"""What databases on a server have in common: where the server is and who asks, and whose certificates are trusted."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Annotated, Generic, TypeVar

from pydantic import Field

from headwater.connectors.protocol import Problem, Resolve
from headwater.connectors.sql.counting import CountingConfig
from headwater.connectors.sql.refused import Login
from headwater.connectors.sql.source import Source


class ServerConfig(CountingConfig):
    """Where a server is, and who asks.

    host      name or address
    port      at which it listens
    database  whose tables are read
    user      who asks
    """

    host: str
    port: Annotated[int, Field(ge=1, le=65535)]
    database: str
    user: str
    password_ref: str | None = None
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

    @property
    def login(self) -> Login:
        """Who asks whom, for what is said where that is refused."""
        return Login(
            server=f"{self.host}:{self.port}",
            user=self.user,
            asked=f"the database {self.database!r}",
            where=self.where,
            secret=None if self.password_ref is None else ("password_ref", self.password_ref),
        )


Given = TypeVar("Given", bound=ServerConfig)


class ServerSource(Source, Generic[Given]):
    """Tables and views of one database on a server."""

    def __init__(self, config: Given, resolve: Resolve) -> None:
        self._config = config
        self._resolve = resolve

    def reach(self) -> list[Problem]:
        """What stands in the way: first the network, in words of ours, then whatever the driver says."""
        problem = self.network() or self.login(self._password())
        return [problem] if problem else []

    @abstractmethod
    def network(self) -> Problem | None:
        """Why nobody answers there, or not as this kind of server does."""

    @abstractmethod
    def login(self, password: str) -> Problem | None:
        """Why no connection is to be had from whoever answers."""

    def without_tables(self) -> Problem:
        """What is told of a database in which nothing is."""
        return Problem(
            cause="not_found",
            what=f"the database {self._config.database!r} has no table or view",
            where=self._config.where,
            remedy="Check `database`, or fill it first",
        )

    def _password(self) -> str:
        return "" if self._config.password_ref is None else self._resolve(self._config.password_ref)


def authority_problem(ca_file: Path | None) -> Problem | None:
    """Why the file of the authority's certificates cannot be used."""
    if ca_file is None or ca_file.is_file():
        return None
    return Problem(
        cause="config",
        what="there is no such file",
        where=f"ca_file {ca_file}",
        remedy="Name a file of certificates, or leave `ca_file` out to trust those the machine trusts",
    )
