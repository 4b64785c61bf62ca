"""What was done to one record, said as a change of the mapping."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.mapping import Mapping, read_mapping
from headwater.mapping.amending import Mended, amendments, difference, raised, to_yaml

COLUMNS = ("id", "kind", "amount", "unit", "day")
FIELDS = {"quantity": {"column": "amount"}, "unit": {"column": "unit"}, "period_start": {"column": "day"}}


def mapping(**over: Any) -> Mapping:
    body = {"mapping": "meters", "version": "1.0.0", "contract": "activity@1", "fields": FIELDS, **over}
    return Mapping.model_validate(body)


def mended(field: str, before: str, after: str) -> Mended:
    return Mended(
        field=field, type={"quantity": "decimal", "period_start": "date"}.get(field, "code"), before=before, after=after
    )


def ways(document: Mapping, change: Mended) -> dict[str, Mapping]:
    return {way.name: way.mapping for way in amendments(document, COLUMNS, change)}


def test_a_word_becomes_an_entry_of_a_table_that_keeps_all_others() -> None:
    changed = ways(mapping(), mended("unit", "kwH ", "kWh"))["same-text"]
    assert changed.fields["unit"].values == {"kwH": "kWh"}
    assert changed.fields["unit"].otherwise == "keep"
    assert changed.version == "1.0.0"


def test_a_table_that_is_there_keeps_its_entries_and_its_strictness() -> None:
    fields = FIELDS | {"unit": {"column": "unit", "values": {"Kilowatt": "kWh", "KWH": "MWh"}}}
    rule = ways(mapping(fields=fields), mended("unit", "kwh", "kWh"))["same-text"].fields["unit"]
    assert rule.values == {"Kilowatt": "kWh", "kwh": "kWh"}
    assert rule.otherwise is None


def test_a_word_that_was_cleared_is_a_blank_in_that_column_only() -> None:
    changed = ways(mapping(), mended("quantity", "it's out", ""))["same-text"]
    assert changed.fields["quantity"].column is None
    assert changed.fields["quantity"].expression == (
        """CASE WHEN lower(trim("amount")) = 'it''s out' THEN '' ELSE "amount" END"""
    )
    assert changed.fields["unit"] == mapping().fields["unit"]


@pytest.mark.parametrize(
    ("before", "after", "like", "read"),
    [
        ("12 kWh", "12", "3.5 kWh", "3.5"),
        ("EUR 1,200", "1,200", " EUR  7 ", "7"),
        ("ca. 12 (est.)", "12", "ca. 4 (est.)", "4"),
    ],
)
def test_words_around_a_number_are_left_out(before: str, after: str, like: str, read: str) -> None:
    expression = ways(mapping(), mended("quantity", before, after))["number-within"].fields["quantity"].expression
    rows = [like, before, "12 MWh", "many"]
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT {expression} FROM (SELECT unnest({rows!r}) AS amount)").fetchall()
    assert [text.strip() for (text,) in found] == [read, after, "12 MWh", "many"]


def test_numbers_with_the_other_sign() -> None:
    locale = ways(mapping(), mended("quantity", "1.234,50", "1234.5"))["decimal-sign"].locale
    assert (locale.decimal, locale.group) == (",", ".")
    assert "decimal-sign" not in ways(mapping(), mended("quantity", "1.234,50", "1.2345"))


@pytest.mark.parametrize(
    ("before", "after", "order"),
    [("01.02.2024", "2024-02-01", "DMY"), ("01/02/2024", "2024-01-02", "MDY"), ("01.01.2024", "2024-01-01", None)],
)
def test_the_order_of_dates(before: str, after: str, order: str | None) -> None:
    found = ways(mapping(), mended("period_start", before, after)).get("date-order")
    assert (found.locale.date_order if found else None) == order


def test_the_variant_that_holds_is_changed_and_no_other() -> None:
    when = [
        {"columns": ["elsewhere"], "fields": {"unit": {"column": "elsewhere"}}},
        {"columns": ["kind"], "fields": {"unit": {"column": "kind"}}, "locale": {"date_order": "MDY"}},
    ]
    before = mapping(when=when)
    changed = ways(before, mended("unit", "x", "kWh"))["same-text"]
    assert changed.fields == before.fields
    assert changed.when[0] == before.when[0]
    rule = changed.when[1].fields["unit"]
    assert rule is not None
    assert rule.values == {"x": "kWh"}
    dated = ways(before, mended("period_start", "01.02.2024", "2024-02-01"))["date-order"]
    assert dated.when[1].locale is not None
    assert (dated.when[1].locale.date_order, dated.locale) == ("DMY", before.locale)


def test_nothing_is_offered_where_a_mapping_cannot_say_it() -> None:
    fields = FIELDS | {"unit": {"constant": "kWh"}, "quantity": {"column": ["amount", "amount 2"]}}
    assert ways(mapping(fields=fields), mended("unit", "x", "kWh")) == {}
    assert ways(mapping(fields=fields), mended("quantity", "x", "")) == {}
    assert ways(mapping(), mended("unit", "", "kWh")) == {}
    assert ways(mapping(), mended("unit", "kWh", "kWh")) == {}


def test_the_next_version_is_one_that_nobody_has_taken() -> None:
    assert raised("1.4.2", ()) == "1.5.0"
    assert raised("1.4.2", {"1.5.0", "1.6.0"}) == "1.7.0"


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(str.strip)


@given(WORDS, WORDS)
def test_what_is_written_reads_back_as_the_same_mapping(before: str, after: str) -> None:
    for way in amendments(mapping(), COLUMNS, mended("unit", before, after)):
        assert read_mapping(to_yaml(way.mapping), where="here").hash == way.mapping.hash


def test_the_difference_shows_what_is_new() -> None:
    changed = ways(mapping(), mended("unit", "kwH", "kWh"))["same-text"].model_copy(update={"version": "1.1.0"})
    shown = difference(mapping(), changed)
    assert "+version: 1.1.0" in shown
    assert "+      kwH: kWh" in shown
