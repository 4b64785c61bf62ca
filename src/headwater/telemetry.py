"""What a run says about itself while it goes: log entries, and progress against the planned total.

Both go to standard error, so that standard output carries results only.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, Literal, Protocol, TextIO

import structlog
from rich import console
from rich import progress as bars

_SECRET_KEY = re.compile(
    r"password|passwd|secret|token|api_?key|credential|authorization|(database|owner)_url", re.IGNORECASE
)
_PASSWORD_IN_URL = re.compile(r"(\w://[^\s:/@]*):[^\s/@]+@")
_BEARER = re.compile(r"\b(hw[tsld]_[0-9a-f]{32}_[0-9a-f]{32}_)[\w-]{43}", re.ASCII)  # tokens, sessions, one-time links
_HIDDEN = "***"
_TELL_OF_REQUESTS = ("httpx", "httpcore", "urllib3")
"""Libraries that tell requests with their whole URL and headers: keys stand there, under names that nobody knows."""

get_logger = structlog.stdlib.get_logger
bind_context = structlog.contextvars.bound_contextvars
CORRELATION = "correlation_id"


def correlation_id() -> str | None:
    """What ties together all that one request or job has done: log entries, the job, its runs; None outside of both."""
    found = structlog.contextvars.get_contextvars().get(CORRELATION)
    return None if found is None else str(found)


def configure_logging(
    level: Literal["debug", "info", "warning", "error"],
    log_format: Literal["auto", "human", "json"],
    stream: TextIO | None = None,
) -> None:
    """Write entries of `level` and above to `stream` (standard error), those of libraries too, secrets replaced.

    Of requests by HTTP libraries tell from `warning` on only.
    """
    stream = stream or sys.stderr
    human = log_format == "human" or (log_format == "auto" and stream.isatty())
    render: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if human
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for library in _TELL_OF_REQUESTS:
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def redact(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide values whose key speaks of a secret; passwords in URLs, and what opens a door, wherever they stand."""
    for key in entry:
        entry[key] = _HIDDEN if _SECRET_KEY.search(key) else _redacted(entry[key])
    return entry


