"""Somebody is erased: nobody reads what was personal of them, rows and figures stay, and the evidence still proves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headwater.errors import Misuse, NotFound
from headwater.services import deletions
from headwater.services.access.erasing import erase_subject
from headwater.services.listing import Question
from headwater.services.quarantine import quarantines
from headwater.services.records import list_records
from headwater.services.verification import verify
from headwater.store import audit
from headwater.telemetry import SilentProgress
from tests.integration.access.test_personal_values import ANN, BOB, CLARA, PLAIN, everything, load, proved
from tests.river import River

pytestmark = pytest.mark.server
TRAVEL = "travel_id,system,worker_id,travel_date,mode,origin,destination,distance,distance_unit"


def travel(river: River, *rows: str) -> None:
    load(river, *rows, header=TRAVEL, contract="erp.travel")


def shown(river: River, contract: str, *fields: str) -> list[tuple[Any, ...]]:
    page = list_records(river.installation, contract, Question(), clear=True)
    return sorted(tuple(item["values"][field] for field in fields) for item in page.items)


def test_an_erased_subject_is_read_nowhere_and_everything_is_proved_as_before(river: River) -> None:
    load(river, ANN.replace("Ann", "Anna"), BOB)
    load(river, ANN, BOB, CLARA, "hr/4711,hr,Ann Lovelace,DE,2019-05-06,2001-01-01,1,1984-03-02", "hr/4715,hr,Grace")
    travel(
        river,
        "hr/T1,hr,hr/4711,2024-01-02,train,Berlin,Bonn,600,km",
        "hr/T2,hr,hr/4712,2024-01-03,train,Kiel,Bonn,90,km",
    )
    before = river.rows("SELECT subject_id FROM subject_keys")

    done = erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")

    assert (done.rows, done.refused, done.unknown) == ({"erp.travel@1": 1, "erp.worker@1": 2}, 1, 1)
    assert sorted((file.name, file.became, file.records) for file in done.files) == [
        ("erp_travel.csv", "redacted", 1), ("erp_worker.csv", "redacted", 1), ("erp_worker.csv", "redacted", 2),
    ]  # fmt: skip
    assert len(before) - len(river.rows("SELECT subject_id FROM subject_keys")) == 2
    assert shown(river, "erp.worker", "worker_id", "name", "hired_on", "country") == [
        ("erased", "erased", None, "DE"), ("hr/4712", "Bob Babbage", "2018-07-08", "FR"),
    ]  # fmt: skip
    assert shown(river, "erp.travel", "worker_id", "origin", "distance") == [
        ("erased", "erased", "600.000000"), ("hr/4712", "Kiel", "90.000000"),
    ]  # fmt: skip
    refused = quarantines.list_records(river.installation, state=None, run=None, rule=None, limit=9).records
    assert sorted(str(record.raw.get("name")) for record in refused) == ["Clara Hopper", "None", "erased"]
    assert [text for text in PLAIN if text in everything(river)] == []
    found = proved(river)
    assert found.checked["rows of erased subjects"] == 3
    with pytest.raises(NotFound):
        erase_subject(river.installation, "erp.worker", "hr/4711", reason="again")
    with river.installation.database.connect(river.installation.tenant_id) as connection:
        entries = audit.entries(connection, river.installation.tenant_id)
        (entry,) = [entry for entry in entries if entry.action == "subject.erased"]
    assert json.loads(entry.payload)["reason"] == "asked for"
    assert "4711" not in entry.payload + entry.resource


def test_who_comes_again_by_the_same_rows_stays_erased_and_by_others_is_somebody_new(river: River) -> None:
    load(river, ANN, BOB)
    erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    assert load(river, BOB, ANN).unchanged == 2
    again = load(river, BOB, ANN.replace("Ann", "Anna"))
    assert (again.inserted, again.unchanged) == (1, 1)
    assert [key for (key,) in shown(river, "erp.worker", "worker_id")] == ["erased", "hr/4711", "hr/4712"]
    load(river, BOB, strategy="full")
    assert [key for (key,) in shown(river, "erp.worker", "worker_id")] == ["hr/4712"]
    proved(river)


def test_a_deleted_record_of_somebody_who_is_erased_stays_deleted(river: River) -> None:
    load(river, ANN, BOB)
    deletions.delete(river.installation, "erp.worker", ["hr/4711"], reason="left")
    erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    assert deletions.deleted_records(river.installation, "erp.worker", Question()).items[0]["record_key"] == "e***"
    proved(river)


def test_a_key_that_is_gone_without_an_erasure_is_a_difference(river: River) -> None:
    load(river, ANN, BOB)
    river.change("DELETE FROM subject_keys")
    found = verify(river.installation, progress=SilentProgress())
    assert not found.ok
    assert {(each.table, each.column) for each in found.differences} >= {("erp_worker_v1", "name")}


def test_only_who_records_may_be_about_is_erased_and_a_reason_is_said(river: River) -> None:
    load(river, ANN)
    for contract, subject, reason in (
        ("erp.worker", "hr/4711", " "), ("erp.worker", "", "asked for"), ("emission_factor", "f", "asked for"),
    ):  # fmt: skip
        with pytest.raises(Misuse):
            erase_subject(river.installation, contract, subject, reason=reason)
    with pytest.raises(NotFound):
        erase_subject(river.installation, "erp.worker", "hr/9999", reason="asked for")
    assert shown(river, "erp.worker", "name") == [("Ann Lovelace",)]
