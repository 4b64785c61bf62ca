"""How often a source is asked: kept by the database, so that all processes together keep to it."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any

from headwater.store.turns import MINUTE, Turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.connectors.http.pace import Pace
    from headwater.services.installation import Installation


@contextmanager
def paced(installation: Installation, source: object, *, seconds: float = MINUTE) -> Iterator[None]:
    """Have a source that counts its requests take turns with all others of its host, until the block ends.

    It is one that has a `client` as those reached by HTTP have; `seconds` are those of a minute.
    """
    client: Any = getattr(source, "client", None)
    if not hasattr(client, "keep_pace"):
        yield
        return
    turns = Turns(installation.database, installation.tenant_id)

    def pace(origin: str, requests_a_minute: int) -> Pace:
        return lambda: _wait(turns.take(origin, requests_a_minute, seconds=seconds))

    client.keep_pace(pace)
    try:
        yield
    finally:
        turns.close()


def _wait(seconds: float) -> None:
    if seconds > 0:
        Event().wait(seconds)
