from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from headwater.api.metrics import figures_of
from headwater.services.jobs import ask_resume
from headwater.services.watching.measuring import measure_all
from headwater.services.watching.report import report
from headwater.store.queue import ROWS_A_WORKER
from tests.river import activities
from tests.workers import Workshop, until

if TYPE_CHECKING:
    from tests.river import River

pytestmark = pytest.mark.server


def test_what_waits_is_stuck_fails_or_is_late_is_told(river: River) -> None:
    ours = river.installation
    run, _ = river.load(activities([{"activity_id": "A"}, {"activity_id": "B", "quantity": "no"}]))
    assert report(ours).state in {"warn", "bad"}  # half of all records were refused
    job = ask_resume(ours, str(run))
    river.change(
        "UPDATE headwater_queue.procrastinate_events SET at = now() - interval '20 minutes';"
        " UPDATE audit_entries SET at = now() - interval '1 hour';"
        " UPDATE runs SET state = 'running', finished_at = NULL, started_at = now() - interval '2 hours';"
        " UPDATE chunks SET committed_at = now() - interval '1 hour'"
    )
    schedule, values = uuid4(), {"tenant": ours.tenant_id, "job": job}
    river.change(
        "INSERT INTO scheduled_jobs (tenant_id, schedule_id, name, kind, label, arguments, queue, priority,"
        " most_attempts, cron, time_zone, missed, next_at, created_by) VALUES (%(tenant)s, %(schedule)s, 'nightly',"
        " 'import', 'x', '{}', 'default', 0, 1, '0 2 * * *', 'UTC', 'skip', now() - interval '1 hour', 'test')",
        **values, schedule=schedule,
    )  # fmt: skip
    river.change(
        "INSERT INTO schedule_history (tenant_id, schedule_id, due_at, outcome, job_id)"
        " VALUES (%(tenant)s, %(schedule)s, now(), 'asked', %(job)s)",
        **values, schedule=schedule,
    )  # fmt: skip
    river.change("UPDATE jobs SET state = 'failed', finished_at = now() WHERE job_id = %(job)s", job=job)
    parts = {part.name: part for part in report(ours).parts}
    assert (parts["queue"].state, "the first for 20 minutes" in parts["queue"].says) == ("warn", True)
    assert (parts["workers"].state, parts["database"].state) == ("bad", "ok")
    assert parts["runs"].state == "bad"
    assert "1 at work, 1 of them stuck" in parts["runs"].says
    assert (parts["schedules"].state, parts["schedules"].remedy) == (
        "bad",
        "`headwater schedules history nightly` tells why.",
    )
    told: dict[str, Any] = dict(figures_of(measure_all(ours)))
    assert told["headwater_queue_waiting_jobs"] == [(("default",), 1)]
    for name in ("runs_stuck", "schedules_failing", "schedules_late", "records_quarantined_last_day"):
        assert told[f"headwater_{name}"] == [((), 1.0)], name
    river.change("UPDATE audit_entries SET at = now() WHERE action = 'run.started'")  # it is gone on with
    assert dict(figures_of(measure_all(ours)))["headwater_runs_stuck"] == [((), 0.0)]
    river.change("UPDATE audit_entries SET at = now() - interval '1 hour'")
    assert dict(figures_of(measure_all(ours)))["headwater_runs_stuck"] == [((), 1.0)]
    river.change("UPDATE chunks SET committed_at = %(now)s", now=datetime.now(UTC))
    assert dict(figures_of(measure_all(ours)))["headwater_runs_stuck"] == [((), 0.0)]


def test_a_process_is_one_worker(river: River, workshop: Workshop) -> None:
    rows = "SELECT FROM headwater_queue.procrastinate_workers"

    def are(workers: int) -> bool:
        return len(river.rows(rows)) == workers * ROWS_A_WORKER

    for number in (1, 2):
        workshop.worker()
        until(partial(are, number), "all that a worker serves")
        parts = {part.name: part for part in report(river.installation).parts}
        assert (parts["workers"].state, parts["workers"].figures) == ("ok", {"alive": number})
    assert are(2)


def test_the_command_ends_with_1_where_something_is_bad(river: River) -> None:
    data = str(river.installation.settings.data_dir)
    for url, database in ((river.app_url, "ok"), ("postgresql://nobody@127.0.0.1:1/none", "bad")):
        environ = {**os.environ, "HEADWATER_DATABASE_URL": url, "HEADWATER_DATA_DIR": data}
        command = [sys.executable, "-c", "from headwater.cli.main import run; run()", "health", "--json"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        told = json.loads(done.stdout)
        assert {part["name"]: part["state"] for part in told["parts"]}["database"] == database, done.stderr
        assert done.returncode == (1 if told["state"] == "bad" else 0)
