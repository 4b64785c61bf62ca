"""SQL Server's statements and types, as texts: no server was to be had."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pyarrow as pa
import pytest
import sqlglot

from headwater.connectors.protocol import Selection
from headwater.connectors.sql.planning import plan
from headwater.connectors.sql.statements import Statement, reading, sampling
from headwater.connectors.sqlserver import SqlServerConfig, catalog, kind
from headwater.connectors.sqlserver.connector import SqlServerConnector
from headwater.connectors.sqlserver.dialect import SqlServerDialect
from headwater.connectors.sqlserver.session import address, shaped

DIALECT = SqlServerDialect()
CONFIG = SqlServerConfig(host="h", database="a;b", user="u", password_ref="env:P")
COLUMNS = [
    ("no", "int", "4", "10", "0", "0"),
    ("site", "nvarchar", "40", "0", "0", "0"),
    ("amount", "decimal", "17", "38", "10", "1"),
    ("price", "money", "8", "19", "4", "1"),
    ("ratio", "float", "8", "53", "0", "1"),
    ("single", "real", "4", "24", "0", "1"),
    ("at", "datetime2", "8", "27", "7", "0"),
    ("old", "datetime", "8", "23", "3", "1"),
    ("moment", "datetimeoffset", "10", "34", "7", "1"),
    ("clock", "time", "5", "16", "7", "1"),
    ("day", "date", "3", "10", "0", "1"),
    ("mark", "timestamp", "8", "0", "0", "0"),
    ("data", "varbinary", "-1", "0", "0", "1"),
    ("guid", "uniqueidentifier", "16", "0", "0", "1"),
    ("flag", "bit", "1", "1", "0", "1"),
    ("tree", "hierarchyid", "892", "0", "0", "1"),
    ("x]y", "xml", "-1", "0", "0", "1"),
]
(TABLE,) = catalog.tables(
    DIALECT,
    [("dbo", "a]b", "12", *column) for column in COLUMNS],
    [("dbo", "a]b", "1", "site"), ("dbo", "a]b", "1", "no"), ("dbo", "a]b", "2", "guid")],
)


def parsed(statement: Statement) -> str:
    """The statement, which another's parser of Transact-SQL understands."""
    assert sqlglot.parse_one(statement.sql, read="tsql") is not None
    assert statement.sql.count("?") == len(statement.values)
    return statement.sql


def test_types() -> None:
    assert {field.name: (field.column.type, field.column.arrow) for field in TABLE.fields} == {
        "no": ("int", pa.int32()),
        "site": ("nvarchar(20)", pa.string()),
        "amount": ("decimal(38,10)", pa.decimal128(38, 10)),
        "price": ("money", pa.decimal128(19, 4)),
        "ratio": ("float", pa.float64()),
        "single": ("real", pa.float32()),
        "at": ("datetime2(7)", pa.string()),
        "old": ("datetime", pa.string()),
        "moment": ("datetimeoffset(7)", pa.string()),
        "clock": ("time(7)", pa.string()),
        "day": ("date", pa.string()),
        "mark": ("timestamp", pa.binary()),
        "data": ("varbinary(max)", pa.binary()),
        "guid": ("uniqueidentifier", pa.string()),
        "flag": ("bit", pa.bool_()),
        "tree": ("hierarchyid", pa.binary()),
        "x]y": ("xml", pa.string()),
    }
    assert (TABLE.key, TABLE.rows) == (("site", "no"), 12)
    assert TABLE.described().cursors == ("mark",)
    assert TABLE.described().times == ("at", "old", "moment", "day")


def test_a_range_of_a_composite_key_is_written_out() -> None:
    statement = reading(
        DIALECT,
        TABLE,
        Selection(table=TABLE.name, columns=("no", "amount", "x]y")),
        {"by": "key_range", "key": ["site", "no"], "from": ["ä", "7"], "to": ["b", "1"]},
    )
    assert parsed(statement) == (
        "SELECT [no] AS [no], CONVERT(nvarchar(max), [amount]) AS [amount], CONVERT(nvarchar(max), [x]]y]) AS [x]]y]"
        " FROM [dbo].[a]]b] WHERE ([site] >= CONVERT(nvarchar(4000), ?) AND ([site] > CONVERT(nvarchar(4000), ?)"
        " OR [no] >= CONVERT(int, ?))) AND ([site] <= CONVERT(nvarchar(4000), ?)"
        " AND ([site] < CONVERT(nvarchar(4000), ?) OR [no] < CONVERT(int, ?))) ORDER BY [site], [no]"
    )
    assert statement.values == ("ä", "ä", "7", "b", "b", "1")


