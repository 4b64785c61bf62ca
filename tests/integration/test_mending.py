"""Quarantine in a spreadsheet: exported, edited, resubmitted once, with its history; refused again if still wrong."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from headwater.errors import HeadwaterError, InputRefused, Misuse, RetryLater
from headwater.services.access.policy import EVERY_RIGHT, Actor
from headwater.services.imports import carry_out, resume
from headwater.services.quarantine import exports, quarantines
from headwater.services.records import show_record
from headwater.services.runs_view import show_run
from headwater.services.verification import verify
from headwater.store import runs
from headwater.store.chunks import Ledger
from headwater.store.run_chunks import RunChunks
from headwater.telemetry import SilentProgress
from tests.river import ACTIVITY_COLUMNS, River, activities, factors, never_held

Cells = dict[str, str]

BAD = [
    {"activity_id": "good"},
    {"activity_id": "number", "quantity": "many"},
    {"activity_id": "formula", "quantity": "-5", "note": "=SUM(A1:A9)"},
    {"activity_id": "date", "period_start": "01.02.2024"},
]


def exported(river: River, *, run: UUID | None = None) -> list[Cells]:
    out = io.StringIO(newline="")
    exports.export(river.installation, out, run=str(run) if run else None, rule=None)
    assert out.getvalue().startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(out.getvalue().removeprefix("\ufeff"), newline="")))


def written(river: River, rows: list[Cells], *, delimiter: str = ",", encoding: str = "utf-8-sig") -> Path:
    path = river.folder / "mend.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def resubmitted(river: River, rows: list[Cells], **how: str) -> tuple[UUID, Ledger]:
    path = written(river, rows, **how)
    run_id = quarantines.plan_resubmission(river.installation, path)
    carry_out(river.installation, run_id, progress=SilentProgress())
    return run_id, river.ledger(run_id)


def edited(rows: list[Cells], changes: dict[str, Cells]) -> list[Cells]:
    """Rows with changes by activity_id."""
    return [row | changes.get(row["activity_id"], {}) for row in rows]


def states(river: River) -> dict[str, str]:
    found = quarantines.list_records(river.installation, state=None, run=None, rule=None, limit=1000).records
    return {str(record.raw.get("activity_id", record.raw.get(""))): record.state for record in found}


def quantities(river: River) -> dict[str, str]:
    found = river.rows("SELECT activity_id, quantity::text FROM activity_v1")
    return {row["activity_id"]: row["quantity"].rstrip("0").rstrip(".") for row in found}


def test_an_export_says_which_why_where_and_what(river: River) -> None:
    run_id, _ = river.load(activities(BAD))
    rows = exported(river, run=run_id)
    assert list(rows[0]) == ["quarantine", "reasons", "line", *ACTIVITY_COLUMNS]
    assert [row["line"] for row in rows] == ["3", "4", "5"]
    assert "quantity" in rows[0]["reasons"]
    assert rows[0]["quantity"] == "many"
    assert rows[1]["note"] == "'=SUM(A1:A9)"
    assert rows[1]["quantity"] == "'-5"


def test_mended_records_are_loaded_and_settled_and_calculated(river: River) -> None:
    river.load(factors([{"factor_id": "f"}]), name="factors.csv", mapping="factor_form")
    run_id, _ = river.load(activities(BAD))
    rows = edited(exported(river, run=run_id), {"number": {"quantity": "12"}, "formula": {"quantity": "5"}})
    mend_id, ledger = resubmitted(river, rows)
    assert (ledger.read, ledger.inserted, ledger.skipped) == (3, 2, {"not_mended": 1})
    assert states(river) == {"number": "resubmitted", "formula": "resubmitted", "date": "open"}
    assert quantities(river) == {"good": "1", "number": "12", "formula": "5"}
    assert show_record(river.installation, "activity", "formula", clear=True).values["note"] == "=SUM(A1:A9)"
    figures = river.rows("SELECT activity_id, co2e_kg::text FROM emission_v1 WHERE activity_id = 'number'")
    assert figures == [{"activity_id": "number", "co2e_kg": "6.000000"}]
    entries = river.rows("SELECT action FROM audit_entries WHERE resource LIKE %(run)s", run=f"run/{mend_id}%")
    assert [entry["action"] for entry in entries].count("chunk.committed") == 1


def test_a_record_is_mended_once(river: River) -> None:
    river.load(activities(BAD))
    rows = edited(exported(river), {"number": {"quantity": "12"}})
    resubmitted(river, rows)
    _, ledger = resubmitted(river, edited(rows, {"number": {"quantity": "13"}}))
    assert ledger.skipped == {"already_settled": 1, "not_mended": 2}
    assert ledger.produced == 0
    assert quantities(river)["number"] == "12"


def test_a_repair_that_is_refused_stays_open_and_in_the_history(river: River) -> None:
    river.load(activities(BAD))
    rows = exported(river)
    first, ledger = resubmitted(river, edited(rows, {"number": {"quantity": "a lot"}}))
    assert ledger.quarantined == 1
    assert [row["activity_id"] for row in exported(river, run=first)] == ["number"]
    assert states(river)["number"] == "open"
    assert river.rows("SELECT state FROM runs WHERE run_id = %(run)s", run=first) == [
        {"state": "succeeded_with_quarantine"}
    ]
    resubmitted(river, edited(rows, {"number": {"quantity": "12"}}))
    view = quarantines.show_record(river.installation, rows[0]["quarantine"])
    assert view.record.state == "resubmitted"
    assert view.record.raw["quantity"] == "many"
    assert [(repair.repair_no, repair.outcome, repair.record_no) for repair in view.repairs] == [
        (1, "refused", 1),
        (2, "loaded", 1),
    ]
    assert [finding["value"] for finding in view.repairs[0].findings] == ["a lot"]
    assert view.changes == ({"quantity": ("many", "a lot")}, {"quantity": ("many", "12")})
    assert [name for name, _ in view.cells] == list(ACTIVITY_COLUMNS)


def test_rows_that_stand_for_nothing_or_for_the_same_are_counted(river: River) -> None:
    river.load(activities(BAD))
    number, formula, date = exported(river)
    rows = [
        number | {"quantity": "12"},
        number | {"quantity": "13"},
        formula | {"quarantine": "no such thing", "quantity": "5"},
        date | {"quarantine": "01234567-89ab-cdef-0123-456789abcdef.1", "period_start": "2024-02-01"},
    ]
    _, ledger = resubmitted(river, rows)
    assert ledger.skipped == {"named_twice": 1, "not_in_quarantine": 2}
    assert quantities(river) == {"good": "1", "number": "12"}


def test_a_spreadsheet_may_save_with_another_delimiter_and_leave_rows_out(river: River) -> None:
    river.load(activities(BAD))
    rows = edited(exported(river), {"formula": {"quantity": "5,000", "note": 'said "no"; left\nearly'}})
    _, ledger = resubmitted(river, rows[1:2], delimiter=";")
    assert ledger.inserted == 1
    assert quantities(river)["formula"] == "5000"


@pytest.fixture
def ragged(river: River) -> list[Cells]:
    content = activities([{"activity_id": "good"}]) + "short,electricity\nlong" + "," * 20 + "\n"
    river.load(content)
    return exported(river)


def test_a_record_that_could_not_be_cut_is_exported_whole(ragged: list[Cells]) -> None:
    assert list(ragged[0])[:4] == ["quarantine", "reasons", "line", "record"]
    assert [row["record"] for row in ragged] == ["short,electricity", "long" + "," * 20]
    assert not any(ragged[0][column] for column in ACTIVITY_COLUMNS)


def test_a_record_is_cut_again_by_the_signs_of_its_source(river: River, ragged: list[Cells]) -> None:
    cells = ["short", "electricity", "", "DE", "2024-01-01", "", "7", "kWh", "", '"Power, Ltd"', "", "", "", ""]
    rows = [ragged[0] | {"record": ",".join(cells)}, ragged[1] | {"record": "long,,"}]
    _, ledger = resubmitted(river, rows)
    assert (ledger.inserted, ledger.skipped) == (1, {"ragged": 1})
    supplier = river.rows("SELECT supplier FROM activity_v1 WHERE activity_id = 'short'")
    assert supplier == [{"supplier": "Power, Ltd"}]
    assert sorted(states(river).values()) == ["open", "resubmitted"]


def test_a_record_may_be_filled_into_its_columns(river: River, ragged: list[Cells]) -> None:
    filled = {"activity_id": "short", "activity_type": "electricity", "region": "DE", "unit": "kWh"}
    rows = [ragged[0] | filled | {"period_start": "2024-01-01", "quantity": "8"}, ragged[1]]
    _, ledger = resubmitted(river, rows)
    assert (ledger.inserted, ledger.skipped) == (1, {"not_mended": 1})
    assert quantities(river) == {"good": "1", "short": "8"}


def test_a_mended_record_does_not_replace_what_its_own_run_loaded(river: River) -> None:
    river.load(activities([{"activity_id": "a", "quantity": "1"}, {"activity_id": "a", "quantity": "2"}]))
    rows = exported(river)
    _, ledger = resubmitted(river, [rows[0] | {"note": "still the same key"}])
    assert (ledger.quarantined, ledger.updated) == (1, 0)
    assert quantities(river) == {"a": "1"}
    _, ledger = resubmitted(river, [rows[0] | {"activity_id": "b"}])
    assert ledger.inserted == 1
    assert quantities(river) == {"a": "1", "b": "2"}


def test_why_it_was_refused_the_last_time_is_told_and_what_stands_in_its_way(river: River) -> None:
    river.load(
        activities([{"activity_id": "a"}, {"activity_id": "b", "quantity": "x"}, {"activity_id": "c", "quantity": "y"}])
    )
    rows = edited(exported(river), {"b": {"activity_id": "a", "quantity": "5"}})
    run_id, _ = resubmitted(river, rows)

    listing = quarantines.list_records(river.installation, state="open", run=None, rule=None, limit=9)
    assert [record.findings[0]["rule"] for record in listing.records] == ["activity.quantity.type"] * 2
    (tried, untried) = listing.tried
    assert tried is not None
    assert (tried[0]["rule"], tried[0]["value"], untried) == ("activity.key.conflict", "a", None)
    assert "record 1 of activities.csv" in tried[0]["message"]
    key = str(listing.records[0].key)
    assert quarantines.show_record(river.installation, key).tried == tried
    own, mended = exported(river)[0]["reasons"].splitlines()
    assert own.startswith("quantity: ")
    assert mended.startswith("as it was mended last: activity_id: Another record")
    assert len(exported(river)[1]["reasons"].splitlines()) == 1

    ((taken,), total) = show_run(river.installation, run_id).taken
    assert (str(taken.key), taken.field, taken.value, total) == (key, "activity_id", "a", 1)

    assert verify(river.installation, progress=SilentProgress()).ok
    blank = "jsonb_set(findings, '{0,value}', '\"\"')"
    river.change(f"UPDATE quarantine_repairs SET findings = {blank}")
    assert not verify(river.installation, progress=SilentProgress()).ok
    never_held(river, "keys_told")  # as it was told before keys were
    assert verify(river.installation, progress=SilentProgress()).ok
    river.change("UPDATE quarantine_repairs SET findings = jsonb_set(findings, '{0,value}', '\"z\"')")
    assert not verify(river.installation, progress=SilentProgress()).ok

    resubmitted(river, edited(exported(river), {"b": {"quantity": "5"}}))
    settled = quarantines.list_records(river.installation, state="resubmitted", run=None, rule=None, limit=9)
    assert settled.tried == [None]


def test_whoever_takes_a_key_in_conflict_out_of_a_finding_is_found_out(river: River) -> None:
    river.load(activities([{"activity_id": "a"}, {"activity_id": "a", "quantity": "5"}]))
    assert verify(river.installation, progress=SilentProgress()).ok
    river.change("UPDATE quarantine SET findings = jsonb_set(findings, '{0,value}', '\"\"')")
    found = verify(river.installation, progress=SilentProgress()).differences
    assert {(each.table, each.column) for each in found} == {("quarantine", "findings")}
    never_held(river, "keys_told")
    assert verify(river.installation, progress=SilentProgress()).ok


def test_a_mended_record_replaces_what_an_older_run_loaded(river: River) -> None:
    river.load(activities([{"activity_id": "a", "quantity": "1"}]))
    river.load(activities([{"activity_id": "a", "quantity": "one and a half"}]))
    _, ledger = resubmitted(river, [exported(river)[0] | {"quantity": "1.5"}])
    assert ledger.updated == 1
    assert quantities(river) == {"a": "1.5"}
    assert river.rows("SELECT quantity::text, operation FROM activity_v1_history") == [
        {"quantity": "1.000000", "operation": "update"}
    ]


def test_a_mended_record_does_not_replace_what_a_newer_run_loaded(river: River) -> None:
    river.load(activities([{"activity_id": "a", "quantity": "bad"}]), name="a.csv")
    rows = exported(river)
    river.load(activities([{"activity_id": "a", "quantity": "3"}]), name="b.csv")
    _, ledger = resubmitted(river, [rows[0] | {"quantity": "2"}])
    assert ledger.quarantined == 1
    assert quantities(river) == {"a": "3"}


@pytest.mark.parametrize("extra", [[], [{"activity_id": "new"}]], ids=["same bytes", "another chunk"])
def test_reading_the_file_again_leaves_what_was_mended(river: River, extra: list[Cells]) -> None:
    river.load(activities(BAD))
    resubmitted(river, edited(exported(river), {"number": {"quantity": "12"}}))
    run_id, ledger = river.load(activities(BAD + extra))
    assert ledger.updated == 0
    assert states(river) == {"number": "resubmitted", "formula": "open", "date": "open"}
    assert quantities(river)["number"] == "12"
    assert len(exported(river, run=run_id)) == 2


def test_a_record_corrected_in_the_file_meanwhile_is_settled(river: River) -> None:
    river.load(activities(BAD))
    rows = edited(exported(river), {"number": {"quantity": "12"}})
    river.load(activities([BAD[0], {"activity_id": "number", "quantity": "11"}]))
    with pytest.raises(Misuse, match="there is nothing to export"):
        exported(river)
    _, ledger = resubmitted(river, rows)
    assert ledger.skipped == {"already_settled": 3}
    assert quantities(river)["number"] == "11"


def test_two_sources_do_not_go_into_one_file(river: River) -> None:
    first, _ = river.load(activities(BAD), name="a.csv")
    river.load(activities([{"activity_id": "else", "quantity": "bad"}]), name="b.csv")
    with pytest.raises(Misuse, match="different sources"):
        exported(river)
    rows = exported(river, run=first)
    other = river.rows("SELECT quarantine_id, occurrence FROM quarantine WHERE raw ->> 'activity_id' = 'else'")[0]
    rows.append(rows[0] | {"quarantine": "{quarantine_id}.{occurrence}".format(**other), "quantity": "1"})
    with pytest.raises(Misuse, match="different sources"):
        resubmitted(river, rows)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda row: {**row, "mine": "x"}, "'mine', does not belong there"),
        (lambda row: {key: value for key, value in row.items() if key != "unit"}, "'data_quality' instead of 'unit'"),
        (lambda row: {key: value for key, value in row.items() if key != "quarantine"}, "not a file that"),
        (lambda row: row | {"quarantine": ""}, "none of the rows names a record"),
    ],
)
def test_what_is_no_export_is_refused_in_words(river: River, change: Callable[[Cells], Cells], says: str) -> None:
    river.load(activities(BAD))
    with pytest.raises(HeadwaterError, match=says):
        resubmitted(river, [change(row) for row in exported(river)])
    assert states(river) == {"number": "open", "formula": "open", "date": "open"}


def test_a_file_saved_in_another_encoding_is_refused(river: River) -> None:
    river.load(activities([*BAD, {"activity_id": "café", "quantity": "x"}]))
    with pytest.raises(InputRefused, match="UTF-8"):
        resubmitted(river, exported(river), encoding="cp1252")


def test_what_was_mended_can_be_computed_again(river: River) -> None:
    river.load(factors([{"factor_id": "f"}]), name="factors.csv", mapping="factor_form")
    river.load(activities([*BAD, {"activity_id": "good", "quantity": "2"}]) + "short,electricity\n")
    cells = ["short", "electricity", "", "DE", "2024-01-01", "", "7", "kWh", "", "", "", "", "", ""]
    rows = edited(exported(river), {"number": {"quantity": "12"}, "formula": {"quantity": "x"}, "good": {"note": "n"}})
    rows[-1]["record"] = ",".join(cells)
    _, ledger = resubmitted(river, rows)
    assert (ledger.inserted, ledger.quarantined, ledger.skipped) == (2, 2, {"not_mended": 1})
    ann = Actor(name="person/ann", rights=EVERY_RIGHT)
    as_ann = dataclasses.replace(river, installation=river.installation.acting(ann))
    resubmitted(as_ann, edited(rows, {"formula": {"quantity": "3"}}))
    by = river.rows("SELECT DISTINCT actor FROM quarantine_repairs WHERE outcome = 'loaded' ORDER BY 1")
    assert [each["actor"] for each in by] == ["headwater", "person/ann"]
    found = verify(river.installation, progress=SilentProgress())
    assert (found.ok, found.differences, found.not_recomputed) == (True, (), {})
    river.change("UPDATE quarantine_repairs SET actor = 'headwater' WHERE actor = 'person/ann'")
    assert not verify(river.installation, progress=SilentProgress()).ok


class Interrupting(SilentProgress):
    """A person who presses Ctrl-C after the first chunk."""

    def advance(self, units: int) -> None:
        del units
        raise KeyboardInterrupt


def test_a_resubmission_interrupted_and_resumed_ends_as_if_it_had_not_been(river: River) -> None:
    smaller = river.installation.settings.model_copy(update={"chunk_size": 1})
    river = dataclasses.replace(river, installation=dataclasses.replace(river.installation, settings=smaller))
    river.load(activities(BAD))
    rows = edited(exported(river), {"number": {"quantity": "12"}, "formula": {"quantity": "5"}})
    run_id = quarantines.plan_resubmission(river.installation, written(river, [*rows, rows[0]]))
    with pytest.raises(KeyboardInterrupt):
        carry_out(river.installation, run_id, progress=Interrupting())
    assert river.rows("SELECT state FROM runs WHERE run_id = %(run)s", run=run_id) == [{"state": "cancelled"}]
    resume(river.installation, str(run_id), progress=SilentProgress())
    ledger = river.ledger(run_id)
    assert (ledger.read, ledger.inserted) == (4, 2)
    assert ledger.skipped == {"not_mended": 1, "named_twice": 1}
    assert quantities(river) == {"good": "1", "number": "12", "formula": "5"}


def test_what_somebody_else_settled_meanwhile_is_not_loaded_twice(river: River) -> None:
    river.load(activities(BAD))
    rows = edited(exported(river), {"number": {"quantity": "12"}})
    run_id = quarantines.plan_resubmission(river.installation, written(river, rows))
    quarantines.dismiss_records(river.installation, [rows[0]["quarantine"]], reason="counted elsewhere")
    tenant_id = river.installation.tenant_id
    with river.installation.database.connect(tenant_id) as connection:
        run = runs.get_run(connection, tenant_id, run_id)
    chunk = river.rows("SELECT chunk_id FROM chunks WHERE run_id = %(run)s", run=run_id)[0]["chunk_id"]
    mends: dict[str, list[Any]] = {
        "mends": [rows[0]["quarantine"]], "record_no": [1], "outcome": ["loaded"], "findings": ["[]"],
    }  # fmt: skip
    with (
        RunChunks(
            river.installation.database, tenant_id, run, contract="activity@1.0.0", chunk_ids={1: chunk}
        ) as store,
        store.begin(1) as transaction,
        pytest.raises(RetryLater, match="somebody else"),
    ):
        transaction.mend(pa.table(mends))
    assert states(river)["number"] == "dismissed"


def test_a_dismissal_needs_a_reason_and_an_open_record(river: River) -> None:
    river.load(activities(BAD))
    first, second, _ = (row["quarantine"] for row in exported(river))
    with pytest.raises(Misuse, match="reason"):
        quarantines.dismiss_records(river.installation, [first], reason=" ")
    quarantines.dismiss_records(river.installation, [first], reason="a test reading")
    with pytest.raises(Misuse, match="the record is dismissed"):
        quarantines.dismiss_records(river.installation, [second, first], reason="both")
    assert states(river) == {"number": "dismissed", "formula": "open", "date": "open"}
    entry = river.rows("SELECT payload FROM audit_entries WHERE action = 'quarantine.dismissed'")
    assert first in entry[0]["payload"]
