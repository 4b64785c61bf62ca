from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from headwater.contracts.document import Document, FieldSpec
from headwater.errors import Misuse
from headwater.mapping import CompiledMapping, compile_mapping, read_mapping
from headwater.mapping.compile import columns_read
from headwater.values import Outcome


def field(name: str, type_name: str = "text", *, required: bool = False, default: str | None = None) -> FieldSpec:
    return FieldSpec(name=name, type=type_name, description="", required=required, key=False, default=default)


DOCUMENT = Document(
    name="thing",
    version="2.1.0",
    title="",
    description="",
    fields=(
        field("code", "code", required=True),
        field("amount", "decimal"),
        field("kind", "code"),
        field("sort", "code", required=True, default="all"),
    ),
    rules=(),
)


def compiled(fields: str, columns: tuple[str, ...] = ("id", "amount", "kind"), more: str = "") -> CompiledMapping:
    text = f"mapping: m\nversion: 1.0.0\ncontract: thing@2\n{more}\nfields:\n  code: {{column: id}}\n{fields}"
    return compile_mapping(read_mapping(text, where="m"), DOCUMENT, columns)


def select(sql: str, mapping: CompiledMapping, **columns: list[str | None]) -> list[object]:
    with duckdb.connect() as con:
        con.register("raw", pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}))
        return [row[0] for row in con.execute(f"SELECT {sql} FROM {mapping.source('raw')}").fetchall()]


def test_every_field_of_the_contract_has_a_text_in_its_order() -> None:
    mapping = compiled("")
    assert list(mapping.texts) == ["code", "amount", "kind", "sort"]
    assert select(mapping.texts["amount"], mapping, id=["1"], amount=["2"], kind=["x"]) == [None]


def test_used_and_unused_columns() -> None:
    mapping = compiled("  amount: {expression: kind || amount}\n", ("id", "amount", "kind", "note"))
    assert mapping.used_columns == ("id", "kind", "amount")
    assert mapping.unused_columns == ("note",)


def test_a_table_of_values_is_read_without_case_and_spaces() -> None:
    mapping = compiled("  kind: {column: kind, values: {Strom: electricity, 'Gas ''L''': gas}}\n")
    kinds = [" STROM ", "gas 'l'", "coal", "", " ", None]
    columns: dict[str, list[str | None]] = {"id": ["1"] * 6, "amount": ["1"] * 6, "kind": list(kinds)}
    assert select(mapping.texts["kind"], mapping, **columns) == ["electricity", "gas", "coal", "", " ", None]
    assert select(mapping.unmapped["kind"], mapping, **columns) == [False, False, True, False, False, False]


def test_keep_lets_other_words_pass() -> None:
    assert compiled("  kind: {column: kind, values: {a: b}, otherwise: keep}\n").unmapped == {}


def test_skip_gives_the_first_reason_and_keeps_what_is_unknown() -> None:
    mapping = compiled(
        "",
        more="skip:\n- {when: \"lower(id) = 'total'\", reason: total_line}\n- {when: amount > 5, reason: too_much}\n",
    )
    found = select(
        mapping.skip, mapping, id=["Total", "1", "2", "3"], amount=["9", "9", "1", "?"], kind=["", "", "", ""]
    )
    assert found == ["total_line", "too_much", None, None]


def test_without_skip_nothing_is_skipped() -> None:
    mapping = compiled("")
    assert select(mapping.skip, mapping, id=["1"], amount=["2"], kind=["x"]) == [None]


def test_a_constant_is_a_text_whatever_is_in_it() -> None:
    mapping = compiled('  kind: {constant: "it\'s -- ; /* */ $1"}\n')
    assert select(mapping.texts["kind"], mapping, id=["1"], amount=["2"], kind=["x"]) == ["it's -- ; /* */ $1"]


def test_locale_and_absent_words_become_the_format() -> None:
    mapping = compiled(
        "", more="locale: {decimal: ',', group: '.', date_order: DMY, true: [ja]}\nabsent: {'k.A.': not_reported}\n"
    )
    assert (mapping.format.decimal, mapping.format.group, mapping.format.date_order) == (",", ".", "DMY")
    assert mapping.format.true_words == ("ja",)
    assert mapping.format.false_words == ("false", "f", "no", "n", "0")
    assert mapping.format.absent == {"k.A.": Outcome.NOT_REPORTED}


def test_a_text_is_read_once_however_often_it_is_computed_with() -> None:
    mapping = compiled("  amount: {expression: amount * amount + amount}\n")
    assert len(mapping.source("raw")) < 40_000
    assert '"_read_1_value"' in mapping.source("raw")
    assert '"_read_2_' not in mapping.source("raw")
    assert select(mapping.texts["amount"], mapping, id=["1"], amount=["3"], kind=["x"]) == ["12.000000000000"]


