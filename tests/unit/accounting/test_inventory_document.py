from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from headwater.accounting.inventory.document import inventory_json_schema, read_document
from headwater.accounting.inventory.lines import COLUMNS, KEY, LINE_SCHEMA, line_hash, line_hash_sql, sql_type
from headwater.errors import Misuse


def body(**given: Any) -> dict[str, Any]:
    return {
        "inventory": "laboratory_2020",
        "organisation": "Laboratory",
        "boundary": {"approach": "operational_control"},
        "period": {"start": "2020-01-01", "end": "2021-01-01"},
        "gwp_sets": ["AR5"],
    } | given


def test_what_is_left_out_is_the_careful_choice() -> None:
    read = read_document(body(), where="x.yaml")
    assert read.methods == ("location_based", "market_based")
    assert (read.designated.method, read.designated_set) == ("location_based", "AR5")
    assert (read.factors.years.allow, read.factors.upstream, read.instruments.grid_average) == ("none", False, False)
    assert (read.ch4_origin.default, read.accept_other_sets) == ("none", False)


def test_the_hash_is_of_the_canonical_text() -> None:
    read = read_document(body(), where="x.yaml")
    assert read.hash == hashlib.sha256(read.to_json().encode()).digest()
    same = read_document(body(factors={"upstream": "false"}), where="y.yaml")
    assert same.hash == read.hash
    assert read_document(body(factors={"upstream": "true"}), where="x.yaml").hash != read.hash


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"boundary": {"approach": "control"}}, "boundary.approach"),
        ({"boundary": {"approach": "equity_share"}}, "shares are given with equity_share, and only then"),
        ({"boundary": {"approach": "operational_control", "shares": {"A": "0.5"}}}, "only then"),
        ({"boundary": {"approach": "equity_share", "shares": {"A": "1.5"}}}, "boundary.shares.A"),
        ({"period": {"start": "2021-01-01", "end": "2021-01-01"}}, "the period ends before it begins"),
        ({"gwp_sets": []}, "gwp_sets"),
        ({"gwp_sets": ["AR5", "AR5"]}, "names one twice"),
        ({"designated": {"gwp_set": "AR6"}}, "designated.gwp_set AR6 is not among gwp_sets"),
        ({"methods": ["market_based"]}, "designated.method location_based is not among methods"),
        ({"factor": {}}, "factor: there is no such key; did you mean factors?"),
        ({"upstream": True}, "upstream: there is no such key here; it stands under factors. Valid here: inventory,"),
        ({"factors": {"source": []}}, "factors.source: there is no such key; did you mean sources? Valid: sources,"),
        ({"boundary": {"approach": "operational"}}, "'operational' is not valid; did you mean operational_control?"),
        (
            {"boundary": {"approach": "operational_control", "facilities": "LON"}},
            "boundary.facilities: the word all, or a list, is wanted, not 'LON'",
        ),
        (
            {"boundary": {"approach": "operational_control", "facilities": [5]}},
            "boundary.facilities.0: text is wanted, not 5",
        ),
        ({"boundary": {"approach": "equity_share", "shares": {"A": "50%"}}}, "a share from 0 to 1 in quotes"),
        ({"methods": []}, "methods: a list with something in it is wanted, not []"),
        ({"inventory": "My Plant"}, "inventory: a name of small letters, digits and _"),
        ({"period": "2024"}, "period: keys with values are wanted, not '2024'"),
        ({"period": {"start": "2020", "end": "x"}}, "period.end: a date such as 2024-01-31 is wanted, not 'x'"),
        ({"period": {"start": "2020-01-01"}}, "period.end: it is missing"),
        ({"factors": {"years": {"most": 99}}}, "factors.years.most: 50 or less is wanted, not 99"),
        ({"factors": {"regions": {"DE": []}}}, "factors.regions.DE"),
    ],
)
def test_what_is_wrong_is_named_in_one_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Misuse) as refused:
        read_document(body(**given), where="x.yaml")
    assert said in str(refused.value)
    assert refused.value.where == "x.yaml"


@pytest.mark.parametrize("given", [None, "text", []])
def test_what_is_no_document_at_all_is_told_in_words(given: object) -> None:
    with pytest.raises(Misuse, match="the document: keys with values are wanted, not "):
        read_document(given, where="x.yaml")


def test_words_of_the_library_that_reads_are_not_told() -> None:
    wrong = {"boundary": {"approach": 1, "facilities": [], "x": 1}, "period": {"start": 1.5}, "methods": "all"}
    with pytest.raises(Misuse) as refused:
        read_document(body(**wrong, factors=[], gwp_sets=["5"], version=1, categories={"a": "b"}), where="x.yaml")
    said = str(refused.value)
    for words in ("nput should", "validation", "permitted", "pattern", "dictionary", "literal[", "tuple", "instance"):
        assert words not in said


def test_a_share_is_an_exact_decimal() -> None:
    read = read_document(body(boundary={"approach": "equity_share", "shares": {"A": "0.333333"}}), where="x.yaml")
    assert read.share("A") == Decimal("0.333333")
    assert read.share("B") is None
    assert read.share(None) is None


def test_the_schema_is_one_of_2020_12() -> None:
    schema = inventory_json_schema()
    assert schema["$schema"].endswith("2020-12/schema")
    assert set(schema["required"]) == {"inventory", "organisation", "boundary", "period", "gwp_sets"}


def line(**given: Any) -> dict[str, Any]:
    """A line with nothing in it but what is given and its key."""
    empty: dict[str, Any] = dict.fromkeys(LINE_SCHEMA.names)
    return empty | {"activity_id": "A", "method": "m", "gwp_set": "AR5", "stage": "use", "part": 0} | given


def test_every_column_has_a_meaning_and_the_key_stands_first() -> None:
    assert KEY == ("activity_id", "method", "gwp_set", "stage", "part")
    assert all(column.meaning.endswith(".") for column in COLUMNS)


def test_the_hash_of_a_line_is_the_same_in_sql_and_python() -> None:
    rows = [
        line(),
        line(quantity=Decimal("1.500000"), period_start=date(2020, 1, 31), scope=2, substitutions=""),
        line(quantity=Decimal("-0.000001"), share=Decimal("0.500000"), gas="é; ü", renewable=False),
    ]
    con = duckdb.connect()
    con.register("rows", pa.Table.from_pylist(rows, schema=LINE_SCHEMA))
    casts = ", ".join(f"CAST({column.name} AS {sql_type(column)}) AS {column.name}" for column in COLUMNS)
    found = con.sql(f"SELECT {line_hash_sql()} FROM (SELECT {casts} FROM rows)").fetchall()
    con.close()
    assert [text for (text,) in found] == [line_hash(row) for row in rows]
    assert len({line_hash(row) for row in rows}) == 3
