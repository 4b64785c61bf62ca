"""Expressions mean the same in DuckDB and in Python, exactly, and never fail at run time; patterns too."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from headwater.contracts.document import FieldSpec
from headwater.contracts.expression import Term, compile_expression, evaluate
from headwater.contracts.pattern import check_pattern
from headwater.errors import Misuse
from headwater.replay.program import Language, as_record, built
from headwater.values import TextFormat, luhn, luhn_sql, mod_97_10, mod_97_10_sql
from tests.examples import examples


def field(name: str, type_name: str, precision: int | None = None, scale: int | None = None) -> FieldSpec:
    return FieldSpec(
        name=name, type=type_name, precision=precision, scale=scale, description="d", required=False, key=False
    )


FIELDS = {
    each.name: each
    for each in (
        field("narrow", "decimal", 5, 2),
        field("wide", "decimal", 18, 6),
        field("widest", "decimal", 30, 9),
        field("whole", "integer"),
        field("start", "date"),
        field("stop", "date"),
        field("word", "code"),
        field("flag", "boolean"),
    )
}
ROWS: tuple[dict[str, Any], ...] = tuple(
    dict(zip(FIELDS, row, strict=True))
    for row in (
        (None, None, None, None, None, None, None, None),
        (Decimal("999.99"), Decimal("999999999999.999999"), Decimal("9" * 21 + "." + "9" * 9), 999999999999999999,
         datetime.date(9999, 12, 31), datetime.date(1000, 1, 1), "grün", True),
        (Decimal("-999.99"), Decimal("-999999999999.999999"), Decimal("-" + "9" * 21), -999999999999999999,
         datetime.date(2024, 2, 29), datetime.date(2024, 3, 1), "a", False),
        (Decimal("0.00"), Decimal("0.000001"), Decimal(0), 0, datetime.date(2024, 1, 1), None, "b", None),
        (Decimal("1.50"), None, Decimal("0.05"), 1, None, datetime.date(2024, 1, 1), "it's", True),
    )
)  # fmt: skip

numbers = st.recursive(
    st.sampled_from(
        ("narrow", "wide", "widest", "whole", "0", "1", "0.05", "366", "1000000000000.5", "(start - stop)")
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        inner.map(lambda n: f"abs({n})"),
        inner.map(lambda n: f"-({n})"),
        st.tuples(inner, inner).map(lambda p: f"coalesce({p[0]}, {p[1]})"),
    ),
    max_leaves=4,
)
signs = st.sampled_from(("=", "<>", "<", "<=", ">", ">="))
comparisons = st.one_of(
    st.tuples(numbers, signs, numbers).map(" ".join),
    st.tuples(numbers, numbers, numbers).map(lambda p: f"{p[0]} BETWEEN {p[1]} AND {p[2]}"),
    numbers.map(lambda n: f"{n} IN (0, 1, 1.50)"),
    numbers.map(lambda n: f"{n} IS NULL"),
    st.sampled_from(
        (
            "word = 'a'", "word <> 'it''s'", "word IN ('a', 'grün')", "word NOT IN ('b')", "word IS NOT NULL", "flag",
            "start > stop", "start >= DATE '2024-02-29'", "flag = TRUE", "coalesce(flag, FALSE)", "NULL", "FALSE",
            "coalesce(stop, start) < DATE '2024-06-01'", "(flag IS NULL) = (word IS NULL)", "mod_97_10(word) = 1",
            "luhn(word) <> 0", "mod_97_10('254900BQVM5V0IY7RQ62') = 1", "luhn(word) IS NULL",
        )
    ),
)  # fmt: skip
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        inner.map(lambda c: f"NOT ({c})"),
        st.tuples(inner, st.sampled_from(("AND", "OR")), inner).map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
    ),
    max_leaves=5,
)


def by_instructions(term: Term, row: dict[str, Any]) -> Any:
    return built(term.code, Language(text_format=TextFormat()))(as_record(row))


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        columns = ", ".join(f'"{each.name}" {each.kind.duckdb_type}' for each in FIELDS.values())
        connection.execute(f"CREATE TABLE records(place INTEGER, {columns})")
        marks = ", ".join("?" for _ in range(len(FIELDS) + 1))
        connection.executemany(
            f"INSERT INTO records VALUES ({marks})", [[place, *row.values()] for place, row in enumerate(ROWS)]
        )
        yield connection


@given(text=conditions)
@settings(max_examples=examples(300), deadline=None)
def test_a_condition_means_the_same(con: duckdb.DuckDBPyConnection, text: str) -> None:
    try:
        term = compile_expression(text, FIELDS)
    except Misuse as refused:
        assume("digits" not in refused.what)  # a result that may not fit is refused before it is computed
        raise
    bulk = con.sql(f"SELECT {term.sql} FROM records ORDER BY place").fetchall()
    assert [verdict for (verdict,) in bulk] == [evaluate(term, row) for row in ROWS]
    assert [verdict for (verdict,) in bulk] == [by_instructions(term, row) for row in ROWS]


@given(text=numbers)
@settings(max_examples=examples(200), deadline=None)
def test_a_number_is_computed_exactly(con: duckdb.DuckDBPyConnection, text: str) -> None:
    try:
        term = compile_expression(text, FIELDS, "number")
    except Misuse as refused:
        assume("digits" not in refused.what)
        raise
    bulk = con.sql(f"SELECT {term.sql} FROM records ORDER BY place").fetchall()
    assert [number for (number,) in bulk] == [evaluate(term, row) for row in ROWS]
    assert [None if number is None else Fraction(number) for (number,) in bulk] == [
        by_instructions(term, row) for row in ROWS
    ]


@given(text=st.text("0129AZMaé-", max_size=24) | st.from_regex("[A-Z0-9]{2,64}", fullmatch=True))
@settings(max_examples=examples(300), deadline=None)
def test_check_digits_are_the_same(con: duckdb.DuckDBPyConnection, text: str) -> None:
    query = f"SELECT {mod_97_10_sql('t')}, {luhn_sql('t')} FROM (SELECT ? AS t)"
    assert con.execute(query, [text]).fetchone() == (mod_97_10(text), luhn(text))


PATTERNS = (
    "[A-Z]{3}", "[A-Z]{2}[A-Za-z0-9]{1,15}", "(?:a|bc)*d?", "x(?:[a-f]|-)+\\d?", "\\d{4}-\\d{2}", "[^a-z]+", "a b|c",
    "(?:[0-9]{1,3}\\.)(?:[0-9]{1,3})?", "[+-]?[0-9]{0,5}", "\\(\\d\\)|\\[x\\]", "[a\\-z]", "[0-9.]+-?", "", "\\D{2,}",
)  # fmt: skip


@given(pattern=st.sampled_from(PATTERNS), data=st.data())
@settings(max_examples=examples(200), deadline=None)
def test_a_pattern_means_the_same(con: duckdb.DuckDBPyConnection, pattern: str, data: st.DataObject) -> None:
    check_pattern(pattern, "here")
    characters = st.characters(codec="utf-8", exclude_characters="\x00")
    text = data.draw(st.from_regex(pattern) | st.from_regex(pattern, fullmatch=True) | st.text(characters, max_size=6))
    (bulk,) = con.execute("SELECT regexp_full_match(?, ?)", [text, pattern]).fetchone() or (None,)
    assert bulk == (re.fullmatch(pattern, text, re.ASCII) is not None)


@pytest.mark.parametrize(
    "pattern",
    ["(a)", "a.c", "(?=a)", "(?i)a", "\\1", "a++", "*a", "a**", "(?:a+)+", "(?:a|b*){2,}", "(?:(?:a+)b)*", "a{1001}",
     "a{2000,}", "^a", "a$", "\\w", "\\s", "é", "[é]", "[a", "(?:a", "a)",
     "\\p{L}", "a{,3}", "[]", "[[:alpha:]]", "\\x41"],
)  # fmt: skip
def test_what_is_not_linear_or_not_alike_is_refused(pattern: str) -> None:
    with pytest.raises(Misuse, match="pattern refused"):
        check_pattern(pattern, "here")
