"""A mapping that makes the key of records otherwise than before is told before anything is loaded."""

from __future__ import annotations

import shlex
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from headwater.errors import Misuse
from headwater.pipeline.recipe import Recipe, load_recipe
from headwater.services.connectors.keeping import add
from headwater.services.connectors.planning import plan_sync
from headwater.services.deletions import delete
from headwater.services.imports import carry_out
from headwater.services.quarantine.by_cell import resubmit
from headwater.services.quarantine.quarantines import list_records
from headwater.services.trials.sources import try_each
from headwater.telemetry import SilentProgress
from tests.river import River

FIELDS: dict[str, Any] = {
    "activity_id": {"column": "bill"},
    "activity_type": {"constant": "electricity"},
    "region": {"constant": "DE"},
    "period_start": {"constant": "2024-01-01"},
    "quantity": {"column": "kwh"},
    "unit": {"constant": "kWh"},
}
BY_VENDOR = {"expression": "vendor || '-' || bill"}


def mapping(river: River, key: Any, *, name: str = "bills", version: str = "1.0.0", more: Any = None) -> str:
    path = river.folder / "bills.yaml"
    fields = {**FIELDS, "activity_id": key, **(more or {})}
    body = {"mapping": name, "version": version, "contract": "activity@1", "fields": fields}
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    return str(path)


def load(
    river: River, key: Any, *, head: str = "bill", strategy: str = "delta", name: str = "bills", more: Any = None,
    rows: str = "1,north,10\n",
) -> list[str]:  # fmt: skip
    said = mapping(river, key, name=name, version=f"1.{len(river.rows('SELECT FROM runs'))}.0", more=more)
    river.load(f"{head},vendor,kwh\n{rows}", name="bills.csv", mapping=said, strategy=strategy)
    return [row["activity_id"] for row in river.rows("SELECT activity_id FROM activity_v1 ORDER BY 1")]


def test_records_of_another_key_are_not_loaded_beside_those_of_the_old(river: River) -> None:
    load(river, {"column": "bill"})
    with pytest.raises(Misuse) as refused:
        load(river, BY_VENDOR)
    said = str(refused.value)
    assert "activity_id was column 'bill' and is vendor || '-' || bill" in said
    assert "load.strategy: full" in said

    recipe = load_recipe(river.folder / "bills.recipe.yaml")
    with pytest.raises(Misuse, match="would stay beside the new"):
        list(try_each(river.installation, recipe, river.folder, rows=None, every=False, progress=SilentProgress()))
    assert load(river, BY_VENDOR, strategy="full") == ["north-1"]
    assert load(river, BY_VENDOR) == ["north-1"]


def test_both_keys_stand_where_the_mapping_has_another_name(river: River) -> None:
    load(river, {"column": "bill"})
    assert load(river, BY_VENDOR, name="bills_by_vendor") == ["1", "north-1"]


@pytest.mark.parametrize(
    ("before", "now", "head"),
    [
        ({"column": "bill"}, {"column": ["bill", "number"]}, "number"),
        ({"column": "bill", "note": "as printed"}, {"column": "bill"}, "bill"),
        ({"column": "bill", "values": {"1": "one"}}, {"column": "bill", "values": {"1": "one", "x": "two"}}, "bill"),
    ],
    ids=["another name", "a note", "a word more"],
)
def test_the_same_key_said_otherwise_is_loaded(river: River, before: Any, now: Any, head: str) -> None:
    first = load(river, before)
    assert load(river, now, head=head) == first


def test_a_word_that_means_another_key_is_told(river: River) -> None:
    load(river, {"column": "bill", "values": {"1": "one"}})
    with pytest.raises(Misuse, match="would stay beside the new"):
        load(river, {"column": "bill", "values": {"1": "first"}})


def test_a_key_by_which_nothing_was_loaded_is_corrected(river: River) -> None:
    assert load(river, {"column": "vendor"}, rows="1,,10\n2,,11\n") == []
    assert load(river, {"column": "bill"}, rows="1,,10\n2,,11\n") == ["1", "2"]


def test_records_that_were_mended_stand_under_their_key_too(river: River) -> None:
    assert load(river, {"column": "bill"}, rows="1,north,much\n") == []
    (refused,) = list_records(river.installation, state="open", run=None, rule=None, limit=9).records
    resubmit(river.installation, {str(refused.key): {"kwh": "10"}})
    with pytest.raises(Misuse, match="would stay beside the new"):
        load(river, BY_VENDOR)