@pytest.mark.parametrize(
    ("cursor", "bound", "text"),
    [
        ("at", "CONVERT(datetime2(7), ?, 126)", "CONVERT(varchar(40), [at], 126)"),
        ("old", "CONVERT(datetime, ?, 126)", "CONVERT(varchar(40), [old], 126)"),
        (
            "moment",
            "CONVERT(datetimeoffset(7), ?, 127)",
            "CONVERT(varchar(33), CONVERT(datetime2(7), SWITCHOFFSET([moment], '+00:00')), 126) + 'Z'",
        ),
        ("day", "CONVERT(date, ?)", "CONVERT(varchar(40), [day], 23)"),
        (
            "mark",
            "CONVERT(binary(8), CONVERT(bigint, ?))",
            "CONVERT(varchar(20), CONVERT(bigint, [mark]))",
        ),
    ],
)
def test_bounds_of_cursors_are_bound_by_their_type(cursor: str, bound: str, text: str) -> None:
    field = TABLE.field(cursor, "cursor")
    assert (DIALECT.typed(field, "?"), DIALECT.text(field, f"[{cursor}]")) == (bound, text)


def test_a_plan_by_months_is_transact_sql_throughout() -> None:
    asked: list[str] = []
    answers: Iterator[list[tuple[str, ...]]] = iter(
        [
            [("200000", "2026-01-05T00:00:00.1000000", "2026-02-03T10:00:00")],
            [("2026-01-05T00:00:00.1000000", "1", "1"), ("2026-02-01T08:00:00", "150001", "1")],
        ]
    )

    def fetch(statement: Statement) -> list[tuple[str, ...]]:
        asked.append(parsed(statement))
        return next(answers)

    made = plan(DIALECT, TABLE, Selection(table=TABLE.name, cursor="at"), fetch)
    assert [(chunk.rows, chunk.window_start, chunk.cursor_to) for chunk in made.chunks] == [
        (150_000, "2026-01-01T00:00:00", "2026-02-01T00:00:00"),
        (50_000, "2026-02-01T00:00:00", "2026-02-03T10:00:00"),
    ]
    assert "COUNT_BIG(*)" in asked[0]
    assert "PARTITION BY DATEFROMPARTS(YEAR([at]), MONTH([at]), 1)" in asked[1]


def test_a_sample_and_the_catalogue_are_transact_sql() -> None:
    assert parsed(sampling(DIALECT, TABLE, 7)).startswith("SELECT TOP (7) [no] AS [no], ")
    for statement in (catalog.columns(None), catalog.unique("dbo.t"), catalog.exists("dbo.t")):
        parsed(statement)


def test_values_come_of_their_texts() -> None:
    def made(name: str, *texts: str | None) -> list[object]:
        found: list[object] = shaped(pa.array(texts, pa.string()), TABLE.field(name, "column")).to_pylist()
        return found

    assert list(map(str, made("amount", "-1234567890123456789012345678.0123456789"))) == [
        "-1234567890123456789012345678.0123456789"
    ]
    assert made("at", "2026-01-01T00:00:00.1200000", "9999-12-31T23:59:59.9999999", "0001-01-01T00:00:00", None) == [
        *("2026-01-01T00:00:00.12", "9999-12-31T23:59:59.9999999", "0001-01-01T00:00:00", None)
    ]
    assert made("moment", "2026-01-01T00:00:00.0000000Z") == ["2026-01-01T00:00:00Z"]
    assert made("ratio", "1.7976931348623157e+308", "4.9406564584124654e-324") == [1.7976931348623157e308, 5e-324]
    assert made("single", "1.0000000149011612e-001") == [pa.scalar(0.1, pa.float32()).as_py()]


def test_a_password_cannot_end_its_place_in_the_connection() -> None:
    assert address(CONFIG, "a};UID={sa") == (
        "Server={tcp:h,1433};Database={a;b};UID={u};PWD={a}};UID={sa};Encrypt={yes};TrustServerCertificate={no};"
        "ApplicationIntent={ReadOnly};"
    )


def test_it_says_that_it_is_not_proven() -> None:
    assert kind.proven_against == ()
    assert "no server" in kind.unproven
    assert kind.needs == "headwater[sqlserver]"


@pytest.mark.parametrize(("is_wide", "cause"), [(True, "not_found"), (False, "missing_right")])
def test_a_login_that_may_read_nothing_is_told_so(is_wide: bool, cause: str) -> None:
    class Answering:
        def rows(self, statement: Statement) -> list[tuple[str | None, ...]]:
            assert "HAS_PERMS_BY_NAME" in parsed(statement)
            return [("1",)] if is_wide else []

        def batches(self, statement: Statement, fields: object) -> Generator[pa.RecordBatch, None, None]:
            raise AssertionError((statement, fields))

    problem = SqlServerConnector(CONFIG, lambda reference: reference).nothing(Answering())
    assert problem.cause == cause
    assert is_wide or problem.remedy == "GRANT SELECT TO [u], in [a;b]; or ON a schema or a table of it"
