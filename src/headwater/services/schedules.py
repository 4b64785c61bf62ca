"""Schedules as people and programs use them, and what workers do when one is due or a job of one has ended.

A schedule's next time stands in the queue, so that whichever worker is free sees to it, once. What time it is, is said.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID, uuid4

from headwater.documents.counted import counted
from headwater.errors import Misuse
from headwater.services import jobs as asking
from headwater.services.access.changing import changed_meanwhile
from headwater.services.access.policy import Right
from headwater.services.connectors.absent import refuse_absent
from headwater.services.kept_recipes import recipe_wanted
from headwater.services.kept_recipes import wanted as wanted_by_name
from headwater.services.schedule_times import next_time, times
from headwater.store import audit, schedules
from headwater.store.schedules import NewSchedule, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from headwater.pipeline.recipe import Recipe
    from headwater.services.answers.jobs import ScheduleShown
    from headwater.services.installation import Installation
    from headwater.services.jobs import Manner, Wanted
    from headwater.services.kept_recipes import Said
    from headwater.store.database import TenantConnection
    from headwater.store.jobs import Job

LATE = timedelta(minutes=10)
"""What comes later than this has been missed: nobody was at work then."""
MISSED_COUNTED = 1000
LOADED = ("succeeded", "succeeded_with_quarantine")
Missed = Literal["catch_up", "skip"]


@dataclass(frozen=True, kw_only=True)
class When:
    """When a schedule is due: at times of day, or after others have succeeded.

    missed: about times at which no worker ran. `skip`: nothing, until the next time. `catch_up`: one job for all of
    them, since an import or sync brings in whatever has come since the last.
    """

    cron: str | None = None
    time_zone: str = "UTC"
    after: Sequence[str] = ()
    missed: Missed = "skip"


@dataclass(frozen=True, kw_only=True)
class ScheduleView:
    """A schedule, and the names of those it comes after."""

    schedule: Schedule
    after: Sequence[str]

    @property
    def plan(self) -> dict[str, Any]:
        """What can be changed of it, but for the folder of the server that its paths are taken from."""
        found = self.schedule
        return {
            "cron": found.cron, "time_zone": found.time_zone, "after": sorted(self.after), "missed": found.missed,
            "queue": found.queue, "priority": found.priority, "time_limit": found.time_limit,
            "attempts": found.most_attempts, "kind": found.kind, "label": found.label,
            "runs": {name: value for name, value in found.arguments.items() if name != "base"},
        }  # fmt: skip

    @property
    def version(self) -> str:
        """What a change names: a hash of the plan. Whether it is paused and when it is due next are no part of it."""
        said = [self.plan, self.schedule.arguments.get("base")]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]

    def as_json(self) -> ScheduleShown:
        """Plain values, but for times and ids."""
        facts = asdict(self.schedule)
        told: Any = {name: facts[name] for name in facts if name not in {"queue_id", "lock", "removed_at"}}
        shown: ScheduleShown = told | {"after": list(self.after), "version": self.version}
        return shown


def add(
    installation: Installation, name: str, recipe: Recipe, base: Path, when: When, *, manner: Manner, now: datetime
) -> ScheduleView:
    """Keep a schedule for a recipe as it says now. Misuse where the recipe, the times or the others cannot be found, or
    the source answers that there is no such table.
    """
    installation.require(Right.TRANSFORM)
    wanted = asking.wanted_by_recipe(installation, recipe, base, every=False)
    refuse_absent(installation, recipe)
    return _added(installation, name, wanted, when, manner=manner, now=now)


def add_kept(
    installation: Installation, name: str, said: Said, when: When, *, manner: Manner, now: datetime
) -> ScheduleView:
    """The same for whoever is not at the server: what is read is named by what is kept here."""
    installation.require(Right.TRANSFORM, on="schedules")
    wanted = wanted_by_name(installation, said)
    refuse_absent(installation, recipe_wanted(wanted))
    return _added(installation, name, wanted, when, manner=manner, now=now)


def _added(
    installation: Installation, name: str, wanted: Wanted, when: When, *, manner: Manner, now: datetime
) -> ScheduleView:
    refuse_both(name, when.cron, when.after)
    first = None if when.cron is None else next_time(when.cron, when.time_zone, now)
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        after = [schedules.find_schedule(connection, tenant_id, other).schedule_id for other in when.after]
        new = NewSchedule(
            schedule_id=uuid4(), name=name, kind=wanted.kind, label=wanted.label, arguments=wanted.arguments,
            lock=wanted.lock, cron=when.cron, time_zone=when.time_zone, missed=when.missed,
            created_by=installation.actor.name, **asdict(manner),
        )  # fmt: skip
        schedules.add_schedule(connection, tenant_id, new, after=after)
        made = schedules.find_schedule(connection, tenant_id, name)
        schedules.arm(connection, tenant_id, made, first)
        note(connection, tenant_id, "schedule.added", made, cron=when.cron, after=list(when.after))
        return view_of(connection, tenant_id, name)


def refuse_both(name: str, cron: str | None, after: Sequence[str]) -> None:
    """Misuse for a schedule that has times and comes after others, or neither."""
    if (cron is None) == (not after):
        raise Misuse(
            "a schedule has times, or comes after others", where=f"schedule {name}", valid="one of cron and after"
        )


def list_schedules(installation: Installation) -> list[ScheduleView]:
    """All of them, by name."""
    installation.require(Right.READ)
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        arm_again(connection, tenant_id)
        return [
            ScheduleView(schedule=each, after=schedules.names_after(connection, tenant_id, each.schedule_id))
            for each in schedules.list_schedules(connection, tenant_id)
        ]


def show_schedule(installation: Installation, name: str) -> ScheduleView:
    """One of them."""
    installation.require(Right.READ)
    with installation.database.connect(installation.tenant_id) as connection:
        return view_of(connection, installation.tenant_id, name)


def pause(installation: Installation, name: str, *, expected: str | None = None) -> ScheduleView:
    """It is due no more until it is resumed; a job at work goes on.

    Conflict where its plan is another by now than is expected.
    """
    installation.require(Right.TRANSFORM)
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        found = _looked_at(connection, tenant_id, name, expected, mine="paused")
        schedules.set_paused(connection, tenant_id, found.schedule_id, paused=True)
        schedules.arm(connection, tenant_id, found, None)
        note(connection, tenant_id, "schedule.paused", found)
        return view_of(connection, tenant_id, name)


def resume(installation: Installation, name: str, *, now: datetime, expected: str | None = None) -> ScheduleView:
    """It is due again from its next time on; those that passed meanwhile were not missed but meant.

    Conflict where its plan is another by now than is expected.
    """
    installation.require(Right.TRANSFORM)
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        found = _looked_at(connection, tenant_id, name, expected, mine="resumed")
        schedules.set_paused(connection, tenant_id, found.schedule_id, paused=False)
        schedules.arm(connection, tenant_id, found, _next(found, now))
        note(connection, tenant_id, "schedule.resumed", found)
        return view_of(connection, tenant_id, name)


def remove(installation: Installation, name: str, *, expected: str | None = None) -> None:
    """It is gone, its history stays. Misuse where others come after it.

    Conflict where its plan is another by now than is expected.
    """
    installation.require(Right.TRANSFORM)
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        found = _looked_at(connection, tenant_id, name, expected, mine="removed")
        if followers := schedules.followers_of(connection, tenant_id, found.schedule_id):
            raise Misuse(
                "others come after it",
                where=f"schedule {name}",
                value=", ".join(followers),
                remedy="Remove them first.",
            )
        schedules.arm(connection, tenant_id, found, None)
        schedules.remove_schedule(connection, tenant_id, found.schedule_id)
        note(connection, tenant_id, "schedule.removed", found)


def run_now(installation: Installation, name: str, *, now: datetime) -> UUID:
    """Ask for its job at once, paused or not; its times stay. The job's id."""
    installation.require(Right.WRITE)
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        found = _locked(connection, tenant_id, name)
        return _ask(installation, connection, found, now, reason=f"run now by {installation.actor.name}")


