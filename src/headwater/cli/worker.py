"""`headwater worker`."""

from __future__ import annotations

from typing import Annotated

import typer

from headwater.cli.session import installation


def worker(
    *,
    queue: Annotated[
        list[str] | None,
        typer.Option("--queue", help="Serve this queue only; may be given several times.", show_default="all"),
    ] = None,
    at_once: Annotated[int, typer.Option("--at-once", min=1, max=64, help="Jobs in hand at the same time.")] = 1,
    once: Annotated[bool, typer.Option("--once", help="End when there is nothing left to do now.")] = False,
    grace: Annotated[
        int, typer.Option(min=0, max=3600, help="Seconds that jobs have to end once it is told to stop.")
    ] = 5,
    heartbeat: Annotated[float, typer.Option(min=0.1, max=60.0, help="Seconds between signs of life.")] = 10.0,
    until_input_ends: Annotated[
        bool, typer.Option("--until-input-ends", hidden=True, help="Stop too when who holds its input is gone.")
    ] = False,
) -> None:
    """Carry out jobs of all organisations, until SIGTERM or Ctrl-C.

    Told to stop, it takes no more jobs, waits for those in hand as long as --grace says, then interrupts them as Ctrl-C
    interrupts a run and gives them back. A job of a worker that gives no sign of life for three times --heartbeat is
    taken up by another, at the chunk where it was.

    \b
    Examples:
      headwater worker
      headwater worker --at-once 4 --queue default
      headwater worker --once
    """
    import asyncio

    from headwater.jobs.worker import Serving, serve

    serving = Serving(
        queues=tuple(queue or ()), at_once=at_once, once=once, grace=grace, heartbeat=heartbeat, silence=3 * heartbeat,
        until_input_ends=until_input_ends,
    )  # fmt: skip
    with installation(serves=True) as opened:
        asyncio.run(serve(opened, serving))
