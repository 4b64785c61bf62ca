"""Row and bulk enforcement of every rule kind give the same set of (row, rule), values and hashed text."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.contracts import (
    Boolean,
    Code,
    Contract,
    Date,
    Document,
    Integer,
    Number,
    RowRule,
    Text,
    Timestamp,
    compile_contract,
    enforce_row,
    enforce_rows,
    enforcement,
    find_all,
)
from headwater.contracts.document import ROW_KINDS, SET_KINDS
from headwater.contracts.row import canonical_record
from headwater.values import Outcome, TextFormat
from tests.examples import examples


def rule(name: str, expression: str, *fields: str, severity: str = "reject") -> RowRule:
    return RowRule(
        id=f"every_kind.{name}",
        expression=expression,
        fields=fields,
        severity=severity,
        message="m",
        valid="v",
        repair="r",
    )


class EveryKind(
    Contract,
    name="every_kind",
    version="1.2.0",
    title="Every kind",
    description="Each type of field and each kind of rule at least once.",
):
    code: Annotated[str, Code(key=True, max_length=6, description="d")]
    part: Annotated[int, Integer(key=True, minimum="-2", maximum="999999999999999999", description="d")] = 1
    colour: Annotated[str | None, Code(enum=("red", "blue", "grün"), description="d")] = None
    currency: Annotated[str | None, Code(pattern="[A-Z]{3}|x(?:[a-f]|-)+\\d?", description="d")] = None
    owner: Annotated[str | None, Code(reference="owner.code", description="d")] = None
    note: Annotated[str | None, Text(min_length=2, max_length=5, description="d")] = None
    small: Annotated[Decimal | None, Number(precision=5, scale=2, minimum="-1.5", maximum="900", description="d")] = (
        None
    )
    amount: Annotated[Decimal, Number(precision=18, scale=6, minimum="0", description="d")]
    other: Annotated[Decimal | None, Number(precision=18, scale=6, description="d")] = None
    huge: Annotated[Decimal | None, Number(precision=38, scale=9, minimum="-1", description="d")] = None
    whole: Annotated[Decimal | None, Number(precision=38, scale=0, description="d")] = None
    grade: Annotated[int | None, Integer(enum=("1", "2", "3"), description="d")] = None
    start: Annotated[datetime.date | None, Date(minimum="1990-01-01", description="d")] = None
    end: Annotated[datetime.date | None, Date(maximum="2030-12-31", description="d")] = None
    flag: Annotated[bool | None, Boolean(description="d")] = None
    added: Annotated[Decimal | None, Number(precision=9, scale=2, since="1.1.0", description="d")] = None
    later: Annotated[str | None, Code(max_length=5, since="1.2.0", description="d")] = None
    last: Annotated[Decimal | None, Number(precision=12, scale=3, minimum="0", description="d")] = None

    rules = (
        rule("period.order", "end > start", "end", "start"),
        rule("period.length", "end - start <= 366", "end", "start", severity="warn"),
        rule("flag.needs", "NOT flag OR owner IS NOT NULL", "flag", "owner"),
        rule("sum.parts", "abs(amount - (other + small)) <= 0.05 * abs(amount)", "amount", "other", "small"),
        rule("sum.signs", "-other * small <> 4 AND amount * amount >= other", "other", "small", "amount"),
        rule("huge.cap", "huge <= 1000000 OR whole > 50", "huge", "whole", severity="warn"),
        rule("grade.small", "coalesce(grade, part, 0) + 1 BETWEEN -3 AND 3.5", "grade", "part"),
        rule(
            "colour.code", "colour IN ('red', 'grün') OR code <> 'a' OR (flag IS NULL) = TRUE", "colour", "code", "flag"
        ),
        rule("start.late", "start >= DATE '2000-02-29' OR amount < 12.5 AND TRUE", "start", "amount"),
    )


class Timed(
    Contract, name="timed", version="1.0.0", title="Timed", description="Instants: their SQL takes long to plan."
):
    code: Annotated[str, Code(key=True, description="d")]
    at: Annotated[datetime.datetime, Timestamp(description="d")]
    done_at: Annotated[datetime.datetime | None, Timestamp(description="d")] = None

    rules = (
        RowRule(
            id="timed.at.order",
            expression="done_at >= at",
            fields=("done_at", "at"),
            message="m",
            valid="v",
            repair="r",
        ),
    )


DOCUMENT = compile_contract(EveryKind)
TIMED = compile_contract(Timed)
OWNERS = ("o1", "o2", "ö")
FORMATS = (
    TextFormat(),
    TextFormat(decimal=",", group=".", date_order="DMY", time_zone="Asia/Kolkata", absent={"-": Outcome.NOT_REPORTED}),
    TextFormat(
        group=None, date_order="MDY", time_zone="UTC", absent={"NA": Outcome.NOT_APPLICABLE, "x": Outcome.BLANK}
    ),
)

NASTY = (
    None,
    "",
    " ",
    "\u00a0",
    "n/a",
    "NA",
    "-",
    "x",
    "NaN",
    "nan",
    "inf",
    "-Infinity",
    "1e400",
    "1e-7",
    "\u0663",
    "\uff11",
    "1_000",
    "0",
    "-0",
    "0.00",
    "00012",
    "(3)",
    "45 %",
    "1.234,56",
    "1,234.56",
    "1e3",
    "+5",
    "\u22125",
    "1.005",
    "1000000000001",
    "9" * 38,
    "9" * 39,
    "9" * 29 + "." + "9" * 9,
    "0." + "0" * 9 + "1",
    "123456789012.123456",
    "9223372036854775807",
    "9223372036854775808",
    "-1.5",
    "-1.51",
    "900.01",
    "900.0000000",
    "0.30000000000000004",
    "TRUE",
    "yes",
    "2",
    "\x00",
    "a\x1fb",
    "a\u200bb",
    "a\tb",
    "two\nlines",
    "red",
    "blue",
    "Red",
    "gru\u0308n",
    "grün",
    "EUR",
    "EURO",
    "eur",
    "EÜR",
    "EUR\n",
    "xabc-1",
    "x-",
    "x1",
    "o1",
    "o2",
    "ö",
    "o3",
    "\U0001f600" * 3,
    "\U0001f600" * 5,
    "\U0001f600" * 6,
    "'",
    '"',
    "\\",
    "2024-02-29",
    "2023-02-29",
    "29.02.2024",
    "03/04/2024",
    "13/04/2024",
    "1989-12-31",
    "2031-01-01",
    "9999-12-31",
    "24",
    "2024-01-01T00:00:00Z",
    "2024-03-31T02:30:00",
    "2024-10-27T02:30:00",
    "2024-10-27T02:30:00+01:00",
    "2024-01-01 00:00:00",
    "2024-01-01T12:00:00.123456-05:00",
    "epoch",
    "now",
    "today",
    "a",
    "abcdef",
    "abcdefg",
    "1",
    "3",
)

instants = st.datetimes(datetime.datetime(1800, 1, 1))  # noqa: DTZ001 - the zone is written behind it
texts = st.one_of(
    st.sampled_from(NASTY),
    st.sampled_from(NASTY),
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.decimals(allow_nan=True, allow_infinity=True, places=3).map(str),
    st.dates(datetime.date(1000, 1, 1)).map(str),
    instants.map(lambda at: at.isoformat() + "Z"),
)
likely = {
    "code": st.sampled_from(("a", "b", "c")),
    "part": st.sampled_from((None, "1", "2", "-3")),
    "colour": st.sampled_from((None, "red", "blue")),
    "currency": st.sampled_from((None, "EUR", "xa-")),
    "owner": st.sampled_from((None, *OWNERS)),
    "small": st.sampled_from((None, "2", "-1.5", "900")),
    "amount": st.sampled_from(("2", "0", "100.5", "999999999999")),
    "other": st.sampled_from((None, "-2", "2", "98", "999999999999.999999", "-999999999999.999999")),
    "huge": st.sampled_from((None, "5", "9" * 29)),
    "whole": st.sampled_from((None, "5", "9" * 38, "-" + "9" * 38)),
    "grade": st.sampled_from((None, "1", "3", "4")),
    "start": st.sampled_from((None, "2024-01-01", "1999-01-01")),
    "end": st.sampled_from((None, "2024-02-01", "2024-01-01")),
    "flag": st.sampled_from((None, "true", "false")),
}
record = st.fixed_dictionaries(
    {name: likely.get(name, texts) | texts if name != "code" else likely[name] | texts for name in DOCUMENT.by_name}
)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET threads = 1")
        connection.execute("CREATE TABLE owners(code VARCHAR)")
        connection.executemany("INSERT INTO owners VALUES (?)", [[code] for code in OWNERS])
        yield connection


def as_table(document: Document, records: list[dict[str, str | None]]) -> pa.Table:
    columns = {f"{name}__text": pa.array([r[name] for r in records], pa.string()) for name in document.by_name}
    return pa.table({"row": pa.array(range(len(records)), pa.int64()), **columns})


def bulk_values(
    con: duckdb.DuckDBPyConnection, document: Document, fmt: TextFormat
) -> list[tuple[int, str | None, str]]:
    """(accepted or not, absent, hashed text) of each row of `records`."""
    pieces = enforcement(document, fmt)
    readings, values = (
        ", ".join(f'{sql} AS "{name}"' for name, sql in level.items())
        for level in (pieces.readings, pieces.outcomes | pieces.values)
    )
    refused = " OR ".join(f"{sql} & {bits} <> 0" for sql, bits in zip(pieces.masks, pieces.reject, strict=True))
    return con.sql(
        f"SELECT {refused}, absent, {pieces.row_text} FROM (SELECT *, {pieces.absent} AS absent FROM"
        f" (SELECT *, {values} FROM (SELECT *, {readings} FROM records))) ORDER BY row"
    ).fetchall()


def assert_twins(
    con: duckdb.DuckDBPyConnection, document: Document, records: list[dict[str, str | None]], fmt: TextFormat
) -> None:
    con.register("records", as_table(document, records))
    found = find_all(con, document, "records", fmt, {"owner.code": "(SELECT code FROM owners)"})
    results = enforce_rows(document, records, fmt, {"owner.code": OWNERS})
    expected = [
        (row, finding.rule_id, finding.field, finding.value)
        for row, result in enumerate(results)
        for finding in result.findings
    ]
    columns = (found[name].to_pylist() for name in ("row", "rule_id", "field", "value"))
    assert list(zip(*columns, strict=True)) == expected
    singly = [enforce_row(document, record, fmt) for record in records]
    bulk = bulk_values(con, document, fmt)
    assert [refused for refused, _, _ in bulk] == [result.rejected for result in singly]
    # What is refused is not stored, so that bulk need not say in `absent` what a required field had instead.
    assert [(absent, text) for refused, absent, text in bulk if not refused] == [
        (result.absent, canonical_record(document, result)) for result in singly if not result.rejected
    ]


@given(records=st.lists(record, min_size=1, max_size=30), fmt=st.sampled_from(FORMATS))
@pytest.mark.long
@pytest.mark.slow
@settings(
    max_examples=examples(48), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_row_and_bulk_enforcement_are_twins(
    con: duckdb.DuckDBPyConnection, records: list[dict[str, str | None]], fmt: TextFormat
) -> None:
    assert_twins(con, DOCUMENT, records, fmt)


@given(
    records=st.lists(
        st.fixed_dictionaries({"code": st.sampled_from(("a", "b")), "at": texts, "done_at": texts}), min_size=1
    ),
    fmt=st.sampled_from((FORMATS[0], FORMATS[2])),  # the SQL of another zone than UTC takes seconds to plan
)
@pytest.mark.long
@pytest.mark.slow
@settings(
    max_examples=examples(6), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_instants_are_read_and_compared_alike(
    con: duckdb.DuckDBPyConnection, records: list[dict[str, str | None]], fmt: TextFormat
) -> None:
    assert_twins(con, TIMED, records, fmt)


@pytest.mark.parametrize("fmt", FORMATS)
def test_each_nasty_text_in_each_field(con: duckdb.DuckDBPyConnection, fmt: TextFormat) -> None:
    good = dict.fromkeys(DOCUMENT.by_name) | {"amount": "1"}
    records = [
        good | {"code": f"{place}-{name}"[:6] if name != "code" else text, name: text}
        for name in DOCUMENT.by_name
        for place, text in enumerate(NASTY)
    ]
    assert_twins(con, DOCUMENT, records, fmt)


def test_instants_of_a_zone_are_read_alike(con: duckdb.DuckDBPyConnection) -> None:
    records = [{"code": str(place), "at": text, "done_at": text} for place, text in enumerate(NASTY)]
    assert_twins(con, TIMED, records, FORMATS[1])


def test_every_kind_of_rule_is_in_play() -> None:
    assert {each.kind for each in DOCUMENT.rules} == {*ROW_KINDS, *SET_KINDS}
    assert len(enforcement(DOCUMENT, TextFormat()).masks) > 1
