"""What is personal in records is ciphertext wherever the database keeps it, and in clear for whoever may see it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql
from pydantic import SecretStr

from headwater.errors import Conflict, HeadwaterError, Misuse, NotFound, Stopped
from headwater.services import deletions
from headwater.services.access.encrypting import encrypt_records
from headwater.services.access.keys import rotate
from headwater.services.entered_records import correct
from headwater.services.listing import Question
from headwater.services.quarantine import quarantines
from headwater.services.records import export, history_of, list_records, show_record
from headwater.services.tracing.tracer import trace_record
from headwater.services.verification import Verification, verify
from headwater.store.chunks import Ledger
from headwater.telemetry import SilentProgress
from tests.river import River, activities

pytestmark = pytest.mark.server
HEADER = "worker_id,system,name,country,hired_on,left_on,fte,Birthday"
ANN = "hr/4711,hr,Ann Lovelace,DE,2019-05-06,,1,1984-03-02"
BOB = "hr/4712,hr,Bob Babbage,FR,2018-07-08,2023-09-10,1,1985-04-03"
CLARA = "hr/4713,hr,Clara Hopper,DE,2021-11-12,2001-02-03,1,1986-05-04"
LEFT_BEFORE = "erp.worker.left_on.order"
PLAIN = (
    "hr/4711", "hr/4712", "hr/4713", "Lovelace", "Babbage", "Hopper", "2019-05-06", "2018-07-08", "2023-09-10",
    "2021-11-12", "2001-02-03", "1984-03-02", "1986-05-04", "Turing", "rang Grace",
)  # fmt: skip


def load(river: River, *rows: str, header: str = HEADER, contract: str = "erp.worker", **how: Any) -> Ledger:
    """Rows under a header whose columns are called as fields are, but for a birthday that no field reads."""
    name = contract.replace(".", "_")
    fields = {column: {"column": column} for column in header.split(",") if column != "Birthday"}
    mapping = river.folder / f"{name}.yaml"
    mapping.write_text(
        yaml.safe_dump({"mapping": name, "version": "1.0.0", "contract": f"{contract}@1", "fields": fields})
    )
    return river.load("\n".join([header, *rows, ""]), name=f"{name}.csv", mapping=str(mapping), **how)[1]


def proved(river: River) -> Verification:
    found = verify(river.installation, progress=SilentProgress())
    assert found.ok, (found.differences, found.not_recomputed)
    return found


def everything(river: River) -> str:
    """All rows of all tables, as the superuser of the server sees them; what is bytes as text too."""
    told = []
    with psycopg.connect(river.superuser_url) as connection:
        tables = connection.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace::regnamespace::text IN ('public', 'headwater_queue')"
        ).fetchall()
        for (table,) in tables:
            columns = connection.execute(
                "SELECT attname, atttypid = 'bytea'::regtype FROM pg_attribute"
                " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
                [table],
            ).fetchall()
            texts = [
                sql.SQL("encode({}, 'escape')" if is_bytes else "{}::text").format(sql.Identifier(name))
                for name, is_bytes in columns
            ]
            statement = sql.SQL("SELECT concat_ws(' ', {}) FROM {}").format(sql.SQL(", ").join(texts), sql.SQL(table))
            told += [text for (text,) in connection.execute(statement)]
    return "\n".join(told)


def values(river: River, *fields: str, **question: Any) -> Sequence[tuple[Any, ...]]:
    page = list_records(river.installation, "erp.worker", Question(**question), clear=True)
    return sorted(tuple(item["values"][field] for field in fields) for item in page.items)


def test_no_table_holds_a_personal_value_in_clear(river: River) -> None:
    load(river, ANN, BOB, CLARA, "hr/4714,hr,Alan Turing,DE,soon,,1,1912-06-23", "hr/4715,hr,Grace")
    load(river, ANN.replace("Ann", "Anna"), BOB)
    river.load(
        activities(
            [{"activity_id": "a", "note": "rang Grace"}, {"activity_id": "b", "quantity": "x", "note": "rang Grace"}]
        )
    )
    deletions.delete(river.installation, "erp.worker", ["hr/4712"], reason="left")
    list_records(river.installation, "erp.worker", Question(filters=["name:eq:Anna Lovelace"]), clear=True)
    trace_record(river.installation, "erp.worker", "hr/4711")

    kept = everything(river)

    assert "erp.worker.left_on.order" in kept
    assert "record.columns" in kept
    assert [text for text in PLAIN if text in kept] == []
    proved(river)


def test_who_may_see_it_reads_and_asks_in_clear_and_others_see_it_masked(river: River) -> None:
    load(river, ANN, BOB, CLARA)
    assert values(river, "worker_id", "name", "hired_on") == [
        ("hr/4711", "Ann Lovelace", "2019-05-06"), ("hr/4712", "Bob Babbage", "2018-07-08"),
    ]  # fmt: skip
    here = river.installation
    shown = show_record(here, "erp.worker", "hr/4712")
    assert (shown.values["name"], shown.values["hired_on"], shown.values["country"]) == ("B***", "2***", "FR")
    assert show_record(here, "erp.worker", "hr/4712", clear=True).values["left_on"] == "2023-09-10"
    for nobody in ("hr/4713", "hr/4799"):
        with pytest.raises(NotFound):
            show_record(here, "erp.worker", nobody)
    assert values(river, "name", filters=["worker_id:eq:hr/4712"]) == [("Bob Babbage",)]
    assert values(river, "name", filters=["hired_on:eq:6 May 2019", "country:eq:DE"]) == [("Ann Lovelace",)]
    assert values(river, "name", filters=["name:eq:Ann"]) == []
    with pytest.raises(Misuse, match="exact value"):
        values(river, "name", filters=["name:starts:Ann"])
    with pytest.raises(Misuse, match="no such field"):
        list_records(here, "erp.worker", Question(filters=["name:eq:Ann Lovelace"]))
    table = b"".join(export(here, "erp.worker", Question(), "csv", clear=True)).decode()
    assert '"hr/4711"' in table
    assert "2019-05-06" in table
    assert b"Lovelace" not in b"".join(export(here, "erp.worker", Question(), "parquet"))
    trace = trace_record(here, "erp.worker", "hr/4711")
    assert (trace.key, trace.record.values["name"]) == ("hr/4711", "Ann Lovelace")
    (refused,) = quarantines.list_records(here, state=None, run=None, rule=None, limit=9).records
    assert (refused.raw["name"], refused.raw["Birthday"]) == ("Clara Hopper", "1986-05-04")
    (finding,) = refused.findings
    assert (finding["rule"], finding["value"]) == (LEFT_BEFORE, "left_on = 2001-02-03, hired_on = 2021-11-12")


def test_rows_are_found_again_by_keys_that_are_ciphertext(river: River) -> None:
    assert load(river, ANN, BOB).inserted == 2
    again = load(river, BOB.replace("Babbage", "Bell"), ANN)
    assert (again.inserted, again.updated, again.unchanged) == (0, 1, 1)
    (past,) = history_of(river.installation, "erp.worker", "hr/4712", Question()).items
    assert past["values"]["name"] == "B***"
    stands = show_record(river.installation, "erp.worker", "hr/4711")
    answer = correct(river.installation, "erp.worker", "hr/4711", {"name": "Ann King"}, expected=stands.version)
    assert answer["run"]["ledger"]["updated"] == 1
    deletions.delete(river.installation, "erp.worker", ["hr/4711"], reason="by mistake")
    assert load(river, ANN, BOB).skipped == {"deleted": 1}
    assert deletions.deleted_records(river.installation, "erp.worker", Question()).items[0]["record_key"] == "h***"
    proved(river)
    assert deletions.restore(river.installation, "erp.worker", ["hr/4711"]).rows == {"erp.worker@1": 1}
    assert values(river, "name") == [("Ann King",), ("Bob Babbage",)]
    load(river, ANN, strategy="full")
    assert values(river, "name") == [("Ann Lovelace",)]
    proved(river)


def test_what_cannot_be_done_to_a_record_names_it_as_it_was_asked_for(river: River) -> None:
    load(river, ANN, BOB, CLARA.replace("2001-02-03", ""))
    here, of = river.installation, "erp.worker"
    deletions.delete(here, of, ["hr/4711"], reason="left")
    hanging = deletions.hanging_on(here, of, ["hr/4713"])
    deletions.destroy(here, of, ["hr/4713"], reason="not ours", confirmation=hanging.confirmation)
    told: list[tuple[Callable[[], object], type[HeadwaterError], str]] = [
        (lambda: deletions.delete(here, of, ["hr/4712", "hr/4711"], reason="again"), Conflict, "hr/4711"),
        (lambda: deletions.delete(here, of, ["hr/4799"], reason="nobody"), NotFound, "hr/4799"),
        (lambda: deletions.restore(here, of, ["hr/4712"]), NotFound, "hr/4712"),
        (lambda: deletions.restore(here, of, ["hr/4713"]), Conflict, "hr/4713"),
        (lambda: deletions.hanging_on(here, of, ["hr/4799"]), NotFound, "hr/4799"),
        (lambda: deletions.admit(here, of, ["hr/4711"], reason="let in"), Conflict, "hr/4711"),
    ]
    for do, kind, key in told:
        with pytest.raises(kind) as refused:
            do()
        assert refused.value.value == key
    with pytest.raises(Conflict) as changed:
        deletions.delete(here, of, ["hr/4712"], reason="left", expected="another")
    assert isinstance(changed.value.theirs, dict)
    assert changed.value.theirs["key"] == "hr/4712"


def test_travel_is_sealed_by_the_key_of_the_traveller_where_that_is_told(river: River) -> None:
    load(river, ANN)
    load(
        river, "hr/T1,hr,hr/4711,2024-01-02,train,Berlin,Bonn,600,km", "hr/T2,hr,,2024-01-03,train,Berlin,Kiel,350,km",
        header="travel_id,system,worker_id,travel_date,mode,origin,destination,distance,distance_unit",
        contract="erp.travel",
    )  # fmt: skip
    subjects = [
        [part.split(".")[2] for part in row.values()]
        for row in river.rows("SELECT worker_id FROM erp_worker_v1")
        + river.rows("SELECT origin, destination FROM erp_travel_v1 ORDER BY worker_id NULLS LAST")
    ]
    assert subjects[0][0] == subjects[1][0] == subjects[1][1] != subjects[2][0] == subjects[2][1]
    assert len(river.rows("SELECT * FROM subject_keys")) == 2
    joined = river.rows("SELECT t.travel_id FROM erp_travel_v1 t JOIN erp_worker_v1 w USING (tenant_id, worker_id)")
    assert joined == [{"travel_id": "hr/T1"}]
    proved(river)


def test_a_new_key_of_the_organisation_leaves_values_as_they_are(river: River) -> None:
    def with_keys(text: str) -> River:
        settings = river.installation.settings.model_copy(update={"credentials_keys": SecretStr(text)})
        return replace(river, installation=replace(river.installation, settings=settings))

    first, second = (f"k{number}:" + base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
    load(with_keys(first), ANN, BOB)
    stored = river.rows("SELECT * FROM erp_worker_v1 ORDER BY worker_id")
    assert rotate(with_keys(f"{second},{first}").installation) == (1, 2)
    assert river.rows("SELECT * FROM erp_worker_v1 ORDER BY worker_id") == stored
    assert {row["wrapped_by"] for row in river.rows("SELECT wrapped_by FROM subject_keys")} == {2}
    assert values(with_keys(second), "name") == [("Ann Lovelace",), ("Bob Babbage",)]
    with pytest.raises(Stopped, match="which is not known here"):
        values(with_keys(first), "name")
    proved(with_keys(second))


def test_a_ciphertext_that_was_moved_does_not_open_and_verify_names_it(river: River) -> None:
    load(river, ANN, BOB)
    river.change("UPDATE erp_worker_v1 SET left_on = hired_on WHERE country = 'FR'")
    found = verify(river.installation, progress=SilentProgress())
    assert [(each.table, each.column) for each in found.differences] == [("erp_worker_v1", "left_on")]


def test_rows_of_before_are_read_and_encrypted_where_they_stand(river: River) -> None:
    load(river, ANN, BOB)
    for field, text in (("worker_id", "hr/4711"), ("name", "Ann Lovelace"), ("hired_on", "2019-05-06")):
        river.change(f"UPDATE erp_worker_v1 SET {field} = %(text)s WHERE country = 'DE'", text=text)
    river.load(activities([{"activity_id": "a", "note": "rang Grace"}]))
    river.change("UPDATE activity_v1 SET note = 'rang Grace'")
    assert values(river, "worker_id", "name")[0] == ("hr/4711", "Ann Lovelace")
    proved(river)
    with pytest.raises(Stopped, match="encrypt-records"):
        load(river, ANN, BOB)
    assert encrypt_records(river.installation) == {"activity@1": 1, "erp.worker@1": 1}
    assert encrypt_records(river.installation) == {}
    assert [text for text in PLAIN if text in everything(river)] == []
    assert load(river, ANN, BOB).unchanged == 2
    proved(river)


def test_a_contract_without_anything_personal_makes_no_key_but_that_of_the_files(river: River) -> None:
    river.load(activities([{"activity_id": "a"}, {"activity_id": "b", "quantity": "x"}]))
    assert river.rows("SELECT * FROM subject_keys") == []
    assert river.rows("SELECT key_no FROM organisation_keys") == [{"key_no": 1}]
