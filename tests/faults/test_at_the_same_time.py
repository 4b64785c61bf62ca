"""Two runs at the same time: what one finds changes under its feet, and nothing is lost, doubled or overwritten by age.

The instants that matter lie between two statements of one transaction. A run is stopped there by a lock it needs: the
table of checkpoints stops it after all it writes of records, the table of records before the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from headwater.errors import RetryLater
from headwater.services.imports import carry_out, plan_file, resume
from headwater.telemetry import SilentProgress
from tests.faults.evidence import assert_books_balance, differences, evidence_of
from tests.faults.worker_process import Worker
from tests.river import River, activities
from tests.servers import Installation, TestServer

pytestmark = [pytest.mark.server, pytest.mark.faults]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as made:
        yield made


@pytest.mark.long
def test_a_key_that_another_run_brings_meanwhile_is_met_after_all(
    installation: Installation, river: River, threads: ThreadPoolExecutor
) -> None:
    """The row is not there when the chunk's keys are looked up, and is when the new ones are inserted."""
    river.load(activities([_row("a"), _row("z")]), name="stands.csv")
    older = _plan(river, "older.csv", [_row("b"), _row("m", "1")])
    newer = _plan(river, "newer.csv", [_row("m", "2")])

    with _checkpoints(installation) as locked:
        first = threads.submit(_carry_out, river, newer)
        _wait_until_waiting(installation, 1)
        table = threads.submit(_lock_and_release, installation)
        _wait_until_waiting(installation, 2)
        second = threads.submit(_carry_out, river, older)
        _wait_until_waiting(installation, 3)
        locked.rollback()
    _all_done(first, table, second)

    assert _quantities(river) == {"a": 1, "b": 1, "m": 2, "z": 1}
    (refused,) = river.rows("SELECT findings FROM quarantine")
    assert "by a newer run: record 1 of newer.csv" in refused["findings"][0]["message"]
    assert_books_balance(installation)


@pytest.mark.long
def test_an_older_run_does_not_overwrite_what_a_newer_one_brings_meanwhile(
    installation: Installation, river: River, threads: ThreadPoolExecutor
) -> None:
    river.load(activities([_row("a"), _row("m"), _row("z")]), name="stands.csv")
    older = _plan(river, "older.csv", [_row("a", "3"), _row("m", "3")])
    newer = _plan(river, "newer.csv", [_row("m", "2")])

    with _checkpoints(installation) as locked:
        first = threads.submit(_carry_out, river, newer)
        _wait_until_waiting(installation, 1)
        second = threads.submit(_carry_out, river, older)
        _wait_until_waiting(installation, 2)
        locked.rollback()
    _all_done(first, second)

    assert _quantities(river) == {"a": 3, "m": 2, "z": 1}
    (refused,) = river.rows("SELECT findings FROM quarantine")
    assert "by a newer run: record 1 of newer.csv" in refused["findings"][0]["message"]
    assert_books_balance(installation)


@pytest.mark.long
def test_a_row_found_unchanged_and_replaced_meanwhile_is_not_relied_on(
    installation: Installation, river: River, threads: ThreadPoolExecutor
) -> None:
    river.load(activities([_row("a"), _row("m"), _row("z")]), name="stands.csv")
    same = [_row("a"), _row("b"), _row("m")]
    older = _plan(river, "older.csv", same)
    newer = _plan(river, "newer.csv", [_row("m", "2")])

    with _checkpoints(installation) as locked:
        first = threads.submit(_carry_out, river, newer)
        _wait_until_waiting(installation, 1)
        table = threads.submit(_lock_and_release, installation)
        _wait_until_waiting(installation, 2)
        second = threads.submit(_carry_out, river, older)
        _wait_until_waiting(installation, 3)
        locked.rollback()
    _all_done(first, table, second)
    assert _quantities(river) == {"a": 1, "b": 1, "m": 2, "z": 1}

    # Read once more, the same bytes are newer now and change the row back: it must not pass for unchanged.
    _, ledger = river.load(activities(same), name="older.csv")
    assert (ledger.unchanged, ledger.updated) == (2, 1)
    assert _quantities(river) == {"a": 1, "b": 1, "m": 1, "z": 1}
    assert_books_balance(installation)


