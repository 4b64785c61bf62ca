"""MySQL's connector on a real MariaDB: the suite for connectors, types, keys, rights, time and memory."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pymysql.cursors import SSCursor

from headwater.connectors.mysql import MysqlConfig, MysqlConnector, kind
from headwater.connectors.mysql.rows import packets, values
from headwater.connectors.protocol import ForeignKey, Kind, Problem, Selection
from headwater.errors import Misuse, RetryLater
from headwater.testing import ConnectorConformance, Row
from tests.connectors.servers_mariadb import PASSWORD, MariaDb, mariadb_server
from tests.connectors.sql_reading import (
    ServerCase,
    a_million_rows_take_little_memory,
    as_texts,
    cells,
    every_row_once_while,
    read,
    read_all,
)
from tests.proxy import Fault, proxy

TYPES = {
    "integer": "BIGINT",
    "decimal": "DECIMAL(38,10)",
    "float": "DOUBLE",
    "text": "TEXT",
    "bytes": "BLOB",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "DATETIME(6)",
    "time": "TIME(6)",
    "json": "JSON",
    "enum": "ENUM('verified', 'not ''yet'' sure')",
    "uuid": "UUID",
}


class MariaDbCase(ServerCase):
    kind: ClassVar[Kind] = kind
    revoked: ClassVar[str] = "REVOKE SELECT ON source.conformance FROM reader@127.0.0.1"
    lacks: ClassVar[dict[str, str]] = {
        "timestamptz": "a TIMESTAMP reaches from 1970 to 2038 only; its own test has its limits",
        "array": "there are no arrays",
        "float: NaN": "MariaDB refuses it",
        "float: infinity": "MariaDB refuses it",
        "float: minus infinity": "MariaDB refuses it",
        "timestamp: skipped hour": "asked below, with the server's time zone",
    }

    def config(self) -> MysqlConfig:
        config: MysqlConfig = self.server.config
        return config

    def resolve(self, reference: str) -> str:
        return resolve(reference)

    def against(self) -> str:
        return f"MariaDB {'.'.join(self.server.version.split('.')[:2])}"

    def make(self, rows: Sequence[Row]) -> None:
        key = "PRIMARY KEY" if all(row.id is not None for row in rows) else ""
        self.execute("DROP TABLE IF EXISTS conformance")
        self.execute(f"CREATE TABLE conformance (id BIGINT {key}, at TIMESTAMP(6) NULL, value TEXT)")
        self.execute("GRANT SELECT ON source.conformance TO reader@127.0.0.1")
        self.insert(rows)

    def insert(self, rows: Sequence[Row]) -> None:
        self.execute("INSERT INTO conformance VALUES (%s, %s, %s)", [(row.id, _moment(row), row.value) for row in rows])

    def update(self, rows: Sequence[Row]) -> None:
        self.execute(
            "UPDATE conformance SET at = %s, value = %s WHERE id = %s",
            [(_moment(row), row.value, row.id) for row in rows],
        )

    def delete(self, ids: Sequence[int]) -> None:
        self.execute("DELETE FROM conformance WHERE id = %s", [(number,) for number in ids])

    def make_values(self, sort: str, values: Sequence[Any]) -> str:
        self.execute("DROP TABLE IF EXISTS lossless")
        self.execute(f"CREATE TABLE lossless (id INT PRIMARY KEY, value {TYPES[sort]})")
        self.execute("GRANT SELECT ON source.lossless TO reader@127.0.0.1")
        given = [str(value) if sort in {"uuid", "float"} and value is not None else value for value in values]
        self.execute("INSERT INTO lossless VALUES (%s, %s)", list(enumerate(given, 1)))
        return "lossless"

    def held(self) -> int:
        return held_by_reader(self.server)

    def execute(self, statement: str, rows: Sequence[Any] | None = None) -> None:
        with self.server.owner() as owner, owner.cursor() as cursor:
            cursor.execute("SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES'")
            if rows is None:
                cursor.execute(statement)
            elif rows:
                cursor.executemany(statement, rows)


def _moment(row: Row) -> str | None:
    return row.at.replace(tzinfo=None).isoformat(" ") if row.at else None


def resolve(reference: str) -> str:
    assert reference == "env:MARIADB_PASSWORD"
    return PASSWORD


def held_by_reader(server: MariaDb) -> int:
    """Sessions of the reader's. One that was given up ends when its thread next writes."""
    deadline = time.monotonic() + 10
    with server.owner() as owner, owner.cursor() as cursor:
        while True:
            cursor.execute("SELECT count(*) FROM information_schema.PROCESSLIST WHERE USER = 'reader'")
            held = int(cursor.fetchone()[0])
            if held == 0 or time.monotonic() > deadline:
                return held


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDb]:
    with mariadb_server() as started:
        MariaDbCase.server = started
        with socket.create_server(("127.0.0.1", 0)) as MariaDbCase.silent:
            yield started