def test_a_computed_text_can_be_read_again() -> None:
    mapping = compiled("  amount: {expression: \"number('1' || (amount * 2), 20, 12) + 1\"}\n")
    assert select(mapping.texts["amount"], mapping, id=["1"], amount=["3"], kind=["x"]) == ["17.000000000000"]


def test_without_computation_the_source_is_the_relation_itself() -> None:
    assert compiled("").source("raw") == "raw"


@pytest.mark.parametrize(
    ("fields", "columns", "words"),
    [
        ("  amount: {column: Amount}\n", ("id", "amount"), "no column 'Amount'"),
        ("  amount: {expression: amont * 2}\n", ("id", "amount"), "no column 'amont'"),
        ("  quantity: {column: amount}\n", ("id", "amount"), "no field 'quantity'"),
        ("", ("code", "amount"), "no column 'id'"),
        ("", ("id", "ID"), "same name but for case"),
        ("", ("id", "_read_1_value"), "begins as Headwater's own"),
        ("  kind: {expression: \"regexp_extract(id, '(')\"}\n", ("id",), "do not fit"),
    ],
)
def test_refuses_what_does_not_fit_and_names_what_is_there(fields: str, columns: tuple[str, ...], words: str) -> None:
    with pytest.raises(Misuse, match=words) as caught:
        compiled(fields, columns)
    assert "mapping m 1.0.0" in str(caught.value.where)


@pytest.mark.parametrize("contract", ["thing@1", "other@2"])
def test_refuses_another_contract(contract: str) -> None:
    text = f"mapping: m\nversion: 1.0.0\ncontract: {contract}\nfields:\n  code: {{column: id}}\n"
    with pytest.raises(Misuse, match="another contract") as caught:
        compile_mapping(read_mapping(text, where="m"), DOCUMENT, ("id",))
    assert caught.value.valid == "thing@2"


def test_a_required_field_without_default_must_be_mapped() -> None:
    text = "mapping: m\nversion: 1.0.0\ncontract: thing@2\nfields:\n  amount: {column: amount}\n"
    with pytest.raises(Misuse, match="required fields open: code\\.") as caught:
        compile_mapping(read_mapping(text, where="m"), DOCUMENT, ("id", "amount"))
    assert "sort" not in caught.value.what


def test_column_names_cannot_break_out() -> None:
    columns = ('a" FROM raw; DROP TABLE x; --', "id", "'", '""')
    mapping = compiled("  kind: {column: 'a\" FROM raw; DROP TABLE x; --'}\n", columns)
    record: dict[str, list[str | None]] = {name: [str(number)] for number, name in enumerate(columns)}
    assert select(mapping.texts["kind"], mapping, **record) == ["0"]


def test_a_blank_cell_of_a_column_that_became_records_is_skipped() -> None:
    more = (
        "source: {unpivot: {columns: '20??', name: year, value: amount}}\n"
        "skip: [{when: \"id = 'Total'\", reason: total_line}]"
    )
    mapping = compiled("  amount: {column: amount}\n", ("id", "year", "amount"), more)
    columns: dict[str, list[str | None]] = {
        "id": ["1", "2", "3", "Total", "Total"],
        "year": ["2020"] * 5,
        "amount": ["5", " \u00a0", "0", "7", ""],
    }
    assert select(mapping.skip, mapping, **columns) == [None, "blank", None, "total_line", "total_line"]
    assert mapping.used_columns == ("id", "amount")


def test_what_compiles_is_the_variant_of_the_header() -> None:
    more = "when: [{columns: [sum], fields: {amount: {column: sum}, kind: null}}]"
    fields = "  amount: {column: [amount, value]}\n  kind: {column: kind}\n"
    assert compiled(fields, ("id", "value", "kind"), more).texts["amount"] == '"value"'
    variant = compiled(fields, ("id", "sum"), more)
    assert variant.texts["amount"] == '"sum"'
    assert variant.texts["kind"] == "CAST(NULL AS VARCHAR)"
    with pytest.raises(Misuse, match="several names of one column"):
        compiled(fields, ("id", "amount", "value", "kind"), more)


def test_the_columns_of_a_header_that_a_mapping_reads_and_the_fields_they_fill() -> None:
    text = (
        "mapping: m\nversion: 1.0.0\ncontract: thing@2\n"
        "skip: [{when: \"Sort = 'total'\", reason: total_line}]\n"
        "when: [{columns: [sum], fields: {amount: {column: sum}}}]\n"
        "fields:\n  code: {column: [id, key]}\n  kind: {expression: id || KIND}\n"
    )
    mapping = read_mapping(text, where="m")
    read = {"id": ("code", "kind"), "Kind": ("kind",), "Sort": ()}
    assert columns_read(mapping, ("id", "Kind", "Sort", "note")) == read
    assert columns_read(mapping, ("id", "Kind", "Sort", "sum")) == {**read, "sum": ("amount",)}
