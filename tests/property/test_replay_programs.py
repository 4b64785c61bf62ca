"""Instructions give what DuckDB gives, for every operation that expressions may use, whatever stands in the cells."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.engine.duck import engine
from headwater.engine.expressions import Rendered, render_condition, render_value
from headwater.engine.fragments import quote_name
from headwater.engine.letter_cases import letter_cases
from headwater.engine.readings import Readings
from headwater.errors import HeadwaterError, InputRefused, Misuse
from headwater.mapping import compile_mapping, read_mapping
from headwater.replay.patterns import portable
from headwater.replay.program import NAMES, OUTER_SPACES, Language, built
from headwater.services.installation import documents
from headwater.values import TextFormat
from tests.examples import examples

FORMATS = (
    TextFormat(),
    TextFormat(decimal=",", group=".", date_order="DMY"),
    TextFormat(decimal=",", group=" ", date_order="MDY", absent={"-": 3, "keine": 2}),  # type: ignore[dict-item]
    TextFormat(group=None, date_order="YMD"),
)
COLUMNS = ("a", "b", "c d")


@cache
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1, "enable_external_access": False})


@cache
def language(text_format: TextFormat) -> Language:
    with engine() as duck:
        cases = letter_cases(duck)
    return Language(text_format=text_format, lower=cases["lower"], upper=cases["upper"])


def by_engine(rendered: Rendered, readings: Readings, record: Mapping[str, str]) -> object:
    con = connection()
    con.execute("CREATE OR REPLACE TABLE raw (" + ", ".join(f"{quote_name(name)} VARCHAR" for name in record) + ")")
    con.execute(f"INSERT INTO raw VALUES ({', '.join('?' for _ in record)})", list(record.values()))
    ((found,),) = con.execute(f"SELECT {rendered.sql} FROM {readings.relation('raw')}").fetchall()
    return found


def check(text: str, record: Mapping[str, str], text_format: TextFormat) -> set[str]:
    """The instructions used, where the expression is allowed."""
    used: set[str] = set()
    for render in (render_value, render_condition):
        readings = Readings(text_format)
        try:
            rendered = render(text, list(record), readings, where="test")
        except Misuse:
            continue
        found = built(rendered.code, language(text_format))(record)
        assert found == by_engine(rendered, readings, record), (text, record)
        used |= names(rendered.code)
    return used


def names(code: object) -> set[str]:
    if not isinstance(code, list):
        return set()
    own = {code[0]} if code and isinstance(code[0], str) else set()
    return own.union(*map(names, code))


# Cells: hostile characters, and texts that are numbers, days or words of absence in some of the formats.
SIGNS = " \t\n\r\v\f.,-+%()'\"_\\aAzZ019eE\xa0\u2003\u202f\u200b\ufeff\xadßẞİıΣςŉǅﬁ\u0301🇩🇪😀\u1680٣−’\x85\x1e\x1fÅK"
WORDS = (
    "", " ", "1", "-0", "0.000000", "1,234.5", "1.234,5", "1 234,5", "12.5%", "1e3", "(7)", "999999999999.999999",
    "1000000000000", "0.0000001", "n/a", "N.R.", "-", "keine", "2024-02-29", "2023-02-29", "31/12/2024", "12/31/2024",
    "01.02.2024", "9999-12-31", "1 March 2024", "20240331", "kWh", "x-y-z", "aXbXc", "-5",
)  # fmt: skip
cells = st.one_of(
    st.text(st.sampled_from(SIGNS), max_size=12),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6),
    st.sampled_from(WORDS),
)
literals = st.one_of(
    st.text(st.sampled_from([sign for sign in SIGNS if sign.isprintable()]), min_size=1, max_size=4),
    st.sampled_from(["x", "-", "a", "ß", "Σ", "  "]),
).map(lambda text: "'" + text.replace("'", "''") + "'")
wildcards = st.text(st.sampled_from([*"%_aAß1.\\", "Σ"]), max_size=5).map(lambda text: f"'{text}'")
PATTERNS = (
    "[0-9]+", "^a", "a$", r"\d+", r"(\w+)\s*(\w*)", "[^,]+$", "a|b|", "(a)|(b)", "a{2,3}", ".", "x?", r"\bkWh\b",
    r"[\w\-.]+", r"(\d{4})-(\d\d)", "(?:ab)+c", r"\S+?", "[ß-]", r"\D", r"[a-cA-C]\.", r"\s", "(a?b){2}", "", "e.0",
    r"[^\d\s]+",
)  # fmt: skip
patterns = st.sampled_from(PATTERNS).map(lambda text: "'" + text.replace("'", "''") + "'")
places = st.integers(-7, 9)


def conditions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), inner).map(" ".join),
        st.tuples(inner, st.sampled_from(["=", "<", ">="]), st.sampled_from(["0", "12.5"])).map(" ".join),
        st.tuples(inner, st.sampled_from(["LIKE", "ILIKE", "NOT LIKE"]), wildcards).map(" ".join),
        st.tuples(inner, inner, inner).map("{0[0]} BETWEEN {0[1]} AND {0[2]}".format),
        st.tuples(inner, inner, inner).map("{0[0]} IN ({0[1]}, {0[2]})".format),
        inner.map("{} IS NULL".format),
        st.tuples(inner, inner).map("NOT ({0[0]} = 'x' AND {0[1]} IS NOT NULL)".format),
        st.tuples(inner, inner).map("({0[0]} > 'a' OR {0[1]} < 'b')".format),
    )


texts = st.recursive(
    st.one_of(st.sampled_from(["a", "b", '"c d"', "NULL"]), literals),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("({0[0]} || {0[1]})".format),
        st.tuples(st.sampled_from(["lower", "upper", "trim", "row_key", "day_after", "length"]), inner).map(
            "{0[0]}({0[1]})".format
        ),
        st.tuples(inner, places).map("substr({0[0]}, {0[1]})".format),
        st.tuples(inner, places, st.integers(0, 6)).map("substr({0[0]}, {0[1]}, {0[2]})".format),
        st.tuples(st.sampled_from(["left", "right"]), inner, st.integers(0, 6)).map("{0[0]}({0[1]}, {0[2]})".format),
        st.tuples(inner, literals, literals).map("replace({0[0]}, {0[1]}, {0[2]})".format),
        st.tuples(inner, st.integers(1, 9), literals).map("lpad({0[0]}, {0[1]}, {0[2]})".format),
        st.tuples(inner, st.one_of(literals, st.just("''")), places).map("split_part({0[0]}, {0[1]}, {0[2]})".format),
        st.tuples(inner, patterns, st.integers(0, 3)).map("regexp_extract({0[0]}, {0[1]}, {0[2]})".format),
        st.tuples(st.sampled_from(["coalesce", "nullif", "concat"]), inner, inner).map("{0[0]}({0[1]}, {0[2]})".format),
        st.tuples(inner, st.sampled_from("+-*"), inner).map(" ".join).map("({})".format),
        st.tuples(inner, st.sampled_from("+-*"), st.sampled_from(["2", "0.5", "100"])).map(" ".join).map("({})".format),
        inner.map("(- {})".format),
        st.tuples(inner, st.sampled_from(["", ", 9, 2", ", 38, 18", ", 3"])).map("number({0[0]}{0[1]})".format),
        st.tuples(inner, st.integers(0, 3)).map("round({0[0]}, {0[1]})".format),
        st.tuples(inner, inner, st.integers(0, 4)).map(
            "divide(number({0[0]}, 12, 4), number({0[1]}, 9, 3), {0[2]})".format
        ),
        st.tuples(inner, inner).map("days({0[0]}, {0[1]})".format),
        st.tuples(conditions(inner), inner, inner).map("CASE WHEN {0[0]} THEN {0[1]} ELSE {0[2]} END".format),
        st.tuples(inner, inner, inner).map("CASE {0[0]} WHEN {0[1]} THEN {0[2]} END".format),
        st.tuples(conditions(inner), st.sampled_from(["1", "0.25"])).map(
            "CASE WHEN {0[0]} THEN number(a) ELSE {0[1]} END".format
        ),
    ),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=examples(400), deadline=None)
@given(
    text=st.one_of(texts, conditions(texts)),
    record=st.fixed_dictionaries(dict.fromkeys(COLUMNS, cells)),
    text_format=st.sampled_from(FORMATS),
)
@example(text="number(a, 5, 4) * 0.5", record={"a": "-.5", "b": "", "c d": ""}, text_format=FORMATS[0])
@example(text="0.5", record=dict.fromkeys(COLUMNS, ""), text_format=FORMATS[0])
@example(text="day_after(a)", record={"a": "9999-12-31", "b": "", "c d": ""}, text_format=FORMATS[0])
def test_instructions_give_what_the_engine_gives(text: str, record: dict[str, str], text_format: TextFormat) -> None:
    check(text, record, text_format)


ONE_OF_EACH = (
    "a || 'x'", "lower(a)", "upper(a)", "trim(a)", "substr(a, 2)", "substr(a, 2, 3)", "left(a, 2)", "right(a, 2)",
    "replace(a, 'x', 'y')", "lpad(a, 5, '0')", "split_part(a, '-', 1)", "regexp_extract(a, '[0-9]+')", "coalesce(a, b)",
    "nullif(a, b)", "length(a)", "number(a) * 2 + number(b) - 1", "-number(a)", "round(number(a), 1)",
    "divide(number(a), number(b), 2)", "days(a, b)", "day_after(a)", "row_key(a, b)",
    "CASE WHEN a = b THEN a ELSE b END", "a <> b AND a < b OR a <= b", "a > b", "a >= b",
    "a LIKE '%x%'", "a IS NULL", "NOT a = b",
    "a IN ('x', 'y')", "NULL",
)  # fmt: skip
OF_MAPPINGS = {"meaning", "among", "is_blank"}
OF_CONTRACTS = {"day", "abs", "check_digits"}


def test_no_instruction_is_left_untested() -> None:
    used: set[str] = set()
    for text in ONE_OF_EACH:
        for cell in ("x-1", "12", "2024-01-01", ""):
            used |= check(text, {"a": cell, "b": "7", "c d": ""}, FORMATS[0])
    assert used & NAMES == NAMES - OF_MAPPINGS - OF_CONTRACTS


def test_letters_and_spaces_are_those_of_the_engine() -> None:
    spoken = language(FORMATS[0])
    con = connection()
    con.execute(
        "CREATE OR REPLACE TABLE signs AS SELECT chr(range::INTEGER) AS s FROM range(1, 55296)"
        " UNION ALL SELECT chr(range::INTEGER) FROM range(57344, 1114112)"
    )
    rows = con.execute("SELECT s, lower(s), upper(s) FROM signs WHERE lower(s) <> s OR upper(s) <> s").fetchall()
    assert len(rows) > 2000
    for sign, lower, upper in rows:
        assert built(["lower", ["column", "a"]], spoken)({"a": sign}) == lower
        assert built(["upper", ["column", "a"]], spoken)({"a": sign}) == upper
    trimmed = {sign for (sign,) in con.execute("SELECT s FROM signs WHERE trim(s) = ''").fetchall()}
    assert trimmed == set(OUTER_SPACES)


@settings(max_examples=examples(300), deadline=None)
@given(
    pattern=st.text(st.sampled_from([*r"ab1.-[]()|?*+{}2,^$\dwsbn:"]), max_size=9),
    text=st.text(st.sampled_from("ab1.- \n\v,ß"), max_size=8),
    group=st.integers(0, 2),
)
def test_a_pattern_finds_what_the_engine_finds_or_is_refused(pattern: str, text: str, group: int) -> None:
    try:
        portable(pattern)
        code = built(["find", ["column", "a"], pattern, group], language(FORMATS[0]))
    except Misuse:
        return
    try:
        query = f"SELECT regexp_extract(?, {quoted(pattern)}, {group})"
        ((found,),) = connection().execute(query, [text]).fetchall()
    except duckdb.Error:
        return  # what the engine refuses never comes to a replay
    assert code({"a": text}) == found


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@pytest.mark.parametrize(
    "pattern", ["(a+)+", "(?i)a", r"\pL", "[[:alpha:]]", "(a*)*", r"\1", "(?=a)", r"a\z", "a{2", "a{1001}"]
)
def test_a_pattern_that_may_mean_two_things_is_refused(pattern: str) -> None:
    with pytest.raises(Misuse, match=r"pattern"):
        portable(pattern)


MAPPING = """
mapping: test
version: 1.0.0
contract: activity@1
locale: {decimal: ",", group: ".", date_order: DMY}
source: {unpivot: {columns: "v*", name: which, value: amount}}
skip: [{when: "kind ILIKE 'total%'", reason: total_line}]
fields:
  activity_id: {expression: "row_key(kind, which)"}
  activity_type: {column: kind, values: {Strom: electricity, "ÄRGER ": trouble}, otherwise: reject}
  region: {column: where, values: {de: DE}, otherwise: keep}
  period_start: {constant: "2024-01-01"}
  quantity: {expression: "amount * 0.5"}
  unit: {constant: kWh}
