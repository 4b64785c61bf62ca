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


def hold(installation: Installation, key: str) -> HeldRequest:
    """The write that whoever acts calls by this key, held for them. Conflict where it is being done just now."""
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Misuse(
            "this cannot name a request",
            where="Idempotency-Key",
            value=key,
            valid=f"1 to {LONGEST_KEY} printable ASCII characters",
        )
    request = RequestKey(tenant_id=installation.tenant_id, actor=installation.actor.name, key=key)
    return HeldRequest(installation.database, request)


def named(installation: Installation, held: HeldRequest) -> Installation:
    """The installation for the write that is held: what it writes says in its own transaction that it was done."""
    return replace(installation, database=installation.database.for_request(held.key))
