"""Disks that are full: a run stops in words, what it has committed stays, and it goes on once there is room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from headwater.contracts import Document
from headwater.errors import RetryLater, Stopped
from headwater.services.imports import carry_out, import_file, plan_file
from headwater.store.blobs import BlobStore
from headwater.store.embedded import SUPERUSER, EmbeddedServer
from headwater.telemetry import SilentProgress
from tests.faults.evidence import assert_books_balance, differences, evidence_of
from tests.faults.small_disk import MIB, SmallDisk, small_disk
from tests.faults.worker_process import Worker
from tests.river import River, activities, make_river
from tests.servers import Installation, TestServer, own_folder

pytestmark = [pytest.mark.server, pytest.mark.faults]

CHUNK_SIZE = 500
RECORDS = 6000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", size=4 * MIB) as mounted:
        yield mounted


def _records(quantity: str = "1", *, count: int = RECORDS, note: int = 100) -> Iterator[dict[str, str]]:
    for number in range(count):
        yield {"activity_id": f"a-{number:05}", "quantity": quantity, "note": "n" * note}


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_blobs_without_room_stop_the_import_before_anything_is_planned(
    installation: Installation, river: River, disk: SmallDisk, encoding: str
) -> None:
    """Of a file in another alphabet both forms are kept: the first has room, the second has not."""
    content = activities(_records()).replace("nnn", "näß").encode(encoding)
    path = river.folder / "meters.csv"
    path.write_bytes(content)
    small = replace(river.installation, blobs=BlobStore(disk.path / "blobs"))
    disk.fill(leave=len(content) // 2 if encoding == "utf-8" else len(content) + MIB // 4)

    with pytest.raises(Stopped, match=r"blob cannot be kept: No space left on device\. Free space on its disk"):
        import_file(small, path, river.mapping("activity_form"), progress=SilentProgress())
    for table in ("runs", "chunks", "blobs", "activity_v1"):
        assert river.rows(f"SELECT FROM {table}") == []
    assert not [*disk.path.glob("blobs/*/incoming/*")]

    disk.free()
    import_file(small, path, river.mapping("activity_form"), progress=SilentProgress())
    assert len(river.rows("SELECT FROM activity_v1")) == RECORDS
    assert_books_balance(installation)


@pytest.mark.long
def test_no_room_for_temporary_files_stops_the_run(installation: Installation, river: River, disk: SmallDisk) -> None:
    """The keys that a run has read are kept in one, when it replaces rows."""
    river.load(activities(_records()), chunk_size=CHUNK_SIZE)
    path = river.folder / "activities.csv"
    path.write_text(activities(_records("2")))
    disk.fill(leave=8192)
    command = (installation.app_url, str(river.folder / "data"))
    environment = {"TMPDIR": str(disk.path)}
    worker = Worker.start(
        *command, "import", str(path), river.mapping("activity_form"), str(CHUNK_SIZE), environment=environment
    )
    said, _ = worker.end()
    assert said.startswith(f"Stopped: {disk.path}: "), said
    assert "Free space" in said

    disk.free()
    (run,) = river.rows("SELECT run_id FROM runs ORDER BY started_at OFFSET 1")
    assert Worker.start(*command, "resume", str(run["run_id"]), environment=environment).end()[0] == ""
    assert river.rows("SELECT DISTINCT quantity FROM activity_v1") == [{"quantity": 2}]
    assert_books_balance(installation)


@pytest.fixture(scope="module")
def database_disk() -> Iterator[SmallDisk]:
    with own_folder() as folder, small_disk(folder / "disk", size=600 * MIB) as mounted:
        yield mounted


@pytest.fixture(scope="module")
def small_server(database_disk: SmallDisk) -> Iterator[TestServer]:
    """A server whose every file is on the small disk."""
    folder = database_disk.path / "postgres"
    with EmbeddedServer.start(folder) as server:
        yield TestServer(url=server.url, start_again=lambda: _attach(folder))


def _begin_the_last_log_file(server: TestServer, *, taken: int) -> None:
    """Leave no file of the log to be used again, and so much of the last one taken: the next needs 16 MiB of room."""
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        for statement in ("ALTER SYSTEM SET wal_recycle = off", "SELECT pg_reload_conf()", "CHECKPOINT"):
            connection.execute(statement)
        ahead = "SELECT count(*) FROM pg_ls_waldir() WHERE name > pg_walfile_name(pg_current_wal_lsn())"
        while (row := connection.execute(ahead).fetchone()) and row[0]:
            connection.execute("SELECT pg_switch_wal(), pg_current_xact_id()")
        connection.execute("SELECT pg_switch_wal(), pg_current_xact_id()")
        connection.execute("SELECT pg_logical_emit_message(false, 'fill', repeat('.', %s))", [taken])


def _attach(folder: Path) -> None:
    EmbeddedServer.start(folder).stop()


@pytest.mark.parametrize("full", ["tables", "log"])
@pytest.mark.long
def test_a_database_without_room_stops_the_run_and_it_goes_on(
    small_server: TestServer, database_disk: SmallDisk, documents: Sequence[Document], tmp_path: Path, full: str
) -> None:
    """Where its log finds no room the server may end in the midst of things: then it is a server lost."""
    before = small_server.upgraded(documents)
    river = make_river(before, tmp_path)
    path = tmp_path / "activities.csv"
    path.write_text(activities(_records(note=500)))
    run_id = plan_file(river.installation, path, river.mapping("activity_form"), chunk_size=CHUNK_SIZE)
    undisturbed, disturbed = small_server.copy(before), small_server.copy(before)
    carry_out(make_river(undisturbed, tmp_path).installation, run_id, progress=SilentProgress())

    _begin_the_last_log_file(small_server, taken=0 if full == "tables" else 14 * MIB)
    database_disk.fill(leave=MIB // 2 if full == "tables" else 12 * MIB)
    installation = make_river(disturbed, tmp_path).installation
    with pytest.raises((Stopped, RetryLater)) as stopped:
        carry_out(installation, run_id, progress=SilentProgress())
    if full == "tables" or stopped.type is Stopped:
        assert "No space left on device" in str(stopped.value)
        assert "Free space on the disk of the database, then resume." in str(stopped.value)
    database_disk.free()
    small_server.start_again()
    assert_books_balance(disturbed)

    carry_out(installation, run_id, progress=SilentProgress())
    assert not differences(evidence_of(disturbed), evidence_of(undisturbed))
    assert_books_balance(disturbed)
    for used in (before, undisturbed, disturbed):
        small_server.drop(used)
