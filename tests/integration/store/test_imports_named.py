"""Imports of a database made before `0070` keep their ids, and name the jobs that carry their runs out."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest

from headwater.store.embedded import APP
from headwater.store.upgrade import QUERIES, apply_migrations, migrations, upgrade
from tests.servers import Installation

pytestmark = pytest.mark.server


def test_imports_of_before_name_the_jobs_that_carry_their_runs_out(empty_database: Installation) -> None:
    begun_by, asked_for, waiting, tenant_id = uuid4(), uuid4(), uuid4(), uuid4()
    runs = {begun_by: uuid4(), asked_for: uuid4()}
    jobs = {import_id: uuid4() for import_id in runs}
    with psycopg.connect(empty_database.owner_url, autocommit=True) as owner:
        owner.execute(QUERIES["create_history"])
        apply_migrations(owner, [each for each in migrations() if each.name < "0070"])
    with psycopg.connect(empty_database.superuser_url) as superuser:
        superuser.execute("SET session_replication_role = replica")  # of their runs nothing is there but the ids
        for import_id in (begun_by, asked_for, waiting):
            run_id = runs.get(import_id)
            superuser.execute(
                "INSERT INTO import_jobs (tenant_id, job_id, state, name, size, run_id, created_by)"
                " VALUES (%s, %s, %s, 'a.csv', 1, %s, 'somebody')",
                (tenant_id, import_id, "planned" if run_id else "inspected", run_id),
            )
        for import_id, job_id in jobs.items():
            of_run = runs[import_id] if import_id == asked_for else uuid4()
            superuser.execute(
                "INSERT INTO jobs (tenant_id, job_id, kind, label, arguments, asked_by)"
                " VALUES (%s, %s, 'resume', 'a.csv', jsonb_build_object('run_id', %s::uuid), 'somebody')",
                (tenant_id, job_id, of_run),
            )
        superuser.execute(
            "INSERT INTO job_runs (tenant_id, job_id, run_id) VALUES (%s, %s, %s)",
            (tenant_id, jobs[begun_by], runs[begun_by]),
        )
    upgrade(empty_database.owner_url, APP, [])
    with psycopg.connect(empty_database.superuser_url) as superuser:
        found = superuser.execute("SELECT import_id, job_id FROM imports").fetchall()
        forced = superuser.execute(
            "SELECT relname FROM pg_class WHERE relname IN ('imports', 'jobs', 'job_runs') AND relforcerowsecurity"
        ).fetchall()
    assert dict(found) == {**jobs, waiting: None}
    assert len(forced) == 3
