"""The scene of the fault tests: made once a session, copied for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.contracts import Document
from tests.faults import nasty
from tests.faults.scene import Scene, Stage, make_scene
from tests.servers import TestServer


@pytest.fixture(scope="session")
def scene(
    server: TestServer,
    documents: tuple[Document, ...],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Scene]:
    """The first version of the nasty file loaded, and what the second leaves when nothing disturbs it."""
    size = nasty.FULL if request.config.getoption("--faults") == "full" else nasty.SAMPLE
    before = server.upgraded(documents)
    with make_scene(server, before, tmp_path_factory.mktemp("scene"), size) as made:
        yield made
    server.drop(before)


@pytest.fixture
def stage(scene: Scene, tmp_path: Path) -> Iterator[Stage]:
    """A database with the first version, in which the second is to be imported."""
    with scene.stage(tmp_path) as made:
        yield made
