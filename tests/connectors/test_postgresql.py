"""PostgreSQL: types, keys, cursors, rights, time and memory; on the embedded server and on an installed one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
import pytest
from adbc_driver_manager import AdbcStatusCode
from adbc_driver_manager import Error as DriverError

from headwater.connectors.postgresql import PostgresConfig, PostgresConnector, kind
from headwater.connectors.postgresql.refusals import problem_of
from headwater.connectors.protocol import ForeignKey, Selection
from headwater.connectors.sql.source import raised
from headwater.connectors.sql.statements import Statement
from headwater.errors import InputRefused, Misuse, RetryLater
from tests.connectors.sql_reading import (
    a_million_rows_take_little_memory,
    as_texts,
    every_row_once_while,
    no_secret,
    read,
    read_all,
)
from tests.servers import Installation, TestServer

pytestmark = pytest.mark.server


@dataclass(frozen=True)
class Source:
    installation: Installation
    config: PostgresConfig

    @property
    def connector(self) -> PostgresConnector:
        return PostgresConnector(self.config, no_secret)

    def with_config(self, **changes: object) -> PostgresConnector:
        return PostgresConnector(self.config.model_copy(update=changes), no_secret)

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.installation.superuser_url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@pytest.fixture(scope="module")
def module_database(server: TestServer) -> Iterator[Installation]:
    made = server.empty()
    yield made
    server.drop(made)


@pytest.fixture
def source(module_database: Installation) -> Source:
    url = urlsplit(module_database.app_url)
    query = parse_qs(url.query)
    config = PostgresConfig(
        host=query.get("host", [unquote(url.hostname or "")])[0],
        port=int(query.get("port", [url.port or 5432])[0]),
        database=module_database.name,
        user=url.username or "",
        sslmode="disable",
    )
    made = Source(module_database, config)
    made.run(
        "DROP SCHEMA IF EXISTS public CASCADE", "CREATE SCHEMA public", "GRANT USAGE ON SCHEMA public TO headwater_app",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO headwater_app",
    )  # fmt: skip
    return made


def test_the_server_is_one_named_as_proven(source: Source) -> None:
    with source.connector.session() as session:
        version = session.rows(Statement("SELECT current_setting('server_version_num')"))[0][0]
    assert f"PostgreSQL {int(str(version)) // 10_000}" in kind.proven_against


VALUES: dict[str, list[tuple[str, str | None]]] = {
    "numeric(38,10)": [("-1234567890123456789012345678.0123456789", None), ("'NaN'", "NaN"), ("0.0000000001", None)],
    "numeric": [("1e-40", "0." + "0" * 39 + "1"), ("'-Infinity'", "-Infinity"), ("123456789.1230000", None)],
    "timestamptz": [
        ("'2026-03-29 02:30+02'", "2026-03-29T00:30:00Z"),
        ("'infinity'", "infinity"),
        ("'-infinity'", "-infinity"),
        ("'0001-01-01 00:00+00'", "0001-01-01T00:00:00Z"),
        ("'9999-12-31 23:59:59.999999+00'", "9999-12-31T23:59:59.999999Z"),
        ("'4713-01-01 00:00+00 BC'", "4713-01-01T00:00:00Z BC"),
        ("'294276-12-31 00:00+00'", "294276-12-31T00:00:00Z"),
    ],
    "timestamp": [("'2026-01-01 00:00:00.5'", "2026-01-01T00:00:00.5"), ("'infinity'", "infinity")],
    "date": [("'infinity'", "infinity"), ("'0044-03-15 BC'", "0044-03-15 BC"), ("'9999-12-31'", "9999-12-31")],
    "time": [("'24:00'", "24:00:00")],
    "timetz": [("'12:00:00.000001+05:45'", "12:00:00.000001+05:45")],
    "interval": [("'1 year 2 days -00:00:00.5'", "P1Y2DT-0.5S")],
    "bytea": [(r"'\xdeadbeef00'", "0xdeadbeef00"), ("''", "0x")],
    "integer[]": [("'{{1,NULL},{3,4}}'", "[[1,null],[3,4]]"), ("'[5:6]={1,2}'", "[1,2]"), ("'{}'", "[]")],
    "text[]": [("ARRAY['a\"b', 'NULL', NULL, 'ü,']", '["a\\"b","NULL",null,"ü,"]')],
    "numeric[]": [("'{1.10,NaN,12345678901234567890.1}'", '[1.10,"NaN",12345678901234567890.1]')],
    "timestamptz[]": [("ARRAY['2026-01-01 00:00+01'::timestamptz]", '["2025-12-31T23:00:00+00:00"]')],
    "json": [('\'{"a":  1.10, "a": 2}\'', '{"a":  1.10, "a": 2}')],
    "jsonb": [("'{\"n\": 12345678901234567890.10}'", '{"n": 12345678901234567890.10}')],
    "mood": [("'not sure'", "not sure")],
    "pair": [("ROW(1, 'x \"y\"')", '{"a":1,"b":"x \\"y\\""}')],
    "positive": [("7", "7")],
    "uuid": [("'{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")],
    "money": [("'-1234567.89'", "-1234567.89")],
    "int4range": [("'[1,5]'", "[1,6)")],
    "tstzrange": [("'[2026-01-01 01:00+01,)'", '["2026-01-01 00:00:00+00",)')],
    "inet": [("'192.0.2.1/24'", "192.0.2.1/24")],
    "bit varying": [("B'0101'", "0101")],
    "char(6)": [("'ab'", "ab    ")],
    '"char"': [("'x'", "x")],
    "name": [("'x'", "x")],
    "boolean": [("true", "TRUE")],
    "real": [("0.1", "0.1"), ("'NaN'", "NaN"), ("'-infinity'", "-Infinity"), ("16777217", "16777216")],
    "double precision": [("5e-324", "0." + "0" * 323 + "5"), ("0.1", "0.1")],
    "bigint": [("'-9223372036854775808'", "-9223372036854775808")],
    "oid": [("4294967295", None)],
    "point": [("'(0.1,-2)'", "(0.1,-2)")],
    "tsvector": [("'a:1 b'", "'a':1 'b'")],
}


def test_values_of_every_type_come_as_they_are(source: Source) -> None:
    source.run(
        "CREATE TYPE mood AS ENUM ('sure', 'not sure')",
        "CREATE TYPE pair AS (a int, b text)",
        "CREATE DOMAIN positive AS integer CHECK (value > 0)",
    )
    different = []
    for declared, values in VALUES.items():
        rows = ", ".join(f"({n}, {value}::{declared})" for n, (value, _) in enumerate(values))
        source.run(
            "DROP TABLE IF EXISTS one",
            f"CREATE TABLE one (id int PRIMARY KEY, v {declared})",
            f"INSERT INTO one VALUES {rows}, (1000, NULL)",
        )
        found = [row["v"] for row in as_texts(source.connector.sample("public.one"))]
        expected = [value if text is None else text for value, text in values]
        if found != [*expected, None]:
            different.append((declared, found, expected))
    assert different == []


def test_discovery_tells_tables_views_keys_and_cursors(source: Source) -> None:
    source.run(
        "CREATE TABLE parted (id int, day date NOT NULL, PRIMARY KEY (day, id)) PARTITION BY RANGE (day)",
        "CREATE TABLE parted_2026 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
        "CREATE TABLE wide (a int NOT NULL, b int NOT NULL, c int NOT NULL, d int, updated_at timestamptz,"
        " created_at date)",
        "CREATE UNIQUE INDEX ON wide (d)",
        "CREATE UNIQUE INDEX ON wide (a, b)",
        "CREATE UNIQUE INDEX ON wide (c) WHERE a > 1",
        "CREATE UNIQUE INDEX ON wide (c, (a + 1))",
        "COMMENT ON TABLE wide IS 'many columns'",
        "CREATE VIEW seen AS SELECT a, updated_at FROM wide",
        "CREATE MATERIALIZED VIEW kept AS SELECT a FROM wide",
        'CREATE TABLE "A ""b"" %s.c" ("x ""y""" int PRIMARY KEY, "%d" text)',
        """INSERT INTO "A ""b"" %s.c" VALUES (1, 'one'), (2, NULL)""",
        "INSERT INTO wide SELECT n, n, n FROM generate_series(1, 50) n",
        "ANALYZE wide",
    )
    told = {table.name: table for table in source.connector.discover()}
    assert list(told) == ['public.A "b" %s.c', "public.kept", "public.parted", "public.seen", "public.wide"]
    assert told["public.parted"].key == ("day", "id")
    wide = told["public.wide"]
    assert (wide.key, wide.cursors, wide.times, wide.rows, wide.comment) == (
        *(("a", "b"), ("updated_at",), ("created_at",), 50, "many columns"),
    )
    assert [(c.name, c.type, c.nullable) for c in wide.columns][3:5] == [
        *(("d", "integer", True), ("updated_at", "timestamp with time zone", True)),
    ]
    odd = Selection(table='public.A "b" %s.c', chunk_rows=1)
    assert read_all(source.connector, odd) == [{'x "y"': 1, "%d": "one"}, {'x "y"': 2, "%d": None}]
    assert source.with_config(schemas=("other",)).discover() == []


