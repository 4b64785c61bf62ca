"""Options of the suite, the seed of what is drawn by chance, and the closing word about tests that did not run.

    --postgres=embedded|installed   which server the fixtures start
    --faults=sample|full            how many of a fault's instants and of a sweep's places are tried
    --one-long-in=N                 of the tests marked `long` one in N, drawn by the seed; files marked so, whole
    --one-file-in=N                 of all files one in N, drawn by the seed; those marked `always` besides
    --seed=N                        repeats the sample of an earlier run

A skip says at the end why; with CI=true it makes the suite fail, for a check that silently does not run is none.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import hypothesis
import pytest

ROOT = Path(__file__).parents[1]
SEED = pytest.StashKey[int]()
LEFT = pytest.StashKey[str]()

Some = Callable[[Iterable[Any], int], list[Any]]

# In CI the examples are the same each time, so that red means the change; runs by hand draw new ones.
hypothesis.settings.register_profile(
    "short", max_examples=25, deadline=None, print_blob=True, derandomize=os.environ.get("CI") == "true"
)
hypothesis.settings.register_profile("long", max_examples=1000, deadline=None, print_blob=True)
hypothesis.settings.load_profile("short")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("headwater")
    group.addoption("--postgres", choices=["embedded", "installed"], default="embedded", help="server that tests use")
    group.addoption("--faults", choices=["sample", "full"], default="sample", help="instants tried by a fault test")
    group.addoption("--one-long-in", type=int, default=1, help="of the tests marked `long`, run one in so many")
    group.addoption("--one-file-in", type=int, default=1, help="of all files of tests, run one in so many")
    group.addoption("--seed", type=int, default=None, help="repeat the sample of an earlier run")


def pytest_configure(config: pytest.Config) -> None:
    drawn = getattr(config, "workerinput", {}).get("seed", config.getoption("--seed"))
    config.stash[SEED] = random.SystemRandom().randrange(2**32) if drawn is None else drawn


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tests that run side by side (pytest-xdist) draw from the one seed."""
    node.workerinput["seed"] = node.config.stash[SEED]


def pytest_report_header(config: pytest.Config) -> str:
    postgres, faults = config.getoption("--postgres"), config.getoption("--faults")
    return f"postgres: {postgres}, faults: {faults}, seed: {config.stash[SEED]}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not drawn. Processes side by side draw the same, for they have one seed and one collection."""
    draw = random.Random(config.stash[SEED])
    long = [item for item in items if item.get_closest_marker("long")]
    left = _not_drawn(draw, long, config.getoption("--one-long-in"), _file_or_test)
    others = [item for item in items if item not in left and not item.get_closest_marker("always")]
    left |= _not_drawn(draw, others, config.getoption("--one-file-in"), _file)
    if left:
        config.stash[LEFT] = f"{len(left)} of {len(items)} tests were not drawn; without --one-…-in all are run"
        items[:] = [item for item in items if item not in left]


def _not_drawn(
    draw: random.Random, items: list[pytest.Item], one_in: int, lot: Callable[[pytest.Item], str]
) -> set[pytest.Item]:
    lots = list(dict.fromkeys(map(lot, items)))
    drawn = set(draw.sample(lots, -(-len(lots) // one_in)))
    return {item for item in items if lot(item) not in drawn}


def _file(item: pytest.Item) -> str:
    return str(item.path)


def _file_or_test(item: pytest.Item) -> str:
    """A file marked `long` shares what takes long: drawing one of its tests would cost as much as drawing all."""
    modules = [node for node in item.listchain() if isinstance(node, pytest.Module)]
    whole = any(mark.name == "long" for module in modules for mark in module.own_markers)
    return _file(item) if whole else item.nodeid


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A ZIP made for a test holds the time it was made; the test's name must be the same in all processes."""
    return f"{argname} of {len(val)} bytes" if isinstance(val, bytes) and val.startswith(b"PK") else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test marked `faults(instants=30, sample=5)` its `instant`, from 0 (the start of the work) to 1 (its end).

    The span is cut into `instants` equal parts and one instant drawn in each, so that none of the work stays untried.
    """
    if "instant" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("faults")
    if marker is None:
        message = f"{metafunc.definition.nodeid} takes `instant` and has no marker faults(instants=..., sample=...)"
        raise pytest.UsageError(message)
    count, few = marker.kwargs["instants"], marker.kwargs["sample"]
    # The test's name takes part, so that two tests do not try the same instants.
    draw = random.Random(f"{metafunc.config.stash[SEED]} {metafunc.definition.name}")
    instants = [(part + draw.random()) / count for part in range(count)]
    if metafunc.config.getoption("--faults") == "sample":
        instants = sorted(draw.sample(instants, few))
    metafunc.parametrize("instant", instants, ids=[f"{instant:.4f}" for instant in instants])


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """What chance starts from in this run; printed in the header and, where something failed, at the end."""
    return request.config.stash[SEED]


@pytest.fixture
def some(request: pytest.FixtureRequest, seed: int) -> Some:
    """Of all that a sweep goes through, one in so many in its order, drawn anew by each seed; all by --faults=full."""
    draw = random.Random(f"{seed} {request.node.name}")

    def drawn(all_there_are: Iterable[Any], one_in: int) -> list[Any]:
        places = list(all_there_are)
        if request.config.getoption("--faults") == "full":
            return places
        few = draw.sample(range(len(places)), -(-len(places) // one_in))
        return [places[number] for number in sorted(few)]

    return drawn


@pytest.fixture(scope="session")
def postgres_kind(request: pytest.FixtureRequest) -> str:
    """Which server to start: "embedded" or "installed"."""
    return str(request.config.getoption("--postgres"))


@pytest.fixture(scope="session")
def installed_postgres() -> Path:
    """The folder with the programs (initdb, postgres) of an installed PostgreSQL, as `tools/services` found it."""
    found, missing = ROOT / ".services/postgresql", ROOT / ".services/postgresql.missing"
    if found.is_file():
        return Path(found.read_text(encoding="utf-8").strip())
    why = missing.read_text(encoding="utf-8").strip() if missing.is_file() else "`make services` was not run"
    pytest.skip(f"no installed PostgreSQL: {why}")


def _skips(config: pytest.Config) -> Counter[str]:
    """How many tests were skipped, by reason."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reports = reporter.stats.get("skipped", []) if reporter else []
    return Counter(
        str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr) for report in reports
    )


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Each process has left out the same; one of them has it told."""
    node.config.stash[LEFT] = getattr(node, "workeroutput", {}).get("left", "")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left"] = session.config.stash.get(LEFT, "")
    if _in_ci() and _skips(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    skips = _skips(config)
    if config.stash.get(LEFT, ""):
        terminalreporter.line(config.stash[LEFT])
    if terminalreporter.stats.get("failed") or terminalreporter.stats.get("error"):
        terminalreporter.line(f"seed of this run: --seed={config.stash[SEED]}", yellow=True)
    if not skips:
        return
    terminalreporter.section("tests that did not run", yellow=True)
    for reason, count in skips.most_common():
        terminalreporter.line(f"{count} x {reason.removeprefix('Skipped: ')}")
    if _in_ci():
        terminalreporter.line("CI=true: what does not run is not shown to work, so the suite fails.", red=True)
