from __future__ import annotations

from contextlib import suppress
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.engine.expressions import render_condition, render_value
from headwater.engine.fragments import quote_name
from headwater.engine.readings import Readings
from headwater.errors import Misuse
from headwater.values import TextFormat
from tests.examples import examples

WIDE = Context(prec=100, rounding=ROUND_HALF_UP)
FORMAT = TextFormat()

visible = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")), min_size=1, max_size=30)
numbers = st.decimals(-(10**12) + 1, 10**12 - 1, places=6, allow_nan=False, allow_infinity=False)


@cache
def connection() -> duckdb.DuckDBPyConnection:
    """One for all examples, cut off from files and network."""
    return duckdb.connect(config={"threads": 1, "enable_external_access": False})


def value(text: str, record: dict[str, str]) -> object:
    readings = Readings(FORMAT)
    rendered = render_value(text, list(record), readings, where="test")
    con = connection()
    con.execute("CREATE OR REPLACE TABLE raw (" + ", ".join(f"{quote_name(name)} VARCHAR" for name in record) + ")")
    con.execute(f"INSERT INTO raw VALUES ({', '.join('?' for _ in record)})", list(record.values()))
    rows = con.execute(f"SELECT {rendered.sql} FROM {readings.relation('raw')}").fetchall()
    assert len(rows) == 1
    return rows[0][0]


@settings(max_examples=examples(100), deadline=None)
@given(literal=visible, name=visible, content=visible)
def test_any_literal_gives_itself_and_any_column_its_text(literal: str, name: str, content: str) -> None:
    quoted = "'" + literal.replace("'", "''") + "'"
    column = quote_name(name)
    assert value(f"{quoted} || {column}", {name: content}) == literal + content


@settings(max_examples=examples(100), deadline=None)
@given(a=numbers, b=numbers)
def test_sum_difference_and_product_are_exact(a: Decimal, b: Decimal) -> None:
    record = {"a": f"{a:f}", "b": f"{b:f}"}
    assert Decimal(str(value("a * b", record))) == WIDE.multiply(a, b)
    assert Decimal(str(value("a + b", record))) == WIDE.add(a, b)
    assert Decimal(str(value("a - b", record))) == WIDE.subtract(a, b)


@settings(max_examples=examples(100), deadline=None)
@given(
    a=st.decimals(-(10**7), 10**7, places=4, allow_nan=False, allow_infinity=False),
    b=st.decimals(-(10**5), 10**5, places=3, allow_nan=False, allow_infinity=False),
    places=st.integers(0, 9),
)
def test_division_is_exact_and_rounds_half_up(a: Decimal, b: Decimal, places: int) -> None:
    text = f"divide(number(a, 12, 4), number(b, 9, 3), {places})"
    found = value(text, {"a": f"{a:f}", "b": f"{b:f}"})
    if b == 0:
        assert found == f"{a:f} / {b:f}"
        return
    # 100 digits: no quotient of these lies so near a half that more would round otherwise.
    expected = WIDE.divide(a, b).quantize(Decimal(1).scaleb(-places), context=WIDE)
    assert Decimal(str(found)) == expected


@settings(max_examples=examples(100), deadline=None)
@given(a=numbers, places=st.integers(0, 6))
def test_rounding_is_half_up(a: Decimal, places: int) -> None:
    expected = a.quantize(Decimal(1).scaleb(-places), context=WIDE)
    assert Decimal(str(value(f"round(number(a), {places})", {"a": f"{a:f}"}))) == expected


WORDS = (
    *("||", "::", "--", "/*", "*/", "CASE", "WHEN", "THEN", "ELSE", "END", "SELECT", "FROM", "raw", "WHERE", "UNION"),
    *("lower", "replace", "number", "row_key", "divide", "days", "read_csv", "getenv", "'x'", "'%'", "1", "2.5", "1e9"),
    *("NULL", "IS", "NOT", "IN", "AND", "OR", "LIKE", "BETWEEN", "OVER", "DISTINCT", "AS", "CAST", "INTERVAL"),
    *(
        "EXISTS",
        "LAMBDA",
        "x -> x",
        "COLUMNS",
        "PRAGMA",
        "$$",
        "E'x'",
        "\u200b",
        *"ab()+-*/%,;'\"$?:@[]{}<>=|!~^.#&\\ \n",
    ),
)

# Expressions as a user would write them, and then one word of the list above put in somewhere.
leaves = st.sampled_from(["a", "b", "'x'", "'7'", "2", "2.50", "NULL"])
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["||", "*", "+", "-"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(st.sampled_from(["lower", "trim", "length", "number", "row_key"]), inner).map(
            "{0[0]}({0[1]})".format
        ),
        st.tuples(inner, inner).map(lambda t: f"coalesce({t[0]}, {t[1]})"),
        st.tuples(inner, inner).map(lambda t: f"divide({t[0]}, {t[1]}, 2)"),
        st.tuples(inner, inner, inner, inner).map(lambda t: f"CASE WHEN {t[0]} = {t[1]} THEN {t[2]} ELSE {t[3]} END"),
        st.tuples(inner, inner).map(lambda t: f"days({t[0]}, {t[1]})"),
        inner.map(lambda t: f"replace({t}, 'x', 'yz')"),
    ),
    max_leaves=6,
)


@st.composite
def mangled(draw: st.DrawFn) -> str:
    text = draw(values)
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.sampled_from(WORDS)) + text[place:]
    return text


@settings(max_examples=examples(600), deadline=None)
@given(text=mangled())
def test_what_is_not_refused_runs_on_any_record(text: str) -> None:
    for render in (render_value, render_condition):
        readings = Readings(FORMAT)
        try:
            rendered = render(text, ["a", "b"], readings, where="test")
        except Misuse:
            continue
        con = connection()
        con.execute("CREATE OR REPLACE TABLE raw AS SELECT * FROM (VALUES ('1', '2'), ('x', ''), ('', 'y')) AS t(a, b)")
        rows = con.execute(f"SELECT {rendered.sql} FROM {readings.relation('raw')}").fetchall()
        assert len(rows) == 3


@settings(max_examples=examples(300), deadline=None)
@given(text=st.text(max_size=80))
def test_any_text_is_rendered_or_refused_and_nothing_else(text: str) -> None:
    with suppress(Misuse):
        render_value(text, ["a"], Readings(FORMAT), where="test")
