from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from headwater.errors import Misuse, RetryLater, Stopped
from headwater.store import audit
from headwater.store.blobs import Blob
from headwater.store.chunks import PlannedChunk, chunks_of, chunks_to_do, get_chunk, ledger_of, mark_failed
from headwater.store.cited_blobs import all_cited_blobs, cite_blob, get_cited_blob, size_is_known
from headwater.store.database import TenantConnection
from headwater.store.documents import all_documents, get_contract, get_document, list_contracts, put_document
from headwater.store.runs import (
    NewRun,
    create_run,
    find_run,
    finish_run,
    get_run,
    hold_run,
    list_runs,
    records_done,
    set_lineage,
    start_run,
)
from tests.servers import Installation

pytestmark = pytest.mark.server

RAW = Blob(sha256=bytes([1] * 32), size=1000)


@pytest.fixture
def connection(installation: Installation) -> Iterator[TenantConnection]:
    with installation.database.connect(installation.tenant_id) as opened:
        yield opened


@pytest.fixture
def run(connection: TenantConnection, installation: Installation) -> NewRun:
    """A run of three chunks, planned."""
    new = new_run(connection, installation.tenant_id)
    create_run(connection, installation.tenant_id, new, plan(3))
    connection.commit()
    return new


def new_run(connection: TenantConnection, tenant_id: UUID) -> NewRun:
    cite_blob(connection, tenant_id, RAW, kind="raw", name="meters.csv")
    mapping = put_document(connection, tenant_id, kind="mapping", name="m", version="1.0.0", body="{}")
    recipe = put_document(connection, tenant_id, kind="recipe", name="r", version="1.0.0", body="[]")
    return NewRun(
        run_id=uuid4(),
        kind="import",
        source_id=bytes([2] * 32),
        source_name="meters.csv",
        contract_hash=list_contracts(connection)[0].hash,
        mapping_hash=mapping,
        recipe_hash=recipe,
        blob_sha256=RAW.sha256,
        text_sha256=RAW.sha256,
        encoding="utf-8",
        layout={"columns": ["a", "b"]},
    )


def plan(count: int) -> list[PlannedChunk]:
    return [
        PlannedChunk(
            chunk_no=number,
            chunk_id=uuid4(),
            byte_start=number * 100,
            byte_end=number * 100 + 100,
            first_record=number * 10 - 9,
            first_line=number * 10 - 8,
            records=10,
        )
        for number in range(1, count + 1)
    ]


COMMIT = """
UPDATE chunks SET state = 'committed', read = %(read)s, mapped = 8, skipped = %(skipped)s, quarantined_raw = 1,
    produced = 8, inserted = %(inserted)s, updated = 1, unchanged = 1, merged = 1, quarantined = 1,
    calculation = '{"calculated": 5, "missing": {"no_factor": 2}}', raw_sha256 = %(hash)s, logic_hash = %(hash)s,
    rows_sha256 = %(hash)s, attempts = 1, committed_at = now()
WHERE chunk_no = %(chunk_no)s
"""


def commit_chunk(connection: TenantConnection, chunk_no: int, **changes: object) -> None:
    values = {"read": 10, "inserted": 4, "skipped": {"blank": 1}, "hash": bytes(32), "chunk_no": chunk_no} | changes
    connection.execute(COMMIT, values | {"skipped": Jsonb(values["skipped"])})


def test_a_run_is_there_with_its_whole_plan(
    connection: TenantConnection, run: NewRun, installation: Installation
) -> None:
    found = get_run(connection, installation.tenant_id, run.run_id)
    assert found.state == "pending"
    assert (found.chunks_planned, found.records_planned) == (3, 30)
    assert found.layout == {"columns": ["a", "b"]}
    assert found.finished_at is None
    assert {name: getattr(found, name) for name in ("source_id", "mapping_hash", "kind")} == {
        "source_id": run.source_id,
        "mapping_hash": run.mapping_hash,
        "kind": "import",
    }
    chunks = chunks_of(connection, installation.tenant_id, run.run_id)
    assert [(chunk.chunk_no, chunk.state, chunk.byte_start, chunk.read) for chunk in chunks] == [
        (1, "pending", 100, None),
        (2, "pending", 200, None),
        (3, "pending", 300, None),
    ]
    assert get_chunk(connection, installation.tenant_id, chunks[1].chunk_id) == chunks[1]
    assert get_chunk(connection, installation.tenant_id, uuid4()) is None


