from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Literal

import httpx
import pytest
import structlog

from headwater.telemetry import (
    LineProgress,
    TerminalProgress,
    bind_context,
    configure_logging,
    get_logger,
    pace,
    progress,
    redact,
    time_left,
    waiting,
)
from tests.connectors.servers_http import Reply, http_server
from tests.planted import HANDING_OUT, planted

KEY_IN_URL = planted("a-planted-signature-of-a-link")
KEY_IN_HEADER = planted("a-planted-session-of-a-service")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Time that passes only when told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    handlers, loggers = (
        logging.root.handlers[:],
        [logging.getLogger(name) for name in ("", "httpx", "httpcore", "urllib3")],
    )
    levels = [each.level for each in loggers]
    yield
    logging.root.handlers[:] = handlers
    for each, level in zip(loggers, levels, strict=True):
        each.setLevel(level)
    structlog.reset_defaults()


def test_entries_are_json_lines_where_nobody_looks() -> None:
    stream = io.StringIO()
    configure_logging("info", "auto", stream)
    with bind_context(run_id="r1"):
        get_logger("headwater.test").info("chunk committed", rows=3)
    get_logger("headwater.test").debug("below the level")
    logging.getLogger("library").warning("disk %s full", "sda")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["event"], first["rows"], first["run_id"], first["level"]) == ("chunk committed", 3, "r1", "info")
    assert (second["event"], second["logger"]) == ("disk sda full", "library")


def test_entries_are_for_people_on_a_terminal() -> None:
    stream = Terminal()
    configure_logging("info", "auto", stream)
    get_logger("headwater.test").info("chunk committed", rows=3)
    assert "chunk committed" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_secrets_are_hidden_by_key_in_urls_and_in_tracebacks() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    log = get_logger("headwater.test")
    try:
        message = "cannot reach postgresql://app:s3cret@db/headwater"
        raise ConnectionError(message)
    except ConnectionError:
        log.exception("failed", password="s3cret", urls=["https://u:s3cret@h/x"], more={"api_key": "s3cret", "n": 1})
    assert "s3cret" not in stream.getvalue()
    assert "postgresql://app:***@db/headwater" in stream.getvalue()


@pytest.mark.parametrize("level", ["info", "debug"])
def test_no_request_is_told_with_the_keys_in_its_url_and_its_headers(level: Literal["info", "debug"]) -> None:
    stream = io.StringIO()
    configure_logging(level, "json", stream)
    with (
        http_server(lambda _: Reply(headers={"Set-Cookie": f"session={KEY_IN_HEADER}", **HANDING_OUT})) as server,
        httpx.Client() as client,
    ):
        assert client.get(f"{server.url}/part", params={"X-Amz-Signature": KEY_IN_URL}).status_code == 200
    logging.getLogger("urllib3.connectionpool").debug('%s "%s %s"', "http://host", "GET", f"/part?sig={KEY_IN_URL}")
    get_logger("headwater.test").info("what we say ourselves")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["what we say ourselves"]


def test_what_is_no_secret_stays() -> None:
    entry = {"event": "read", "file": "a:b@c.csv", "rows": 7, "key": "el-1"}
    assert redact(None, "info", dict(entry)) == entry


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere() -> None:
    assert isinstance(progress(Terminal()), TerminalProgress)
    assert isinstance(progress(io.StringIO()), LineProgress)


def test_lines_say_count_share_rate_and_time_left() -> None:
    stream, clock = io.StringIO(), Clock()
    lines = LineProgress(stream, every=5.0, clock=clock)
    lines.start("activity.csv", total=1_000_000)
    lines.advance(100_000)
    assert stream.getvalue() == ""  # the interval is not over
    clock.now += 5
    lines.advance(150_000)
    clock.now += 15
    lines.advance(750_000)
    lines.finish()
    assert stream.getvalue().splitlines() == [
        "activity.csv: 250,000 of 1,000,000 rows (25 %), 50,000 rows/s, 15 s left",
        "activity.csv: 1,000,000 of 1,000,000 rows (100 %), 50,000 rows/s, 20.0 s",
    ]


def test_what_an_earlier_run_finished_counts_as_done_not_as_speed() -> None:
    stream, clock = io.StringIO(), Clock()
    lines = LineProgress(stream, clock=clock)
    lines.start("activity.csv", total=1000, done=900)
    clock.now += 5
    lines.advance(50)
    assert stream.getvalue() == "activity.csv: 950 of 1,000 rows (95 %), 10 rows/s, 5 s left\n"


@pytest.mark.parametrize(
    ("count", "seconds", "said"),
    [(300_000, 60, "5,000 rows/s"), (100, 10, "10 rows/s"), (99, 10, "594 rows/min"), (1, 60, "60 rows/h")],
)
def test_slow_work_is_told_in_minutes_or_hours(count: int, seconds: float, said: str) -> None:
    assert pace(count, seconds, "rows") == said


def test_an_empty_input_is_done() -> None:
    stream = io.StringIO()
    lines = LineProgress(stream, clock=Clock())
    lines.start("empty.csv", total=0)
    lines.finish()
    assert stream.getvalue() == "empty.csv: 0 of 0 rows (100 %)\n"


@pytest.mark.parametrize(
    ("seconds", "said"), [(15, "15 s left"), (119, "119 s left"), (600, "10 min left"), (36_000, "10 h left")]
)
def test_long_times_are_told_in_minutes_or_hours(seconds: float, said: str) -> None:
    assert time_left(seconds) == said


@pytest.mark.parametrize(
    ("what", "unit", "numbers", "told"),
    [
        ("verifying files", "bytes", (12_345_678_901, 1_345_678_901), ("1,346 of 12,346 MB", "34 MB/s", "5 min left")),
        ("verifying records", "rows", (1_345_678, 45_678), ("45,678 of 1,345,678 rows", "1,142 rows/s", "19 min left")),
        ("connector plant, table public.meter_reading_of_a_year", "rows", (1_345_678, 45_678), ("…", "19 min left")),
    ],
)
def test_a_narrow_bar_keeps_its_numbers_and_a_slow_step_its_time_left(
    monkeypatch: pytest.MonkeyPatch, what: str, unit: str, numbers: tuple[int, int], told: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    stream, clock = Terminal(), Clock()
    bar = TerminalProgress(stream, clock=clock)
    total, step = numbers
    bar.start(what, total=total, unit=unit)
    clock.now += 40  # longer than a window over the last seconds
    bar.advance(step)
    bar.finish()
    assert [each for each in told if each not in stream.getvalue()] == []


def test_the_bar_shows_the_planned_total() -> None:
    stream = Terminal()
    bar = progress(stream)
    bar.start("activity.csv", total=2_000)
    bar.advance(500)
    bar.advance(1_500)
    bar.finish()
    assert "2,000 of 2,000 rows" in stream.getvalue()


def test_what_is_waited_for_is_said_in_one_line_or_shown_moving() -> None:
    stream, terminal = io.StringIO(), Terminal()
    for each in (stream, terminal):
        with waiting("Setting up …", each):
            pass
    assert stream.getvalue() == "Setting up …\n"
    assert "Setting up …" in terminal.getvalue()
