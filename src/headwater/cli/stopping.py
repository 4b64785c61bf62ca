"""The server of one process, which says what it cut off when it is told twice to stop."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import typer
import uvicorn

if TYPE_CHECKING:
    from types import FrameType


class Server(uvicorn.Server):
    """Told once, requests under way may finish; told again by Ctrl-C, it ends at once."""

    cut_off = 0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note how many requests are under way when it is told for the second time."""
        super().handle_exit(sig, frame)
        if self.force_exit and sig == signal.SIGINT:
            self.cut_off = len(self.server_state.tasks)

    def tell_cut_off(self) -> None:
        """Say what a caller finds: each change is one transaction, which is there whole or not at all."""
        if not self.force_exit:
            return
        requests = "1 request was" if self.cut_off == 1 else f"{self.cut_off} requests were"
        typer.echo(
            f"ended at once: {requests} cut off. Nothing is left half-done: what was not answered is there whole or"
            " not at all. Uploads go on where they stopped, and a request with an Idempotency-Key may be sent again.",
            err=True,
        )