@pytest.mark.long
def test_sources_with_the_same_keys_side_by_side(installation: Installation, river: River) -> None:
    """Hundreds of rows that both replace, in opposite order: no run waits for ever, and the newer has the last word."""
    keys = [f"k-{number:04}" for number in range(600)]
    river.load(activities(_row(key) for key in keys[:400]), name="stands.csv")
    river.mapping("activity_form")
    workers = []
    for name, quantity, ordered in (("left.csv", "2", keys), ("right.csv", "3", keys[::-1])):
        path = river.folder / name
        path.write_text(activities(_row(key, quantity) for key in ordered))
        workers.append(_import(installation, river, path, chunk_size=40))
    said = [worker.end()[0] for worker in workers]
    assert said == ["", ""]

    assert_books_balance(installation)
    (last,) = river.rows("SELECT source_name FROM runs ORDER BY started_at DESC LIMIT 1")
    assert set(_quantities(river).values()) == {2 if last["source_name"] == "left.csv" else 3}
    (both,) = river.rows("SELECT sum(produced) AS n, sum(inserted) AS new FROM chunks")
    assert both == {"n": 400 + 600 + 600, "new": 600}


@pytest.mark.long
def test_the_same_source_twice_is_as_one_after_the_other(
    server: TestServer, installation: Installation, river: River
) -> None:
    rows = [_row(f"k-{number:03}", "x" if number % 5 == 0 else "1") for number in range(200)]
    path = river.folder / "activities.csv"
    path.write_text(activities([*rows, *rows[:40]]))
    copied = server.copy(installation)
    for _ in range(2):
        assert _import(copied, river, path, chunk_size=10).end()[0] == ""
    wanted = evidence_of(copied)
    server.drop(copied)

    workers = [_import(installation, river, path, chunk_size=10) for _ in range(2)]
    said = [worker.end()[0] for worker in workers]
    assert said.count("") >= 1
    for words in filter(None, said):
        assert words.startswith("RetryLater: run: another run of activities.csv is at work"), words
        (waiting,) = river.rows("SELECT run_id FROM runs WHERE state = 'pending'")
        resume(river.installation, str(waiting["run_id"]), progress=SilentProgress())
    assert not differences(evidence_of(installation), wanted)
    assert_books_balance(installation)


def test_a_run_that_somebody_works_on_is_not_resumed(
    installation: Installation, river: River, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.store.runs.HOLD_SECONDS", 0.2)
    run_id = _plan(river, "meters.csv", [_row("a"), _row("b")])
    with _checkpoints(installation) as locked:
        first = threads.submit(_carry_out, river, run_id)
        _wait_until_waiting(installation, 1)
        with pytest.raises(RetryLater, match=r"another process works on this run .*Wait until it ends"):
            resume(river.installation, str(run_id), progress=SilentProgress())
        locked.rollback()
    _all_done(first)
    assert _quantities(river) == {"a": 1, "b": 1}


def _row(key: str, quantity: str = "1") -> dict[str, str]:
    return {"activity_id": key, "quantity": quantity}


def _plan(river: River, name: str, rows: Sequence[dict[str, str]]) -> UUID:
    path = river.folder / name
    path.write_text(activities(rows))
    return plan_file(river.installation, path, river.mapping("activity_form"))


def _carry_out(river: River, run_id: UUID) -> UUID:
    return carry_out(river.installation, run_id, progress=SilentProgress())


def _import(installation: Installation, river: River, path: Path, *, chunk_size: int) -> Worker:
    folder, mapping = str(river.folder / "data"), river.mapping("activity_form")
    return Worker.start(installation.app_url, folder, "import", str(path), mapping, str(chunk_size))


def _quantities(river: River) -> dict[str, int]:
    return {row["activity_id"]: row["quantity"] for row in river.rows("SELECT activity_id, quantity FROM activity_v1")}


def _all_done(*futures: Future[UUID] | Future[None]) -> None:
    for future in futures:
        future.result(60)


@contextmanager
def _checkpoints(installation: Installation) -> Iterator[psycopg.Connection]:
    """Locked until it is rolled back."""
    with psycopg.connect(installation.superuser_url) as connection:
        connection.execute("LOCK TABLE connector_sync_state IN SHARE MODE")
        yield connection


def _lock_and_release(installation: Installation) -> None:
    """Wait until nobody writes to the table; whoever wants to write comes after."""
    with psycopg.connect(installation.superuser_url) as connection:
        connection.execute("LOCK TABLE activity_v1 IN SHARE MODE")


def _wait_until_waiting(installation: Installation, sessions: int) -> None:
    """So many sessions of this database stand before a lock."""
    question = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(installation.superuser_url, autocommit=True) as connection:
        for _ in range(600):
            row = connection.execute(question).fetchone()
            if row is not None and row[0] >= sessions:
                return
            connection.execute("SELECT pg_sleep(0.05)")
    raise AssertionError(f"there were never {sessions} sessions waiting")
