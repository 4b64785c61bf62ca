"""Texts made by the grammar of each kind, and broken by nasty characters, are read alike by Python and DuckDB."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.values import DEFAULT_ABSENT, Kind, Outcome, TextFormat, kind
from tests.examples import examples

# Spaces of all sorts and controls; then foreign digits, signs that look like others, letters that fold oddly.
INVISIBLE = " \t\n\r\v\f\x00\x1c\x1e\x1f\x7f\x85\x9f\xa0\xad\u1680\u180e\u2007\u2009\u200b\u200d\u2028\u202e\u202f"
INVISIBLE += "\u3000\ufeff\ufffd"
LOOKALIKES = "\u0663\u0967\uff11\u00b2\u2460\u2212\u2013\uff0d\uff0b\uff0e\uff0c\u066b\u2019'\u066a\u017fKk\u212aΣσςİı"
DIGITS = "0123456789"

FORMATS = (
    TextFormat(),
    TextFormat(decimal=",", group="."),
    TextFormat(decimal=",", group=" "),
    TextFormat(group="'"),
    TextFormat(group=None),
    TextFormat(
        absent={
            "-9999": Outcome.NOT_REPORTED,
            "-": Outcome.BLANK,
            "k. A.": Outcome.NOT_APPLICABLE,
            "Ärger": Outcome.BLANK,
        }
    ),
)
TRUTH = TextFormat(true_words=("да", "Ja", "Straße", "ΣΑΣ"), false_words=("нет", "nein", "0", "a.b", "it's"))
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")

several = settings(
    max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose session time zone is none that a format names: it must not matter."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        connection.execute("SET TimeZone = 'Asia/Kolkata'")
        yield connection


def assert_alike(engine: duckdb.DuckDBPyConnection, reader: Kind, fmt: TextFormat, texts: Sequence[str | None]) -> None:
    places = pa.array(range(len(texts)), pa.int64())
    engine.register("given_texts", pa.table({"place": places, "text": pa.array(texts, pa.string())}))
    in_sql = engine.execute(
        f"WITH seen AS (SELECT place, {reader.reading_sql('text', fmt)} AS reading FROM given_texts),"
        f" valued AS (SELECT place, {reader.outcome_sql('reading')} AS outcome,"
        f" {reader.value_sql('reading', fmt)} AS value FROM seen)"
        f" SELECT outcome, {reader.canonical_sql('value')} FROM valued ORDER BY place"
    ).fetchall()
    differing = []
    for text, sql in zip(texts, in_sql, strict=True):
        parsed = reader.parse(text, fmt)
        assert (parsed.value is not None) is (parsed.outcome is Outcome.VALUE)
        python = (int(parsed.outcome), None if parsed.value is None else reader.canonical(parsed.value))
        if python != sql:
            differing.append((text, python, sql))
    assert not differing


def joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map("".join)


def one_of(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from(texts)


def batches(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[str | None]]:
    return st.lists(st.none() | texts, min_size=40, max_size=120)


edges = one_of("", "", "", " ", "\xa0", "\t\u200b", "\ufeff", "\x1c", "\x85\n")
words = one_of(*DEFAULT_ABSENT, "NaN", "inf", "-9999", "-9999.0", "-", "K. a.", "ÄRGER", "äRGER", "N/A", "Null", "#N/A")
anything = st.text(st.characters(codec="utf-8"), max_size=8)
nasty = st.text(INVISIBLE + LOOKALIKES + DIGITS + "aeEn/.,-+%()", max_size=8)

figures = one_of(
    "0", "1", "12", "999", "9" * 12, "9" * 13, "9" * 18, "1" + "0" * 18, "9" * 37, "9" * 38, "0" * 40 + "7"
)
grouped = st.builds(
    lambda first, sign, groups: sign.join([first, *groups]),
    one_of("1", "12", "123", "0", "012", "1234", ""),
    one_of(",", ".", " ", "\xa0", "\u2009", "\u202f", "'", "\u2019"),
    st.lists(one_of("234", "000", "567", "99", "1234"), max_size=6),
)
fractions = joined(one_of(".", ","), one_of("", "5", "50", "123456", "1234567", "1234560000", "0" * 40, "0" * 36 + "1"))
numbers = joined(
    edges,
    one_of("", "", "", "+", "-", "\u2212", "- ", "(", "(-", "( ", "--"),
    figures | grouped | st.text(DIGITS, max_size=8),
    fractions | one_of("", ""),
    one_of(
        *[""] * 4, "%", " %", "\xa0%", "-", "\u2212", ")", ")%", "%)", " %) ", "e3", "E-3", "e+02", "e-40", "e999", "e"
    ),
    edges,
)

days = st.dates(datetime.date(1000, 1, 1)) | st.dates(datetime.date(1999, 1, 1), datetime.date(2030, 1, 1))
numbered = one_of(
    "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d.%m-%Y", "%d/%m/%y"
)
named = one_of("%d %b %Y", "%d-%b-%Y", "%d. %B %Y", "%B %d, %Y", "%b. %d %Y", "%d%b%Y", "%d %b %y")
written_days = (
    st.builds(datetime.date.strftime, days, numbered | named)
    | st.builds(
        lambda parts, sign: sign.join(map(str, parts)),
        st.permutations([24, 2, 2024]) | st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 10100)),
        one_of("/", ".", "-", " "),
    )
    | st.builds("{:04}-{:02}-{:02}".format, st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32))
)
clocks = st.builds(
    "{}{:02}:{:02}{}{}".format,
    one_of("T", " ", "t", "  ", "T ", ""),
    st.integers(0, 25),
    st.integers(0, 61),
    one_of("", ":00", ":30", ":59.5", ":60", ":61", ":00.123456", ":00,1234567", ":00.1234560000", ":00."),
    one_of("", "", "Z", "z", " UTC", "+02:00", "-0330", "+14", "+15", "-00:00", " am", " PM", " PMZ", "+2", "+14:59"),
)
midnights = one_of(
    "T00:00:00", " 00:00", " 00:00:00.000Z", " 12:00:00 AM", "T00:00+02:00", " 24:00", " 0:00", " 00:00:01"
)


def disguised(text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    recased = st.builds(lambda change, plain: change(plain), st.sampled_from([str.lower, str.upper, str.title]), text)
    return joined(edges, recased, edges) | text | words | nasty | anything


@pytest.mark.parametrize("precision_scale", [(18, 6), (38, 10), (4, 0), (38, 37), (5, 4)], ids=str)
@several
@given(texts=batches(numbers | numbers | words | nasty | anything), fmt=st.sampled_from(FORMATS))
def test_decimals(
    engine: duckdb.DuckDBPyConnection, precision_scale: tuple[int, int], texts: list[str | None], fmt: TextFormat
) -> None:
    precision, scale = precision_scale
    assert_alike(engine, kind("decimal", precision=precision, scale=scale), fmt, texts)


@several
@given(texts=batches(numbers | numbers | words | nasty | anything), fmt=st.sampled_from(FORMATS))
def test_integers(engine: duckdb.DuckDBPyConnection, texts: list[str | None], fmt: TextFormat) -> None:
    assert_alike(engine, kind("integer"), fmt, texts)


@pytest.mark.parametrize("date_order", [None, "YMD", "DMY", "MDY"])
@several
@given(texts=batches(disguised(written_days | joined(written_days, midnights | clocks))))
def test_dates(engine: duckdb.DuckDBPyConnection, date_order: str | None, texts: list[str | None]) -> None:
    assert_alike(engine, kind("date"), TextFormat(date_order=date_order), texts)


@pytest.mark.parametrize("time_zone", [None, *ZONES])
@several
@given(
    texts=batches(disguised(joined(written_days, clocks) | written_days)),
    date_order=st.sampled_from([None, "YMD", "DMY", "MDY"]),
)
def test_timestamps(
    engine: duckdb.DuckDBPyConnection, time_zone: str | None, texts: list[str | None], date_order: str | None
) -> None:
    assert_alike(engine, kind("timestamp"), TextFormat(time_zone=time_zone, date_order=date_order), texts)


# The weeks in which one of ZONES puts its clocks forward or back; in Apia, 30 December 2011 is missing as a whole.
around_changes = st.builds(
    lambda year, month_and_day, minutes: (
        datetime.datetime.combine(datetime.date(year, *month_and_day), datetime.time())
        + datetime.timedelta(minutes=minutes)
    ),
    st.integers(2007, 2037),
    st.sampled_from([(3, 8), (3, 25), (4, 1), (10, 1), (10, 25), (11, 1), (12, 28)]),
    st.integers(0, 7 * 24 * 60),
)


@pytest.mark.parametrize("time_zone", ZONES)
@several
@given(moments=st.lists(around_changes, min_size=40, max_size=120))
def test_clocks_put_forward_and_back(
    engine: duckdb.DuckDBPyConnection, time_zone: str, moments: list[datetime.datetime]
) -> None:
    texts = [moment.isoformat(" ") for moment in moments]
    assert_alike(engine, kind("timestamp"), TextFormat(time_zone=time_zone), texts)


@pytest.mark.parametrize("type_name", ["text", "code"])
@several
@given(
    texts=batches(joined(edges, anything | nasty | words, edges) | st.text(INVISIBLE + "aÄ", max_size=6)),
    fmt=st.sampled_from([FORMATS[0], FORMATS[-1]]),
)
def test_texts_and_codes(
    engine: duckdb.DuckDBPyConnection, type_name: str, texts: list[str | None], fmt: TextFormat
) -> None:
    assert_alike(engine, kind(type_name), fmt, texts)


truth_words = one_of(*TRUTH.true_words, *TRUTH.false_words, "yes", "No", "1", "t", "STRASSE", "σας", "axb", "NA")


@several
@given(texts=batches(disguised(truth_words)), fmt=st.sampled_from([FORMATS[0], FORMATS[-1], TRUTH]))
def test_booleans(engine: duckdb.DuckDBPyConnection, texts: list[str | None], fmt: TextFormat) -> None:
    assert_alike(engine, kind("boolean"), fmt, texts)


@given(text=st.text(st.characters(), max_size=12) | numbers | written_days | joined(written_days, clocks))
def test_no_text_breaks_a_parser_not_even_half_a_surrogate(text: str) -> None:
    fmt = TextFormat(date_order="DMY", time_zone="Europe/Berlin")
    for type_name in ("text", "code", "decimal", "integer", "date", "timestamp", "boolean"):
        parsed = kind(type_name).parse(text, fmt)
        assert (parsed.value is not None) is (parsed.outcome is Outcome.VALUE)
        if parsed.value is not None:
            kind(type_name).canonical(parsed.value).encode()


@given(
    number=st.from_regex(r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?", fullmatch=True),
    scale=st.integers(0, 37),
)
def test_a_number_is_what_the_decimal_module_says_or_does_not_fit(number: str, scale: int) -> None:
    parsed = kind("decimal", precision=38, scale=scale).parse(number, TextFormat())
    exact = Decimal(number)
    if parsed.outcome is Outcome.VALUE:
        assert parsed.value == exact
        assert isinstance(parsed.value, Decimal)
        assert parsed.value.as_tuple().exponent == -scale
    elif parsed.outcome is Outcome.NUMBER_TOO_LARGE:
        assert exact.adjusted() >= 38 - scale
    else:
        assert parsed.outcome is Outcome.TOO_MANY_DECIMALS
        smallest = Decimal((0, (1,), -scale))
        assert exact % smallest != 0 if exact.adjusted() < 25 - scale else True