def test_what_was_mended_under_the_old_key_does_not_come_to_stand_beside_the_new(river: River) -> None:
    wrong, right = "1,north,10\n2,north,much\n", "1,north,10\n2,north,20\n"
    load(river, {"column": "bill"}, rows=wrong)
    (refused,) = list_records(river.installation, state="open", run=None, rule=None, limit=9).records
    resubmit(river.installation, {str(refused.key): {"kwh": "20"}})
    for _ in range(2):  # the second has the key of the first, and yet what was mended stands under the old
        assert load(river, BY_VENDOR, strategy="full", rows=wrong) == ["2", "north-1"]
    with pytest.raises(Misuse, match="records delete") as told:
        load(river, BY_VENDOR, rows=right)

    said = str(told.value).rpartition(": headwater ")[2].rstrip(".")
    words = shlex.split(said)
    assert words == ["records", "delete", "activity@1", "2", "--reason", "mended under the old key"]
    delete(river.installation, words[2], [words[3]], reason=words[-1])
    assert load(river, BY_VENDOR, rows=right) == ["north-1", "north-2"]


def test_what_was_mended_under_the_old_key_goes_with_a_full_load_once_the_source_is_corrected(river: River) -> None:
    wrong, right = "1,north,10\n2,north,much\n", "1,north,10\n2,north,20\n"
    load(river, {"column": "bill"}, rows=wrong)
    (refused,) = list_records(river.installation, state="open", run=None, rule=None, limit=9).records
    resubmit(river.installation, {str(refused.key): {"kwh": "20"}})
    assert load(river, BY_VENDOR, strategy="full", rows=wrong) == ["2", "north-1"]
    with pytest.raises(Misuse, match="Correct it at the source, and load all of it once"):
        load(river, BY_VENDOR, rows=right)
    assert load(river, BY_VENDOR, strategy="full", rows=right) == ["north-1", "north-2"]
    assert load(river, BY_VENDOR, rows=right) == ["north-1", "north-2"]


def test_what_was_mended_under_a_key_that_is_only_read_otherwise_stays(river: River) -> None:
    wrong = "1,north,10\n2,north,much\n"
    load(river, {"column": "bill"}, rows=wrong)
    (refused,) = list_records(river.installation, state="open", run=None, rule=None, limit=9).records
    resubmit(river.installation, {str(refused.key): {"kwh": "20"}})
    trimmed = {"expression": "trim(bill)"}
    assert load(river, trimmed, strategy="full", rows=wrong) == ["1", "2"]
    assert load(river, trimmed, rows=wrong + "3,north,30\n") == ["1", "2", "3"]


def test_once_the_records_are_deleted_any_key_is_taken(river: River) -> None:
    load(river, {"column": "bill"})
    delete(river.installation, "activity", ["1"], reason="under the wrong key")
    assert load(river, BY_VENDOR) == ["north-1"]


def test_a_full_load_that_changes_no_row_settles_the_key_too(river: River) -> None:
    load(river, {"column": "bill"})
    assert load(river, {"expression": "trim(bill)"}, strategy="full") == ["1"]
    assert load(river, {"expression": "trim(bill)"}) == ["1"]


def test_a_full_load_by_another_key_settles_it_once_it_has_deleted_what_stood_under_the_old(river: River) -> None:
    rows, wrong = "1,north,10\n2,north,20\n", "1,north,10\n2,north,much\n"
    load(river, {"column": "bill"}, rows=rows)
    assert load(river, BY_VENDOR, strategy="full", rows=wrong) == ["1", "2", "north-1"]
    for key, said in ((BY_VENDOR, "activity_id was column 'bill' and is vendor"),
                      ({"column": "bill"}, "activity_id was vendor .* and is column 'bill'")):  # fmt: skip
        with pytest.raises(Misuse, match=said):
            load(river, key, rows=rows)
    with pytest.raises(Misuse, match="once none of its records is open in quarantine"):
        load(river, BY_VENDOR, rows=rows)
    assert load(river, BY_VENDOR, strategy="full", rows=rows) == ["north-1", "north-2"]
    assert load(river, BY_VENDOR, rows=rows) == ["north-1", "north-2"]


