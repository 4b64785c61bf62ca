"""How many sources a job has, and how many of these came to their end, told in its row whenever it changes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from headwater.store import jobs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from headwater.services.installation import Installation
    from headwater.store.jobs import Job
    from headwater.store.runs import Run

TOLD_EVERY = 0.5
"""Seconds: of files that are left as they are, a thousand may come to their end in one."""
LOADED = ("succeeded", "succeeded_with_quarantine")
ONLY = "its one source"
"""What the one source of a job is called before its run is planned."""


class Sources:
    """The sources of an attempt by name, with those of the attempts before it, which it goes on with.

    An archive counts as one until it is opened, and then as the files in it.
    """

    def __init__(self, installation: Installation, job: Job, before: Sequence[Run]) -> None:
        self._installation, self._job = installation, job
        self._before = {run.source_name for run in before}
        self._opened = {run.layout["archive"]["name"] for run in before if "archive" in run.layout}
        self._planned: set[str] | None = None
        self._ended = {run.source_name for run in before if run.state in LOADED}
        self._told, self._told_at = (job.sources_planned, job.sources_done), 0.0

    def listed(self, names: Iterable[str] = ()) -> None:
        """These are the sources, beside those of the attempts before."""
        self._planned = (set(names) - self._opened) | self._before
        self.tell()

    def opened(self, file: str, members: Collection[str]) -> None:
        """In place of a file of a store its members are sources: of what is no archive, the file itself."""
        if self._planned is not None:
            self._planned = self._planned - {file} | set(members)
            self.tell()

    def ended(self, name: str, *, is_left: bool = False) -> None:
        """One came to its end, or is left as it is."""
        self._ended.add(name)
        if not is_left or time.monotonic() - self._told_at >= TOLD_EVERY:
            self.tell()

    def tell(self) -> None:
        """Note it where it is not noted yet. How many were planned before stands until they are listed anew."""
        planned = self._told[0] if self._planned is None else len(self._planned)
        done = len(self._ended if self._planned is None else self._ended & self._planned)
        if (planned, done) == self._told:
            return
        installation, job = self._installation, self._job
        with installation.database.connect(installation.tenant_id) as connection:
            jobs.note_sources(
                connection, installation.tenant_id, job.job_id, planned=planned, done=done, fence=job.fence
            )
        self._told, self._told_at = (planned, done), time.monotonic()
