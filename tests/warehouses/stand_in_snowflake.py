"""What stands in for Snowflake: fakesnow's server, on DuckDB, with the check of the login that it lacks.

Rows are put straight into its DuckDB: statements through fakesnow take milliseconds each.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fakesnow.server import app as fakesnow
from fakesnow.server import shared_fs
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.planted import planted

USER, PASSWORD = "READER", planted("a planted secret, & more/of:it")
_WRONG = {"code": "390100", "message": "Incorrect username or password was specified.", "success": False, "data": {}}


@dataclass
class StandIn:
    """The server; `faults` are answers that come before the right ones, each once."""

    port: int
    faults: list[Response] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def run(self, statement: str, values: Any = None) -> None:
        """A statement of DuckDB's own."""
        with contextlib.closing(shared_fs.duck_conn.cursor()) as cursor:
            cursor.execute("USE db1.s1")
            cursor.execute(statement, values)


async def _checked(standing: StandIn, scope: Any, receive: Any, send: Any) -> None:
    """The login is checked, and a fault is given where one is waiting; all else is fakesnow's."""
    if scope["type"] != "http":
        await fakesnow(scope, receive, send)
        return
    body = b"".join([part async for part in Request(scope, receive).stream()])
    said = json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body or b"{}")
    standing.asked.append(said.get("sqlText", ""))
    if scope["path"] == "/session/v1/login-request" and said["data"].get("PASSWORD") != PASSWORD:
        await JSONResponse(_WRONG)(scope, receive, send)
        return
    if standing.faults and said.get("sqlText"):
        await standing.faults.pop(0)(scope, receive, send)
        return
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Any:
        return waiting.pop() if waiting else await receive()

    await fakesnow(scope, again, send)


@contextlib.contextmanager
def stand_in() -> Iterator[StandIn]:
    """A server on a port of its own, in a thread of this process."""
    shared_fs.connect("DB1", "S1")  # makes both, and need not look again at each login
    shared_fs.create_database_on_connect = shared_fs.create_schema_on_connect = False
    with socket.create_server(("127.0.0.1", 0)) as listening:
        standing = StandIn(port=listening.getsockname()[1])

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await _checked(standing, scope, receive, send)

        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            yield standing
        finally:
            server.should_exit = True
            server.force_exit = True
            thread.join()
