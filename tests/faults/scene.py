"""The stage of the fault tests: a database that holds the first version of the nasty file, to be copied for each test,
and what importing the second version leaves behind when nothing disturbs it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.faults import nasty
from tests.faults.evidence import Evidence, assert_books_balance, differences, evidence_of
from tests.faults.worker_process import Worker
from tests.river import make_river
from tests.servers import Installation, TestServer


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A database of a test's own with its data folder, in which the second version is to be imported."""

    installation: Installation
    folder: Path
    mapping: str
    file: Path

    def work(self) -> Worker:
        """A process that imports the second version, or goes on with it where a run of it is there already."""
        run = self._run()
        if run is None:
            return self.import_file(self.file)
        return self._worker("resume", run)

    def import_file(self, path: Path) -> Worker:
        """A process that imports a file."""
        return self._worker("import", str(path), self.mapping, str(nasty.CHUNK_SIZE))

    def _worker(self, *command: str) -> Worker:
        return Worker.start(self.installation.app_url, str(self.folder / "data"), *command)

    def chunks_committed(self) -> int:
        """Of the run of the second version."""
        with psycopg.connect(self.installation.superuser_url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM chunks WHERE run_id::text = %s AND state = 'committed'", [self._run()]
            )
            return int((row.fetchone() or (0,))[0])

    def evidence(self) -> Evidence:
        """What the database holds; the books must balance as well."""
        assert_books_balance(self.installation)
        return evidence_of(self.installation)

    def _run(self) -> str | None:
        with psycopg.connect(self.installation.superuser_url) as connection:
            runs = connection.execute(
                "SELECT run_id FROM runs WHERE source_name = %s ORDER BY started_at OFFSET 1", [self.file.name]
            ).fetchall()
        assert len(runs) <= 1, "an import that was disturbed was planned twice"
        return str(runs[0][0]) if runs else None


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What the stages of a session have in common. `seconds` is how long the undisturbed import took."""

    server: TestServer
    before: Installation
    folder: Path
    mapping: str
    undisturbed: Evidence
    seconds: float

    @contextmanager
    def stage(self, folder: Path) -> Iterator[Stage]:
        """A stage of one's own, its files in `folder`."""
        copied = self.server.copy(self.before)
        try:
            yield _stage(copied, self.folder, folder, self.mapping)
        finally:
            self.server.drop(copied)

    def assert_as_undisturbed(self, stage: Stage) -> None:
        """Law 1."""
        assert not differences(stage.evidence(), self.undisturbed)


@contextmanager
def make_scene(server: TestServer, before: Installation, folder: Path, size: nasty.Size) -> Iterator[Scene]:
    """Load the factors and the first version into `before`, and the second version into a copy of it."""
    river = make_river(before, folder)
    river.load(nasty.FACTORS, name="factors.csv", mapping="factor_form")
    river.load(nasty.first_version(size), name=_FILE, chunk_size=nasty.CHUNK_SIZE)
    (folder / _FILE).write_bytes(nasty.second_version(size))
    mapping = river.mapping("activity_form")
    copied = server.copy(before)
    try:
        stage = _stage(copied, folder, folder / "undisturbed", mapping)
        said, seconds = stage.work().end()
        assert not said, said
        assert stage.chunks_committed() >= size.chunks
        undisturbed = stage.evidence()
    finally:
        server.drop(copied)
    yield Scene(
        server=server, before=before, folder=folder, mapping=mapping, undisturbed=undisturbed, seconds=seconds
    )  # fmt: skip


def _stage(installation: Installation, scene: Path, folder: Path, mapping: str) -> Stage:
    shutil.copytree(scene / "data", folder / "data")
    return Stage(installation=installation, folder=folder, mapping=mapping, file=scene / _FILE)


_FILE = "activities.csv"
