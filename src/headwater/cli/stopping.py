"""Servers, of one process or several, which say what they cut off when they are told twice to stop."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from typing import TYPE_CHECKING, Any

import typer
import uvicorn
from uvicorn.supervisors import multiprocess

from headwater.cli.listening import own_listener
from headwater.documents.counted import counted

if TYPE_CHECKING:
    from socket import socket
    from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)
spawn = multiprocessing.get_context("spawn")


class Server(uvicorn.Server):
    """Told once, requests under way may finish; told again by Ctrl-C, it ends at once."""

    cut_off = 0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note how many requests are under way when it is told for the second time."""
        was_forced = self.force_exit
        super().handle_exit(sig, frame)
        if self.force_exit and not was_forced:
            self.note_cut_off()

    def note_cut_off(self) -> None:
        """So many requests are not waited for."""
        self.cut_off = len(self.server_state.tasks)


class ServerOfSeveral(Server):
    """One that is told to end at once by who supervises it too: an interrupt may be sent to that process alone."""

    def __init__(self, config: uvicorn.Config, told: Any, cut_off: Any) -> None:
        self._told = told
        self._cut_off = cut_off
        self._is_forced = False
        super().__init__(config)

    @property
    def force_exit(self) -> bool:
        """Whether nothing is waited for."""
        if self._told.value and not self._is_forced:
            self._is_forced = True
            self.note_cut_off()
        return self._is_forced

    @force_exit.setter
    def force_exit(self, value: bool) -> None:
        self._is_forced = value

    async def serve(self, sockets: list[socket] | None = None) -> None:
        """Until told to stop, or until who supervises it is gone: another would not find the address free."""
        supervisor = multiprocessing.parent_process()
        if supervisor is None:
            await super().serve(sockets)
            return
        sockets = [own_listener(each) for each in sockets or ()]
        loop = asyncio.get_running_loop()
        loop.add_reader(supervisor.sentinel, self._left_alone, loop, supervisor.sentinel)
        try:
            await super().serve(sockets)
        finally:
            loop.remove_reader(supervisor.sentinel)

    def _left_alone(self, loop: asyncio.AbstractEventLoop, sentinel: int) -> None:
        loop.remove_reader(sentinel)
        self.should_exit = True

    def note_cut_off(self) -> None:
        """Where who supervises finds it: this process ends by the signal that it was sent."""
        self._cut_off.value = len(self.server_state.tasks)


class Process(multiprocess.Process):
    """A process of several; `told` is set for it to end at once, and `cut_off` is what it leaves."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket]) -> None:
        self.told = spawn.RawValue("b", 0)
        self.cut_off = spawn.RawValue("i", 0)
        super().__init__(config, sockets)

    @property
    def server(self) -> uvicorn.Server:
        """What serves, in the process itself."""
        if self._server is None:
            self._server = ServerOfSeveral(self.config, self.told, self.cut_off)
        return self._server


class Processes(multiprocess.Multiprocess):
    """Several of them, and what was cut off by all."""

    processes: list[Process]  # type: ignore[assignment]
    is_forced = False

    def __init__(self, config: uvicorn.Config, sockets: list[socket]) -> None:
        multiprocess.Process = Process  # type: ignore[misc]  # it makes them in several places, by this name
        super().__init__(config, sockets)
        signal.signal(signal.SIGINT, self._interrupted)

    def _interrupted(self, sig: int, _: FrameType | None) -> None:
        if self.should_exit.is_set() or any(each in self.signal_queue for each in STOPPING):
            self.is_forced = True
            for process in self.processes:
                process.told.value = 1
        else:
            self.signal_queue.append(sig)

    def cut_off(self) -> int:
        """How many requests, once it has ended."""
        return sum(process.cut_off.value for process in self.processes)


def tell_cut_off(count: int) -> None:
    """Say what a caller finds: each change is one transaction, which is there whole or not at all."""
    requests = counted(count, "request was", "requests were")
    typer.echo(
        f"ended at once: {requests} cut off. Nothing is left half-done: what was not answered is there whole or"
        " not at all. Uploads go on where they stopped, and a request with an Idempotency-Key may be sent again.",
        err=True,
    )
