"""Live progress as server-sent events, from the database, so that it does not matter which process does the work."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fastapi import Request

EVERY_SECONDS = 0.5
LONGEST_SECONDS = 3600
QUIET_SECONDS = 15


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen of something that goes on.

    steps  what must differ for it to be told again: clocks and rates are not among it
    body   what is told, as JSON has it
    """

    steps: tuple[Any, ...]
    body: dict[str, Any]
    has_ended: bool


async def stream(look: Callable[[], Seen], request: Request) -> StreamingResponse:
    """`progress` whenever a step is made, `end` when it has ended. What the first look raises is the answer."""
    first = await run_in_threadpool(look)
    return StreamingResponse(
        _events(look, first, request), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def _events(look: Callable[[], Seen], first: Seen, request: Request) -> AsyncIterator[str]:
    began = told = time.monotonic()
    last: tuple[Any, ...] | None = None
    now = first
    while time.monotonic() - began < LONGEST_SECONDS and not await request.is_disconnected():
        if now.steps != last:
            last, told = now.steps, time.monotonic()
            yield f"event: {'end' if now.has_ended else 'progress'}\ndata: {json.dumps(now.body)}\n\n"
        elif time.monotonic() - told > QUIET_SECONDS:
            told = time.monotonic()
            yield ": still here\n\n"
        if now.has_ended:
            return
        await asyncio.sleep(EVERY_SECONDS)
        now = await run_in_threadpool(look)