@pytest.mark.usefixtures("server")
@pytest.mark.always
class TestMariaDb(ConnectorConformance):
    case_type = MariaDbCase


@pytest.fixture
def execute(server: MariaDb) -> Callable[..., None]:
    def run(*statements: str) -> None:
        with server.owner() as owner, owner.cursor() as cursor:
            cursor.execute("SET sql_mode = ''")
            for statement in statements:
                cursor.execute(statement)

    return run


@pytest.fixture
def connector(server: MariaDb) -> MysqlConnector:
    return MysqlConnector(server.config, resolve)


def test_values_come_to_the_last_digit(connector: MysqlConnector, execute: Callable[..., None]) -> None:
    execute(
        "DROP TABLE IF EXISTS kinds",
        """CREATE TABLE kinds (id INT PRIMARY KEY, d DECIMAL(65,30), u BIGINT UNSIGNED, b BIT(64), y YEAR, t TIME(6),
             at DATETIME(6), day DATE, ts TIMESTAMP(3), s SET('a', 'b c', 'd'), f FLOAT, g DOUBLE, j JSON,
             vb VARBINARY(9), c CHAR(5), i INET6, z INT(6) ZEROFILL, tiny TINYINT)""",
        """INSERT INTO kinds VALUES
             (1, -12345678901234567890123456789012345.000000000000000000000000000001, 18446744073709551615, ~0, 2155,
              '-838:59:59.999999', '0000-00-00 00:00:00', '2026-02-00', '2026-03-29 01:30:00.120', 'd,a', 16777217,
              1.7976931348623157e308, '{"n": 1.0e2, "m":null}', x'00ff', 'ab   ', '::1', 42, -128),
             (2, 0, 0, 0, 0, '838:59:59', '9999-12-31 23:59:59.999999', '0000-00-00', '2038-01-19 03:14:07.999', '',
              0.1, 5e-324, '[]', '', '', NULL, 0, 127)""",
        "GRANT SELECT ON source.kinds TO reader@127.0.0.1",
    )
    execute("SET GLOBAL time_zone = '+05:30'")
    rows = as_texts(connector.sample("kinds"))
    execute("SET GLOBAL time_zone = 'SYSTEM'")
    assert rows[0] == {
        "id": "1",
        "d": "-12345678901234567890123456789012345.000000000000000000000000000001",
        "u": "18446744073709551615",
        "b": "18446744073709551615",
        "y": "2155",
        "t": "-838:59:59.999999",
        "at": "0000-00-00T00:00:00",
        "day": "2026-02-00",
        "ts": rows[0]["ts"],
        "s": "a,d",
        "f": "16777216",
        "g": rows[0]["g"],
        "j": '{"n": 1.0e2, "m":null}',
        "vb": "0x00ff",
        "c": "ab",
        "i": "::1",
        "z": "42",
        "tiny": "-128",
    }
    assert float(str(rows[0]["g"])) == 1.7976931348623157e308
    assert str(rows[0]["ts"]).endswith("Z")
    assert (rows[1]["f"], rows[1]["at"], rows[1]["day"], rows[1]["y"]) == (
        *("0.1", "9999-12-31T23:59:59.999999", "0000-00-00", "0"),
    )
    assert float(str(rows[1]["g"])) == 5e-324


