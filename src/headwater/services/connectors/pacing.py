"""How often a source is asked: kept by the database, so that all processes together keep to it."""

from __future__ import annotations

from concurrent.futures import CancelledError
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any

from headwater.store.turns import MINUTE, Turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.connectors.http.pace import Pace
    from headwater.services.installation import Installation


@contextmanager
def paced(
    installation: Installation, source: object, *, seconds: float = MINUTE, given_up: Event | None = None
) -> Iterator[None]:
    """Have a source that counts its requests take turns with all others of its host, until the block ends.

    It is one that has a `client` as those reached by HTTP have; `seconds` are those of a minute. Once `given_up` is
    set, who waits for a turn, in whatever thread, waits no longer.
    """
    client: Any = getattr(source, "client", None)
    if not hasattr(client, "keep_pace"):
        yield
        return
    turns, stop = Turns(installation.database, installation.tenant_id), given_up or Event()

    def pace(origin: str, requests_a_minute: int) -> Pace:
        return lambda: wait(turns.take(origin, requests_a_minute, seconds=seconds), unless=stop)

    client.keep_pace(pace)
    try:
        yield
    finally:
        turns.close()


def wait(seconds: float, *, unless: Event) -> None:
    """Wait so long; CancelledError at once where there is nobody any more to wait for."""
    if unless.wait(seconds):
        raise CancelledError
