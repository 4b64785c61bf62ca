"""`headwater schedules`: recipes that are run at times of day, or after others."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import in_words, print_facts, print_json, print_table, told_of
from headwater.cli.runs import Limit
from headwater.cli.session import installation
from headwater.documents.counted import counted
from headwater.errors import as_told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.services.listing import Page
    from headwater.services.schedules import ScheduleView

app = typer.Typer(no_args_is_help=True, help="Recipes that workers run at times of day, or after others.")

Name = Annotated[str, typer.Argument(help="Name of the schedule.", show_default=False)]
CRON = "Minute, hour, day, month, weekday; or @hourly, @daily, @weekly, @monthly, @annually."
ZONE = "Whose clocks the times are of, as Europe/Berlin."
AFTER = "In place of times: once this schedule has succeeded; of several, once all have."
MISSED = "What is done about times at which no worker ran: nothing, or one job for all of them."
PRIORITY = "Among the organisation's jobs; the higher comes first."
LIMIT = "Seconds that an attempt may take."
ATTEMPTS = "How often it is tried where that may help."


class Missed(StrEnum):
    """What is done about times at which no worker ran."""

    SKIP = "skip"
    CATCH_UP = "catch-up"


KEPT_AS: dict[Missed, Literal["skip", "catch_up"]] = {Missed.SKIP: "skip", Missed.CATCH_UP: "catch_up"}


@app.command()
def add(
    name: Name,
    recipe: Annotated[Path, typer.Argument(help="The recipe: a YAML or JSON file.", show_default=False)],
    *,
    cron: Annotated[str | None, typer.Option(help=CRON)] = None,
    time_zone: Annotated[str, typer.Option(help=ZONE)] = "UTC",
    after: Annotated[list[str] | None, typer.Option("--after", help=AFTER)] = None,
    missed: Annotated[Missed, typer.Option(help=MISSED)] = Missed.SKIP,
    queue: Annotated[str, typer.Option(help="The queue of its jobs.")] = "default",
    priority: Annotated[int, typer.Option(min=-100, max=100, help=PRIORITY)] = 0,
    time_limit: Annotated[int | None, typer.Option(min=1, help=LIMIT, show_default="none")] = None,
    attempts: Annotated[int, typer.Option(min=1, max=100, help=ATTEMPTS)] = 5,
    as_json: AsJson = False,
) -> None:
    """Have workers run a recipe at times, or after others have succeeded. The recipe is kept as it says now.

    A time that the clocks skip in spring is due when they have been put forward, one that they show twice in autumn is
    due once. Where its job of before has not ended, a time is skipped.

    \b
    Examples:
      headwater schedules add meters meters.yaml --cron "30 2 * * *" --time-zone Europe/Berlin
      headwater schedules add reports reports.yaml --cron @weekly --missed catch-up
      headwater schedules add inventory inventory.yaml --after meters --after reports
    """
    from headwater.pipeline.recipe import load_recipe
    from headwater.services import schedules
    from headwater.services.jobs import Manner

    when = schedules.When(
        cron=cron,
        time_zone=time_zone,
        after=tuple(after or ()),
        missed=KEPT_AS[missed],
    )
    manner = Manner(queue=queue, priority=priority, time_limit=time_limit, most_attempts=attempts)
    with installation() as opened:
        view = schedules.add(opened, name, load_recipe(recipe), recipe.parent, when, manner=manner, now=_now())
    _tell(view, as_json=as_json)


@app.command()
def change(
    name: Name,
    recipe: Annotated[
        Path | None, typer.Argument(help="Another recipe: a YAML or JSON file.", show_default="that it has")
    ] = None,
    *,
    cron: Annotated[str | None, typer.Option(help=CRON, show_default=False)] = None,
    time_zone: Annotated[str | None, typer.Option(help=ZONE, show_default=False)] = None,
    after: Annotated[list[str] | None, typer.Option("--after", help=AFTER, show_default=False)] = None,
    missed: Annotated[Missed | None, typer.Option(help=MISSED, show_default=False)] = None,
    queue: Annotated[str | None, typer.Option(help="The queue of its jobs.", show_default=False)] = None,
    priority: Annotated[int | None, typer.Option(min=-100, max=100, help=PRIORITY, show_default=False)] = None,
    time_limit: Annotated[int | None, typer.Option(min=0, help=f"{LIMIT} 0: as long as it takes.")] = None,
    attempts: Annotated[int | None, typer.Option(min=1, max=100, help=ATTEMPTS, show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Give a schedule another plan, from its next time on. What is not named stays; a job asked for stays as it is.

    To name times takes away what it came after, and the other way round. The recipe is kept as it says now.

    \b
    Examples:
      headwater schedules change meters --cron "0 4 * * *" --priority 10
      headwater schedules change reports --after meters
      headwater schedules change meters recipes/meters.yaml
    """
    from headwater.pipeline.recipe import load_recipe
    from headwater.services import schedule_changes

    said: dict[str, object] = {
        "cron": cron, "time_zone": time_zone, "after": after or None, "missed": missed and KEPT_AS[missed],
        "queue": queue, "priority": priority, "attempts": attempts,
    }  # fmt: skip
    changes = {each: value for each, value in said.items() if value is not None}
    if time_limit is not None:
        changes["time_limit"] = time_limit or None
    with installation() as opened:
        another = None if recipe is None else (load_recipe(recipe), recipe.parent)
        view = schedule_changes.change(opened, name, changes, recipe=another, now=_now())
    _tell(view, as_json=as_json)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List schedules, by name.

    \b
    Examples:
      headwater schedules list
    """
    from headwater.services.schedules import list_schedules

    with installation() as opened:
        found = list_schedules(opened)
    if as_json:
        print_json([view.as_json() for view in found])
        return
    print_table(
        ["schedule", "about", "when", "next"],
        [(view.schedule.name, view.schedule.label, _when(view), _next(view)) for view in found],
    )


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show a schedule.

    \b
    Examples:
      headwater schedules show meters
    """
    from headwater.services.schedules import show_schedule

    with installation() as opened:
        view = show_schedule(opened, name)
    _tell(view, as_json=as_json)


