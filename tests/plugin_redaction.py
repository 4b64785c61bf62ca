"""Fails a test in whose course a planted secret was told, whatever the test itself looks at.

Searched are: what is printed and logged, what commands answer in this process, what other processes answer, every error
of the house in the moment it is made, and all that a database of a test keeps. Only a test marked
`tells_secrets("why")` may tell one.
"""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from headwater.errors import HeadwaterError
from tests.planted import told_in

TOLD: list[str] = []
"""What was told since the test began, each with where it was."""


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
    _after(HeadwaterError, "__init__", lambda error, _: hear(vars(error), f"{type(error).__name__}"))


def _after(of: type[Any], name: str, heard: Callable[[Any, Any], None]) -> None:
    """Have what a method leaves and gives searched."""
    method = getattr(of, name)

    @functools.wraps(method)
    def called(one: Any, *given: Any, **more: Any) -> Any:
        found = method(one, *given, **more)
        heard(one, found)
        return found

    setattr(of, name, called)


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
