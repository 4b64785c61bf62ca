"""Serving the API."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.session import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator


def serve(
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes one that is free.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Server processes.")] = 1,
    worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Carry out jobs too, in a process beside.")
    ] = True,
    root_path: Annotated[str, typer.Option(help="The path under which a proxy serves it, as in /headwater.")] = "",
) -> None:
    """Serve the API over HTTP, with one worker that carries out its jobs.

    Behind a proxy that speaks TLS; tokens travel with every request. The embedded database is started where no other is
    set. Stop it with Ctrl-C or SIGTERM: requests under way are finished.

    \b
    Examples:
      headwater serve
      headwater serve --port 8080 --workers 4 --root-path /headwater
    """
    import os
    from contextlib import ExitStack
    from tempfile import TemporaryDirectory

    import uvicorn

    from headwater.cli.signing_in import welcome
    from headwater.services.installation import open_installation

    with ExitStack() as kept:
        opened = kept.enter_context(open_installation(read_settings()))  # the database outlasts each of the processes
        welcome(opened)
        if worker:
            kept.enter_context(_worker())
        if workers > 1:
            folder = kept.enter_context(TemporaryDirectory(prefix="headwater-metrics-"))
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        uvicorn.run(
            "headwater.api.process:create",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            root_path=root_path,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=30,
            limit_concurrency=1000,
        )


@contextmanager
def _worker() -> Iterator[None]:
    """`headwater worker` beside the server, told to stop when the server ends."""
    import subprocess
    import sys

    command = [sys.executable, "-c", "from headwater.cli.main import run; run()", "worker"]
    with subprocess.Popen(command) as started:  # noqa: S603 - this very program
        try:
            yield
        finally:
            started.terminate()
