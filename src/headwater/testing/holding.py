"""Checks: what is read takes little memory, and what is left early is let go of at the source."""

from __future__ import annotations

import gc
import threading
from dataclasses import replace
from pathlib import Path

from headwater.connectors.protocol import Connector
from headwater.testing.case import Case
from headwater.testing.checking import Check, Nonconformity, require
from headwater.testing.opening import (
    by_another_process,
    largest,
    numbered,
    opened,
    planned,
    read_back,
    rows_of,
    selection,
)

LEFT_EARLY = 25


class _LeftEarlyError(Exception):
    pass


def _open_now() -> tuple[int, int]:
    """Files and sockets of this process, where it can be told, and threads."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0, threading.active_count()


def left_early(case: Case) -> None:
    """Leaving a read at its first batch frees files and threads; the next read is whole; no error is swallowed."""
    rows = numbered(137)
    case.make(rows)
    asked = selection(case, chunk_rows=1000)
    plan = planned(case, asked)
    with opened(case) as connector:
        require(len(rows_of(case, connector, asked, plan)) == len(rows), "the table is not read whole")
        before = _open_now()
        for _ in range(LEFT_EARLY):
            with connector.read(asked, by_another_process(largest(plan))) as stream:
                next(iter(stream))
        gc.collect()
        growing = [now - then for then, now in zip(before, _open_now(), strict=True)]
        require(max(growing) < LEFT_EARLY // 2, f"{LEFT_EARLY} reads left early leave {growing} files and threads open")
        _error_goes_through(case, connector)
        again = rows_of(case, connector, asked, plan)
        require(len(again) == len(rows), f"after reads left early, {len(again)} of {len(rows)} rows are read")


def _error_goes_through(case: Case, connector: Connector) -> None:
    asked = selection(case, chunk_rows=1000)
    chunk = by_another_process(largest(planned(case, asked)))
    came_out: Exception | None = None
    try:
        with connector.read(asked, chunk) as stream:
            next(iter(stream))
            raise _LeftEarlyError  # noqa: TRY301 - what is tried
    except Exception as error:  # noqa: BLE001 - any other is what is looked for
        came_out = error
    require(came_out is not None, "an error of whoever reads is swallowed by `read`")
    told = type(came_out).__name__
    require(isinstance(came_out, _LeftEarlyError), f"an error of whoever reads comes out of `read` as {told}")


def source_freed(case: Case) -> None:
    """Once a read is left early, the source holds nothing for it: no cursor, statement or response."""
    case.make([replace(row, value="x" * 500) for row in numbered(5000)])
    asked = selection(case, chunk_rows=10_000)
    plan = planned(case, asked)
    with opened(case) as connector:
        before = case.held()
        for _ in range(3):
            with connector.read(asked, by_another_process(largest(plan))) as stream:
                next(iter(stream))
            held = case.held()
            require(held <= before, f"a read was left early, and the source still holds {held - before} for it")


def memory_bounded(case: Case) -> None:
    """A large chunk is streamed: the process grows by far less than what is read."""
    case.make(numbered(10))
    read_back(case, selection(case))  # libraries loaded, buffers made
    case.make([replace(row, value="x" * 500) for row in numbered(case.many_rows)])
    count, read = case.many_rows, 0
    asked = selection(case, chunk_rows=count)
    gc.collect()
    before = peak_from_now()
    plan = planned(case, asked)
    with opened(case) as connector:
        for chunk in plan.chunks:
            with connector.read(asked, by_another_process(chunk)) as stream:
                read += sum(batch.num_rows for batch in stream)
    grown = peak() - before
    require(read == count, f"{read} of {count} rows are read")
    says = f"reading {count} rows of 500 characters, the process grows by {grown / 2**20:.0f} MiB"
    require(grown <= case.memory, f"{says}; {case.memory / 2**20:.0f} MiB are allowed")


def peak_from_now() -> int:
    """Begin to watch the process's memory; gives what it is now."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError as error:
        message = "the peak of this process's memory cannot be watched here"
        raise Nonconformity(message) from error
    return peak()


def peak() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


CHECKS = (
    Check(name="reads left early", what=left_early.__doc__ or "", run=left_early),
    Check(name="source freed", what=source_freed.__doc__ or "", run=source_freed, needs=("held",)),
    Check(name="memory bounded", what=memory_bounded.__doc__ or "", run=memory_bounded, needs=("memory",)),
)
