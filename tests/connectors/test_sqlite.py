"""SQLite: the suite for connectors, and what no other database does."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest

from headwater.connectors.protocol import ForeignKey, Kind, Selection
from headwater.connectors.sqlite import SqliteConfig, SqliteConnector, kind
from headwater.connectors.sqlite.text_times import checked
from headwater.errors import InputRefused, Misuse, RetryLater
from headwater.testing import Case, ConnectorConformance, Row, no_network
from tests.connectors.sql_reading import as_texts, no_secret, read, read_all


class SqliteCase(Case):
    kind: ClassVar[Kind] = kind
    lacks: ClassVar[dict[str, str]] = {
        **no_network("a file is reached by its path"),
        "held": "the library holds nothing outside this process",
        "array": "there are no arrays",
        "float: NaN": "SQLite stores NULL for it",
        "decimal: sum": "fractions are floating point, whatever is declared",
        "json: locale": "there is no such type: JSON is a text",
        "decimal: locale": "decimals that no floating point holds can be kept as texts only, and are texts then",
    }

    def __init__(self, folder: Path) -> None:
        self.path = folder / "source's.db"
        self._run("CREATE TABLE other (a)")

    def config(self) -> SqliteConfig:
        return SqliteConfig(path=self.path)

    def against(self) -> str:
        return f"SQLite {sqlite3.sqlite_version.partition('.')[0]}"  # which one, the machine's Python decides

    def make(self, rows: Sequence[Row]) -> None:
        key = "PRIMARY KEY" if all(row.id is not None for row in rows) else ""
        self._run("DROP TABLE IF EXISTS conformance")
        self._run(f"CREATE TABLE conformance (id BIGINT {key}, at TIMESTAMP, value TEXT)")
        self.insert(rows)

    def insert(self, rows: Sequence[Row]) -> None:
        self._run(
            "INSERT INTO conformance VALUES (?, ?, ?)",
            [(row.id, row.at.isoformat(timespec="microseconds") if row.at else None, row.value) for row in rows],
        )

    def update(self, rows: Sequence[Row]) -> None:
        self._run(
            "UPDATE conformance SET at = ?, value = ? WHERE id = ?",
            [(row.at.isoformat(timespec="microseconds") if row.at else None, row.value, row.id) for row in rows],
        )

    def delete(self, ids: Sequence[int]) -> None:
        self._run("DELETE FROM conformance WHERE id = ?", [(number,) for number in ids])

    def make_values(self, sort: str, values: Sequence[Any]) -> str:
        # No type declared: a value is kept as it is given. Decimals, times and identifiers are texts there. Only
        # what is declared to hold whole numbers is summed.
        self._run("DROP TABLE IF EXISTS lossless")
        self._run(f"CREATE TABLE lossless (id INTEGER PRIMARY KEY, value {'BIGINT' if sort == 'integer' else ''})")
        kept = (int, float, str, bytes, type(None))
        self._run(
            "INSERT INTO lossless (value) VALUES (?)",
            [
                (
                    value
                    if isinstance(value, kept)
                    else value.isoformat()
                    if hasattr(value, "isoformat")
                    else str(value),
                )
                for value in values
            ],
        )
        return "lossless"

    def _run(self, statement: str, rows: Sequence[Any] | None = None) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            if rows is None:
                connection.execute(statement)
            else:
                connection.executemany(statement, rows)


@pytest.mark.always
class TestSqlite(ConnectorConformance):
    case_type = SqliteCase

    @pytest.fixture
    def case(self, tmp_path: Path) -> SqliteCase:
        return SqliteCase(tmp_path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "source.db"


def made(path: Path, *statements: str) -> SqliteConnector:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(";".join(statements))
    return SqliteConnector(SqliteConfig(path=path, lock_timeout=0), no_secret)


def test_a_column_keeps_values_of_every_type_side_by_side(path: Path) -> None:
    values = "(1, 7), (2, 7.5), (3, 'seven'), (4, X'00ff'), (5, NULL), (6, 1e-7), (7, 9e999), (8, '007'), (9, 1e22)"
    connector = made(path, "CREATE TABLE t (id INTEGER PRIMARY KEY, v)", f"INSERT INTO t VALUES {values}")
    rows = as_texts(connector.sample("t"))
    assert [row["v"] for row in rows] == [
        *("7", "7.5", "seven", "0x00ff", None, "0.0000001", "Infinity", "007", "10000000000000000000000")
    ]


def test_a_text_that_is_no_text_is_given_as_its_bytes(path: Path) -> None:
    connector = made(path, "CREATE TABLE t (v)", "INSERT INTO t VALUES (CAST(X'ff41' AS TEXT))")
    assert connector.sample("t").to_pylist() == [{"v": "0xff41"}]


def test_keys_of_mixed_types_are_cut_between_their_values(path: Path) -> None:
    values = ", ".join(
        f"({value})"
        for n in range(40)
        for value in (n, n + 0.1, f"'it''s {n}'", f"X'{n:02x}27'", "NULL" if n < 3 else n + 100)
    )
    connector = made(path, "CREATE TABLE t (k)", f"INSERT INTO t VALUES {values}")
    selection = Selection(table="t", key=("k",), chunk_rows=7)
    plan = connector.plan(selection)
    assert len(plan.chunks) == 30
    found = [row["k"] for row in read_all(connector, selection, plan)]
    assert len(found) == 200
    assert sorted(found, key=str) == sorted((row["k"] for row in connector.sample("t", 1000).to_pylist()), key=str)
    assert [chunk.rows for chunk in plan.chunks] == [
        read(connector, selection, chunk).num_rows for chunk in plan.chunks
    ]


def test_texts_of_times_are_compared_as_they_are_written(path: Path) -> None:
    rows = ", ".join(f"({n}, '2024-03-01 00:{n:02}:00')" for n in range(60))
    connector = made(path, "CREATE TABLE t (id INTEGER PRIMARY KEY, changed DATETIME)", f"INSERT INTO t VALUES {rows}")
    (table,) = connector.discover()
    assert (table.key, table.cursors) == (("id",), ("changed",))
    first = connector.plan(Selection(table="t", cursor="changed"))
    assert first.upto == "2024-03-01 00:59:00"
    late = Selection(table="t", cursor="changed", since=first.upto, lag=120)
    assert [row["id"] for row in read_all(connector, late)] == ["57", "58", "59"]


TEXTS = "CREATE TABLE t (id INTEGER PRIMARY KEY, changed TEXT)"


def of_times(*times: str) -> str:
    return "INSERT INTO t (changed) VALUES " + ", ".join(f"({each})" for each in times)


@pytest.mark.parametrize(
    "form", ["2024-03-01T00:{:02}:00Z", "2024-03-01 00:{:02}:00.125", "2024-03-01T00:{:02}:07+02:00"]
)
def test_a_column_of_texts_is_a_cursor_where_all_are_times_written_one_way(path: Path, form: str) -> None:
    connector = made(path, TEXTS, of_times("NULL", *(f"'{form.format(n)}'" for n in range(60))))
    whole = Selection(table="t", cursor="changed", chunk_rows=7)
    assert connector.validate(whole) == []
    assert [row["id"] for row in read_all(connector, whole)] == [str(n) for n in range(1, 62)]
    since = connector.plan(whole).upto
    assert since == form.format(59)
    late = Selection(table="t", cursor="changed", since=since, lag=120)
    assert [row["id"] for row in read_all(connector, late)] == ["1", "59", "60", "61"]


@pytest.mark.parametrize("declared", ["TEXT", "DATETIME"])
def test_a_hundred_thousand_texts_west_of_utc_are_read_once(path: Path, declared: str) -> None:
    """From here on they are cut by months, which end five hours later there than in UTC."""
    moment = "strftime('%Y-%m-%dT%H:%M:%S-05:00', '2024-02-01', i || ' minutes')"
    rows = f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) SELECT i, {moment} FROM n"
    table = f"CREATE TABLE t (id INTEGER PRIMARY KEY, changed {declared})"
    connector = made(path, table, f"INSERT INTO t {rows}")
    selection = Selection(table="t", cursor="changed", chunk_rows=5000)
    plan = connector.plan(selection)
    begun = [chunk.locator["from"] for chunk in plan.chunks if chunk.locator.get("from")]
    assert begun == sorted(set(begun))
    assert {"2024-03-01T00:00:00-05:00", "2024-04-01T00:00:00-05:00"} <= set(begun)
    found = [read(connector, selection, chunk)["id"].to_pylist() for chunk in plan.chunks]
    assert [len(ids) for ids in found] == [chunk.rows for chunk in plan.chunks]
    assert max(len(ids) for ids in found) == 5000
    assert sorted(int(str(row)) for ids in found for row in ids) == list(range(100_000))


def test_of_texts_of_days_a_lag_is_rounded_up_to_days(path: Path) -> None:
    connector = made(path, TEXTS, of_times("'2024-02-28'", "'2024-02-29'", "'2024-03-01'"))
    late = Selection(table="t", cursor="changed", since="2024-03-01", lag=120)
    assert [row["id"] for row in read_all(connector, late)] == ["2", "3"]


@pytest.mark.parametrize(
    ("times", "value"),
    [
        (
            ("'2024-03-01T00:00:00Z'", "'2024-03-01T00:00:00+02:00'"),
            "2024-03-01T00:00:00Z, and 2024-03-01T00:00:00+02:00",
        ),
        (("'2024-03-01T00:00:00Z'", "'2024-03-01T00:00:00.5Z'"), "2024-03-01T00:00:00Z, and 2024-03-01T00:00:00.5Z"),
        (("'2024-03-01'", "''"), "2024-03-01, and "),
        (("'2024-03-01'", "'soon'"), "soon"),
        (("'2024-02-30'",), "2024-02-30"),
        (("'2024-03-01T09:30'",), "2024-03-01T09:30"),
        (("'2024-03-01'", "X'32'"), "b'2'"),
    ],
)
def test_texts_that_are_not_times_written_one_way_are_no_cursor(path: Path, times: Sequence[str], value: str) -> None:
    connector = made(path, TEXTS, of_times(*times))
    selection = Selection(table="t", cursor="changed")
    with pytest.raises(Misuse, match="cannot be a cursor") as refused:
        connector.plan(selection)
    assert refused.value.value == value
    assert "all written one way" in str(refused.value.valid)
    assert "view at the source" in str(refused.value.remedy)
    (problem,) = connector.validate(selection)
    assert (problem.cause, problem.what) == ("config", refused.value.what)


@pytest.mark.parametrize(
    ("time", "lag", "is_told"),
    [
        ("2024-10-27T02:30:00", 0, True),
        ("2024-10-27 02:30:00.125", 3599, True),
        ("2024-10-27T02:30:00", 3600, False),
        ("2024-10-27T02:30:00Z", 0, False),
        ("2024-10-27T02:30:00+01:00", 0, False),
        ("2024-10-27", 0, False),
    ],
)
def test_of_times_without_a_zone_the_hour_that_clocks_go_back_is_told(
    path: Path, time: str, lag: int, is_told: bool
) -> None:
    connector = made(path, TEXTS, of_times(f"'{time}'"))
    told = connector.plan(Selection(table="t", cursor="changed", lag=lag)).notices
    assert ["lag: 3600" in line for line in told] == [True] * is_told
    assert connector.plan(Selection(table="t")).notices == ()


@pytest.mark.parametrize(
    ("declared", "times", "is_told"),
    [
        ("DATETIME", ("'2024-03-01T08:00:00'", "'2024-03-01 09:30:00'"), True),
        ("TIMESTAMP", ("'2024-03-01T08:00:00Z'", "'2024-03-01T08:00:00+02:00'"), True),
        ("DATETIME", ("'2024-03-01 08:00:00'", "1709280000"), True),
        ("DATE", ("'2024-03-01'", "'2024-03-02 09:30:00'"), True),
        ("DATETIME", ("'2024-03-01 08:00:00'", "'2024-03-01 08:00:00.125'", "NULL"), False),
        ("DATETIME", ("1709280000", "1709280000.5"), False),
        ("DATE", ("'2024-03-01'", "'2024-03-02'"), False),
    ],
)
def test_a_declared_time_that_is_written_in_several_ways_is_told(
    path: Path, declared: str, times: Sequence[str], is_told: bool
) -> None:
    """A row at half past nine, with a blank, stands before eight o'clock with a T: the next sync would not read it."""
    connector = made(path, TEXTS.replace("TEXT", declared), of_times(*times))
    told = connector.plan(Selection(table="t", cursor="changed")).notices
    assert ["several ways" in line for line in told] == [True] * is_told
    assert connector.plan(Selection(table="t")).notices == ()