def test_a_key_is_not_taken_to_hold_across_tables_that_inherit(source: Source) -> None:
    source.run(
        "CREATE TABLE readings (id int PRIMARY KEY, kwh int)",
        "CREATE TABLE readings_2026 () INHERITS (readings)",
        "INSERT INTO readings SELECT n, n FROM generate_series(1, 20) n",
        "INSERT INTO readings_2026 SELECT n, -n FROM generate_series(1, 20) n",  # the same keys once more
        "CREATE TABLE parted (id int PRIMARY KEY, kwh int) PARTITION BY RANGE (id)",
        "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (1) TO (50)",
        "INSERT INTO parted SELECT n, n FROM generate_series(1, 20) n",
    )
    told = {table.name: table for table in source.connector.discover()}
    assert told["public.readings"].comment.startswith("the key is not enforced across the tables that inherit")
    assert (told["public.parted"].comment, "public.readings_2026" in told) == ("", True)
    by_key, parted = (Selection(table=f"public.{name}", chunk_rows=3) for name in ("readings", "parted"))
    plan = source.connector.plan(by_key)
    assert (plan.key, plan.identity) == (("id",), ())
    assert source.connector.plan(parted).identity == ("id",)
    rows = read_all(source.connector, by_key, plan)
    assert sorted(row["kwh"] for row in rows) == [n for n in range(-20, 21) if n]
    assert read_all(source.connector, by_key, plan) == rows


