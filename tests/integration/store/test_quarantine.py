from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from headwater.errors import Misuse
from headwater.store.database import TenantConnection
from headwater.store.quarantine import (
    QuarantineKey,
    Which,
    count_by_rule,
    count_quarantined,
    dismiss,
    each_quarantined,
    get_quarantined,
    list_quarantined,
    parse_key,
)
from tests.servers import Installation

pytestmark = pytest.mark.server

SOURCE = bytes([2] * 32)
RUN, OTHER_RUN = uuid4(), uuid4()
UNIT = {"rule": "activity.unit.required", "field": "unit", "value": None, "message": "no unit", "valid": "", "mend": ""}
DATE = {"rule": "activity.period_start.type", "field": "period_start", "value": "x", "message": "no date"}


@pytest.fixture
def connection(installation: Installation) -> Iterator[TenantConnection]:
    with installation.database.connect(installation.tenant_id) as opened:
        yield opened


@pytest.fixture
def refused(connection: TenantConnection, installation: Installation) -> list[QuarantineKey]:
    """Five records: three of one run (two of them equal), one of another, one that the first run read again."""
    chunks = {RUN: uuid4(), OTHER_RUN: uuid4()}
    connection.execute(
        "INSERT INTO blobs (tenant_id, sha256, kind, size, name) VALUES (%s, sha256('x'), 'raw', 1, 'x')",
        (installation.tenant_id,),
    )
    connection.execute(
        "INSERT INTO documents (tenant_id, hash, kind, name, version, body) "
        "VALUES (%s, sha256('x'), 'mapping', 'm', '1', 'x')",
        (installation.tenant_id,),
    )
    for run, chunk in chunks.items():
        connection.execute(
            """INSERT INTO runs (tenant_id, run_id, kind, state, source_id, source_name, contract_hash, mapping_hash,
                   recipe_hash, blob_sha256, text_sha256, encoding, layout, chunks_planned, records_planned)
               VALUES (%s, %s, 'import', 'running', %s, 'f', '', sha256('x'), sha256('x'), sha256('x'), sha256('x'),
                       'utf-8', '{}', 1, 9)""",
            (installation.tenant_id, run, SOURCE),
        )
        connection.execute(
            """INSERT INTO chunks (tenant_id, run_id, chunk_no, chunk_id, byte_start, byte_end, first_record,
                   first_line, records) VALUES (%s, %s, 1, %s, 0, 9, 1, 2, 9)""",
            (installation.tenant_id, run, chunk),
        )
    one, other, third, fourth = (uuid4() for _ in range(4))
    kept = [
        (one, 1, RUN, RUN, 7, [UNIT]),
        (one, 2, RUN, RUN, 9, [UNIT]),
        (other, 1, RUN, RUN, 3, [UNIT, DATE]),
        (third, 1, OTHER_RUN, OTHER_RUN, 1, [DATE]),
        (fourth, 1, OTHER_RUN, RUN, 2, [DATE]),
    ]
    for quarantine_id, occurrence, first, last, record_no, findings in kept:
        connection.execute(
            """INSERT INTO quarantine (tenant_id, quarantine_id, occurrence, source_id, raw_hash, contract, chunk_id,
                   record_no, line, last_chunk_id, raw, findings)
               VALUES (%s, %s, %s, %s, sha256('x'), 'activity@1.0.0', %s, %s, 1, %s, '{"a": "ü", "b": null}', %s)""",
            (
                installation.tenant_id, quarantine_id, occurrence, SOURCE, chunks[first], record_no, chunks[last],
                Jsonb(findings),
            ),
        )  # fmt: skip
    connection.commit()
    return [QuarantineKey(quarantine_id=row[0], occurrence=row[1]) for row in kept]


def test_refused_records_are_listed_in_source_order_with_their_number(
    connection: TenantConnection, installation: Installation, refused: list[QuarantineKey]
) -> None:
    listed, count = list_quarantined(connection, installation.tenant_id, Which(), limit=2)
    assert [record.key for record in listed] == [refused[3], refused[4]]
    assert count == 5
    assert listed[0].raw == {"a": "ü", "b": None}
    assert listed[0].findings == [DATE]
    every = list(each_quarantined(connection, installation.tenant_id, Which()))
    assert [record.record_no for record in every] == [1, 2, 3, 7, 9]


