"""Serving the API, and the pages by which people sign in."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.session import opened_and_told, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from socket import socket

GRACE_SECONDS = 8
"""What requests have to finish: containers are usually killed ten seconds after they are told to stop."""


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
    set. Stop it with Ctrl-C or SIGTERM: requests under way have eight seconds to finish, then what they ask of the
    database is cancelled. A second Ctrl-C ends it at once and cuts them off; nothing is left half-done.

    Where nobody administrates the organisation yet, standard error has the link by which somebody comes to: whoever
    reads it, there or in a file that it is written to, may use it once. Without `public_url` links begin with where it
    listens.

    \b
    Examples:
      headwater serve
      headwater serve --port 8080 --workers 4 --root-path /headwater
    """
    import os
    from contextlib import ExitStack
    from tempfile import TemporaryDirectory

    from headwater.cli.listening import bound, is_here, telling_when_up, url_of
    from headwater.cli.signing_in import welcome

    settings = read_settings(serves=True)
    with ExitStack() as kept:
        listening = kept.enter_context(bound(host, port, shared=workers > 1))
        url = url_of(listening) + root_path.rstrip("/")
        if "public_url" not in settings.model_fields_set:
            settings = settings.model_copy(update={"public_url": url})
            if is_here(listening):  # else links lead to where public_url does, and to that only by TLS
                os.environ["HEADWATER_PUBLIC_URL"] = url  # for the processes
        opened = kept.enter_context(opened_and_told(settings))  # the database outlasts each of the processes
        welcome(opened)
        if worker:
            kept.enter_context(_worker())
        if workers > 1:
            folder = kept.enter_context(TemporaryDirectory(prefix="headwater-metrics-"))
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        kept.enter_context(telling_when_up(listening, url))
        _serve(listening, workers=workers, root_path=root_path)


def _serve(listening: socket, *, workers: int, root_path: str) -> None:
    """Serve until told to stop."""
    import uvicorn

    from headwater.cli.heads import BoundedHeads
    from headwater.cli.stopping import Processes, Server, tell_cut_off

    config = uvicorn.Config(
        "headwater.api.process:create",
        factory=True,
        http=BoundedHeads,
        ws="none",
        workers=workers,
        root_path=root_path,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        limit_concurrency=1000,
    )
    if workers > 1:
        several = Processes(config, sockets=[listening])
        several.run()
        if several.is_forced:
            tell_cut_off(several.cut_off())
        return
    server = Server(config)
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
    if server.force_exit:
        tell_cut_off(server.cut_off)
    if not server.started:
        raise typer.Exit(1)


@contextmanager
def _worker() -> Iterator[None]:
    """`headwater worker` beside the server, told to stop when the server ends; killed, it tells by the end of input."""
    import subprocess
    import sys

    command = [sys.executable, "-c", "from headwater.cli.main import run; run()", "worker", "--until-input-ends"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as started:  # noqa: S603 - this very program
        try:
            yield
        finally:
            started.terminate()
