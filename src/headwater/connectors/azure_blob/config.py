"""What reading a container needs."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from headwater.connectors.object_store.config import RemoteFilesConfig


class AzureBlobConfig(RemoteFilesConfig):
    """A container and how to log in: by the account's key, a shared access signature, or `anonymous` if it is public.

    account          the storage account's name
    container        its name
    account_key_ref  reference to the account's key: `env:NAME`, `file:/PATH`, `stored:NAME`
    sas_ref          refers to the signature's text, sv=...&sig=...
    anonymous        whether nobody logs in, since the container is public
    endpoint_url     of an account elsewhere than in Azure's public cloud, its name included where the path holds it
    """

    account: str = Field(min_length=3, max_length=24, pattern=r"^[a-z0-9]+$")
    container: str = Field(min_length=3, max_length=63, pattern=r"^[a-z0-9$](?:-?[a-z0-9])+$")
    account_key_ref: str | None = None
    sas_ref: str | None = None
    anonymous: bool = False

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if [bool(self.account_key_ref), bool(self.sas_ref), self.anonymous].count(True) != 1:
            message = "give one of account_key_ref, sas_ref and anonymous: true"
            raise ValueError(message)
        return self

    @property
    def address(self) -> str:
        """Where requests go."""
        return self.endpoint_url or f"https://{self.account}.blob.core.windows.net"