@app.command()
def pause(name: Name, as_json: AsJson = False) -> None:
    """Have it due no more until it is resumed. A job at work goes on.

    \b
    Examples:
      headwater schedules pause meters
    """
    from headwater.services import schedules

    with installation() as opened:
        view = schedules.pause(opened, name)
    _tell(view, as_json=as_json)


@app.command()
def resume(name: Name, as_json: AsJson = False) -> None:
    """Have it due again, from its next time on.

    \b
    Examples:
      headwater schedules resume meters
    """
    from headwater.services import schedules

    with installation() as opened:
        view = schedules.resume(opened, name, now=_now())
    _tell(view, as_json=as_json)


@app.command("run-now")
def run_now(name: Name, as_json: AsJson = False) -> None:
    """Ask for its job at once; its times stay.

    \b
    Examples:
      headwater schedules run-now meters
    """
    from headwater.services import schedules

    with installation() as opened:
        job_id = schedules.run_now(opened, name, now=_now())
    if as_json:
        print_json({"job_id": job_id})
    else:
        typer.echo(f"job {job_id}")


@app.command()
def history(name: Name, limit: Limit = 20, as_json: AsJson = False) -> None:
    """Show what was done about its latest times: who asked or why nobody has, how the job ended, and why it failed.

    \b
    Examples:
      headwater schedules history meters
    """
    from headwater.services.house_lists import schedule_history
    from headwater.services.listing import Question

    with installation() as opened:
        page = schedule_history(opened, name, Question(limit=limit, count=True))
    found = page.items
    if as_json:
        print_json(found)
        _tell_shortened(page, "time")
        return
    print_table(
        ["due", "what", "job", "state", "why it failed"],
        [
            (each["due_at"], _outcome(each), each["job_id"], in_words(each["state"] or ""),
             as_told(each["error"] or {}))
            for each in found
        ],
        whole=["due", "job"],
    )  # fmt: skip
    typer.echo(told_of(len(found), page.total or 0, "time"))


