"""Which columns of a contract's records a mapping is given, and in which words they say that there is no value."""

from __future__ import annotations

from typing import Any

from headwater.mapping.document import Mapping
from headwater.packs.erp import pack
from headwater.services.record_sources import Records, origins_of

DOCUMENTS = {document.name: document for document in pack.documents()}
INVOICES = Records(
    name="erp.invoice_line@1",
    document=DOCUMENTS["erp.invoice_line"],
    followed={"category": DOCUMENTS["erp.purchase_category"]},
)
ALWAYS = {"line_id", "category"}


def mapping(**more: Any) -> Mapping:
    body = {
        "mapping": "m",
        "version": "1.0.0",
        "contract": "activity@1",
        "fields": {"activity_id": {"column": "line_id"}},
    }
    return Mapping.model_validate(body | more)


def test_no_more_columns_are_read_than_the_mapping_names() -> None:
    fields = {"note": {"column": ["remark", "description"]}, "unit": {"expression": "Currency || '_'"}}
    assert INVOICES.read_by(mapping(fields=fields)).keys() == ALWAYS | {"description", "currency"}
    skip = [{"when": "\"category.method\" = 'x'", "reason": "x"}]
    assert INVOICES.read_by(mapping(skip=skip)).keys() == ALWAYS | {"category.method"}


def test_of_variants_the_one_that_holds_is_read_with_what_it_is_known_by() -> None:
    variants = [
        {"columns": ["none_such"], "fields": {"note": {"column": "description"}}},
        {"columns": ["supplier_id", "amount"], "fields": {"note": {"column": "supplier_name"}}},
        {"columns": ["line_id"], "fields": {"note": {"column": "company"}}},
    ]
    read = INVOICES.read_by(mapping(when=variants))
    assert read.keys() == ALWAYS | {"supplier_id", "amount", "supplier_name"}
    # What is read leads to the same variant as all that there is.
    assert mapping(when=variants).for_columns(tuple(read)) == mapping(when=variants).for_columns(
        tuple(INVOICES.columns)
    )


def test_a_missing_value_is_said_in_words_that_the_mapping_reads() -> None:
    fields = {name: {"column": name} for name in ("quantity", "description")}
    plain = INVOICES.read_by(mapping(fields=fields))
    assert plain["quantity"].words == {"not_applicable": "not applicable", "not_reported": "not reported"}
    assert plain["description"].words == {}  # it could be a value
    declared = INVOICES.read_by(mapping(fields=fields, absent={"k.A.": "not_reported", "-": "not_reported"}))
    assert declared["description"].words == {"not_reported": "k.A."}
    assert declared["quantity"].words == {"not_applicable": "not applicable", "not_reported": "k.A."}


def test_origins_of_runs_before_hashes_were_kept_have_none() -> None:
    layout = {"records": {"contract": ["erp.invoice_line", 1], "key": ["line_id"], "follow": {"category": ["c", 1]}}}
    old = {"line_id": "a", "category": "x", "category.method": "spend"}
    assert [(each.key, each.row_hash) for each in origins_of(layout, old)] == [("a", None), ("x", None)]
    new = old | {"_row_hash": "aa", "_absent": "", "category._row_hash": "bb", "category._absent": ""}
    invoice, category = origins_of(layout, new)
    assert (invoice.row_hash, category.row_hash, category.cells) == ("aa", "bb", {"method": "spend"})
    assert "_row_hash" not in invoice.cells