@pytest.mark.parametrize(
    "missing",
    ["mapping_hash", "recipe_hash", "blob_sha256", "text_sha256", "factor_set", "reference_codes", "lineage_hash"],
)
def test_a_run_that_rests_on_what_is_not_kept_is_refused(
    connection: TenantConnection, installation: Installation, missing: str
) -> None:
    new = replace(new_run(connection, installation.tenant_id), **{missing: bytes([9] * 32)})  # type: ignore[arg-type]
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        create_run(connection, installation.tenant_id, new, plan(1))
    connection.rollback()


def test_what_is_to_do_are_chunks_never_tried_and_gaps(
    connection: TenantConnection, run: NewRun, installation: Installation
) -> None:
    tenant_id = installation.tenant_id
    commit_chunk(connection, 1)
    mark_failed(connection, tenant_id, run.run_id, 1, error={"what": "too late"})
    mark_failed(connection, tenant_id, run.run_id, 2, error={"what": "disk"})
    assert [chunk.chunk_no for chunk in chunks_to_do(connection, tenant_id, run.run_id)] == [2, 3]
    first, second, _ = chunks_of(connection, tenant_id, run.run_id)
    assert (first.state, first.error) == ("committed", None)
    assert (second.state, second.error, second.attempts) == ("failed", {"what": "disk"}, 1)


def test_the_ledger_sums_what_is_committed(
    connection: TenantConnection, run: NewRun, installation: Installation
) -> None:
    commit_chunk(connection, 1)
    commit_chunk(connection, 2, read=12, skipped={"blank": 2, "total_line": 1})
    ledger = ledger_of(connection, installation.tenant_id, run.run_id)
    assert (ledger.committed, ledger.failed, ledger.read, ledger.mapped, ledger.inserted) == (2, 0, 22, 16, 8)
    assert ledger.skipped == {"blank": 3, "total_line": 1}
    assert ledger.calculation == {"calculated": 10}
    assert records_done(connection, installation.tenant_id, [run.run_id]) == {run.run_id: 22}


@pytest.mark.parametrize(
    ("changes", "law"),
    [
        ({"read": 11}, "every_record_read_is_accounted_for"),
        ({"skipped": {}}, "every_record_read_is_accounted_for"),
        ({"inserted": 5}, "every_record_produced_is_accounted_for"),
        ({"read": None}, "a_committed_chunk_is_complete"),
        ({"hash": None}, "a_committed_chunk_is_complete"),
        ({"skipped": {"blank": 2, "odd": -1}}, "counts_are_not_negative"),
    ],
)
def test_a_ledger_that_does_not_add_up_cannot_be_committed(
    installation: Installation, run: NewRun, changes: dict[str, object], law: str
) -> None:
    with installation.database.connect(installation.tenant_id) as connection:
        with pytest.raises(psycopg.errors.CheckViolation) as refusal:
            commit_chunk(connection, 1, **changes)
        assert refusal.value.diag.constraint_name == law
        connection.rollback()
        assert get_run(connection, installation.tenant_id, run.run_id).state == "pending"


def test_a_run_goes_through_its_states(connection: TenantConnection, run: NewRun, installation: Installation) -> None:
    tenant_id = installation.tenant_id
    start_run(connection, tenant_id, run.run_id)
    assert get_run(connection, tenant_id, run.run_id).state == "running"
    finish_run(connection, tenant_id, run.run_id, "failed", error={"what": "disk full"})
    failed = get_run(connection, tenant_id, run.run_id)
    assert (failed.state, failed.error) == ("failed", {"what": "disk full"})
    assert failed.finished_at is not None
    start_run(connection, tenant_id, run.run_id)
    again = get_run(connection, tenant_id, run.run_id)
    assert (again.state, again.error, again.finished_at) == ("running", None, None)
    with pytest.raises(Misuse, match="cannot end in this state"):
        finish_run(connection, tenant_id, run.run_id, "running")
    lineage = put_document(connection, tenant_id, kind="column_lineage", name="l", version="1", body="{ }")
    set_lineage(connection, tenant_id, run.run_id, lineage)
    assert get_run(connection, tenant_id, run.run_id).lineage_hash == lineage