def test_a_number_of_a_column_of_json_is_one_to_mariadb_too(
    connector: MysqlConnector, execute: Callable[..., None]
) -> None:
    """JSON is a longtext of valid JSON there; a view does not tell of it."""
    execute(
        "DROP TABLE IF EXISTS bare",
        "CREATE TABLE bare (id INT PRIMARY KEY, `a ``b` JSON, said TEXT, checked LONGTEXT CHECK (json_valid(checked)))",
        """INSERT INTO bare VALUES (1, '1.234', '1.234', '1.234'), (2, '"1.234"', '', '[1.5]')""",
        "GRANT SELECT ON source.bare TO reader@127.0.0.1",
    )
    assert cells(connector, "bare", ",") == [
        {"id": "1", "a `b": "1,234", "said": "1.234", "checked": "1,234"},
        {"id": "2", "a `b": '"1.234"', "said": "", "checked": "[1.5]"},
    ]


def test_moments_are_told_in_utc_whatever_the_server_s_time_zone(
    connector: MysqlConnector, execute: Callable[..., None]
) -> None:
    execute(
        "DROP TABLE IF EXISTS moments",
        "CREATE TABLE moments (id INT PRIMARY KEY, at TIMESTAMP NOT NULL)",
        "SET time_zone = '+05:30'",
        "INSERT INTO moments VALUES (1, '2026-01-01 05:30:00')",
        "SET GLOBAL time_zone = '+05:30'",
        "GRANT SELECT ON source.moments TO reader@127.0.0.1",
    )
    try:
        assert as_texts(connector.sample("moments")) == [{"id": "1", "at": "2026-01-01T00:00:00Z"}]
        assert connector.plan(Selection(table="moments", cursor="at")).upto == "2026-01-01T00:00:00Z"
    finally:
        execute("SET GLOBAL time_zone = 'SYSTEM'")


def test_every_row_once_by_composite_text_and_binary_keys(
    connector: MysqlConnector, execute: Callable[..., None]
) -> None:
    execute(
        "DROP TABLE IF EXISTS keyed",
        """CREATE TABLE keyed (site VARCHAR(20) COLLATE utf8mb4_unicode_ci, tag VARBINARY(4), no INT, e ENUM('z', 'a'),
             PRIMARY KEY (site, tag, no))""",
        "INSERT INTO keyed SELECT elt(1 + seq MOD 5, 'ä', 'Zürich', 'a', '%', 'b''\"'),"
        " unhex(lpad(hex(seq MOD 3), 2, '0')), seq, elt(1 + seq MOD 2, 'z', 'a') FROM seq_1_to_300",
        "GRANT SELECT ON source.keyed TO reader@127.0.0.1",
    )
    for key in ((), ("e",), ("no",)):
        selection = Selection(table="keyed", key=key, chunk_rows=37)
        plan = connector.plan(selection)
        assert len(plan.chunks) >= (3 if key == ("e",) else 9)
        assert sorted(row["no"] for row in read_all(connector, selection, plan)) == list(range(1, 301))


