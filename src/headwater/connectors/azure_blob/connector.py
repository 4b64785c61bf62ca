"""A container opened as a store of files."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from headwater.connectors.azure_blob.config import AzureBlobConfig
from headwater.connectors.object_store.store import RETRIES, ObjectStore, client_options, library
from headwater.connectors.protocol import Resolve
from headwater.errors import Misuse


def open_azure_blob(config: AzureBlobConfig, resolve: Resolve) -> ObjectStore:
    """The store; the secret is asked for at the first call."""

    def make() -> Any:
        return library().store.AzureStore(
            config.container,
            prefix=config.prefix or None,
            account_name=config.account,
            endpoint=config.address,
            use_emulator=False,
            client_options=client_options(config, config.address),
            retry_config=RETRIES,
            **_login(config, resolve),
        )

    where = f"azure://{config.account}/{config.container}" + (f"/{config.prefix}" if config.prefix else "")
    return ObjectStore(config, where=where, address=config.address, make=make, rights=("List", "Read", "Write"))


def _login(config: AzureBlobConfig, resolve: Resolve) -> dict[str, Any]:
    """How obstore logs in: by a provider, since keys of the environment would be mixed in otherwise."""
    if config.anonymous:
        return {"skip_signature": True}
    if config.sas_ref is not None:
        token = resolve(config.sas_ref).lstrip("?")
        if "sig=" not in token:
            message = "what sas_ref refers to is no shared access signature"
            raise Misuse(message, where="sas_ref", valid="a text like sv=...&sp=rl&sig=...")
        return {"credential_provider": lambda: {"sas_token": token, "expires_at": None}}
    key = resolve(str(config.account_key_ref))
    try:
        base64.b64decode(key, validate=True)
    except binascii.Error:
        key = ""
    if not key:
        message = "what account_key_ref refers to is no key of a storage account"
        raise Misuse(message, where="account_key_ref", valid="88 characters of Base64, as the portal shows it")
    return {"credential_provider": lambda: {"access_key": key, "expires_at": None}}
