"""What was accepted is done, and once, whoever is killed on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from fastapi import Response

from headwater.api.idempotency import once
from headwater.errors import Conflict, HeadwaterError, RetryLater
from headwater.services import kept_mappings
from headwater.services.connectors.keeping import add
from headwater.services.installation import Installation
from headwater.services.job_ends import end_job
from headwater.services.jobs import ask_retry_failed
from headwater.services.uploads import looking, receiving
from headwater.services.verification import verify
from headwater.store import imports
from headwater.telemetry import SilentProgress
from tests.integration.jobs.test_asking import ask, job_of
from tests.river import River, activities
from tests.synced import MAPPING

pytestmark = pytest.mark.server
BROKEN = """
CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'killed'; END $$;
CREATE TRIGGER broken BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION broken();
"""


HELD = """WITH held AS (SELECT pid FROM pg_stat_activity WHERE datname = current_database()
    AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory'))"""


class Killed(BaseException):
    """The process is gone: nothing after this is done."""


def sent(river: River, content: str) -> UUID:
    """A file that arrived whole, when the server was killed."""
    installation = river.installation
    kept_mappings.keep_mapping(installation, Path(river.mapping("activity_form")).read_text())
    import_ = receiving.begin(installation, "meters.csv", len(content), mapping="activity_form")
    receiving_ = receiving.receive(installation, import_.import_id, 0)
    receiving_.take(content.encode())
    assert receiving_.close()
    return import_.import_id


def import_of(river: River, import_id: UUID) -> imports.Import:
    with river.installation.database.connect(river.installation.tenant_id) as connection:
        return imports.get_import(connection, river.installation.tenant_id, import_id)


@pytest.mark.parametrize("content", [b"a", b"all"])
def test_who_sends_a_file_while_the_database_is_lost_is_told_to_come_again(river: River, content: bytes) -> None:
    import_ = receiving.begin(river.installation, "meters.csv", len(b"all"), mapping=None)
    receiving_ = receiving.receive(river.installation, import_.import_id, 0)
    receiving_.take(content)
    river.change("SELECT pg_terminate_backend(%(pid)s)", pid=receiving_.connection.info.backend_pid)
    with pytest.raises(RetryLater):
        receiving_.close()
    assert (
        receiving.receive(river.installation, import_.import_id, 0).close() is False
    )  # nobody holds it, nothing is noted


def test_a_file_is_a_run_with_a_job_or_neither_and_a_worker_goes_on_with_it(river: River) -> None:
    import_id = sent(river, activities([{"activity_id": "a"}]))
    (look,) = river.rows("SELECT task_name, args, scheduled_at FROM headwater_queue.procrastinate_jobs")
    assert (look["task_name"], look["args"]["id"]) == ("go_on", str(import_id))
    assert 30 < (look["scheduled_at"] - datetime.now(UTC)).total_seconds() < 90

    river.change(BROKEN)
    with pytest.raises(HeadwaterError, match="killed"):
        looking.go_on_if_left(river.installation, import_id)
    assert import_of(river, import_id).state == "mapped"
    assert river.rows("SELECT FROM runs") == river.rows("SELECT FROM jobs") == []
    river.change("DROP TRIGGER broken ON jobs")

    with imports.hold(river.installation.database, river.installation.tenant_id, import_id):
        assert looking.go_on_if_left(river.installation, import_id) == 60, "somebody is at it still"
    assert looking.go_on_if_left(river.installation, import_id) is None
    planned = import_of(river, import_id)
    (job,) = river.rows("SELECT job_id, kind, asked_by, arguments FROM jobs")
    assert (job["job_id"], job["kind"], job["asked_by"]) == (planned.job_id, "resume", planned.created_by)
    assert river.rows("SELECT run_id FROM runs") == [{"run_id": planned.run_id}]
    assert job["arguments"] == {"run_id": str(planned.run_id)}

    folder = receiving.folder_of(river.installation, import_id)
    folder.mkdir()  # as where the server was killed just before it removed it
    assert looking.go_on_if_left(river.installation, import_id) is None
    assert not folder.exists()
    assert len(river.rows("SELECT FROM runs")) == 1


def test_what_is_refused_is_told_whatever_bytes_it_is_about(river: River) -> None:
    installation, content = river.installation, b"m.csv\0\0\0".ljust(257, b"\0") + b"ustar\x0000" + b"\0" * 1000
    import_ = receiving.begin(installation, "m.tar", len(content), mapping=None)
    receiving_ = receiving.receive(installation, import_.import_id, 0)
    receiving_.take(content)
    assert receiving_.close()
    assert looking.go_on(installation, import_.import_id).state == "refused"
    error = import_of(river, import_.import_id).error
    assert error is not None
    assert "\ufffd" in error["value"]
    ended = ask(installation, river)
    end_job(installation, job_of(installation, ended), "failed", {"kind": "InputRefused", "value": "a\0\udc80"})
    assert job_of(installation, ended).error == {"kind": "InputRefused", "value": "a\ufffd\ufffd"}


def test_a_mapping_that_is_kept_and_not_used_yet_is_no_difference(river: River) -> None:
    kept_mappings.keep_mapping(river.installation, yaml.safe_dump(MAPPING))
    assert verify(river.installation, progress=SilentProgress()).differences == ()


def asked(installation: Installation, key: str, work: Callable[[Installation], Awaitable[Response]]) -> Response:
    return asyncio.run(once(installation, key, b"a" * 32, work, shown_once=False))


@pytest.mark.parametrize("after", ["it wrote", "nothing"])
def test_a_write_whose_server_was_killed_is_done_again_only_where_it_was_not_done(river: River, after: str) -> None:
    installation = river.installation
    add(installation, "crm", "sqlite", {"path": str(river.folder / "crm.db")})

    async def killed(own: Installation) -> Response:
        if after == "it wrote":
            ask_retry_failed(own, "crm")
        raise Killed

    async def answered(own: Installation) -> Response:
        return Response(str(ask_retry_failed(own, "crm")), status_code=202)

    with suppress(Killed):
        asked(installation, "k", killed)
    if after == "nothing":
        first = asked(installation, "k", answered)
        assert asked(installation, "k", answered).body == first.body
    else:
        with pytest.raises(Conflict, match="its answer was lost") as refused:
            asked(installation, "k", answered)
        (job,) = river.rows("SELECT job_id FROM jobs")
        assert refused.value.where == f"job/{job['job_id']}"
    assert len(river.rows("SELECT FROM jobs")) == 1


def test_who_has_lost_the_hold_on_a_request_writes_nothing_once_another_has_taken_it(river: River) -> None:
    """Its session is ended by the server while it works; the same is sent again, and done."""
    installation = river.installation
    add(installation, "crm", "sqlite", {"path": str(river.folder / "crm.db")})
    answers: list[Response] = []

    async def done(own: Installation) -> Response:
        return Response(str(ask_retry_failed(own, "crm")), status_code=202)

    async def overtaken(own: Installation) -> Response:
        lost = river.rows(HELD + "SELECT count(pg_terminate_backend(pid, 5000)) AS n FROM held")
        assert lost == [{"n": 1}]
        answers.append(await once(installation, "k", b"a" * 32, done, shown_once=False))
        return await done(own)

    with pytest.raises(HeadwaterError):  # it cannot even forget that it began
        asked(installation, "k", overtaken)
    assert len(river.rows("SELECT FROM jobs")) == 1
    assert asked(installation, "k", done).body == answers[0].body
    (request,) = river.rows("SELECT status, wrote FROM api_requests")
    (job,) = river.rows("SELECT job_id FROM jobs")
    assert request == {"status": 202, "wrote": f"job/{job['job_id']}"}
