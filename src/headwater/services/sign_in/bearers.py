"""Texts that open a door for whoever has them: API tokens, sessions, one-time links, datasets offered.

Each names its organisation, so that the tenant is bound before anything is read, then its own id, then a secret of 256
random bits. Kept is the SHA-256 of the secret only: what is drawn by chance from so many needs no slow hash.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

if TYPE_CHECKING:
    from typing import Self

SECRET_BYTES = 32
LONGEST = 256
_FORM = re.compile(r"(hw[tsld])_([0-9a-f]{32})_([0-9a-f]{32})_([A-Za-z0-9_-]{43})", re.ASCII)


class Kind(StrEnum):
    """What a text opens."""

    TOKEN = "hwt"  # noqa: S105 (the beginning of all tokens, which scanners of secrets look for)
    SESSION = "hws"
    LINK = "hwl"
    DATASET = "hwd"


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """One such text, taken apart. It is shown neither by `repr` nor in errors: ask it by `text`."""

    kind: Kind
    tenant_id: UUID
    id: UUID
    secret: str

    def __repr__(self) -> str:
        return f"Bearer({self.kind}, {self.tenant_id}, {self.id})"

    @classmethod
    def new(cls, kind: Kind, tenant_id: UUID) -> Self:
        """One that nobody has."""
        return cls(kind=kind, tenant_id=tenant_id, id=uuid4(), secret=secrets.token_urlsafe(SECRET_BYTES))

    @property
    def text(self) -> str:
        """What its holder keeps."""
        return f"{self.kind}_{self.tenant_id.hex}_{self.id.hex}_{self.secret}"

    @property
    def secret_hash(self) -> bytes:
        """What the database keeps."""
        return sha256(self.secret.encode()).digest()

    def is_of(self, secret_hash: bytes) -> bool:
        """Whether this is the secret of that hash; it takes as long whatever differs."""
        return hmac.compare_digest(self.secret_hash, secret_hash)


def read_bearer(text: str, *kinds: Kind) -> Bearer | None:
    """A text taken apart; None where it is none of these kinds."""
    found = _FORM.fullmatch(text) if len(text) <= LONGEST else None
    if found is None or found[1] not in kinds:
        return None
    return Bearer(kind=Kind(found[1]), tenant_id=UUID(found[2]), id=UUID(found[3]), secret=found[4])