def test_numbers_uuids_and_times_are_told_from_texts(source: Source) -> None:
    source.run("CREATE TABLE t (a uuid, b text, c timestamptz, d numeric, e char(4), f uuid[], g date)")
    (table,) = source.connector.discover()
    assert [column.name for column in table.columns if column.bare] == ["a", "c", "d", "g"]


def test_foreign_keys_are_discovered(source: Source) -> None:
    source.run(
        "CREATE TABLE site (a int, b text, c text UNIQUE, PRIMARY KEY (a, b))",
        "CREATE TABLE meter (x int, y text, z text REFERENCES site (c), FOREIGN KEY (y, x) REFERENCES site (b, a))"
        " PARTITION BY LIST (x)",
        "CREATE TABLE meter_1 PARTITION OF meter FOR VALUES IN (1)",
    )
    told = {table.name: table.references for table in source.connector.discover()}
    assert told["public.site"] == ()
    assert set(told["public.meter"]) == {
        ForeignKey(columns=("z",), table="public.site", to=("c",)),
        ForeignKey(columns=("y", "x"), table="public.site", to=("b", "a")),
    }


def test_every_row_once_by_composite_text_and_null_keys(source: Source) -> None:
    source.run(
        "CREATE TABLE keyed (site text, no int, code char(4) NOT NULL, e timestamptz NOT NULL, PRIMARY KEY (site, no))",
        "INSERT INTO keyed SELECT (ARRAY['ä', 'Zürich', 'a', '%', 'b''\"', 'A', ''])[1 + n % 7], n, 'x' || n % 9,"
        " CASE n % 50 WHEN 0 THEN 'infinity' ELSE timestamptz '2026-01-01' + n % 20 * interval '1 h' END"
        " FROM generate_series(1, 400) n",
        "CREATE VIEW nullable AS SELECT CASE WHEN no % 7 > 0 THEN no END AS k, * FROM keyed",
    )
    for name, key in (("keyed", ()), ("keyed", ("code", "no")), ("keyed", ("e",)), ("nullable", ("k", "site"))):
        selection = Selection(table=f"public.{name}", key=key, chunk_rows=37)
        plan = source.connector.plan(selection)
        assert len(plan.chunks) >= 8
        assert sorted(row["no"] for row in read_all(source.connector, selection, plan)) == list(range(1, 401)), key
        again = source.connector.plan(selection)
        assert again == plan
        for chunk in plan.chunks[:2]:
            assert read(source.connector, selection, chunk).equals(read(source.connector, selection, chunk))