def tick(installation: Installation, schedule_id: UUID, *, queue_id: int | None, now: datetime) -> None:
    """See to a schedule that is due: ask for its job, or say why not, and set its next time; all or nothing.

    queue_id: the row in the queue that led here. One that is not the schedule's next time any more has been seen to.
    """
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        found = schedules.lock_schedule(connection, tenant_id, schedule_id)
        arm_again(connection, tenant_id)
        if found is None or found.next_at is None or found.cron is None or found.queue_id != queue_id:
            return
        # That row is the worker's to finish: it is not to be taken out.
        here = replace(found, queue_id=None)
        if found.next_at <= now:
            _see_to(installation, connection, found, found.next_at, now)
        schedules.arm(connection, tenant_id, here, _next(found, now))


def arm_again(connection: TenantConnection, tenant_id: UUID) -> None:
    """Put next times back into the queue that were lost from it; one that has passed meanwhile is seen to as missed."""
    for lost in schedules.dangling(connection, tenant_id):
        schedules.arm(connection, tenant_id, replace(lost, queue_id=None), lost.next_at)


@dataclass(frozen=True, kw_only=True)
class LockedSchedule:
    """The schedule that has asked for a job, with those that come after it, which are locked."""

    schedule_id: UUID
    name: str
    followers: AbstractSet[UUID]


def locked_with_followers(connection: TenantConnection, tenant_id: UUID, job_id: UUID) -> LockedSchedule | None:
    """The schedule of a job that is about to end, if it has one. Before anything else is locked."""
    found = schedules.schedule_of_job(connection, tenant_id, job_id)
    if found is None:
        return None
    schedule_id, name = found
    followers = schedules.lock_followers(connection, tenant_id, schedule_id)
    return LockedSchedule(schedule_id=schedule_id, name=name, followers=followers)


