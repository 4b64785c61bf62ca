"""What an error quotes of a file may be somebody's: it is kept neither for good nor once they are erased."""

from __future__ import annotations

import pytest

from headwater.errors import HeadwaterError, InputRefused, Stopped
from headwater.jobs.attempt import told
from headwater.services.access.erasing import erase_subject
from headwater.services.connectors.keeping import add
from headwater.services.imports import plan_file
from headwater.services.job_ends import end_job
from headwater.services.jobs import ask_retry_failed
from headwater.services.kept_mappings import keep_mapping
from headwater.services.run_ends import noted_if_broken_off
from headwater.services.uploads import looking
from headwater.store import runs
from headwater.store.connectors import set_circuit
from headwater.store.failures import translated
from headwater.store.runs import Run
from tests.integration.access.test_personal_values import ANN, BOB, load, proved
from tests.integration.jobs.test_asking import ask, begun
from tests.integration.jobs.test_files_looked_at import sent
from tests.river import River

pytestmark = pytest.mark.server
QUOTED = "SELECT error FROM {} WHERE error::text ~ 'Lovelace'"


def planned(river: River) -> Run:
    load(river, ANN, BOB)
    run_id = plan_file(river.installation, river.folder / "erp_worker.csv", str(river.folder / "erp_worker.yaml"))
    here = river.installation
    with here.database.connect(here.tenant_id) as connection:
        return runs.get_run(connection, here.tenant_id, run_id)


def test_what_a_run_read_when_it_broke_off_stands_neither_with_it_nor_in_the_chain(river: River) -> None:
    here, run = river.installation, planned(river)
    with pytest.raises(InputRefused), noted_if_broken_off(here, run):
        raise InputRefused("this is no record", where="line 2", value=ANN)

    (ended,) = river.rows("SELECT error FROM runs WHERE run_id = %(run)s", run=run.run_id)
    assert ended["error"]["message"] == "line 2: this is no record."
    assert river.rows("SELECT FROM audit_entries WHERE payload ~ 'Lovelace'") == []


def test_what_a_file_was_refused_for_goes_where_somebody_is_erased(river: River) -> None:
    load(river, ANN, BOB)
    here = river.installation
    keep_mapping(here, (river.folder / "erp_worker.yaml").read_text())
    content = b'{"worker_id": "hr/4712", "name": "Bob"}\n{"worker_id": "hr/4711", Lovelace}\n'
    refused = looking.go_on(here, sent(here, "staff.jsonl", content, "erp_worker"))
    assert refused.state == "refused"
    job = begun(here, ask(here, river))
    end_job(here, job, "failed", told(InputRefused("this is no record", value=ANN)))
    kept = ("imports", "jobs")
    assert all(river.rows(QUOTED.format(table)) for table in kept)

    erase_subject(here, "erp.worker", "hr/4711", reason="asked for")

    assert not any(river.rows(QUOTED.format(table)) for table in kept)
    (row,) = river.rows("SELECT error FROM imports")
    assert refused.error is not None
    assert row["error"] == {**refused.error, "value": None}


def test_a_value_that_the_database_did_not_take_stands_neither_with_the_run_nor_in_the_chain(river: River) -> None:
    here, run = river.installation, planned(river)
    with (
        pytest.raises(Stopped, match="Ann Lovelace"),
        noted_if_broken_off(here, run),
        here.database.connect(here.tenant_id) as connection,
        translated("load"),
    ):
        connection.execute("SELECT 'Ann Lovelace'::numeric")

    assert not river.rows(QUOTED.format("runs"))
    assert river.rows("SELECT FROM audit_entries WHERE payload ~ 'Lovelace'") == []


@pytest.mark.parametrize("quoted", ["no number (value: '{}'). Cut it.", "the server cannot give these rows: no {}."])
def test_what_errors_quoted_before_goes_where_somebody_is_erased(river: River, quoted: str) -> None:
    here, run, said = river.installation, planned(river), quoted.format("Ann Lovelace")
    with pytest.MonkeyPatch.context() as before:
        before.setattr(HeadwaterError, "as_kept", lambda _: {"kind": "InputRefused", "message": said})
        with pytest.raises(InputRefused), noted_if_broken_off(here, run):
            raise InputRefused("no number")
    river.change(
        "UPDATE chunks SET state = 'failed', error = jsonb_build_object('message', %(said)s::text)"
        " WHERE run_id = %(run)s",
        said=said,
        run=run.run_id,
    )
    river.change(
        "INSERT INTO notifications (tenant_id, notification_id, event, severity, resource, occurrence, correlation_id,"
        " summary, data, happened_at) SELECT tenant_id, gen_random_uuid(), 'run.failed', 'error', 'run', '', '',"
        " %(said)s, jsonb_build_object('error', %(said)s::text), now() FROM tenants WHERE tenant_id = %(tenant)s",
        said=said,
        tenant=here.tenant_id,
    )
    connector = add(here, "staff", "sqlite", {"path": str(river.folder / "staff.db")}).connector_id
    with here.database.connect(here.tenant_id) as connection:
        set_circuit(connection, here.tenant_id, connector, state="closed", failures=1, last_error=said)
    job = ask_retry_failed(here, "staff")
    river.change(
        "INSERT INTO update_log SELECT tenant_id, job_id, told.name, NULL, 'nightly', 0, 0, 0, 0, 0, told.error, '{}'"
        " FROM jobs,"
        " (VALUES ('refused', jsonb_build_object('refused', %(said)s::text)), ('failed', jsonb_build_object("
        "  'failed_of', jsonb_build_object('message', %(said)s::text))), ('facts', jsonb_build_object("
        "  'failed_of', jsonb_build_object('what', 'no number', 'value', 'Ann Lovelace'), 'chunks_failed', 1))"
        " ) AS told (name, error) WHERE job_id = %(job)s",
        said=said,
        job=job,
    )
    kept = {"runs": "error", "chunks": "error", "notifications": "ROW(summary, data)", "source_circuits": "last_error"}
    kept["update_log"] = "errors"
    theirs = "SELECT FROM {} WHERE ({})::text ~ 'Lovelace'"
    assert all(river.rows(theirs.format(*each)) for each in kept.items())

    erase_subject(here, "erp.worker", "hr/4711", reason="asked for")

    assert not any(river.rows(theirs.format(*each)) for each in kept.items())
    (left,) = river.rows("SELECT errors FROM update_log WHERE source_name = 'facts'")
    assert left["errors"] == {"failed_of": {"what": "no number"}, "chunks_failed": 1}
    proved(river)
