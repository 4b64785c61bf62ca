"""The stage of the fault tests: a database that holds the first version of the nasty file, to be copied for each test,
and what importing the second version leaves behind when nothing disturbs it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

import psycopg

from tests.faults import nasty
from tests.faults.evidence import Evidence, assert_books_balance, differences, evidence_of
from tests.faults.worker import REFUSED
from tests.river import make_river
from tests.servers import Installation, TestServer

ROOT = Path(__file__).parents[2]
LONGEST = 240  # seconds that a worker may take, on a busy machine


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


class Worker:
    """A process that works on a stage. Made by `start`, which returns when the work begins."""

    def __init__(self, process: subprocess.Popen[str], began: float, said: IO[str]) -> None:
        self.process = process
        self._began = began
        self._said = said

    @classmethod
    def start(cls, *arguments: str) -> Self:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker", *arguments],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        assert line == "begun\n", process.stderr.read()
        return cls(process, time.monotonic(), process.stderr)

    def wait_for(self, seconds: float) -> bool:
        """Let the work go on until so many seconds after its beginning; False where it ended before."""
        try:
            self.process.wait(max(0.0, self._began + seconds - time.monotonic()))
        except subprocess.TimeoutExpired:
            return True
        return False

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()
        self._close()

    def end(self) -> tuple[str, float]:
        """Wait for the end: what it said (nothing where all went well) and how many seconds it took.

        Words of Headwater's are let through, any other error is a failure of the test.
        """
        # communicate() would wait for stdout too; the worker says nothing more there.
        code = self.process.wait(LONGEST)
        seconds = time.monotonic() - self._began
        said = self._said.read()
        self._close()
        assert code in {0, REFUSED}, said
        assert (code == 0) == (not said), said
        assert "Traceback" not in said
        return said, seconds

    def _close(self) -> None:
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def make_scene(server: TestServer, before: Installation, folder: Path) -> Iterator[Scene]:
    """Load the factors and the first version into `before`, and the second version into a copy of it."""
    river = make_river(before, folder)
    river.load(nasty.FACTORS, name="factors.csv", mapping="factor_form")
    river.load(nasty.first_version(), name=_FILE, chunk_size=nasty.CHUNK_SIZE)
    (folder / _FILE).write_bytes(nasty.second_version())
    mapping = river.mapping("activity_form")
    copied = server.copy(before)
    try:
        stage = _stage(copied, folder, folder / "undisturbed", mapping)
        said, seconds = stage.work().end()
        assert not said, said
        assert stage.chunks_committed() >= 200
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