def test_one_process_works_on_a_run(installation: Installation, run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    with installation.database.connect(installation.tenant_id) as second:
        with installation.database.connect(installation.tenant_id) as first:
            hold_run(first, installation.tenant_id, run.run_id)
            first.rollback()
            with monkeypatch.context() as impatient:
                impatient.setattr("headwater.store.runs.HOLD_SECONDS", 0.1)
                with pytest.raises(RetryLater, match="another process works on this run"):
                    hold_run(second, installation.tenant_id, run.run_id)
        hold_run(second, installation.tenant_id, run.run_id)


def test_a_run_is_found_by_the_beginning_of_its_id(
    connection: TenantConnection, run: NewRun, installation: Installation
) -> None:
    tenant_id = installation.tenant_id
    for text in (str(run.run_id), run.run_id.hex[:8], str(run.run_id)[:13].upper()):
        assert find_run(connection, tenant_id, text).run_id == run.run_id
    near = run.run_id.hex[:8] + uuid4().hex[8:]
    create_run(connection, tenant_id, replace(run, run_id=UUID(near)), plan(0))
    with pytest.raises(Misuse, match="more than one run"):
        find_run(connection, tenant_id, run.run_id.hex[:8])
    for text in ("", "zz", "%", str(uuid4())):
        with pytest.raises(Misuse, match="no such run"):
            find_run(connection, tenant_id, text)


def test_the_list_of_runs_says_how_many_there_are(
    connection: TenantConnection, run: NewRun, installation: Installation
) -> None:
    later = replace(run, run_id=uuid4())
    create_run(connection, installation.tenant_id, later, plan(0))
    listed, count = list_runs(connection, installation.tenant_id, limit=1)
    assert [each.run_id for each in listed] == [later.run_id]
    assert count == 2
    assert records_done(connection, installation.tenant_id, [later.run_id]) == {}


def test_a_run_of_another_organisation_is_not_there(installation: Installation, run: NewRun) -> None:
    other = installation.add_tenant("other")
    with installation.database.connect(other) as connection:
        for tenant_id in (other, installation.tenant_id):
            with pytest.raises(Misuse, match="no such run"):
                get_run(connection, tenant_id, run.run_id)


def test_documents_are_kept_once_and_found_by_their_hash(
    connection: TenantConnection, installation: Installation
) -> None:
    tenant_id = installation.tenant_id
    first = put_document(connection, tenant_id, kind="mapping", name="m", version="1.0.0", body='{"a": "ü"}')
    assert put_document(connection, tenant_id, kind="mapping", name="m", version="1.0.0", body='{"a": "ü"}') == first
    assert get_document(connection, tenant_id, first).body == '{"a": "ü"}'
    assert [document.hash for document in all_documents(connection, tenant_id)] == [first]
    with pytest.raises(Stopped, match="cited and not there"):
        get_document(connection, tenant_id, bytes(32))


def test_a_changed_document_is_not_used(installation: Installation) -> None:
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        digest = put_document(connection, tenant_id, kind="mapping", name="m", version="1.0.0", body="{}")
        contract = list_contracts(connection)[0]
        assert get_contract(connection, contract.hash) == contract
    with psycopg.connect(installation.superuser_url) as superuser:
        superuser.execute("UPDATE documents SET body = '[]'")
        superuser.execute("UPDATE contract_registry SET body = body || ' '")
    with installation.database.connect(tenant_id) as connection:
        with pytest.raises(Stopped, match="its hash differs"):
            get_document(connection, tenant_id, digest)
        with pytest.raises(Stopped, match="its hash differs"):
            get_contract(connection, contract.hash)


def test_versions_of_contracts_are_listed_as_numbers_not_as_text(installation: Installation) -> None:
    with psycopg.connect(installation.superuser_url) as superuser:
        superuser.execute(
            "INSERT INTO contract_registry (hash, name, version, body) SELECT sha256(v::bytea), 'a', v, '' "
            "FROM unnest(ARRAY['1.10.0', '1.9.0', '1.2.0']) AS v"
        )
    with installation.database.connect(installation.tenant_id) as connection:
        listed = [contract.version for contract in list_contracts(connection) if contract.name == "a"]
    assert listed == ["1.2.0", "1.9.0", "1.10.0"]


def test_blobs_are_cited_once(connection: TenantConnection, installation: Installation) -> None:
    tenant_id = installation.tenant_id
    assert not size_is_known(connection, tenant_id, RAW.size)
    for name in ("meters.csv", "the same under another name.csv"):
        cite_blob(connection, tenant_id, RAW, kind="raw", name=name)
    assert size_is_known(connection, tenant_id, RAW.size)
    cited = get_cited_blob(connection, tenant_id, RAW.sha256)
    assert (cited.name, cited.size, cited.kind, cited.state) == ("meters.csv", RAW.size, "raw", "held")
    assert all_cited_blobs(connection, tenant_id) == [cited]
    with pytest.raises(Stopped, match="cited and not there"):
        get_cited_blob(connection, tenant_id, bytes(32))


def test_what_was_done_to_a_run_is_found_in_the_chain(connection: TenantConnection, installation: Installation) -> None:
    tenant_id = installation.tenant_id
    for resource in ("run/1", "run/1/chunk/1", "run/10", "run/1"):
        audit.append(connection, tenant_id, action="tried", resource=resource, payload={})
    assert [entry.seq for entry in audit.entries_of(connection, tenant_id, "run/1")] == [1, 2, 4]
