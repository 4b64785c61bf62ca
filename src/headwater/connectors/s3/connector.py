"""A bucket opened as a store of files."""

from __future__ import annotations

from typing import Any

from headwater.connectors.object_store.store import RETRIES, ObjectStore, client_options, library
from headwater.connectors.protocol import Resolve
from headwater.connectors.s3.config import S3Config


def open_s3(config: S3Config, resolve: Resolve) -> ObjectStore:
    """The store; the secret is asked for at the first call."""

    def make() -> Any:
        login: dict[str, Any] = {"skip_signature": True}
        if not config.anonymous:
            secret = resolve(str(config.secret_access_key_ref))
            token = resolve(config.session_token_ref) if config.session_token_ref else None
            key = {
                "access_key_id": config.access_key_id,
                "secret_access_key": secret,
                "token": token,
                "expires_at": None,
            }
            # A provider, not keys: those of the environment would be mixed in.
            login = {"credential_provider": lambda: key, "skip_signature": False}
        return library().store.S3Store(
            config.bucket,
            prefix=config.prefix or None,
            endpoint=config.address,
            region=config.region,
            virtual_hosted_style_request=not config.in_path,
            client_options=client_options(config, config.address),
            retry_config=RETRIES,
            **login,
        )

    where = f"s3://{config.bucket}" + (f"/{config.prefix}" if config.prefix else "")
    rights = ("s3:ListBucket", "s3:GetObject", "s3:PutObject")
    return ObjectStore(config, where=where, address=config.address, make=make, rights=rights)
