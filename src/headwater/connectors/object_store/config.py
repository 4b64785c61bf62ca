"""What every store of files is told: which files, how many and how large."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from headwater.connectors.object_store.patterns import Pattern
from headwater.connectors.protocol import Config
from headwater.errors import Misuse

GIB = 2**30


def _pattern(text: str) -> str:
    try:
        Pattern(text)
    except Misuse as error:
        raise ValueError(str(error)) from None
    return text


def _prefix(text: str) -> str:
    return text.strip("/")


def _http(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        message = "must begin with https:// or, for a server of your own, http://"
        raise ValueError(message)
    return url.rstrip("/")


EndpointUrl = Annotated[str, AfterValidator(_http)]


class FilesConfig(Config):
    """Which files of a store are read.

    pattern    * within a folder, ** across folders
    max_files  more than these are most likely not one source: refused, never left out
    max_bytes  a file larger than this is refused
    """

    pattern: Annotated[str, AfterValidator(_pattern)] = "**"
    max_files: int = Field(default=10_000, ge=1, le=1_000_000)
    max_bytes: int = Field(default=4 * GIB, ge=1)


class RemoteFilesConfig(FilesConfig):
    """Of a store that is reached over a network.

    prefix             the folder that names and pattern start from
    ca_certificate     path of a PEM file with the authority that signed the server's certificate, if it is not public
    connect_seconds    how long to wait for a connection
    timeout_seconds    how long to wait for the next bytes
    """

    prefix: Annotated[str, AfterValidator(_prefix)] = ""
    endpoint_url: EndpointUrl | None = None
    ca_certificate: Path | None = None
    connect_seconds: float = Field(default=10, gt=0, le=300)
    timeout_seconds: float = Field(default=60, gt=0, le=3600)

    @model_validator(mode="after")
    def _no_login_in_url(self) -> Self:
        if self.endpoint_url and ("@" in self.endpoint_url or "?" in self.endpoint_url):
            message = "endpoint_url must hold no login and no query; secrets are referred to by fields ending in _ref"
            raise ValueError(message)
        return self
