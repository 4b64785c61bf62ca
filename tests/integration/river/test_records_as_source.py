"""Records of a contract as the source of another run: what is read, pinned, refused, proven and traced."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from headwater.errors import InputRefused, Misuse
from headwater.pipeline.recipe import load_recipe
from headwater.pipeline.replay.differences import Difference
from headwater.services.imports import carry_out
from headwater.services.listing import Question
from headwater.services.quarantine import quarantines
from headwater.services.record_sources import plan_records
from headwater.services.records import list_records
from headwater.services.replay_export.export import check, export_run
from headwater.services.runs_view import show_run
from headwater.services.tracing.trace import MadeFrom
from headwater.services.tracing.tracer import trace_record
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.integration.test_mending import exported, resubmitted
from tests.river import River

pytestmark = pytest.mark.server

CATEGORIES = "category,title,method,activity_type,note\nsap/1,Steel,spend,purchased.steel,\n"
INVOICES = (
    "line_id,invoice_number,invoice_date,country,category,amount,supplier_name,description\n"
    'a,1,2024-03-01,DE,sap/1,10.50,"Ü ""und"" Söhne, GmbH",\n'
    "b,2,2024-03-01,DE,sap/2,20,x,two words\n"
)
OF_INVOICES: dict[str, Any] = {
    "mapping": "invoices",
    "version": "1.0.0",
    "contract": "erp.invoice_line@1",
    "fields": {name: {"column": name} for name in INVOICES.splitlines()[0].split(",")}
    | {"system": {"constant": "sap"}, "currency": {"constant": "EUR"}, "includes_tax": {"constant": "false"}},
}


def loaded(river: River) -> None:
    river.load(CATEGORIES, name="categories.csv", mapping="purchase_category_form")
    path = river.folder / "invoices.yaml"
    path.write_text(yaml.safe_dump(OF_INVOICES))
    river.load(INVOICES, name="invoices.csv", mapping=str(path))


def recipe(folder: Path, **source: Any) -> Path:
    source = {"contract": "erp.invoice_line@1", "follow": {"category": "erp.purchase_category@1"}} | source
    path = folder / "invoices.recipe.yaml"
    body = {"recipe": "invoices", "source": source, "mapping": "invoices_to_activities", "load": {"strategy": "full"}}
    path.write_text(yaml.safe_dump(body))
    return path


def run(river: River, **source: Any) -> UUID:
    path = recipe(river.folder, **source)
    run_id = plan_records(river.installation, load_recipe(path), path.parent)
    return carry_out(river.installation, run_id, progress=SilentProgress())


def test_records_are_read_as_they_stand_and_proven(river: River) -> None:
    loaded(river)
    ledger = river.ledger(run(river))
    assert (ledger.read, ledger.inserted, ledger.quarantined) == (2, 1, 1)
    traced = trace_record(river.installation, "activity", "a").record
    assert traced.raw.cells is not None
    # No more is taken over than the mapping reads, and what tells the records.
    assert "description" not in traced.raw.cells
    assert traced.raw.cells["supplier_name"] == 'Ü "und" Söhne, GmbH'
    assert (traced.raw.origin, traced.raw.place) == ("records", "erp.invoice_line a as it stood")
    invoice, category = traced.made_from
    assert invoice.record is not None
    assert category.record is not None
    assert (invoice.record.raw.file, invoice.record.raw.line) == ("invoices.csv", 2)
    assert (category.key, category.record.raw.file, category.changed) == ("sap/1", "categories.csv", ())
    (refused,) = river.rows(
        "SELECT raw ->> 'category' AS category, raw ->> 'category.method' AS method FROM quarantine"
    )
    assert refused == {"category": "sap/2", "method": ""}
    (origin,) = quarantines.list_records(river.installation, state="open", run=None, rule=None, limit=9).origins
    assert origin.place == "erp.invoice_line b as it stood"
    assert "correct the record of erp.invoice_line in the source that it came from" in (origin.mend or "")

    # The same again changes nothing; a category that comes lets the refused one in.
    again = river.ledger(run(river))
    assert (again.unchanged, again.inserted) == (1, 0)
    river.load(CATEGORIES.replace("sap/1", "sap/2"), name="more.csv", mapping="purchase_category_form")
    assert river.ledger(run(river)).inserted == 1
    assert {row["state"] for row in river.rows("SELECT state FROM quarantine")} == {"expired"}
    found = verify(river.installation, progress=SilentProgress())
    assert (found.differences, found.not_recomputed) == ((), {})
    (last,) = river.rows("SELECT run_id FROM runs ORDER BY started_at DESC LIMIT 1")
    export_run(river.installation, str(last["run_id"]), river.folder / "run.zip")
    assert check(river.folder / "run.zip").ok


def test_a_record_is_traced_and_verified_as_it_was_read(river: River) -> None:
    """Whatever becomes of the rows: replaced, deleted, mended, or changed by somebody whom no right holds back."""
    loaded(river)
    run(river)
    (before,) = river.rows("SELECT encode(row_hash, 'hex') AS row_hash FROM activity_v1 WHERE activity_id = 'a'")
    path = str(river.folder / "invoices.yaml")
    river.load(INVOICES.replace("10.50", "12.50"), name="invoices.csv", mapping=path, strategy="full")
    changed = made_from_invoice(river, "a")
    assert changed.record is not None
    assert (changed.record.values["amount"], changed.changed, changed.is_gone) == ("10.50", ("amount",), False)
    assert (changed.record.raw.line, changed.record.raw.cells or {}) == (2, changed.record.raw.cells)
    # A figure of the older run is still traced to what was read for it, after the newer one has replaced it.
    run(river)
    assert made_from_invoice(river, "a").changed == ()
    old = made_from_invoice(river, "a", row_hash=before["row_hash"])
    assert (old.record.values["amount"] if old.record else None, old.changed) == ("10.50", ("amount",))

    # One that was refused and mended leads to the record that the refusing run has read.
    (row,) = exported(river)
    resubmitted(river, [row | {"category.method": "spend", "category.activity_type": "purchased.steel"}])
    mended = made_from_invoice(river, "b")
    assert mended.record is not None
    assert (mended.record.raw.file, mended.record.raw.line, mended.is_lost) == ("invoices.csv", 3, False)

    river.load(INVOICES.splitlines(keepends=True)[0] + "c,3,2024-03-01,DE,sap/1,1,x,\n", name="invoices.csv",
               mapping=path, strategy="full")  # fmt: skip
    gone = made_from_invoice(river, "a")
    assert (gone.record.values["amount"] if gone.record else None, gone.is_gone) == ("12.50", True)
    found = verify(river.installation, progress=SilentProgress())
    assert (found.differences, found.not_recomputed, found.checked["pinned records"]) == ((), {}, 4)

    table = "erp_invoice_line_v1_history"
    river.change(f"UPDATE {table} SET amount = 10.51 WHERE amount = 10.50")
    assert [(each.key.split(", ")[1], each.column, each.stored, each.expected) for each in pinned(river)] == [
        ("erp.invoice_line a", "amount", "10.51", "10.50")
    ]
    river.change(f"UPDATE {table} SET amount = 10.50, row_hash = set_byte(row_hash, 0, 255 - get_byte(row_hash, 0))"
                 " WHERE amount = 10.51")  # fmt: skip
    assert [(each.key.split(", ")[1], each.column) for each in pinned(river)] == [("erp.invoice_line a", "row_hash")]
    lost = made_from_invoice(river, "a", row_hash=before["row_hash"])
    assert (lost.is_lost, lost.record) == (True, None)


def test_a_credit_is_taken_off_and_the_trace_says_so(river: River) -> None:
    """10.50 billed, 4.25 credited, 0.10 more credited in another year: 6.25 are counted."""
    loaded(river)
    more = "c,3,2024-07-01,DE,sap/1,-4.25,x,\nd,4,2025-07-01,DE,sap/1,-0.10,x,\n"
    river.load(INVOICES.splitlines(keepends=True)[0] + more, name="credits.csv",
               mapping=str(river.folder / "invoices.yaml"))  # fmt: skip
    ledger = river.ledger(run(river))
    assert ledger.skipped == {"credited": 1, "credited_and_left_over": 1}
    assert ledger.read == ledger.inserted + ledger.quarantined + 2
    traced = trace_record(river.installation, "activity", "a")
    assert traced.record.values["quantity"] == "6.250000"
    credit = traced.record.made_from[-1]
    assert (credit.key, credit.taken_off, credit.record.raw.line if credit.record else None) == ("c", "4.250000", 2)
    found = verify(river.installation, progress=SilentProgress())
    assert (found.differences, found.not_recomputed, found.checked["pinned records"]) == ((), {}, 4)
    # Run again: nothing is new, until less is credited.
    again = run(river)
    assert (river.ledger(again).unchanged, show_run(river.installation, again).drift) == (1, ())
    river.load(INVOICES.splitlines(keepends=True)[0] + more.replace("4.25", "4.00"), name="credits.csv",
               mapping=str(river.folder / "invoices.yaml"))  # fmt: skip
    last = run(river)
    assert (river.ledger(last).updated, show_run(river.installation, last).drift) == (1, ())
    assert trace_record(river.installation, "activity", "a").record.values["quantity"] == "6.500000"


def made_from_invoice(river: River, key: str, *, row_hash: str | None = None) -> MadeFrom:
    return trace_record(river.installation, "activity", key, row_hash=row_hash).record.made_from[0]


def pinned(river: River) -> list[Difference]:
    found = verify(river.installation, progress=SilentProgress())
    return [each for each in found.differences if each.table == "pinned records"]


def test_why_there_is_no_value_arrives(river: River) -> None:
    """Blank, not reported and not applicable stay apart on the way through a contract; so does 0."""
    path = river.folder / "invoices.yaml"
    fields = OF_INVOICES["fields"] | {"quantity": {"column": "quantity"}, "quantity_unit": {"constant": "kg"}}
    path.write_text(yaml.safe_dump(OF_INVOICES | {"fields": fields, "absent": {"none": "not_applicable"}}))
    lines = [f"{line},{text}\n" for line, text in (
        ("a,1,2024-03-01,DE,sap/1,1,x,y", "0"), ("b,1,2024-03-01,DE,sap/1,1,x,none", "not reported"),
        ("c,1,2024-03-01,DE,sap/1,1,x,", ""),
    )]  # fmt: skip
    river.load(INVOICES.splitlines()[0] + ",quantity\n" + "".join(lines), name="i.csv", mapping=str(path))
    onwards = {
        "mapping": "onwards", "version": "1.0.0", "contract": "activity@1", "absent": {"entfällt": "not_applicable"},
        "fields": {
            "activity_id": {"column": "line_id"}, "activity_type": {"constant": "x"}, "region": {"column": "country"},
            "period_start": {"column": "invoice_date"}, "quantity": {"column": "amount"}, "unit": {"constant": "kg"},
            "cost": {"column": "quantity"}, "currency": {"column": "currency"}, "note": {"column": "description"},
        },
    }  # fmt: skip
    (river.folder / "onwards.yaml").write_text(yaml.safe_dump(onwards))
    recipe_path = recipe(river.folder, follow={})
    recipe_path.write_text(recipe_path.read_text().replace("invoices_to_activities", "onwards.yaml"))
    run_id = plan_records(river.installation, load_recipe(recipe_path), recipe_path.parent)
    carry_out(river.installation, run_id, progress=SilentProgress())
    told = list_records(river.installation, "activity", Question(), clear=True).items
    assert [(row["key"], row["values"]["cost"], row["values"]["note"], row["absent"]) for row in told] == [
        ("a", "0.00", "y", None),
        ("b", None, None, "cost=not_reported;note=not_applicable"),
        ("c", None, None, None),
    ]
    found = verify(river.installation, progress=SilentProgress())
    assert (found.differences, found.checked["pinned records"]) == ((), 3)


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"follow": {"gone": "erp.purchase_category@1"}}, "there is no such field"),
    ({"follow": {"category": "company@1"}}, "cannot hold the key"),
    ({"follow": {"invoice_date": "erp.purchase_category@1"}}, "cannot hold the key"),
    ({"contract": "erp.gone@1"}, "there is no such contract"),
    ({"follow": {}}, r"there is no column 'category\."),
    ({"path": "a.csv"}, "one of path, connector and contract, and more is said: path, contract"),
    ({"connector": "x", "contract": None}, "follow is said of records of a contract"),
)


def test_what_cannot_be_read_is_refused_before_anything_is_run(river: River) -> None:
    for source, message in WRONG:
        with pytest.raises((Misuse, InputRefused), match=message):
            run(river, **source)
    with pytest.raises(InputRefused, match="there are no records to read"):
        run(river)
    assert river.rows("SELECT count(*) AS runs FROM runs") == [{"runs": 0}]


def test_records_are_read_by_the_sign_that_they_are_written_with(river: River) -> None:
    """Of a field of three places 10.500 would be read as 10500, where a point groups thousands."""
    loaded(river)
    path = recipe(river.folder)
    german = {**OF_INVOICES, "mapping": "german", "locale": {"decimal": ",", "group": "."}}
    (river.folder / "german.yaml").write_text(yaml.safe_dump(german))
    path.write_text(path.read_text().replace("invoices_to_activities", "german.yaml"))
    with pytest.raises(Misuse, match="another sign before decimals than records"):
        plan_records(river.installation, load_recipe(path), path.parent)
    assert river.rows("SELECT count(*) AS runs FROM runs WHERE kind = 'import'") == [{"runs": 2}]