def test_a_column_is_gone_through_once_to_see_whether_it_is_a_cursor(path: Path) -> None:
    connector = made(path, TEXTS, of_times("NULL", *(f"'2024-03-{day:02}'" for day in range(1, 32))))
    asked: list[str] = []
    with connector.session() as session:
        session.connection.set_trace_callback(asked.append)
        (table,) = connector.tables(session, "t")
        asked.clear()
        checked(session, table, Selection(table="t", cursor="changed"))
    whole = [each for each in asked if "max(" in each or "GLOB" in each]
    assert (len(asked), len(whole)) == (2, 1)


def test_a_cursor_that_was_read_up_to_another_way_of_writing_is_told(path: Path) -> None:
    connector = made(path, TEXTS, of_times("'2024-03-01T00:00:00Z'"))
    with pytest.raises(Misuse, match="another way") as refused:
        connector.plan(Selection(table="t", cursor="changed", since="2024-03-01 00:00:00"))
    assert "full" in str(refused.value.remedy)
    empty = made(path.with_suffix(".empty"), TEXTS)
    assert empty.plan(Selection(table="t", cursor="changed", since="2024-03-01")).upto == "2024-03-01"


def test_names_of_any_kind_are_quoted(path: Path) -> None:
    connector = made(
        path, 'CREATE TABLE "a ""b"" %s; --" ("x ""y"" ?1" INTEGER PRIMARY KEY, "%d" TEXT)',
        'INSERT INTO "a ""b"" %s; --" VALUES (1, \'one\'), (2, \'two\')',
    )  # fmt: skip
    name = 'a "b" %s; --'
    assert [table.name for table in connector.discover()] == [name]
    assert read_all(connector, Selection(table=name, chunk_rows=1)) == [
        {'x "y" ?1': "1", "%d": "one"},
        {'x "y" ?1': "2", "%d": "two"},
    ]


