"""Another plan for a schedule: its times, those it comes after, how its jobs are done, what they do.

The next time is one of the new plan from the moment it is changed. A job that was asked for already stays as it is.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from headwater.services.access.policy import Right
from headwater.services.connectors.absent import refuse_absent
from headwater.services.jobs import Manner, wanted_by_recipe
from headwater.services.kept_recipes import Said, recipe_wanted, said_of
from headwater.services.kept_recipes import wanted as wanted_by_name
from headwater.services.schedule_times import next_time, zone_of
from headwater.services.schedules import ScheduleView, note, refuse_another, refuse_both, view_of
from headwater.store import schedules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from headwater.pipeline.recipe import Recipe
    from headwater.services.installation import Installation
    from headwater.services.jobs import Wanted
    from headwater.store.database import TenantConnection
    from headwater.store.schedules import Schedule

Changes = dict[str, Any]
"""cron, time_zone, after, missed, queue, priority, time_limit, attempts: as in a plan; those left out stay."""


def change(
    installation: Installation,
    name: str,
    changes: Changes,
    *,
    recipe: tuple[Recipe, Path] | None = None,
    now: datetime,
) -> ScheduleView:
    """Change it, by whoever is at the server; another recipe, where one is said, with the folder of its paths."""
    installation.require(Right.TRANSFORM, on=f"schedule/{name}")
    wanted = None if recipe is None else wanted_by_recipe(installation, *recipe, every=False)
    if recipe is not None:
        refuse_absent(installation, recipe[0])
    return _changed(installation, name, changes, wanted=wanted, expected=None, now=now)


def change_kept(
    installation: Installation,
    name: str,
    changes: Changes,
    *,
    source: Mapping[str, Any] | None = None,
    how: Mapping[str, Any] | None = None,
    expected: str | None = None,
    now: datetime,
) -> ScheduleView:
    """The same for whoever is not at the server. Conflict where it is another by now than was looked at.

    source: what is read, in place of all that was said of it; `how` it is: by which `mapping` and `strategy`.
    """
    installation.require(Right.TRANSFORM, on=f"schedule/{name}")
    if not source and not how:
        return _changed(installation, name, changes, wanted=None, expected=expected, now=now)
    with installation.database.connect(installation.tenant_id) as connection:
        stands = view_of(connection, installation.tenant_id, name)
    refuse_another(stands, expected, mine=_mine(changes, source, how))
    wanted = wanted_by_name(installation, _said(stands.schedule, source, how or {}))
    refuse_absent(installation, recipe_wanted(wanted))
    # What is left out of what is said stays as it was looked at here.
    return _changed(installation, name, changes, wanted=wanted, expected=stands.version, now=now)


def _said(stands: Schedule, source: Mapping[str, Any] | None, how: Mapping[str, Any]) -> Said:
    if source and "mapping" in how:
        return Said(**{"strategy": stands.arguments["recipe"]["load"]["strategy"], **source, **how})
    before = said_of(stands.arguments, where=f"schedule {stands.name}")
    if source is None:
        return replace(before, **how)
    return Said(**{"mapping": before.mapping, "strategy": before.strategy, **source, **how})


def _changed(
    installation: Installation,
    name: str,
    changes: Changes,
    *,
    wanted: Wanted | None,
    expected: str | None,
    now: datetime,
) -> ScheduleView:
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        schedules.lock_all(connection, tenant_id)
        was = view_of(connection, tenant_id, name)
        refuse_another(was, expected, mine=changes)
        changed, after = _with(was, changes, wanted)
        if (changed, sorted(after)) == (was.schedule, sorted(was.after)):
            return was
        schedules.change_schedule(connection, tenant_id, _plan_alone(changed))
        if sorted(after) != sorted(was.after):
            others = [schedules.find_schedule(connection, tenant_id, each).schedule_id for each in after]
            schedules.set_after(connection, tenant_id, changed.schedule_id, others)
        _plan_next(connection, installation, was.schedule, changed, now)
        view = view_of(connection, tenant_id, name)
        note(connection, tenant_id, "schedule.changed", changed, **_told(was, view))
        return view


def _with(was: ScheduleView, changes: Changes, wanted: Wanted | None) -> tuple[Schedule, list[str]]:
    """The schedule as it is to be, and what it comes after. To say one of times and others takes the other away."""
    found, said = was.schedule, dict(changes)
    if said.get("cron") is not None:
        said.setdefault("after", [])
    if said.get("after"):
        said.setdefault("cron", None)
    after = list(dict.fromkeys(said.pop("after", was.after)))
    if "attempts" in said:
        said["most_attempts"] = said.pop("attempts")
    changed = replace(found, **said, **({} if wanted is None else asdict(wanted)))
    refuse_both(found.name, changed.cron, after)
    zone_of(changed.time_zone)
    Manner(queue=changed.queue)
    return changed, after


def _plan_next(
    connection: TenantConnection, installation: Installation, was: Schedule, changed: Schedule, now: datetime
) -> None:
    """Its next time is of the new plan at once; where its times are as they were, that is as it was, too.

    A time of the old plan that has come, and which no worker has seen to, stands in the history.
    """
    if (was.cron, was.time_zone) == (changed.cron, changed.time_zone):
        return
    first = None if changed.cron is None else next_time(changed.cron, changed.time_zone, now)
    tenant_id = installation.tenant_id
    if was.next_at is not None and was.next_at <= now:
        reason = "its times were changed before a worker came to it"
        schedules.note_time(connection, tenant_id, was.schedule_id, was.next_at, job_id=None, reason=reason)
    schedules.arm(connection, tenant_id, was, first if was.paused_at is None else None)


def _plan_alone(schedule: Schedule) -> schedules.NewSchedule:
    of_plan = schedules.NewSchedule.__dataclass_fields__
    return schedules.NewSchedule(**{name: getattr(schedule, name) for name in of_plan})


def _mine(changes: Changes, source: Mapping[str, Any] | None, how: Mapping[str, Any] | None) -> Changes:
    return changes | ({"source": dict(source)} if source else {}) | dict(how or {})


def _told(was: ScheduleView, now: ScheduleView) -> dict[str, object]:
    """What the audit chain holds. A folder of the server is told of by name only."""
    before, after = was.plan, now.plan
    names = [name for name in after if before[name] != after[name]]
    moved = was.schedule.arguments.get("base") != now.schedule.arguments.get("base")
    return {
        "changed": sorted([*names, *(["folder"] if moved else [])]),
        "before": {name: before[name] for name in names},
        "after": {name: after[name] for name in names},
    }
