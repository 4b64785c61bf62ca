"""Doing a write once, however often it is sent: held while it is done, its answer kept for a day."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headwater.errors import Misuse
from headwater.store.requests import FORGOTTEN, Answered, HeldRequest, RequestKey

if TYPE_CHECKING:
    from headwater.services.installation import Installation

LONGEST_KEY = 200
__all__ = ["FORGOTTEN", "Answered", "HeldRequest", "hold", "named"]


def named(installation: Installation, key: str) -> Installation:
    """The installation for a write that is named so: what it writes says in its own transaction that it was done."""
    database = installation.database.for_request(_key(installation, key))
    return replace(installation, database=database)


def hold(installation: Installation, key: str) -> HeldRequest:
    """The write that whoever acts calls by this key, held for them. Conflict where it is being done just now."""
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Misuse(
            "this cannot name a request",
            where="Idempotency-Key",
            value=key,
            valid=f"1 to {LONGEST_KEY} printable ASCII characters",
        )
    return HeldRequest(installation.database, _key(installation, key))


def _key(installation: Installation, key: str) -> RequestKey:
    return RequestKey(tenant_id=installation.tenant_id, actor=installation.actor.name, key=key)
