"""How many requests a minute a source is asked: by all connectors of this process together, each host for itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from pyrate_limiter import Duration, Limiter, Rate

Pace = Callable[[], None]
"""Returns when the next request may be sent. One that is kept across processes takes the place of `in_process`."""
PaceOf = Callable[[str, int], Pace]
"""The pace of a host that may be sent so many requests a minute."""


def in_process(origin: str, requests_a_minute: int) -> Pace:
    """Waits until fewer than so many requests were sent to the host within the last minute."""
    limiter = _limiter(origin, requests_a_minute)

    def wait() -> None:
        limiter.try_acquire(origin, blocking=True)

    return wait


@lru_cache(maxsize=256)
def _limiter(_: str, requests_a_minute: int) -> Limiter:
    return Limiter(Rate(requests_a_minute, Duration.MINUTE))