def test_zero_days_and_nulls_of_a_cursor_are_read_once(connector: MysqlConnector, execute: Callable[..., None]) -> None:
    execute(
        "DROP TABLE IF EXISTS changed",
        "CREATE TABLE changed (id INT PRIMARY KEY, at DATETIME(6), day DATE NOT NULL)",
        "INSERT INTO changed SELECT seq, IF(seq MOD 10 = 0, NULL, '2026-01-01' + INTERVAL seq DIV 7 HOUR), "
        "IF(seq MOD 9 = 0, '0000-00-00', '2026-01-01' + INTERVAL seq DAY) FROM seq_1_to_200",
        "INSERT INTO changed VALUES (1000, '0000-00-00 00:00:00', '2026-01-01')",
        "GRANT SELECT ON source.changed TO reader@127.0.0.1",
    )
    for cursor in ("at", "day"):
        selection = Selection(table="changed", cursor=cursor, chunk_rows=20)
        assert sorted(row["id"] for row in read_all(connector, selection)) == [*range(1, 201), 1000]
    lagged = Selection(table="changed", cursor="at", since="2026-01-02T04:00:00", lag=3600, chunk_rows=5)
    found = {row["id"] for row in read_all(connector, lagged)}
    assert found == {n for n in range(1, 201) if n % 10 == 0 or n // 7 >= 27}


def test_foreign_keys_are_discovered(connector: MysqlConnector, execute: Callable[..., None]) -> None:
    execute(
        "DROP TABLE IF EXISTS meter, site",
        "CREATE TABLE site (a INT, b VARCHAR(9), c VARCHAR(9) UNIQUE, PRIMARY KEY (a, b))",
        "CREATE TABLE meter (x INT, y VARCHAR(9), z VARCHAR(9), FOREIGN KEY (z) REFERENCES site (c),"
        " FOREIGN KEY (x, y) REFERENCES site (a, b))",
        "GRANT SELECT ON source.site TO reader@127.0.0.1",
        "GRANT SELECT ON source.meter TO reader@127.0.0.1",
    )
    told = {table.name: table.references for table in connector.discover()}
    execute("DROP TABLE meter, site")
    assert told["site"] == ()
    assert set(told["meter"]) == {
        ForeignKey(columns=("z",), table="site", to=("c",)),
        ForeignKey(columns=("x", "y"), table="site", to=("a", "b")),
    }


def test_only_what_the_login_may_select_is_told(
    connector: MysqlConnector, server: MariaDb, execute: Callable[..., None]
) -> None:
    execute(
        "DROP TABLE IF EXISTS half, hidden",
        "CREATE TABLE half (id INT PRIMARY KEY, open INT, closed INT)",
        "CREATE TABLE hidden (id INT PRIMARY KEY)",
        "GRANT SELECT (id, open) ON source.half TO reader@127.0.0.1",
        "GRANT INSERT ON source.hidden TO reader@127.0.0.1",
    )
    told = {table.name: [column.name for column in table.columns] for table in connector.discover()}
    assert told["half"] == ["id", "open"]
    assert "hidden" not in told
    (problem,) = connector.validate(Selection(table="hidden"))
    assert (problem.cause, "SELECT on `source`.`hidden`" in problem.what) == ("missing_right", True)
    (problem,) = connector.validate(Selection(table="half", columns=("id", "closed")))
    assert (problem.cause, "SELECT (`closed`)" in problem.what) == ("missing_right", True)
    elsewhere = MysqlConnector(server.config.model_copy(update={"database": "no_such_database"}), resolve)
    assert [problem.cause for problem in elsewhere.validate()] in (["not_found"], ["missing_right"])
    closed = MysqlConnector(server.config.model_copy(update={"database": "closed_to_reader"}), resolve)
    assert [problem.cause for problem in closed.validate()] == ["missing_right"]


def test_a_login_that_may_read_nothing_is_told_which_right_is_missing(
    server: MariaDb, execute: Callable[..., None]
) -> None:
    def problem(database: str) -> Problem:
        (found,) = MysqlConnector(server.config.model_copy(update={"database": database}), resolve).validate()
        return found

    execute(
        "CREATE OR REPLACE DATABASE mine",
        "GRANT INSERT ON mine.* TO reader@127.0.0.1",
    )
    empty = problem("mine")
    assert (empty.cause, empty.what) == ("not_found", "the database 'mine' has no table or view")
    execute("CREATE TABLE mine.hidden (id INT PRIMARY KEY)")
    hidden = problem("mine")
    assert (hidden.cause, hidden.what) == ("missing_right", "the login 'reader' has no right SELECT on `mine`.*")
    execute("GRANT SELECT ON mine.* TO reader@127.0.0.1")
    assert MysqlConnector(server.config.model_copy(update={"database": "mine"}), resolve).validate() == []
    execute("REVOKE ALL ON mine.* FROM reader@127.0.0.1", "DROP DATABASE mine")


def test_a_server_that_is_none_and_a_login_without_tls(
    connector: MysqlConnector, server: MariaDb, execute: Callable[..., None]
) -> None:
    execute("CREATE OR REPLACE TABLE open (id INT)", "GRANT SELECT ON source.open TO reader@127.0.0.1")
    plain = MysqlConnector(server.config.model_copy(update={"tls": "disable"}), resolve)
    (refused,) = plain.validate()
    assert refused.cause == "login"
    assert refused.what.startswith(f"the user 'reader' is refused by {server.config.host}:{server.config.port}")
    assert (
        MysqlConnector(server.config.model_copy(update={"tls": "require", "ca_file": None}), resolve).validate() == []
    )
    assert connector.validate() == []


def test_a_statement_has_its_time(server: MariaDb, execute: Callable[..., None]) -> None:
    execute(
        "DROP TABLE IF EXISTS slow, slow_view",
        "CREATE OR REPLACE VIEW slow_view AS SELECT sleep(30) AS waited",
        "GRANT SELECT ON source.slow_view TO reader@127.0.0.1",
    )
    connector = MysqlConnector(server.config.model_copy(update={"statement_timeout": 1}), resolve)
    with pytest.raises(RetryLater, match="time was up"):
        connector.sample("slow_view")


@pytest.mark.parametrize("fault", ["closed", "reset", "silent"])
def test_a_connection_that_fails_inside_a_result_is_for_later(
    server: MariaDb, execute: Callable[..., None], fault: Fault
) -> None:
    execute(
        "CREATE TABLE IF NOT EXISTS long_one AS SELECT seq, repeat('x', 900) AS v FROM seq_1_to_1000",
        "GRANT SELECT ON source.long_one TO reader@127.0.0.1",
    )
    with proxy(lambda: socket.create_connection((server.config.host, server.config.port))) as between:
        limits = {"connect_timeout": 1, "statement_timeout": 3}
        connector = MysqlConnector(server.config.model_copy(update={"port": between.port, **limits}), resolve)
        selection = Selection(table="long_one", key=("seq",), chunk_rows=1000)
        plan = connector.plan(selection)
        between.fail(fault, after=400_000)
        with pytest.raises(RetryLater):
            read_all(connector, selection, plan)
        assert between.fallen == 1
        assert len(read_all(connector, selection, plan)) == 1000


def test_every_row_once_while_others_write(
    connector: MysqlConnector, server: MariaDb, execute: Callable[..., None]
) -> None:
    execute(
        "DROP TABLE IF EXISTS busy",
        "CREATE TABLE busy (id INT PRIMARY KEY, v INT)",
        "INSERT INTO busy SELECT seq * 10, 0 FROM seq_1_to_3000",
        "GRANT SELECT ON source.busy TO reader@127.0.0.1",
    )

    def write(done: threading.Event) -> None:
        with server.owner() as owner, owner.cursor() as cursor:
            number = 0
            while not done.is_set():
                number += 1
                cursor.execute("INSERT IGNORE INTO busy VALUES (%s, 1)", (number * 7919 % 30_000,))
                cursor.execute("DELETE FROM busy WHERE id = %s AND v = 1", (number * 104_729 % 30_000,))

    every_row_once_while(connector, "busy", write)


def test_a_million_rows_take_little_memory(server: MariaDb, execute: Callable[..., None], tmp_path: Path) -> None:
    execute(
        "CREATE TABLE IF NOT EXISTS narrow (id INT PRIMARY KEY, v DECIMAL(12,2))",
        "INSERT IGNORE INTO narrow SELECT seq, seq / 7 FROM seq_1_to_1000000",
        "GRANT SELECT ON source.narrow TO reader@127.0.0.1",
    )
    a_million_rows_take_little_memory("mysql", server.config, "narrow", tmp_path, PASSWORD)


def test_rows_are_what_the_driver_reads(server: MariaDb, execute: Callable[..., None]) -> None:
    lengths = (0, 1, 250, 251, 252, 255, 65_535, 65_536, 2**24 - 10, 2**24, 2**24 + 300)
    execute("DROP TABLE IF EXISTS lengths", "CREATE TABLE lengths (id INT PRIMARY KEY, v LONGBLOB, w TEXT)")
    with server.owner() as owner, owner.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = '', GLOBAL max_allowed_packet = 67108864")
    with server.owner() as owner, owner.cursor() as cursor:
        for number, length in enumerate(lengths):
            cursor.execute(
                "INSERT INTO lengths VALUES (%s, repeat('x', %s), %s)", (number, length, "ä" if number % 2 else None)
            )
        owner.decoders = {}
        owner.use_unicode = False
        cursor.execute("SELECT v, w, id FROM lengths ORDER BY id")
        expected = cursor.fetchall()
        with owner.cursor(SSCursor) as streamed:
            streamed.execute("SELECT v, w, id FROM lengths ORDER BY id")
            assert [values(packet) for packet in packets(owner)] == list(expected)
        cursor.execute("SELECT 1")
        assert [len(row[0]) for row in expected] == list(lengths)


def test_an_error_in_the_middle_of_a_result_is_told(connector: MysqlConnector, execute: Callable[..., None]) -> None:
    execute(
        "DROP TABLE IF EXISTS broken",
        "DROP VIEW IF EXISTS breaking",
        "CREATE TABLE broken AS SELECT seq FROM seq_1_to_20000",
        "CREATE VIEW breaking AS SELECT seq, (SELECT 1 UNION SELECT IF(broken.seq = 19999, 2, 1)) AS v FROM broken",
        "GRANT SELECT ON source.breaking TO reader@127.0.0.1",
    )
    selection = Selection(table="breaking", columns=("v",), key=())
    with pytest.raises(Misuse, match="more than 1 row"):
        read_all(connector, selection)


def test_misuse_names_what_there_is(connector: MysqlConnector, execute: Callable[..., None]) -> None:
    execute(
        "DROP TABLE IF EXISTS few",
        "CREATE TABLE few (id INT PRIMARY KEY, name TEXT)",
        "INSERT INTO few VALUES (1, 'one')",
        "GRANT SELECT ON source.few TO reader@127.0.0.1",
    )
    with pytest.raises(Misuse, match="cannot be a cursor"):
        connector.plan(Selection(table="few", cursor="name"))
    with pytest.raises(Misuse, match="no value of the cursor"):
        connector.plan(Selection(table="few", cursor="id", since="yesterday"))
    plan = connector.plan(Selection(table="few"))
    assert read(connector, Selection(table="few"), plan.chunks[0]).num_rows == 1


@pytest.mark.parametrize(
    ("engine", "of_view", "at_once"),
    [("InnoDB", False, True), ("Aria", False, False), ("MyISAM", False, False), ("InnoDB", True, False)],
)
def test_only_what_innodb_keeps_is_counted_at_the_moment_of_the_read(
    connector: MysqlConnector, execute: Callable[..., None], engine: str, *, of_view: bool, at_once: bool
) -> None:
    """Of a table without transactions the count sees what came after the rows were read, and says that it may."""
    execute("DROP VIEW IF EXISTS seen", "DROP TABLE IF EXISTS counted")
    execute(f"CREATE TABLE counted (id INT PRIMARY KEY, kwh DECIMAL(12,3)) ENGINE = {engine}")
    execute("INSERT INTO counted VALUES (1, 1.5), (2, 2.5)", "CREATE VIEW seen AS SELECT * FROM counted")
    execute("GRANT SELECT ON source.counted TO reader@127.0.0.1", "GRANT SELECT ON source.seen TO reader@127.0.0.1")
    asked = Selection(table="seen" if of_view else "counted", key=("id",))
    (chunk,) = connector.plan(asked).chunks
    with connector.read_tallied(asked, chunk, ("kwh",)) as (batches, tally):
        read = sum(batch.num_rows for batch in batches)
        execute("INSERT INTO counted VALUES (3, 3.5)")
        told = tally()
    assert told.at_once is at_once
    assert (read, told.rows) == (2, 2 if engine == "InnoDB" else 3)
