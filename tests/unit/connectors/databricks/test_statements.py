"""Databricks' statements, types and refusals, as far as they can be tried without a server."""

from __future__ import annotations

import pyarrow as pa
import pytest
import sqlglot

from headwater.connectors.databricks import DatabricksConfig, catalog
from headwater.connectors.databricks.dialect import DatabricksDialect
from headwater.connectors.databricks.refusals import StatementError, error_of, problem_of
from headwater.connectors.databricks.session import shaped
from headwater.connectors.protocol import Selection
from headwater.connectors.sql.statements import reading
from headwater.connectors.sql.warehouse import MisfitError
from headwater.errors import InputRefused, Misuse, RetryLater, Stopped

DIALECT = DatabricksDialect()
CONFIG = DatabricksConfig(host="h", http_path="/sql/1.0/warehouses/1", token_ref="env:T", catalog="main")
COLUMNS = [
    ("no", "bigint", "NO"),
    ("site", "string", "NO"),
    ("amount", "decimal(38,10)", "YES"),
    ("single", "float", "YES"),
    ("at", "timestamp", "YES"),
    ("plain", "timestamp_ntz", "YES"),
    ("day", "date", "YES"),
    ("data", "binary", "YES"),
    ("doc", "variant", "YES"),
    ("parts", "struct<a:int,b:array<string>>", "YES"),
    ("span", "interval day to second", "YES"),
    ("word", "string collate UNICODE_CI", "YES"),
]
(TABLE,) = catalog.tables(
    DIALECT, [("s1", "a`b", None, *column) for column in COLUMNS], [("s1", "a`b", "site"), ("s1", "a`b", "no")]
)


def test_types() -> None:
    parts = "to_json(`{}`, map('ignoreNullFields', 'false'))"
    assert {field.name: (field.column.arrow, field.select) for field in TABLE.fields} == {
        "no": (pa.int64(), "`no`"),
        "site": (pa.string(), "`site`"),
        "amount": (pa.decimal128(38, 10), "CAST(`amount` AS STRING)"),
        "single": (pa.float32(), "`single`"),
        "at": (pa.string(), "CAST(`at` AS STRING)"),
        "plain": (pa.string(), "CAST(`plain` AS STRING)"),
        "day": (pa.string(), "CAST(`day` AS STRING)"),
        "data": (pa.binary(), "`data`"),
        "doc": (pa.string(), parts.format("doc")),
        "parts": (pa.string(), parts.format("parts")),
        "span": (pa.string(), "CAST(`span` AS STRING)"),
        "word": (pa.string(), "`word`"),
    }
    assert (TABLE.key, TABLE.described().cursors) == (("site", "no"), ())
    assert TABLE.described().times == ("at", "plain", "day")


def test_a_chunk_is_one_statement_in_the_order_of_a_key_that_nobody_enforces() -> None:
    statement = reading(
        DIALECT,
        TABLE,
        Selection(table=TABLE.name, columns=("no", "word")),
        {"by": "time_window", "cursor": "at", "from": "2026-01-31T09:30:00Z", "to": None},
    )
    assert statement.sql == (
        "SELECT `no` AS `no`, `word` AS `word` FROM `s1`.`a``b` WHERE NOT (`at` IS NULL)"
        " AND `at` >= CAST(:p1 AS timestamp) ORDER BY `site`, `no`, `word`"
    )
    assert sqlglot.parse_one(statement.sql, read="databricks") is not None
    word = TABLE.field("word", "column")
    assert (word.order, DIALECT.typed(word, "?")) == (
        *("`word` COLLATE UTF8_BINARY", "CAST(? AS STRING) COLLATE UTF8_BINARY"),
    )


def test_values_come_of_their_texts() -> None:
    amount = shaped(pa.array(["-9999999999999999999999999999.9999999999", None]), TABLE.field("amount", "column"))
    assert [str(value) for value in amount.to_pylist()] == ["-9999999999999999999999999999.9999999999", "None"]
    moments = pa.array(["9999-12-31 23:59:59.999999", "2026-01-01 00:00:00"])
    assert shaped(moments, TABLE.field("at", "column")).to_pylist() == [
        *("9999-12-31T23:59:59.999999Z", "2026-01-01T00:00:00Z"),
    ]
    assert shaped(moments, TABLE.field("plain", "column")).to_pylist()[1] == "2026-01-01T00:00:00"


class RequestError(Exception):
    """As the library's error of that name."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.message, self.context = message, {"http-code": status}


class ServerOperationError(RequestError):
    """As the library's error of that name."""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RequestError("Error during request to server", 503), RetryLater),
        (RequestError("Error during request to server", 429), RetryLater),
        (RequestError("Error during request to server", 401), Misuse),
        (RequestError("Error during request to server"), RetryLater),
        (ServerOperationError("[TABLE_OR_VIEW_NOT_FOUND] no such table. SQLSTATE: 42P01"), Misuse),
        (ServerOperationError("[INSUFFICIENT_PERMISSIONS] no SELECT. SQLSTATE: 42501"), Misuse),
        (ServerOperationError("[CAST_INVALID_INPUT] no number. SQLSTATE: 22018"), InputRefused),
        (ServerOperationError("[QUERY_EXECUTION_TIMEOUT_EXCEEDED] too long. SQLSTATE: 57KD0"), RetryLater),
        (OSError("connection reset"), RetryLater),
        (StatementError("RESOURCE_EXHAUSTED: too many statements", status=429), RetryLater),
        (StatementError("the statement is CANCELED", is_passing=True), RetryLater),
        (StatementError("it is not known any more", status=404, is_passing=True), RetryLater),
        (StatementError("ABORTED: the same at once", status=409), RetryLater),
        (StatementError("BAD_REQUEST: near FROM"), Misuse),
        (StatementError("403: Invalid access token.", status=403), Misuse),
        (pa.ArrowInvalid("Tried reading schema message, was null or length 0"), RetryLater),
        (MisfitError("value (bigint): Failed to parse string: 'x'"), InputRefused),
        (ValueError("nobody knows"), Stopped),
    ],
)
def test_refusals_are_sorted_by_what_to_do_next(error: Exception, kind: type[Exception]) -> None:
    assert type(error_of(error, CONFIG, "hidden secret")) is kind


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RequestError("Invalid access token: hidden secret", 401), "login"),
        (RequestError("Error during request to server", 404), "not_found"),
        (RequestError("[NO_SUCH_CATALOG_EXCEPTION] Catalog 'none' was not found."), "not_found"),
        (RequestError("PERMISSION_DENIED: User does not have USE CATALOG on Catalog 'main'"), "missing_right"),
        (RequestError("Error during request to server", 503), "timeout"),
        (RequestError("SSL: certificate verify failed"), "tls"),
    ],
)
def test_sessions_fail_for_a_cause(error: Exception, cause: str) -> None:
    problem = problem_of(error, CONFIG, "hidden secret")
    assert (problem.cause, "hidden secret" in problem.what) == (cause, False)
    assert f"{CONFIG.host}:{CONFIG.port}" in problem.what
    assert ("use the warehouse" in (problem.remedy or "")) is (cause == "login")
