"""Python and SQL read every text alike: outcome, value and canonical text."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.engine.plain_texts import SEEN, plain_texts, without_blanks
from headwater.values import Kind, Outcome, TextFormat, kind, record_text, record_text_sql, sha256, sha256_sql
from tests.examples import examples

FORMATS = (
    TextFormat(),
    TextFormat(decimal=",", group=".", date_order="DMY", time_zone="Europe/Berlin"),
    TextFormat(group=" ", date_order="MDY", absent={"-9999": Outcome.NOT_REPORTED, "-": Outcome.NOT_APPLICABLE}),
    TextFormat(group="'", date_order="YMD", time_zone="UTC"),
    TextFormat(group=None, true_words=("wahr",), false_words=("falsch",)),
)
KINDS = (
    kind("text"), kind("code"), kind("decimal"), kind("decimal", precision=38, scale=10),
    kind("decimal", precision=5, scale=0), kind("integer"), kind("date"), kind("timestamp"), kind("boolean"),
)  # fmt: skip
SEEDS = (
    "", " ", "\xa0", "n/a", "N/A", "NA", "-", "-9999", "1.234,56", "1 234.5", "1\u202f234", "(3)", "( 3 )", "45 %",
    "(4%)", "1e3", "1e-7", "1e999", "+5", "\u22125", "5-", "1_000", " 5 ", "NaN", "inf", "-Infinity", "epoch",
    "\u0661\u0662", "\uff11", ".5", "5.",
    "00012", "1,23", "12,345,678.9", "1'234", "1\u2019234", "0.30000000000000004", "9" * 38, "9" * 39, "0." + "1" * 11,
    "2024-03-31", "2024-02-30", "2024-3-1", "20240331", "31/03/2024", "03/04/2024", "13/04/2024", "31.03.24",
    "0024-01-01", "2024-03-31 00:00:00", "2024-03-31T12:00", "31 March 2024", "Mar 5, 2024", "5-may-2024", "today",
    "45382", "2024-03-31T02:30:00Z", "2024-03-31 02:30", "2024-10-27 02:30:00", "2024-03-31T24:00:00Z",
    "2024-01-01T10:00:00+05:30",
    "2024-01-01T10:00:00.1234567Z", "9999-12-31T23:59:59.999999Z", "true", "FALSE", "yes", "0", "wahr",
    "two\nlines", "tab\there", "zero\u200bwidth", "bell\x07", "\ufeffbom", "caf\xe9", "\x1f", "\x01", "\x0116",
    " \u3000x ", "a\xadb",
)  # fmt: skip
SIGNS = "0123456789.,'+-\u2212()%eE /:T_ \xa0\u2009\u202f\u0661\uff15nNaAiIfFzZ\t\n\x00\x01\x1e\x1fMarchjune\u200b\xe9"


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'America/New_York'")
        yield connection


def numbers() -> st.SearchStrategy[str]:
    exact = st.decimals(allow_nan=False, allow_infinity=False, places=6).map(lambda number: f"{number:f}")
    grouped = st.integers(-(10**15), 10**15).map(lambda number: f"{number:,}")
    return exact | grouped | grouped.map(lambda text: text.replace(",", ".")) | st.floats().map(repr)


def days() -> st.SearchStrategy[str]:
    forms = st.sampled_from(
        ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d %b %Y", "%B %d, %Y", "%Y%m%d", "%Y-%m-%dT%H:%M:%SZ"]
    )
    moments = st.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31))  # noqa: DTZ001
    return st.builds(lambda moment, form: moment.strftime(form), moments, forms)


written = st.sampled_from(SEEDS) | st.text(st.sampled_from(SIGNS), max_size=24)
texts = written | numbers() | days() | st.text(max_size=12)


@settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(found=st.lists(texts, min_size=1, max_size=40), which=st.sampled_from(KINDS), fmt=st.sampled_from(FORMATS))
def test_a_text_is_read_alike(con: duckdb.DuckDBPyConnection, found: list[str], which: Kind, fmt: TextFormat) -> None:
    assert_alike(con, [text for text in found if _is_utf8(text)], which, fmt)


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("which", KINDS, ids=repr)
def test_the_known_traps_are_read_alike(con: duckdb.DuckDBPyConnection, which: Kind, fmt: TextFormat) -> None:
    assert_alike(con, SEEDS, which, fmt)


@settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(found=st.lists(texts | st.just(""), max_size=40), which=st.sampled_from(KINDS), fmt=st.sampled_from(FORMATS))
def test_what_is_plain_in_bytes_is_its_own_reading(
    con: duckdb.DuckDBPyConnection, found: list[str], which: Kind, fmt: TextFormat
) -> None:
    assert_plain(con, [text for text in found if _is_utf8(text)], which, fmt)


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("which", KINDS, ids=repr)
def test_traps_are_plain_only_as_their_own_reading(
    con: duckdb.DuckDBPyConnection, which: Kind, fmt: TextFormat
) -> None:
    assert_plain(con, SEEDS, which, fmt)


def assert_plain(con: duckdb.DuckDBPyConnection, found: Sequence[str], which: Kind, fmt: TextFormat) -> None:
    if not isinstance(which, SEEN):
        return
    # Part of a larger column, and in pieces, as filtered tables are.
    whole = pa.array(["before", *found, "after"], pa.string())
    column = pa.chunked_array([whole.slice(1, len(found))])
    plain = plain_texts(column, which, fmt).tolist()
    con.register("texts", pa.table({"place": pa.array(range(len(found)), pa.int64()), "text": column}))
    readings = con.sql(f"SELECT {which.reading_sql('text', fmt)} FROM texts ORDER BY place").fetchall()
    told = without_blanks(column).to_pylist()
    assert told == [text or None for text in found]
    for text, is_plain, (reading,) in zip(told, plain, readings, strict=True):
        assert not is_plain or reading == text, (text, which)


@pytest.mark.parametrize(
    ("which", "text"),
    [
        (kind("text"), "Hello, world 1"), (kind("code"), "A"), (kind("decimal"), "123456789012.123456"),
        (kind("decimal"), "0"), (kind("integer"), "9" * 18), (kind("date"), "2024-03-31"),
    ],
)  # fmt: skip
def test_the_common_forms_are_seen_in_bytes(which: Kind, text: str) -> None:
    assert plain_texts(pa.chunked_array([[text, "", "\x01"]]), which, TextFormat()).tolist() == [True, True, False]


def assert_alike(con: duckdb.DuckDBPyConnection, found: Sequence[str], which: Kind, fmt: TextFormat) -> None:
    places = pa.array(range(len(found)), pa.int64())
    con.register("texts", pa.table({"place": places, "text": pa.array(found, pa.string())}))
    canonical = which.canonical_sql("value")
    rows = con.sql(
        f"SELECT outcome, value IS NULL, {canonical}, {sha256_sql(record_text_sql([canonical]))} FROM ("
        f" SELECT place, {which.outcome_sql('reading')} AS outcome, {which.value_sql('reading', fmt)} AS value FROM ("
        f"  SELECT place, {which.reading_sql('text', fmt)} AS reading FROM texts)) ORDER BY place"
    ).fetchall()
    for text, (outcome, is_null, told, digest) in zip(found, rows, strict=True):
        parsed = which.parse(text, fmt)
        expected = None if parsed.value is None else which.canonical(parsed.value)
        assert (Outcome(outcome), is_null, told) == (parsed.outcome, parsed.value is None, expected), text
        assert digest == sha256(record_text([expected])), text


@given(value=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**11), max_value=10**11, places=6))
def test_a_decimal_survives_being_written_and_read(value: Decimal) -> None:
    number = kind("decimal")
    assert number.parse(number.canonical(value), TextFormat()).value == value


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in text)
