from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from headwater.api.metrics import GAUGES, MOST_QUEUES, figures_of
from headwater.errors import RetryLater
from headwater.services.watching.machine import Disk, Memory, disks, memory
from headwater.services.watching.measuring import Measured, Work
from headwater.services.watching.report import judged
from headwater.settings import Settings
from headwater.store.health import Queue, Records, Runs, ScheduleHealth, Server

SETTINGS = Settings()
GIB = 2**30


def measured(
    *, free: int = 50, used: int = 50, connections: int = 10, work: Work | None = None, server: bool = True
) -> Measured:
    there = Server(version="18.6", size=GIB, connections=connections, most_connections=100)
    return Measured(
        disks=[Disk(place="blobs", folder="/srv/blobs", free=free, size=100)],
        memory=Memory(used=used, limit=100),
        server=there if server else None,
        work=(work or Work(workers=2)) if server else None,
        unreachable=None if server else RetryLater("connection refused"),
    )


def schedule(state: str | None, *, late: bool = False, paused: bool = False) -> ScheduleHealth:
    last = datetime(2026, 11, 1, tzinfo=UTC)
    return ScheduleHealth(name="nightly", paused=paused, late=late, last_state=state, last_success=last)


@pytest.mark.parametrize(
    ("found", "part", "state"),
    [
        (measured(), None, "ok"),
        (measured(free=10), "disk blobs", "warn"),
        (measured(free=5), "disk blobs", "bad"),
        (measured(used=90), "memory", "warn"),
        (measured(used=95), "memory", "bad"),
        (measured(connections=80), "database", "warn"),
        (measured(connections=90), "database", "bad"),
        (measured(server=False), "database", "bad"),
        (measured(work=Work()), "workers", "warn"),
        (measured(work=Work(queues=[Queue(name="a", waiting=1, at_work=0, oldest_seconds=1)])), "workers", "bad"),
        (
            measured(work=Work(workers=1, queues=[Queue(name="a", waiting=1, at_work=0, oldest_seconds=900)])),
            "queue",
            "warn",
        ),
        (
            measured(work=Work(workers=1, queues=[Queue(name="a", waiting=1, at_work=0, oldest_seconds=3600)])),
            "queue",
            "bad",
        ),
        (measured(work=Work(workers=1, runs=Runs(running=2, stuck=1))), "runs", "bad"),
        (measured(work=Work(workers=1, runs=Runs(failed=1))), "runs", "warn"),
        (measured(work=Work(workers=1, records=Records(read=100, quarantined=10))), "quality", "warn"),
        (measured(work=Work(workers=1, records=Records(read=100, quarantined=50))), "quality", "bad"),
        (measured(work=Work(workers=1, schedules=[schedule("failed")])), "schedules", "bad"),
        (measured(work=Work(workers=1, schedules=[schedule("failed", paused=True)])), None, "ok"),
        (measured(work=Work(workers=1, schedules=[schedule("succeeded", late=True)])), "schedules", "warn"),
    ],
)
def test_each_part_is_held_against_its_limit_and_says_what_to_do(found: Measured, part: str | None, state: str) -> None:
    health = judged(found, SETTINGS)
    assert health.state == state
    wrong = {each.name: each for each in health.parts if each.state != "ok"}
    assert set(wrong) == ({part} if part else set())
    assert all(each.remedy for each in wrong.values())
    assert all(each.remedy is None for each in health.parts if each.state == "ok")


def test_limits_come_from_the_settings() -> None:
    strict = Settings(health_limits="disk_free_percent=60, queue_minutes=5")
    assert [part.state for part in judged(measured(), strict).parts if part.name == "disk blobs"] == ["warn"]
    assert strict.health("stuck_minutes") == 30


def test_memory_is_that_of_the_container_where_it_has_a_limit(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       4096 kB\nMemAvailable:   1024 kB\n")
    assert memory(tmp_path / "none", meminfo) == Memory(used=3072 * 1024, limit=4096 * 1024)
    second = tmp_path / "v2"
    second.mkdir()
    for name, text in (("max", "2097152"), ("current", "1500000"), ("stat", "anon 1\ninactive_file 500000\n")):
        (second / f"memory.{name}").write_text(text)
    assert memory(second, meminfo) == Memory(used=1_000_000, limit=2_097_152)
    (second / "memory.max").write_text("max\n")
    assert memory(second, meminfo).limit == 4096 * 1024
    first = tmp_path / "v1/memory"
    first.mkdir(parents=True)
    for name, text in (("limit_in_bytes", "2097152"), ("usage_in_bytes", "900000")):
        (first / f"memory.{name}").write_text(text)
    assert memory(tmp_path / "v1", meminfo) == Memory(used=900_000, limit=2_097_152)


def test_disks_are_told_also_where_nothing_was_kept_yet(tmp_path: Path) -> None:
    found = disks(Settings(data_dir=tmp_path / "not/yet"))
    assert [disk.place for disk in found] == ["blobs", "scratch", "database"]
    assert all(0 < disk.free <= disk.size for disk in found)


def test_figures_are_those_declared_and_their_labels_few() -> None:
    queues = [Queue(name=f"q{n}", waiting=1, at_work=0, oldest_seconds=n) for n in range(30)]
    figures = dict(figures_of(measured(work=Work(queues=queues))))
    assert set(figures) == {gauge.name for gauge in GAUGES}
    assert len(figures["headwater_queue_waiting_jobs"]) == MOST_QUEUES + 1
    assert figures["headwater_queue_waiting_jobs"][-1] == (("other",), 10.0)
    assert figures["headwater_queue_oldest_seconds"][-1] == (("other",), 29.0)
    without = dict(figures_of(measured(server=False)))
    assert without["headwater_database_up"] == [((), 0.0)]
    assert "headwater_runs_stuck" not in without
