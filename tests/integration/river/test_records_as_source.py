"""Records of a contract as the source of another run: what is read, pinned, refused, proven and traced."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from headwater.errors import InputRefused, Misuse
from headwater.pipeline.recipe import load_recipe
from headwater.services.imports import carry_out
from headwater.services.record_sources import plan_records
from headwater.services.replay_export.export import check, export_run
from headwater.services.tracing import trace_record
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.river import River

pytestmark = pytest.mark.server

CATEGORIES = "category,title,method,activity_type,note\nsap/1,Steel,spend,purchased.steel,\n"
INVOICES = (
    "line_id,invoice_number,invoice_date,country,category,amount,supplier_name,description\n"
    'a,1,2024-03-01,DE,sap/1,10.50,"Ü ""und"" Söhne, GmbH",\n'
    "b,2,2024-03-01,DE,sap/2,20,x,two words\n"
)
OF_INVOICES = {
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