def test_a_choice_by_run_holds_what_it_refused_first_or_last(
    connection: TenantConnection, installation: Installation, refused: list[QuarantineKey]
) -> None:
    def chosen(which: Which) -> set[QuarantineKey]:
        return {record.key for record in each_quarantined(connection, installation.tenant_id, which)}

    assert chosen(Which(run_id=RUN)) == {refused[0], refused[1], refused[2], refused[4]}
    assert chosen(Which(run_id=OTHER_RUN)) == {refused[3], refused[4]}
    assert chosen(Which(run_id=uuid4())) == set()
    assert chosen(Which(rule=str(DATE["rule"]))) == set(refused[2:])
    assert chosen(Which(rule=str(DATE["rule"]), run_id=RUN)) == {refused[2], refused[4]}
    assert chosen(Which(state="dismissed")) == set()
    assert chosen(Which(state=None)) == set(refused)


def test_a_record_that_breaks_two_rules_counts_for_both(
    connection: TenantConnection, installation: Installation, refused: list[QuarantineKey]
) -> None:
    assert len(refused) == 5
    assert count_by_rule(connection, installation.tenant_id, Which()) == {DATE["rule"]: 3, UNIT["rule"]: 3}
    assert count_by_rule(connection, installation.tenant_id, Which(run_id=OTHER_RUN)) == {DATE["rule"]: 2}


def test_a_dismissed_record_stays_with_its_reason(
    connection: TenantConnection, installation: Installation, refused: list[QuarantineKey]
) -> None:
    tenant_id = installation.tenant_id
    dismiss(connection, tenant_id, refused[:2], reason="a test meter")
    record, repairs = get_quarantined(connection, tenant_id, refused[0])
    assert (record.state, record.state_reason, repairs) == ("dismissed", "a test meter", [])
    assert record.updated_at > record.created_at
    assert count_quarantined(connection, tenant_id, Which()) == 3


def test_dismissing_is_all_or_nothing_and_names_what_is_wrong(
    installation: Installation, connection: TenantConnection, refused: list[QuarantineKey]
) -> None:
    tenant_id = installation.tenant_id
    dismiss(connection, tenant_id, refused[:1], reason="once")
    connection.commit()
    missing = QuarantineKey(quarantine_id=refused[0].quarantine_id, occurrence=3)
    for wrong, what in ((refused[0], "is dismissed"), (missing, "no such record")):
        with pytest.raises(Misuse, match=what) as refusal:
            dismiss_in_one(installation, [refused[1], wrong])
        assert str(wrong) in str(refusal.value)
    assert count_quarantined(connection, tenant_id, Which()) == 4


def dismiss_in_one(installation: Installation, keys: list[QuarantineKey]) -> None:
    with installation.database.connect(installation.tenant_id) as session:
        dismiss(session, installation.tenant_id, keys, reason="twice")


def test_a_record_that_is_not_there_is_said_so(connection: TenantConnection, installation: Installation) -> None:
    with pytest.raises(Misuse, match="no such record"):
        get_quarantined(connection, installation.tenant_id, QuarantineKey(quarantine_id=uuid4(), occurrence=1))


@given(st.uuids(), st.integers(1, 10**9 - 1))
def test_a_key_reads_back(quarantine_id: UUID, occurrence: int) -> None:
    key = QuarantineKey(quarantine_id=quarantine_id, occurrence=occurrence)
    assert parse_key(f" {str(key).upper()} ") == key


@pytest.mark.parametrize(
    "text", ["", "x", str(UUID(int=1)), f"{UUID(int=1)}.0", f"{UUID(int=1)}.-1", f"{UUID(int=1)}.1.1"]
)
def test_what_names_no_record_is_refused(text: str) -> None:
    with pytest.raises(Misuse, match="does not name a refused record"):
        parse_key(text)