def test_foreign_keys_are_discovered(path: Path) -> None:
    connector = made(
        path,
        "CREATE TABLE site (a INTEGER, b TEXT, c TEXT UNIQUE, PRIMARY KEY (a, b))",
        "CREATE TABLE meter (id INTEGER PRIMARY KEY, x INTEGER, y TEXT, z TEXT REFERENCES site (c),"
        " FOREIGN KEY (x, y) REFERENCES site)",
    )
    told = {table.name: table.references for table in connector.discover()}
    assert told == {
        "site": (),
        "meter": (
            ForeignKey(columns=("z",), table="site", to=("c",)),
            ForeignKey(columns=("x", "y"), table="site", to=("a", "b")),
        ),
    }


@pytest.mark.parametrize(
    ("declared", "is_bare"),
    [
        ("id INTEGER PRIMARY KEY", True),
        ("id INTEGER PRIMARY KEY DESC", False),  # not the rowid: it takes a text, and NULL too
        ("id INT PRIMARY KEY NOT NULL", False),
        ("id TEXT PRIMARY KEY NOT NULL", False),
    ],
)
def test_a_key_is_sure_to_hold_whole_numbers_where_it_is_the_rowid(path: Path, declared: str, *, is_bare: bool) -> None:
    connector = made(path, f"CREATE TABLE t ({declared})")
    ((column,),) = (table.columns for table in connector.discover())
    assert (column.bare, column.nullable) == (is_bare, "DESC" in declared)


