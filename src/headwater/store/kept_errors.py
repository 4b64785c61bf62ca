"""Why runs, chunks and sources failed, as it is kept: from when somebody is erased without what errors quote."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from headwater.store.failures import translated
from headwater.store.queries import named_queries
from headwater.store.sealed import ERROR_PLACE, is_sealed, opener_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    import psycopg

    from headwater.store.database import TenantConnection

QUERIES = named_queries("kept_errors")

# The value of an error, or the words of a server, which stood in its sentence before they were its value.
QUOTED = (
    r" \(value: .*|(?: cannot give these rows| gave up| refuses| refuses the statement| that is not known| is not read"
    r"| cannot be read| holds a value that is no [^:]+| the source answers [0-9]+[^:]*): .*"
)
_QUOTED = re.compile(QUOTED, re.DOTALL)


def why(connection: TenantConnection, error: Mapping[str, Any] | None, *, whole: bool) -> str:
    """Why a chunk failed; `whole` with what the error quotes, as long as that is kept and its key is there."""
    kept = error or {}
    said, quoting = str(kept.get("message", "")), kept.get("whole")
    if not whole or quoting is None:
        return said
    if not is_sealed(quoting):
        return str(quoting)
    place, opener = (ERROR_PLACE, quoting), opener_of(connection)
    return said if opener is None else opener([place]).get(place, said)


def forget_values(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[str]:
    """Keep of why anything failed, or was told to have, no value: it may have been read, and be somebody's.

    Returns the ciphertexts there were of them, for whoever deletes their keys.
    """
    values = {"tenant_id": tenant_id, "quoted": QUOTED}
    with translated("forget what errors quote"):
        whole = [text for (text,) in connection.execute(QUERIES["whole"], values) if is_sealed(text)]
        for name in ("of_runs", "of_chunks", "of_sources", "of_notifications", "of_updates"):
            connection.execute(QUERIES[name], values)
    return whole


def as_it_stands(stored: Mapping[str, Any] | None, said: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The error that the audit chain has of a run, without what it quotes where that is no longer stored."""
    if not said or "message" not in said:
        return said
    without = {**said, "message": _QUOTED.sub("", said["message"], count=1)}
    return without if stored == without else said
