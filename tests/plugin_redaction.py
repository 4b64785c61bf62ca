"""Fails a test in whose course a planted secret was told, whatever the test itself looks at.

Searched are: what is printed and logged, what commands answer in this process, what other processes answer, what httpx
reads here of answers by HTTP, headers included, every error of the house in the moment it is made, all that a database
of a test keeps, and of each text that stands in the folders of a test after it the first megabyte.
Only a test marked `tells_secrets("why")` may tell one; a file that is to hold one is written by `planted_file`, and a
server of the tests that hands one out says so in the header HANDS_OUT.
"""

from __future__ import annotations

import functools
import os
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import HeadwaterError
from tests.planted import HANDS_OUT, LONGEST, PLANTED_FILES, told_in

TOLD: list[str] = []
"""What was told since the test began, each with where it was."""

FOLDERS: dict[Path, float] = {}
"""What was made for tests to write to, each with the time when it was last searched."""

LARGEST_BYTES = 1024 * 1024
BINARY_IN_BYTES = 4096
"""Where no zero stands in so many bytes, a file is a text."""


def hear(text: object, where: str) -> None:
    """Note it where something tells a planted secret."""
    if told := told_in(str(text)):
        TOLD.append(f"{where}: {told}")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "tells_secrets(why): a planted secret may be told in this test")
    if find_spec("typer"):  # where warehouses are tried there is no command line
        from typer.testing import CliRunner  # noqa: PLC0415 - see above

        _after(CliRunner, "invoke", lambda _, done: hear(done.output, "the answer of a command"))
    _after(pytest.CaptureFixture, "readouterr", lambda _, said: hear(f"{said.out}{said.err}", "what was printed"))
    _after(subprocess.Popen, "communicate", lambda _, said: hear(f"{said[0]!r}{said[1]!r}", "the answer of a process"))
    if find_spec("httpx"):
        _hear_answers()
    _after(pytest.TempPathFactory, "mktemp", lambda _, made: FOLDERS.setdefault(made, 0))
    _after(HeadwaterError, "__init__", lambda error, _: hear(vars(error), f"{type(error).__name__}"))


def _after(of: type[Any], name: str, heard: Callable[[Any, Any], object]) -> None:
    """Have what a method leaves and gives searched."""
    method = getattr(of, name)

    @functools.wraps(method)
    def called(one: Any, *given: Any, **more: Any) -> Any:
        found = method(one, *given, **more)
        heard(one, found)
        return found

    setattr(of, name, called)


def _hear_answers() -> None:
    """Have all that comes by httpx searched, read whole or as it comes."""
    import httpx  # noqa: PLC0415 - where warehouses are tried there is none

    plain = httpx.Response.iter_bytes

    def heard(self: httpx.Response, chunk_size: int | None = None) -> Iterator[bytes]:
        if HANDS_OUT in self.headers:
            yield from plain(self, chunk_size)
            return
        hear(self.headers.multi_items(), "the headers of an answer by HTTP")
        before = b""
        for chunk in plain(self, chunk_size):
            hear((before + chunk).decode(errors="replace"), "an answer by HTTP")
            before = chunk[-LONGEST:]
            yield chunk

    httpx.Response.iter_bytes = heard  # type: ignore[method-assign]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """A folder of the test's own is searched when all of it is over; one that is shared, with the module's last."""
    yield
    own = getattr(item, "funcargs", {}).get("tmp_path")
    is_last = nextitem is None or nextitem.path != item.path
    for folder in list(FOLDERS) if is_last else [own] if own in FOLDERS else []:
        since, FOLDERS[folder] = FOLDERS[folder], time.time()
        _hear_files(folder, since)
    if own is not None:
        FOLDERS.pop(own, None)


def _hear_files(folder: Path, since: float) -> None:
    """What stands in files that were written since then; those that are no texts are left out."""
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root, name)
            try:
                told = path.lstat()
                if not stat.S_ISREG(told.st_mode) or told.st_mtime < since - 1 or path in PLANTED_FILES:
                    continue
                with path.open("rb") as file:
                    data = file.read(LARGEST_BYTES)
            except OSError:  # gone meanwhile, or nobody's to read
                continue
            if b"\0" not in data[:BINARY_IN_BYTES]:
                hear(data.decode(errors="replace"), f"the file {path.relative_to(folder)}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Once all of a test is over, what was heard meanwhile decides."""
    outcome: Any = yield
    if call.when != "teardown":
        return
    report: pytest.TestReport = outcome.get_result()
    for title, text in report.sections:
        hear(text, title)
    told, TOLD[:] = list(TOLD), []
    if told and item.get_closest_marker("tells_secrets") is None and report.passed:
        report.outcome = "failed"
        report.longrepr = "\n".join([f"{item.nodeid} has a planted secret told:", *dict.fromkeys(told)])