def test_views_and_tables_without_a_key_are_read_whole(path: Path) -> None:
    connector = made(
        path,
        "CREATE TABLE t (a, b)",
        "INSERT INTO t VALUES (2, 'x'), (1, 'y'), (1, 'x'), (NULL, NULL)",
        "CREATE VIEW v AS SELECT b, a FROM t",
    )
    for name in ("t", "v"):
        plan = connector.plan(Selection(table=name))
        assert [dict(chunk.locator) for chunk in plan.chunks] == [{"by": "whole"}]
        assert len(read_all(connector, Selection(table=name))) == 4


def test_validate_tells_a_file_without_a_table(path: Path) -> None:
    path.write_bytes(b"")
    (problem,) = SqliteConnector(SqliteConfig(path=path), no_secret).validate()
    assert (problem.cause, problem.what) == ("not_found", "the file has no table or view")


@pytest.mark.parametrize(
    ("content", "cause"), [(None, "not_found"), (b"no database at all, only text", "protocol")], ids=["gone", "text"]
)
def test_validate_tells_what_is_wrong_with_the_file(path: Path, content: bytes | None, cause: str) -> None:
    if content is not None:
        path.write_bytes(content)
    connector = SqliteConnector(SqliteConfig(path=path), no_secret)
    assert [problem.cause for problem in connector.validate()] == [cause]
    with pytest.raises(Misuse):
        connector.discover()


def test_a_locked_file_is_for_later_and_a_torn_one_is_refused(path: Path) -> None:
    connector = made(path, "CREATE TABLE t (id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, zeroblob(9000))")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RetryLater, match="locked"):
            connector.discover()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xee" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(InputRefused, match="cannot be read"):
        connector.sample("t")


def test_nothing_can_be_written(path: Path) -> None:
    connector = made(path, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
    with connector.session() as session, pytest.raises(sqlite3.OperationalError, match="readonly"):
        session.connection.execute("INSERT INTO t VALUES (1)")
