"""Jobs of workers, schedules, and the update log."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NotRequired
from uuid import UUID

from typing_extensions import TypedDict

from headwater.services.answers.kinds import FreeObject, Id
from headwater.services.answers.runs import ErrorKept, RunState, RunTold


class JobAsked(TypedDict):
    """What was asked for.

    job_id  ask `/jobs/{job_id}` what became of it
    """

    job_id: Id


class JobListed(TypedDict):
    """A job as it stands.

    kind             what it does: import, sync, resume, retry_failed, inventory
    label            what with, for people
    arguments        what it was asked with; its fields depend on `kind`
    priority         among the organisation's own; the higher comes first
    time_limit       seconds of one attempt; null: as long as it takes
    asked_by         who asked, as the audit chain calls them
    schedule         name of the schedule that asked; null where none has
    correlation_id   of the request that asked for it
    not_before       of one that is tried again later
    heartbeat        when whoever works on it was heard of last
    error            why the last attempt failed
    result           what it came to, where that is no run; its fields depend on `kind`
    fence            number of whoever has taken it last
    sources_planned  how many files or tables it reads; null until its worker has listed them, and of an inventory. An
                     archive counts as one until it is read, and then as the files in it
    sources_done     how many of these came to their end: loaded, refused, or left as they are
    """

    job_id: UUID
    kind: str
    label: str
    arguments: FreeObject
    queue: str
    priority: int
    time_limit: int | None
    most_attempts: int
    asked_by: str
    correlation_id: str | None
    state: RunState
    attempts: int
    asked_at: datetime
    not_before: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    heartbeat: datetime | None
    cancel_asked_at: datetime | None
    cancel_asked_by: str | None
    error: ErrorKept | None
    result: FreeObject | None
    fence: int
    sources_planned: int | None
    sources_done: int
    schedule: str | None


class JobShown(JobListed):
    """A job with the runs that it has planned or gone on with."""

    runs: list[RunTold]


class ScheduleShown(TypedDict):
    """A schedule, and those it comes after.

    kind           what it has done: import, sync, retry_failed
    label          what with, for people
    arguments      of each job; its fields depend on `kind`
    priority       among the organisation's own; the higher comes first
    time_limit     seconds of one attempt; null: as long as it takes
    cron           minute, hour, day, month, weekday; null where it comes after others
    missed         about times at which no worker ran
    next_at        when it is due next; null where it is paused, or comes after others
    paused_at      null where it is not paused
    after          names of those that it comes after
    version        what an edit must name, as ETag
    """

    schedule_id: UUID
    name: str
    kind: str
    label: str
    arguments: FreeObject
    queue: str
    priority: int
    time_limit: int | None
    most_attempts: int
    cron: str | None
    time_zone: str
    missed: Literal["skip", "catch_up"]
    created_by: str
    next_at: datetime | None
    paused_at: datetime | None
    created_at: datetime
    after: list[str]
    version: str


class TimeSeenTo(TypedDict):
    """A time of a schedule, and what was done about it.

    outcome  asked: a job was asked for; skipped: none was
    reason   why it was skipped, or who asked at another time than its own
    state    of the job; null where there is none
    error    why the job failed, or its last attempt
    """

    due_at: datetime
    outcome: Literal["asked", "skipped"]
    reason: str | None
    job_id: UUID | None
    state: RunState | None
    started_at: datetime | None
    finished_at: datetime | None
    error: ErrorKept | None


class UpdateErrors(TypedDict):
    """What was wrong with a source at a time; each only where there is some.

    failed_of        why its run did not come to its end, or the job had none
    chunks_failed    gaps
    refused_by_rule  rule → findings on records that are open in quarantine
    refused          why it could not be read at all
    """

    failed_of: NotRequired[ErrorKept]
    chunks_failed: NotRequired[int]
    refused_by_rule: NotRequired[dict[str, int]]
    refused: NotRequired[str]


class Improvements(TypedDict):
    """What got better; each only where there is some.

    no_longer_refused  records refused before
    records_corrected  records that were replaced
    failures_ended     jobs of the schedule that failed or left gaps, one after another, before this one succeeded
    """

    no_longer_refused: NotRequired[int]
    records_corrected: NotRequired[int]
    failures_ended: NotRequired[int]


class UpdateListed(TypedDict):
    """What a job of a schedule did with one source, in records.

    schedule  its name then
    source_name  of a job that failed before it had a run, what it was about
    run_id    null where the source was as it was, or could not be read at all
    """

    schedule: str
    job_id: UUID
    source_name: str
    run_id: UUID | None
    read: int
    inserted: int
    updated: int
    unchanged: int
    quarantined: int
    errors: UpdateErrors
    improvements: Improvements
    noted_at: datetime