def job_ended(
    connection: TenantConnection,
    installation: Installation,
    job: Job,
    state: str,
    *,
    schedule: LockedSchedule,
    without_run: Sequence[tuple[str, str | None]],
) -> None:
    """What the end of a schedule's job brings, in the transaction that ends it: its log, and those that come after."""
    tenant_id = installation.tenant_id
    schedules.log_update(
        connection, tenant_id, job.job_id, schedule.name, without_run=without_run, succeeded=state in LOADED
    )
    if state not in LOADED:
        return
    # Asked once they are locked: whatever ended, paused or removed one of them before is seen.
    for ready in schedules.ready_after(connection, tenant_id, schedule.schedule_id):
        if ready in schedule.followers and not schedules.is_at_work(connection, tenant_id, ready):
            follower = schedules.lock_schedule(connection, tenant_id, ready)
            if follower is not None:
                _ask(installation, connection, follower, datetime.now(UTC), reason=f"after {schedule.name}")


def _see_to(
    installation: Installation, connection: TenantConnection, found: Schedule, due: datetime, now: datetime
) -> None:
    """The latest of the times that have passed counts; those before it, and one that is late, were missed."""
    passed = [due]
    for at in times(str(found.cron), found.time_zone, due):
        if at > now or len(passed) >= MISSED_COUNTED:
            break
        passed.append(at)
    latest = passed[-1]
    missed = len(passed) - (now - latest <= LATE)
    tenant_id, reason = installation.tenant_id, None
    if missed:
        told = counted(missed, "time was", "times were")
        reason = f"{told} missed, the first at {due:%Y-%m-%d %H:%M} UTC: no worker was at work"
    if schedules.is_at_work(connection, tenant_id, found.schedule_id):
        reason = "its job of before has not ended"
    elif found.missed == "catch_up" or now - latest <= LATE:
        _ask(installation, connection, found, latest, reason=reason)
        return
    schedules.note_time(connection, tenant_id, found.schedule_id, latest, job_id=None, reason=reason)


def _ask(
    installation: Installation, connection: TenantConnection, found: Schedule, due: datetime, *, reason: str | None
) -> UUID:
    manner = asking.Manner(
        queue=found.queue, priority=found.priority, time_limit=found.time_limit, most_attempts=found.most_attempts
    )
    wanted = asking.Wanted(kind=found.kind, label=found.label, arguments=found.arguments, lock=found.lock)
    job_id = asking.ask(installation, connection, wanted, manner=manner, asked_by=f"schedule/{found.schedule_id}")
    schedules.note_time(
        connection, installation.tenant_id, found.schedule_id, due, job_id=job_id, reason=reason
    )  # fmt: skip
    return job_id


def _next(found: Schedule, now: datetime) -> datetime | None:
    return None if found.cron is None else next_time(found.cron, found.time_zone, now)


def _locked(connection: TenantConnection, tenant_id: UUID, name: str) -> Schedule:
    found = schedules.find_schedule(connection, tenant_id, name)
    locked = schedules.lock_schedule(connection, tenant_id, found.schedule_id)
    if locked is None or locked.removed_at is not None:  # while this waited for the lock
        return _locked(connection, tenant_id, name)
    return locked


def _looked_at(
    connection: TenantConnection, tenant_id: UUID, name: str, expected: str | None, *, mine: str
) -> Schedule:
    """The schedule of a name, locked, in the version that is expected, if any is."""
    found = _locked(connection, tenant_id, name)
    after = schedules.names_after(connection, tenant_id, found.schedule_id)
    refuse_another(ScheduleView(schedule=found, after=after), expected, mine=mine)
    return found


def refuse_another(stands: ScheduleView, expected: str | None, *, mine: object) -> None:
    """Conflict with both where a schedule is in another version than is expected, if any is."""
    if expected is not None and stands.version != expected:
        raise changed_meanwhile("If-Match", stands.version, mine=mine, theirs=stands.plan)


def view_of(connection: TenantConnection, tenant_id: UUID, name: str) -> ScheduleView:
    """The schedule of a name with those it comes after; NotFound where there is none."""
    found = schedules.find_schedule(connection, tenant_id, name)
    return ScheduleView(schedule=found, after=schedules.names_after(connection, tenant_id, found.schedule_id))


def note(connection: TenantConnection, tenant_id: UUID, action: str, schedule: Schedule, **payload: object) -> None:
    """Add to the audit chain what was done about a schedule; last in its transaction."""
    said: Mapping[str, object] = {"name": schedule.name, **payload}
    audit.append(connection, tenant_id, action=action, resource=f"schedule/{schedule.schedule_id}", payload=said)