def test_text_keys_are_ordered_by_their_bytes_alone(source: Source) -> None:
    with source.connector.session() as session:
        known = session.rows(Statement("SELECT collname FROM pg_collation WHERE collname = 'und-x-icu'"))
    source.run(
        f'CREATE TABLE words (w text COLLATE "{"und-x-icu" if known else "default"}" PRIMARY KEY)',
        "INSERT INTO words VALUES ('a'), ('B'), ('ä'), ('b'), ('A'), ('Z')",
    )
    assert [row["w"] for row in source.connector.sample("public.words").to_pylist()] == ["A", "B", "Z", "a", "b", "ä"]


def test_a_cursor_is_read_to_the_plan_s_end_with_late_rows_ties_nulls_and_no_end(source: Source) -> None:
    source.run(
        "CREATE TABLE changing (id int PRIMARY KEY, at timestamptz)",
        "INSERT INTO changing SELECT n, timestamptz '2026-01-01 00:00+00' + n / 10 * interval '1 h'"
        " FROM generate_series(0, 199) n",
        "INSERT INTO changing VALUES (900, NULL), (901, 'infinity'), (902, '-infinity')",
    )
    selection = Selection(table="public.changing", cursor="at", chunk_rows=25)
    plan = source.connector.plan(selection)
    assert plan.upto == "2026-01-01T19:00:00Z"
    source.run("INSERT INTO changing VALUES (1000, '2026-01-01 20:00+00'), (1001, '2026-01-01 17:00+00')")
    first = read_all(source.connector, selection, plan)
    # The last window is open above: what came after the plan is read as well, and again next time.
    assert sorted(row["id"] for row in first) == [*range(200), 900, 901, 902, 1000, 1001]
    source.run("INSERT INTO changing VALUES (1002, '2026-01-01 19:00+00'), (1003, '2026-01-01 18:30+00')")
    later = Selection(table="public.changing", cursor="at", since=plan.upto, lag=1800)
    ids = sorted(row["id"] for row in read_all(source.connector, later))
    assert ids == [*range(190, 200), 900, 901, 902, 1000, 1002, 1003]
    for chunk in plan.chunks[1:]:
        assert chunk.locator["from"] != chunk.locator["to"]


def test_large_tables_are_cut_by_the_calendar(source: Source) -> None:
    source.run(
        "CREATE TABLE readings (id int PRIMARY KEY, day timestamp NOT NULL)",
        "INSERT INTO readings SELECT n, timestamp '2025-11-15' + n * interval '1 minute'"
        " FROM generate_series(1, 120000) n",
    )
    plan = source.connector.plan(Selection(table="public.readings", cursor="day"))
    said = [(chunk.window_start, chunk.window_end) for chunk in plan.chunks]
    assert said == [
        (None, None),  # those without a day, or without end
        ("2025-11-01T00:00:00", "2025-12-01T00:00:00"),
        ("2025-12-01T00:00:00", "2026-01-01T00:00:00"),
        ("2026-01-01T00:00:00", "2026-02-01T00:00:00"),
        ("2026-02-01T00:00:00", "2026-03-01T00:00:00"),
    ]
    assert sum(chunk.rows for chunk in plan.chunks) == 120_000
    assert [chunk.rows for chunk in plan.chunks] == [
        read(source.connector, Selection(table="public.readings", columns=("id",)), chunk).num_rows
        for chunk in plan.chunks
    ]