def test_a_full_load_that_reads_the_same_keys_otherwise_and_refuses_some_settles_the_key_too(river: River) -> None:
    by, head = {"expression": "trim(bill)"}, "1,north,10\n2,north,20\n"
    load(river, {"column": "bill"}, rows=head + "3,north,30\n")
    wrong = head.replace("20", "much") + "3,north,30\n4,north,much\n"
    assert load(river, by, strategy="full", rows=wrong) == ["1", "2", "3"]
    for more in ("", "5,north,50\n"):  # also the night after, once the same record was refused again
        assert load(river, by, rows=wrong + more)[:3] == ["1", "2", "3"]
    with pytest.raises(Misuse, match="activity_id was trim"):
        load(river, BY_VENDOR, rows=wrong)


def test_where_what_stood_under_the_old_key_is_deleted_by_hand_nothing_stands_twice(river: River) -> None:
    load(river, {"column": "bill"})
    load(river, BY_VENDOR, strategy="full", rows="1,north,10\n2,north,much\n")
    delete(river.installation, "activity", ["1"], reason="under the wrong key")
    assert load(river, BY_VENDOR) == ["north-1"]


def test_full_loads_that_leave_records_in_quarantine_keep_no_column_from_getting_another_name(river: River) -> None:
    wrong = "1,north,10\n2,north,much\n"
    load(river, {"column": "bill"}, rows=wrong)
    both = {"column": ["bill", "number"]}
    assert load(river, both, strategy="full", rows=wrong) == ["1"]
    assert load(river, both, head="number", rows=wrong) == ["1"]
    assert load(river, {"column": "number"}, head="number", rows=wrong) == ["1"]


def test_a_column_with_another_name_is_the_same_key_beside_a_new_column(river: River) -> None:
    load(river, {"column": "bill"})
    both, more = {"column": ["bill", "number"]}, {"note": {"column": "remark"}}
    assert load(river, both, head="remark,number", rows="first,1,north,10\n", more=more) == ["1"]


def test_dates_of_another_order_are_told(river: River) -> None:
    def loaded(order: str, version: str) -> None:
        fields = {
            "company_number": {"column": "no"}, "year_end": {"column": "end"}, "consolidation": {"constant": "company"},
            "currency": {"constant": "EUR"}, "revenue": {"column": "revenue"},
        }  # fmt: skip
        body = {"mapping": "accounts", "version": version, "contract": "company_accounts@1", "fields": fields,
                "locale": {"date_order": order}}  # fmt: skip
        path = river.folder / "accounts.yaml"
        path.write_text(yaml.safe_dump(body), encoding="utf-8")
        river.load("no,end,revenue\n123456789,03/04/2024,10\n", name="accounts.csv", mapping=str(path))

    loaded("MDY", "1.0.0")
    with pytest.raises(Misuse) as refused:
        loaded("DMY", "1.1.0")
    said = "year_end was column 'end' (locale.date_order 'MDY') and is column 'end' (locale.date_order 'DMY')"
    assert said in str(refused.value)
    assert len(river.rows("SELECT FROM company_accounts_v1")) == 1


def test_a_table_is_not_synced_by_another_key(river: River, tmp_path: Path) -> None:
    path = tmp_path / "bills.sqlite"
    with closing(sqlite3.connect(path)) as source, source:
        source.execute("CREATE TABLE bills (bill TEXT PRIMARY KEY, vendor TEXT NOT NULL, kwh INTEGER NOT NULL)")
        source.execute("INSERT INTO bills VALUES ('1', 'north', 10)")
    add(river.installation, "bills", "sqlite", {"path": str(path)})

    def sync(key: Any, version: str) -> None:
        said = {"recipe": "bills", "source": {"connector": "bills", "table": "bills"},
                "mapping": mapping(river, key, version=version)}  # fmt: skip
        run_id = plan_sync(river.installation, Recipe.model_validate(said), river.folder)
        carry_out(river.installation, run_id, progress=SilentProgress())

    sync({"column": "bill"}, "1.0.0")
    with pytest.raises(Misuse, match="activity_id was column 'bill' and is vendor"):
        sync(BY_VENDOR, "1.1.0")