@app.command()
def updates(
    name: Annotated[str | None, typer.Argument(help="Of this schedule only.", show_default="all")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Show the update log: what each job of a schedule did, source by source.

    \b
    Examples:
      headwater schedules updates
      headwater schedules updates meters --json
    """
    from headwater.services import house_lists
    from headwater.services.listing import Question

    with installation() as opened:
        page = house_lists.updates(opened, Question(limit=limit, count=True), name=name)
    found = page.items
    if as_json:
        print_json(found)
        _tell_shortened(page, "entry", "entries")
        return
    counts = ["read", "inserted", "updated", "unchanged", "quarantined"]
    print_table(
        ["when", "schedule", "source", *counts, "errors", "improvements"],
        [
            (each["noted_at"], each["schedule"], each["source_name"], *(each[count] for count in counts),
             _errors(each["errors"]), _improvements(each["improvements"]))
            for each in found
        ],
        numbers=counts,
    )  # fmt: skip
    typer.echo(told_of(len(found), page.total or 0, "entry", "entries"))


@app.command()
def remove(name: Name, as_json: AsJson = False) -> None:
    """Remove a schedule. Its history and its jobs stay.

    \b
    Examples:
      headwater schedules remove meters
    """
    from headwater.services import schedules

    with installation() as opened:
        schedules.remove(opened, name)
    if as_json:
        print_json({"removed": name})
    else:
        typer.echo(f"{name} is removed")


def _tell_shortened(page: Page, one: str, many: str | None = None) -> None:
    """Beside a list in JSON, which has no place for it: that it is not all of it."""
    if page.next_cursor is not None:
        typer.echo(f"{told_of(len(page.items), page.total or 0, one, many)}: --limit shows more", err=True)


def _now() -> datetime:
    return datetime.now(UTC)


def _tell(view: ScheduleView, *, as_json: bool) -> None:
    if as_json:
        print_json(view.as_json())
        return
    found = view.schedule
    print_facts(
        [
            ("schedule", found.name),
            ("about", f"{found.kind} {found.label}"),
            ("when", _when(view)),
            ("next", _next(view)),
            ("missed times", "one job for all of them" if found.missed == "catch_up" else "skipped"),
            ("priority", found.priority),
            ("attempts", found.most_attempts),
            ("time limit", None if found.time_limit is None else f"{found.time_limit} s"),
            ("added by", found.created_by),
        ]
    )


def _when(view: ScheduleView) -> str:
    if view.schedule.cron is None:
        return f"after {', '.join(view.after)}"
    return f"{view.schedule.cron} {view.schedule.time_zone}"


def _next(view: ScheduleView) -> object:
    return "paused" if view.schedule.paused_at is not None else view.schedule.next_at


def _outcome(time: Mapping[str, Any]) -> str:
    """That a job was asked for or none was, with who asked or why not."""
    return str(time["outcome"]) if time["reason"] is None else f"{time['outcome']}: {time['reason']}"


def _errors(errors: Mapping[str, Any]) -> str:
    """What was wrong with a source at a time, in words."""
    told = [f"failed: {as_told(errors['failed_of'])}"] if "failed_of" in errors else []
    if "refused" in errors:
        told.append(f"refused: {errors['refused']}")
    if chunks := errors.get("chunks_failed"):
        told.append(f"{counted(chunks, 'chunk')} not loaded")
    told += [f"{rule}: {counted(number, 'finding')}" for rule, number in errors.get("refused_by_rule", {}).items()]
    return "\n".join(told)


def _improvements(told: Mapping[str, Any]) -> str:
    """What got better with a source at a time, in words."""
    lines = []
    if failures := told.get("failures_ended"):
        lines.append(f"works again after {counted(failures, 'failure')}")
    if mended := told.get("no_longer_refused"):
        lines.append(f"{counted(mended, 'record')} no longer refused")
    if corrected := told.get("records_corrected"):
        lines.append(f"{counted(corrected, 'record')} corrected")
    return "\n".join(lines)