def test_a_counter_is_a_cursor(source: Source) -> None:
    source.run(
        "CREATE TABLE counted (id int PRIMARY KEY, version bigint)",
        "INSERT INTO counted SELECT n, n / 3 FROM generate_series(1, 100) n",
    )
    selection = Selection(table="public.counted", cursor="version", since="20", lag=2, chunk_rows=10)
    plan = source.connector.plan(selection)
    assert plan.upto == "33"
    assert sorted(row["id"] for row in read_all(source.connector, selection, plan)) == list(range(54, 101))


def test_every_row_once_while_others_write(source: Source) -> None:
    source.run(
        "CREATE TABLE busy (id int PRIMARY KEY, v int)",
        "INSERT INTO busy SELECT n * 10, 0 FROM generate_series(1, 3000) n",
    )

    def write(done: threading.Event) -> None:
        with psycopg.connect(source.installation.superuser_url, autocommit=True) as connection:
            number = 0
            while not done.is_set():
                number += 1
                connection.execute("INSERT INTO busy VALUES (%s, 1) ON CONFLICT DO NOTHING", (number * 7919 % 30_000,))
                connection.execute("DELETE FROM busy WHERE id = %s AND v = 1", (number * 104_729 % 30_000,))

    every_row_once_while(source.connector, "public.busy", write)


def test_a_missing_right_is_named_with_its_object(source: Source) -> None:
    source.run(
        "CREATE TABLE half (id int PRIMARY KEY, closed int)",
        "CREATE TABLE hidden (id int)",
        "REVOKE ALL ON half, hidden FROM headwater_app",
        "GRANT SELECT (id) ON half TO headwater_app",
        "DROP SCHEMA IF EXISTS locked CASCADE",
        "CREATE SCHEMA locked",
        "CREATE TABLE locked.t (id int)",
        "GRANT SELECT ON locked.t TO headwater_app",
        "CREATE TABLE bare ()",
    )
    assert {table.name: [c.name for c in table.columns] for table in source.connector.discover()} == {
        "public.half": ["id"]
    }
    for asked, right in (
        (Selection(table="public.hidden"), 'SELECT on "public"."hidden"'),
        (Selection(table="locked.t"), 'USAGE on schema "locked"'),
        (Selection(table="public.half", columns=("id", "closed")), 'SELECT ("closed") on "public"."half"'),
    ):
        (problem,) = source.connector.validate(asked)
        assert (problem.cause, right in problem.what) == ("missing_right", True), problem
        with pytest.raises(Misuse):
            source.connector.plan(asked)
    (problem,) = source.connector.validate(Selection(table="public.none"))
    assert problem.cause == "not_found"
    (problem,) = source.connector.validate(Selection(table="public.bare"))
    assert (problem.cause, problem.what) == ("not_found", "'public.bare' has no columns")
    for name in ("half", "public.halv"):
        (problem,) = source.connector.validate(Selection(table=name))
        assert (problem.cause, problem.remedy) == ("not_found", "Did you mean public.half?")


def test_a_login_that_may_read_nothing_is_told_which_right_is_missing(source: Source) -> None:
    source.run("DROP SCHEMA IF EXISTS locked CASCADE")
    assert told(source.connector) == ("not_found", f"the database {source.config.database!r} has no table or view")
    source.run(
        "CREATE SCHEMA locked",
        "CREATE TABLE locked.t (id int)",
        "GRANT SELECT ON locked.t TO headwater_app",
        "CREATE TABLE hidden (id int)",
        "REVOKE ALL ON hidden FROM headwater_app",
    )
    assert source.connector.discover() == []
    (problem,) = source.connector.validate()
    assert (problem.cause, problem.what, problem.remedy) == (
        "missing_right",
        (
            "the login 'headwater_app' may read no table: it has no right"
            ' USAGE on schema "locked", SELECT on all tables in schema "public"'
        ),
        (
            'GRANT USAGE on schema "locked" TO "headwater_app";'
            ' GRANT SELECT on all tables in schema "public" TO "headwater_app"'
        ),
    )
    assert told(source.with_config(schemas=("none",)))[0] == "not_found"
    source.run(*str(problem.remedy).split("; "))
    assert source.connector.validate() == []
    assert [table.name for table in source.connector.discover()] == ["locked.t", "public.hidden"]
    source.run("DROP SCHEMA locked CASCADE")


