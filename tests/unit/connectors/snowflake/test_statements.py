"""Snowflake's statements, types, logins and refusals, as far as they can be tried without a server."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pytest
import sqlglot
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from headwater.connectors.protocol import Selection
from headwater.connectors.snowflake import SnowflakeConfig, catalog
from headwater.connectors.snowflake.connector import at_moment, in_capitals
from headwater.connectors.snowflake.dialect import SnowflakeDialect
from headwater.connectors.snowflake.refusals import error_of, problem_of
from headwater.connectors.snowflake.session import private_key, shaped
from headwater.connectors.sql.statements import reading
from headwater.connectors.sql.warehouse import MisfitError
from headwater.errors import InputRefused, Misuse, RetryLater, Stopped

DIALECT = SnowflakeDialect()
BASE = {"account": "org-one", "user": "READER", "database": "DB1"}
CONFIG = SnowflakeConfig.model_validate({**BASE, "token_ref": "env:T"})
COLUMNS = [
    ("NO", "NUMBER", "NO", "38", "0", None),
    ("SITE", "TEXT", "NO", None, None, None),
    ("amount", "NUMBER", "YES", "38", "10", None),
    ("RATIO", "FLOAT", "YES", None, None, None),
    ("AT", "TIMESTAMP_TZ", "YES", None, None, None),
    ("HERE", "TIMESTAMP_LTZ", "YES", None, None, None),
    ("PLAIN", "TIMESTAMP_NTZ", "YES", None, None, None),
    ("DAY", "DATE", "YES", None, None, None),
    ("CLOCK", "TIME", "YES", None, None, None),
    ("DATA", "BINARY", "YES", None, None, None),
    ("DOC", "VARIANT", "YES", None, None, None),
    ("LIST", "ARRAY", "YES", None, None, None),
    ("PLACE", "GEOGRAPHY", "YES", None, None, None),
    ("VEC", "VECTOR", "YES", None, None, None),
    ("BIG", "DECFLOAT", "YES", None, None, None),
    ("WORD", "TEXT", "YES", None, None, "de-ci"),
]
(TABLE,) = catalog.tables(DIALECT, [("S1", 'a"b', "12", None, *column) for column in COLUMNS])


def test_types() -> None:
    assert {field.name: (field.column.type, field.column.arrow, field.select) for field in TABLE.fields} == {
        "NO": ("NUMBER(38,0)", pa.decimal128(38, 0), '"NO"'),
        "SITE": ("TEXT", pa.string(), '"SITE"'),
        "amount": ("NUMBER(38,10)", pa.decimal128(38, 10), '"amount"'),
        "RATIO": ("FLOAT", pa.float64(), '"RATIO"'),
        "AT": ("TIMESTAMP_TZ", pa.string(), "CAST(CONVERT_TIMEZONE('UTC', \"AT\") AS VARCHAR)"),
        "HERE": ("TIMESTAMP_LTZ", pa.string(), "CAST(CONVERT_TIMEZONE('UTC', \"HERE\") AS VARCHAR)"),
        "PLAIN": ("TIMESTAMP_NTZ", pa.string(), 'CAST("PLAIN" AS VARCHAR)'),
        "DAY": ("DATE", pa.string(), 'CAST("DAY" AS VARCHAR)'),
        "CLOCK": ("TIME", pa.string(), 'CAST("CLOCK" AS VARCHAR)'),
        "DATA": ("BINARY", pa.binary(), '"DATA"'),
        "DOC": ("VARIANT", pa.string(), 'TO_JSON("DOC")'),
        "LIST": ("ARRAY", pa.string(), 'TO_JSON("LIST")'),
        "PLACE": ("GEOGRAPHY", pa.string(), 'ST_ASWKT("PLACE")'),
        "VEC": ("VECTOR", pa.string(), 'TO_JSON(CAST("VEC" AS ARRAY))'),
        "BIG": ("DECFLOAT", pa.string(), 'CAST("BIG" AS VARCHAR)'),
        "WORD": ("TEXT", pa.string(), '"WORD"'),
    }
    assert (TABLE.rows, TABLE.described().cursors) == (12, ())
    assert TABLE.described().times == ("AT", "HERE", "PLAIN", "DAY")


def test_a_chunk_is_one_statement_in_the_order_of_a_key_that_nobody_enforces() -> None:
    asked = Selection(table=TABLE.name, key=("SITE", "NO"), columns=("NO", "AT"))
    at = {"by": "key_range", "key": ["SITE", "NO"], "from": ["ä", "7"], "to": None, "at": "2026-01-31T09:30:00.5Z"}
    statement = reading(DIALECT, at_moment(TABLE, at), asked, at)
    assert statement.sql == (
        'SELECT "NO" AS "NO", CAST(CONVERT_TIMEZONE(\'UTC\', "AT") AS VARCHAR) AS "AT"'
        ' FROM "S1"."a""b" AT(TIMESTAMP => CAST(\'2026-01-31T09:30:00.5Z\' AS TIMESTAMP_TZ))'
        ' WHERE ("SITE" >= CAST(? AS VARCHAR) AND ("SITE" > CAST(? AS VARCHAR) OR "NO" >= CAST(? AS NUMBER(38,0))))'
        ' ORDER BY "SITE", "NO", CAST(CONVERT_TIMEZONE(\'UTC\', "AT") AS VARCHAR)'
    )
    assert sqlglot.parse_one(statement.sql, read="snowflake") is not None
    with pytest.raises(Misuse, match="no moment"):
        at_moment(TABLE, {"at": "2026-01-31' --"})


def test_texts_with_a_collation_are_compared_by_their_bytes() -> None:
    statement = reading(
        DIALECT,
        TABLE,
        Selection(table=TABLE.name, key=("WORD",), columns=("WORD",)),
        {"by": "key_range", "key": ["WORD"], "from": ["a"], "to": None},
    )
    assert "COLLATE(\"WORD\", 'utf8') >= COLLATE(CAST(? AS VARCHAR), 'utf8')" in statement.sql


def test_bounds_are_said_as_cursors_are() -> None:
    said = {name: DIALECT.said(TABLE.field(name, "column"), text) for name, text in {
        "AT": "2026-01-31 09:30:00.120000000 +00:00",
        "PLAIN": "2026-01-31 09:30:00.000000000",
        "DAY": "2026-01-31",
    }.items()}  # fmt: skip
    assert said == {"AT": "2026-01-31T09:30:00.12Z", "PLAIN": "2026-01-31T09:30:00", "DAY": "2026-01-31"}
    assert DIALECT.typed(TABLE.field("DATA", "column"), "?") == "TO_BINARY(?, 'HEX')"
    assert DIALECT.window(TABLE.field("AT", "column"), "week") == "DATE_TRUNC('week', CONVERT_TIMEZONE('UTC', \"AT\"))"


def test_numbers_come_in_whatever_type_holds_a_part_of_them() -> None:
    for given in (pa.array([7, -8], pa.int8()), pa.array([7, -8], pa.int64())):
        assert [str(value) for value in shaped(given, TABLE.field("NO", "column")).to_pylist()] == ["7", "-8"]
    moments = pa.array(["9999-12-31 23:59:59.999999999 +00:00", "0001-01-01 00:00:00.000000000 +00:00", None])
    assert shaped(moments, TABLE.field("AT", "column")).to_pylist() == [
        *("9999-12-31T23:59:59.999999999Z", "0001-01-01T00:00:00Z", None),
    ]


@pytest.mark.parametrize(
    "logins",
    [
        {},
        {"token_ref": "env:T", "password_ref": "env:P"},
        {"private_key_passphrase_ref": "env:X", "token_ref": "env:T"},
    ],
    ids=["none", "two", "a passphrase of no key"],
)
def test_there_is_one_way_to_log_in(logins: Mapping[str, str]) -> None:
    with pytest.raises(ValidationError, match="private_key"):
        SnowflakeConfig.model_validate({**BASE, **logins})


def test_a_private_key_is_taken_with_its_passphrase_only() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    written = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"open")
    ).decode()
    given = {"private_key_ref": written, "private_key_passphrase_ref": "open"}
    assert serialization.load_der_private_key(private_key(given), None).private_numbers() == key.private_numbers()  # type: ignore[union-attr]
    for wrong in (
        {**given, "private_key_passphrase_ref": "shut"},
        {"private_key_ref": written},
        {"private_key_ref": "x"},
    ):
        with pytest.raises(Misuse, match="no private key") as caught:
            private_key(wrong)
        assert written not in str(caught.value)


def test_names_are_as_in_sql() -> None:
    assert [in_capitals(name) for name in ("s1", '"s1"', '"a""b"')] == ["S1", "s1", 'a"b']
    assert CONFIG.server == "org-one.snowflakecomputing.com"


def test_the_key_is_in_the_order_that_is_shown() -> None:
    shown = [(None, "DB1", "S1", "T", "B", "2"), (None, "DB1", "S1", "T", "A", "1"), (None, "DB1", "S1", "U", "C", "1")]
    assert catalog.keys(shown) == {"S1.T": ("A", "B"), "S1.U": ("C",)}


class Refused(Exception):
    """As the library's errors are."""

    def __init__(self, errno: int, sqlstate: str | None, msg: str) -> None:
        super().__init__(msg)
        self.errno, self.sqlstate, self.msg = errno, sqlstate, msg


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Refused(604, "57014", "SQL execution canceled"), RetryLater),
        (Refused(630, "57014", "Statement reached its statement or warehouse timeout"), RetryLater),
        (Refused(390112, "08001", "Your session has expired"), RetryLater),
        (Refused(290503, None, "503: HTTP 503: Service Unavailable"), RetryLater),
        (Refused(606, "57P03", "No active warehouse selected in the current session"), Misuse),
        (Refused(2003, "42S02", "Object 'T' does not exist or not authorized"), Misuse),
        (Refused(3001, "42501", "Insufficient privileges to operate on table 'T'"), Misuse),
        (Refused(707, "02000", "Time travel data is not available for table T"), Misuse),
        (Refused(100038, "22018", "Numeric value 'x' is not recognized"), InputRefused),
        (OSError("connection reset"), RetryLater),
        (pa.ArrowInvalid("Tried reading schema message, was null or length 0"), RetryLater),
        (MisfitError("value (bigint): Failed to parse string: 'x'"), InputRefused),
        (Refused(999999, None, "nobody knows"), Stopped),
    ],
)
def test_refusals_are_sorted_by_what_to_do_next(error: Exception, kind: type[Exception]) -> None:
    assert type(error_of(error, CONFIG, ("hidden secret",))) is kind


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (Refused(250001, "08001", "Could not connect to Snowflake backend after 2 attempt(s)."), "timeout"),
        (Refused(390100, "08001", "Incorrect username or password was specified."), "login"),
        (Refused(390144, "08001", "JWT token is invalid."), "login"),
        (Refused(390189, "08001", "Role 'R' is not granted to this user, hidden secret"), "missing_right"),
        (Refused(390201, "08001", "The requested database does not exist or not authorized."), "not_found"),
        (Refused(290404, None, "404: HTTP 404: Not Found"), "not_found"),
        (Refused(254007, None, "SSL: certificate verify failed"), "tls"),
    ],
)
def test_logins_fail_for_a_cause(error: Exception, cause: str) -> None:
    problem = problem_of(error, CONFIG, ("hidden secret",))
    assert (problem.cause, "hidden secret" in problem.what) == (cause, False)
    assert CONFIG.server in problem.what