def _redacted(value: object) -> object:
    if isinstance(value, str):
        return _BEARER.sub(rf"\1{_HIDDEN}", _PASSWORD_IN_URL.sub(rf"\1:{_HIDDEN}@", value))
    if isinstance(value, Mapping):
        return {k: _HIDDEN if _SECRET_KEY.search(str(k)) else _redacted(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(item) for item in value]
    return value


MEGABYTE = 1_000_000


class Progress(Protocol):
    """What a long step tells how far it is. Calls may come from any one thread at a time."""

    def start(self, what: str, *, total: int, done: int = 0, unit: str = "rows") -> None:
        """Begin a step of `total` units; `done` were finished by an earlier run and say nothing about speed."""

    def advance(self, units: int) -> None:
        """So many more units are finished."""

    def finish(self) -> None:
        """The step is over, complete or not."""


def progress(stream: TextIO | None = None) -> Progress:
    """A moving bar where `stream` (standard error) is a terminal, a plain line every few seconds elsewhere."""
    stream = stream or sys.stderr
    return TerminalProgress(stream) if stream.isatty() else LineProgress(stream)


@contextmanager
def waiting(what: str, stream: TextIO | None = None) -> Iterator[None]:
    """Say what is waited for while the block lasts: with a moving sign where `stream` (standard error) is a terminal,
    in one line elsewhere.
    """
    stream = stream or sys.stderr
    if stream.isatty():
        with console.Console(file=stream).status(what):
            yield
        return
    stream.write(f"{what}\n")
    stream.flush()
    yield


def pace(count: int, seconds: float, unit: str) -> str:
    """How fast it goes, in the time in which at least ten of them are done: "1,200 rows/s", "18 chunks/min"."""
    if unit == "bytes" and count >= 10 * MEGABYTE * seconds:
        return f"{count / MEGABYTE / seconds:,.0f} MB/s"
    for name, length in (("s", 1), ("min", 60)):
        if count * length >= 10 * seconds:
            return f"{count * length / seconds:,.0f} {unit}/{name}"
    return f"{count * 3600 / seconds:,.0f} {unit}/h"


def time_left(seconds: float) -> str:
    """How long it goes on at the pace it had so far: "15 s left", "12 min left", "3 h left"."""
    for length, name in ((1, "s"), (60, "min")):
        if seconds < 120 * length:
            return f"{seconds / length:,.0f} {name} left"
    return f"{seconds / 3600:,.0f} h left"


def amount(done: int, total: int, unit: str) -> str:
    """How much of how much; of many bytes in megabytes."""
    if unit == "bytes" and total >= 10 * MEGABYTE:
        return f"{done / MEGABYTE:,.0f} of {total / MEGABYTE:,.0f} MB"
    return f"{done:,} of {total:,} {unit}"


class SilentProgress:
    """For callers that want no progress: tests, and commands that print JSON."""

    def start(self, what: str, *, total: int, done: int = 0, unit: str = "rows") -> None:
        """Say nothing."""

    def advance(self, units: int) -> None:
        """Say nothing."""

    def finish(self) -> None:
        """Say nothing."""


class LineProgress:
    """Plain lines, one every `every` seconds and one at the end: for logs, pipes and schedulers."""

    def __init__(self, stream: TextIO, *, every: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._every = every
        self._clock = clock
        self._what = ""
        self._shown: int | None = None

    def start(self, what: str, *, total: int, done: int = 0, unit: str = "rows") -> None:
        """Begin; nothing is written before the first interval is over."""
        self._what, self._unit, self._total = what, unit, total
        self._before = self._done = done
        self._shown = None
        self._began = self._written = self._clock()

    def advance(self, units: int) -> None:
        """Count, and write a line where the last is old enough."""
        self._done += units
        if self._clock() - self._written >= self._every:
            self._write()

    def finish(self) -> None:
        """Write the last line, unless it stands there already."""
        if self._done != self._shown:
            self._write()

    def _write(self) -> None:
        self._written, self._shown = self._clock(), self._done
        seconds = self._written - self._began
        share = 100 * self._done // self._total if self._total else 100
        line = f"{self._what}: {amount(self._done, self._total, self._unit)} ({share} %)"
        fresh = self._done - self._before
        if seconds > 0 and fresh > 0:
            rate = fresh / seconds
            line += f", {pace(fresh, seconds, self._unit)}"
            line += (
                f", {time_left((self._total - self._done) / rate) if self._done < self._total else f'{seconds:,.1f} s'}"
            )
        self._stream.write(line + "\n")
        self._stream.flush()


class TerminalProgress:
    """A bar with count, rate and time left. On a narrow terminal the bar shrinks, and a long name is cut: no number is.

    The time left comes of all that was done, and not of the last seconds: one chunk may take longer than those.
    """

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console.Console(file=stream)
        self._clock = clock
        self._bars = bars.Progress(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.TextColumn("{task.fields[amount]}"),
            bars.TextColumn("{task.fields[rate]}"),
            bars.TextColumn("{task.fields[left]}"),
            console=self._console,
        )

    def start(self, what: str, *, total: int, done: int = 0, unit: str = "rows") -> None:
        """Show the bar."""
        self._before = self._done = done
        self._began, self._unit, self._total = self._clock(), unit, total
        numbers = len(f"{amount(total, total, unit)} 999,999 {unit}/min 119 min left") + 8  # the bar, and gaps
        room = max(12, self._console.width - numbers)
        named = what if len(what) <= room else f"…{what[1 - room :]}"
        told = amount(done, total, unit)
        self._task = self._bars.add_task(named, total=total, completed=done, amount=told, rate="", left="")
        self._bars.start()

    def advance(self, units: int) -> None:
        """Move the bar."""
        self._done += units
        seconds, fresh = self._clock() - self._began, self._done - self._before
        rate = left = ""
        if seconds > 0 and fresh > 0:
            rate = pace(fresh, seconds, self._unit)
            left = time_left((self._total - self._done) * seconds / fresh) if self._done < self._total else ""
        told = amount(self._done, self._total, self._unit)
        self._bars.update(self._task, advance=units, amount=told, rate=rate, left=left)

    def finish(self) -> None:
        """Leave the bar as it is and give the terminal back."""
        self._bars.stop()