def told(connector: PostgresConnector) -> tuple[str, str]:
    (problem,) = connector.validate()
    return problem.cause, problem.what


def test_a_database_and_a_role_that_do_not_exist_are_told_apart(source: Source) -> None:
    for changes, cause in (({"database": "none"}, "not_found"), ({"user": "nobody_here"}, "login")):
        assert [problem.cause for problem in source.with_config(**changes).validate()] == [cause]
        with pytest.raises(Misuse):
            source.with_config(**changes).discover()


def test_a_server_without_room_for_a_session_is_asked_again_later(source: Source) -> None:
    source.run("ALTER ROLE headwater_app CONNECTION LIMIT 0")
    try:
        with pytest.raises(RetryLater, match="too many connections"):
            source.connector.discover()
        (problem,) = source.connector.validate()
        assert (problem.cause, "one more session" in str(problem.remedy)) == ("refused", True)
    finally:
        source.run("ALTER ROLE headwater_app CONNECTION LIMIT -1")


@pytest.mark.parametrize("words", ["the database system is starting up", "the database system is in recovery mode"])
def test_one_that_starts_is_asked_again_later(words: str) -> None:
    config = PostgresConfig(host="db", database="plant", user="reader", sslmode="disable")
    error = DriverError(f"IO: [libpq] Failed to connect: FATAL:  {words}", status_code=AdbcStatusCode.IO)
    assert isinstance(raised(problem_of(error, config, "")), RetryLater)


def test_a_statement_has_its_time_and_writes_nothing(source: Source) -> None:
    source.run("CREATE VIEW slow AS SELECT pg_sleep(60) IS NULL AS waited", "CREATE SEQUENCE s")
    source.run("CREATE VIEW writing AS SELECT nextval('s') AS v", "GRANT ALL ON SEQUENCE s TO headwater_app")
    with pytest.raises(RetryLater, match="time was up"):
        source.with_config(statement_timeout=1).sample("public.slow")
    with pytest.raises((Misuse, InputRefused), match="read-only"):
        source.connector.sample("public.writing")


def test_a_connection_that_is_cut_is_for_later(source: Source) -> None:
    source.run("CREATE TABLE many (id int PRIMARY KEY, v text)")
    source.run("INSERT INTO many SELECT n, repeat('x', 900) FROM generate_series(1, 100000) n")
    selection = Selection(table="public.many", chunk_rows=200_000)
    plan = source.connector.plan(selection)
    with source.connector.read(selection, plan.chunks[0]) as batches:
        next(batches)
        source.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'headwater_app'"
            " AND application_name = 'headwater'"
        )
        with pytest.raises(RetryLater):
            list(batches)


def test_a_million_rows_take_little_memory(source: Source, tmp_path: Path) -> None:
    source.run("CREATE TABLE narrow AS SELECT n AS id, n / 7.0 AS v FROM generate_series(1, 1000000) n")
    source.run("ALTER TABLE narrow ADD PRIMARY KEY (id)")
    a_million_rows_take_little_memory("postgresql", source.config, "public.narrow", tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cursor": "name"}, "cannot be a cursor"),
        ({"cursor": "id", "since": "yesterday"}, "no value of the cursor"),
        ({"columns": ("gone",)}, "no column"),
        ({"key": ("gone",)}, "no column"),
        ({"chunk_rows": 0}, "so few rows"),
        ({"cursor": "id", "lag": -1}, "back in time"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_said(source: Source, changes: dict[str, object], words: str) -> None:
    source.run("CREATE TABLE few (id int PRIMARY KEY, name text)")
    asked: Callable[..., Selection] = Selection
    with pytest.raises(Misuse, match=words):
        source.connector.plan(asked(table="public.few", **changes))
