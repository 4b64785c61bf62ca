"""The list of jobs shows of each what the page of one shows."""

from __future__ import annotations

from dataclasses import fields

from headwater.services.house_lists import JOBS
from headwater.store.jobs import Job


def test_all_of_a_job_is_listed_but_its_place_in_the_queue() -> None:
    assert set(JOBS.columns) == {each.name for each in fields(Job)} - {"queue_id", "lock", "schedule"}
