from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from headwater.api.routes.records import _Exported


def test_blocks_of_an_export_are_let_go_of_when_nobody_takes_them() -> None:
    ended = []

    def blocks() -> Iterator[bytes]:
        try:
            yield from (b"1", b"2", b"3")
        finally:
            ended.append("closed")

    async def send(message: dict[str, Any]) -> None:
        if message.get("body") == b"2":
            raise ClientDisconnect

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    response = _Exported(blocks(), media_type="text/csv")  # type: ignore[arg-type]  # a generator is what it is
    scope: Any = {"type": "http", "asgi": {"spec_version": "2.4"}}
    with pytest.raises(ClientDisconnect):
        asyncio.run(response(scope, receive, send))  # type: ignore[arg-type]  # as ASGI has it
    assert ended == ["closed"]