"""


@settings(max_examples=examples(150), deadline=None)
@given(
    record=st.fixed_dictionaries(
        {
            "kind": st.one_of(cells, st.sampled_from(["Strom", " strom\xa0", "ärger", "Ärger", "TOTAL x", "total"])),
            "where": st.one_of(cells, st.just("De ")),
            "which": cells,
            "amount": st.one_of(cells, st.sampled_from([" \u200b", "\ufeff", "1.000,5"])),
        }
    )
)
def test_the_program_of_a_mapping_gives_what_its_sql_gives(record: dict[str, str]) -> None:
    activity = next(document for document in documents() if (document.name, document.major) == ("activity", 1))
    mapping = read_mapping(MAPPING, where="test")
    compiled = compile_mapping(mapping, activity, list(record))
    parts = [("skip", compiled.skip, compiled.program["skip"])]
    parts += [(name, sql, compiled.program["texts"][name]) for name, sql in compiled.texts.items()]
    parts += [(f"{name}?", sql, compiled.program["unmapped"][name]) for name, sql in compiled.unmapped.items()]
    con = connection()
    con.execute("CREATE OR REPLACE TABLE raw (" + ", ".join(f"{quote_name(name)} VARCHAR" for name in record) + ")")
    con.execute(f"INSERT INTO raw VALUES ({', '.join('?' for _ in record)})", list(record.values()))
    select = ", ".join(sql for _, sql, _ in parts)
    (row,) = con.execute(f"SELECT {select} FROM {compiled.source('raw')}").fetchall()
    spoken = language(compiled.format)
    for (name, _, code), found in zip(parts, row, strict=True):
        assert built(code, spoken)(record) == found, name


@pytest.mark.parametrize(
    "code",
    [
        [], {}, "x", ["no_such"], ["column"], ["column", 1], ["lower"], ["substr", ["column", "a"], "1", 2],
        ["digits", ["exact", "1"], 1, 10**9, "."], ["round", ["exact", "1"], 10**9], ["divide", ["exact", "1"]],
        ["exact", "1e9"], ["day", "tomorrow"], ["check_digits", "md5", ["column", "a"]], ["constant", 1.5],
        ["like", ["column", "a"], "%" * 4, False], ["choose", [["x"]], ["constant", None]],
        ["number", ["column", "a"], 99, 1],
    ],
)  # fmt: skip
def test_what_is_no_instruction_is_refused(code: object) -> None:
    """A file comes from anywhere: nothing in it may do more than it says, or take for ever."""
    with pytest.raises(HeadwaterError):
        built(code, language(FORMATS[0]))({"a": "1"})


def test_instructions_nested_without_end_are_refused() -> None:
    code: list[object] = ["column", "a"]
    for _ in range(5000):
        code = ["not", code]
    with pytest.raises(InputRefused):
        built(code, language(FORMATS[0]))
