"""What reading a bucket needs."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from headwater.connectors.object_store.config import RemoteFilesConfig


class S3Config(RemoteFilesConfig):
    """A bucket and how to log in: by a key, or `anonymous` if it is public. No login is taken from AWS_* variables.

    bucket                 its name
    region                 where it is
    endpoint_url           of a store other than Amazon's
    path_style             bucket in the path, not in the host's name; left out: with endpoint_url yes, at Amazon's no
    access_key_id          the key to log in by
    secret_access_key_ref  reference to the key's secret: `env:NAME`, `file:/PATH`, `stored:NAME`
    session_token_ref      reference to the token of a key that is lent for a while
    anonymous              whether nobody logs in, since the bucket is public
    """

    bucket: str = Field(min_length=3, max_length=63, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]+$")
    region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]+$")
    path_style: bool | None = None
    access_key_id: str | None = None
    secret_access_key_ref: str | None = None
    session_token_ref: str | None = None
    anonymous: bool = False

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if self.anonymous == bool(self.access_key_id and self.secret_access_key_ref):
            message = "give either access_key_id with secret_access_key_ref, or anonymous: true"
            raise ValueError(message)
        return self

    @property
    def in_path(self) -> bool:
        """Whether the bucket stands in the path."""
        return self.endpoint_url is not None if self.path_style is None else self.path_style

    @property
    def address(self) -> str:
        """Where requests go, the bucket in the host's name included."""
        base = self.endpoint_url or f"https://s3.{self.region}.amazonaws.com"
        scheme, _, host = base.partition("://")
        return base if self.in_path else f"{scheme}://{self.bucket}.{host}"
