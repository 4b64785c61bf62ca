"""The health of an installation: database, disk, memory, queue and pipeline, each in order or not, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from headwater.documents.counted import counted
from headwater.services.access.policy import Right
from headwater.services.watching.measuring import Measured, Work, measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.services.installation import Installation
    from headwater.settings import Settings
    from headwater.store.clear_files import Sample

State = Literal["ok", "warn", "bad"]
ORDER: Sequence[State] = ("ok", "warn", "bad")
OF_THE_INSTALLATION = ("database", "disk", "memory")
"""Parts whose figures would tell one organisation how much the others have."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part.

    says     how it is, in words
    limit    the setting's value that it is held against
    remedy   what to do where it is not ok
    figures  what was measured, which depends on the part; None where that is the operator's alone
    """

    name: str
    state: State
    says: str
    limit: str | None = None
    remedy: str | None = None
    figures: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Health:
    """All parts; as bad as the worst of them."""

    parts: tuple[Part, ...]

    @property
    def state(self) -> State:
        """The worst of all."""
        return max((part.state for part in self.parts), key=ORDER.index)

    def as_json(self) -> dict[str, Any]:
        """Plain values, but for times."""
        return {"state": self.state, "parts": [asdict(part) for part in self.parts]}


def report(installation: Installation) -> Health:
    """The health of the installation, and of the work of the organisation at hand.

    Figures of the installation itself are shown to its operator only: with few neighbours, they tell what those have.
    """
    installation.require(Right.MANAGE_USERS, on="health")
    health = judged(measure(installation), installation.settings)
    if installation.actor.name == "headwater":
        return health
    return Health(parts=tuple(_without_figures(part) for part in health.parts))


def judged(measured: Measured, settings: Settings) -> Health:
    """What was measured, held against the limits of the settings."""
    parts = [_database(measured, settings), *_disks(measured, settings), _memory(measured, settings)]
    if measured.files is not None:
        parts.append(_files(measured.files))
    if measured.work is not None:
        parts += [_queue(measured.work, settings), _workers(measured.work), *_pipeline(measured.work, settings)]
    return Health(parts=tuple(parts))


def _without_figures(part: Part) -> Part:
    if part.name.partition(" ")[0] not in OF_THE_INSTALLATION:
        return part
    says = {"ok": "in order", "warn": "close to its limit", "bad": "not in order"}[part.state]
    remedy = None if part.state == "ok" else "Tell whoever runs the installation."
    return Part(name=part.name, state=part.state, says=says, remedy=remedy)


def _database(measured: Measured, settings: Settings) -> Part:
    server = measured.server
    if server is None:
        why = measured.unreachable.what if measured.unreachable else "it was not asked"
        remedy = "Start the database, or correct HEADWATER_DATABASE_URL; `headwater db status` tells more."
        return Part(name="database", state="bad", says=f"cannot be asked: {why}", remedy=remedy)
    share = 100 * server.connections / max(server.most_connections, 1)
    limit = settings.health("connections_percent")
    return Part(
        name="database",
        state=_above(share, limit, (limit + 100) / 2),
        says=f"PostgreSQL {server.version}, {_size(server.size)}, "
        f"{server.connections} of {server.most_connections} sessions",
        limit=f"connections_percent={limit:g}",
        remedy="Raise max_connections, or run fewer server processes and workers." if share >= limit else None,
        figures=asdict(server),
    )


def _disks(measured: Measured, settings: Settings) -> list[Part]:
    limit = settings.health("disk_free_percent")
    parts = []
    for disk in measured.disks:
        free = 100 * disk.free / max(disk.size, 1)
        parts.append(
            Part(
                name=f"disk {disk.place}",
                state="ok" if free > limit else "warn" if free > limit / 2 else "bad",
                says=f"{_size(disk.free)} of {_size(disk.size)} are free ({free:.0f} %)",
                limit=f"disk_free_percent={limit:g}",
                remedy=None if free > limit else f"Free space below {disk.folder}, or move it to a larger disk.",
                figures=asdict(disk),
            )
        )
    return parts


def _memory(measured: Measured, settings: Settings) -> Part:
    memory, limit = measured.memory, settings.health("memory_used_percent")
    used = 100 * memory.used / max(memory.limit, 1)
    return Part(
        name="memory",
        state=_above(used, limit, (limit + 100) / 2),
        says=f"{_size(memory.used)} of {_size(memory.limit)} are in use ({used:.0f} %)",
        limit=f"memory_used_percent={limit:g}",
        remedy="Have fewer jobs at once, a lower memory_limit, or more memory." if used >= limit else None,
        figures=asdict(memory),
    )


def _files(sample: Sample) -> Part:
    return Part(
        name="files",
        state="warn" if sample.clear else "ok",
        says=f"{counted(sample.clear, 'lies', 'lie')} in clear {_of(sample)}" if sample.clear
        else f"no kept file lies in clear {_of(sample)}",
        remedy="`headwater people keys encrypt-files` encrypts what was kept before files were encrypted."
        if sample.clear else None,
        figures=asdict(sample),
    )  # fmt: skip


def _of(sample: Sample) -> str:
    return f"of {counted(sample.files, 'file')}" + (
        "" if sample.is_all else " that were looked at, drawn anew each time"
    )


def _queue(work: Work, settings: Settings) -> Part:
    waiting, limit = sum(queue.waiting for queue in work.queues), settings.health("queue_minutes")
    oldest = max((queue.oldest_seconds for queue in work.queues), default=0.0) / 60
    jobs = counted(waiting, "job waits", "jobs wait")
    return Part(
        name="queue",
        state=_above(oldest, limit, 4 * limit),
        says=f"{jobs}, the first for {counted(round(oldest), 'minute')}" if waiting else "no job waits",
        limit=f"queue_minutes={limit:g}",
        remedy="Start more workers (`headwater worker --at-once`), or see what those there are do." if oldest >= limit
        else None,
        figures={"queues": [asdict(queue) for queue in work.queues]},
    )  # fmt: skip


def _workers(work: Work) -> Part:
    waits = any(queue.waiting for queue in work.queues)
    state: State = "ok" if work.workers else "bad" if waits else "warn"
    says = (
        counted(work.workers, "gives signs of life", "give signs of life")
        if work.workers
        else "none gives a sign of life"
    )
    remedy = None if work.workers else "Start one: `headwater worker`, or `headwater serve` without --no-worker."
    return Part(name="workers", state=state, says=says, remedy=remedy, figures={"alive": work.workers})


def _pipeline(work: Work, settings: Settings) -> list[Part]:
    runs, records = work.runs, work.records
    ended = runs.succeeded + runs.partial + runs.failed
    share, limit = 100 * records.quarantined / max(records.read, 1), settings.health("quarantine_percent")
    failing = [schedule.name for schedule in work.schedules if schedule.is_failing and not schedule.paused]
    late = [schedule.name for schedule in work.schedules if schedule.late and not schedule.paused]
    return [
        Part(
            name="runs",
            state="bad" if runs.stuck else "warn" if runs.failed else "ok",
            says=f"{runs.running} at work, {runs.stuck} of them stuck; of {ended} that ended in the last hour "
            f"{runs.failed} failed",
            limit=f"stuck_minutes={settings.health('stuck_minutes'):g}",
            remedy="`headwater runs list` and `headwater jobs list` show them." if runs.stuck or runs.failed else None,
            figures=asdict(runs),
        ),
        Part(
            name="quality",
            state=_above(share, limit, min(5 * limit, 100.0)),
            says=f"of {counted(records.read, 'record')} of the last day {counted(records.quarantined, 'was', 'were')} "
            f"refused ({share:.1f} %)",
            limit=f"quarantine_percent={limit:g}",
            remedy="`headwater quarantine list` tells which rules." if share >= limit else None,
            figures=asdict(records),
        ),
        Part(
            name="schedules",
            state="bad" if failing else "warn" if late else "ok",
            says=f"{counted(len(work.schedules), 'schedule')}, {len(failing)} failing, {len(late)} late",
            remedy=f"`headwater schedules history {(failing + late)[0]}` tells why." if failing or late else None,
            figures={"schedules": [asdict(schedule) for schedule in work.schedules]},
        ),
    ]  # fmt: skip


def _above(value: float, warn: float, bad: float) -> State:
    return "bad" if value >= bad else "warn" if value >= warn else "ok"


def _size(count: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:,.1f} TiB"
