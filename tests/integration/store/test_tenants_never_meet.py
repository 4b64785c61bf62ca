"""Law 8, walked over the catalogue: what a later migration or contract adds is in it without a word here."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from headwater.errors import Misuse, Stopped
from headwater.store.database import Database
from headwater.store.embedded import APP
from headwater.store.upgrade import unguarded, upgrade
from tests.servers import Installation

pytestmark = pytest.mark.server

# A value of each type that a column of a house or contract table has.
SAMPLE = {
    "uuid": "gen_random_uuid()",
    "text": "'x'",
    "bytea": "decode(repeat('00', 32), 'hex')",
    "smallint": "1",
    "integer": "1",
    "bigint": "1",
    "numeric": "1",
    "double precision": "1",
    "time without time zone": "TIME '12:00'",
    "boolean": "true",
    "date": "DATE '2024-01-31'",
    "timestamp with time zone": "TIMESTAMPTZ '2024-01-31 00:00:00+00'",
    "jsonb": "'{}'",
    "integer[]": "ARRAY[1]",
    "text[]": "ARRAY['x']",
}


@pytest.fixture
def other(installation: Installation) -> UUID:
    return installation.add_tenant("other")


@pytest.fixture
def filled(installation: Installation) -> Installation:
    """Every table with tenant data holds one row of the default organisation."""
    with psycopg.connect(installation.superuser_url) as superuser:
        superuser.execute("SET session_replication_role = replica")  # rows that refer to nothing
        for table, constraint in superuser.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint "
            "WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
        ).fetchall():
            superuser.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{constraint}"')
        for table in tenant_tables(superuser):
            if table != "tenants":
                superuser.execute(insert(superuser, table), {"tenant": installation.tenant_id})
    with psycopg.connect(installation.superuser_url, autocommit=True) as superuser:
        superuser.execute("ANALYZE")
    return installation


def tenant_tables(connection: psycopg.Connection) -> list[str]:
    found = connection.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' "
        "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY 1"
    )
    return [name for (name,) in found]


def insert(connection: psycopg.Connection, table: str) -> sql.Composed:
    """An INSERT of a sample row of %(tenant)s, whose other columns are the same each time but for random ids."""
    columns = connection.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        (table,),
    ).fetchall()
    names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns)
    values = sql.SQL(", ").join(
        sql.Placeholder("tenant") if name == "tenant_id" else sql.SQL(SAMPLE[kind]) for name, kind in columns
    )
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table), names, values)


def test_there_is_something_to_walk(filled: Installation) -> None:
    with filled.database.connect(filled.tenant_id) as own:
        tables = tenant_tables(own)
        assert {"audit_entries", "runs", "quarantine", "activity_v1", "activity_v1_history"} <= set(tables)
        for table in tables:
            assert own.execute(f'SELECT count(*) FROM "{table}"').fetchone() == (1,), table


@pytest.fixture(params=["another tenant", "never bound", "emptied", "reset"])
def stranger(request: pytest.FixtureRequest, filled: Installation, other: UUID) -> Iterator[psycopg.Connection]:
    """The application's role as another tenant, and without one in three ways."""
    if request.param == "another tenant":
        session: psycopg.Connection = filled.database.connect(other)
    elif request.param == "reset":
        session = filled.database.connect(filled.tenant_id)
        session.execute("RESET headwater.tenant")
    else:
        session = psycopg.connect(filled.app_url)
        if request.param == "emptied":
            session.execute("SET headwater.tenant = ''")
    session.commit()
    yield session
    session.close()


def test_nothing_of_another_tenant_is_read_or_counted(stranger: psycopg.Connection) -> None:
    tables = tenant_tables(stranger)
    own = "nullif(current_setting('headwater.tenant', true), '')::uuid"
    for table in tables:
        others = f'FROM "{table}" WHERE tenant_id IS DISTINCT FROM {own}'
        assert stranger.execute(f"SELECT count(*) {others}").fetchone() == (0,), table
        with stranger.cursor().copy(f"COPY (SELECT * {others}) TO STDOUT") as copy:
            assert list(copy) == [], table
    for (view,) in stranger.execute("SELECT viewname FROM pg_views WHERE schemaname = 'public'").fetchall():
        assert stranger.execute(f'SELECT count(*) FROM "{view}"').fetchone() == (0,), view
    # What ANALYZE gathered would show values.
    gathered = stranger.execute("SELECT tablename FROM pg_stats WHERE schemaname = 'public'")
    assert {table for (table,) in gathered}.isdisjoint(tables)


def test_nothing_of_another_tenant_is_changed(stranger: psycopg.Connection, filled: Installation, other: UUID) -> None:
    with psycopg.connect(filled.superuser_url) as superuser:
        tables = tenant_tables(superuser)
        inserts = {table: insert(superuser, table) for table in tables}
        before = {table: superuser.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables}
    for table in tables:
        attempts = [
            f'UPDATE "{table}" SET tenant_id = tenant_id',
            f"UPDATE \"{table}\" SET tenant_id = '{other}'",
            f'DELETE FROM "{table}"',
            f'SELECT * FROM "{table}" FOR UPDATE',
            f'TRUNCATE "{table}" CASCADE',
        ]
        for attempt in attempts:
            assert changed(stranger, attempt) == 0, attempt
        with pytest.raises(psycopg.errors.InsufficientPrivilege), stranger.transaction():
            stranger.execute(inserts[table], {"tenant": filled.tenant_id})
    stranger.commit()
    with psycopg.connect(filled.superuser_url) as superuser:
        assert {table: superuser.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables} == before


def changed(session: psycopg.Connection, statement: str) -> int:
    """Rows that a statement touched; 0 where it is not allowed at all."""
    try:
        with session.transaction(force_rollback=True):
            return session.execute(statement).rowcount
    except psycopg.errors.InsufficientPrivilege:
        return 0


def test_the_same_key_in_another_tenant_is_no_conflict(filled: Installation, other: UUID) -> None:
    """Else a duplicate error would tell that a row exists."""
    with psycopg.connect(filled.superuser_url) as superuser:
        superuser.execute("SET session_replication_role = replica")
        tables = [table for table in tenant_tables(superuser) if table != "tenants"]
        for table in tables:
            columns = superuser.execute(
                "SELECT attname FROM pg_attribute "
                "WHERE attrelid = %s::regclass AND attnum > 0 AND attname <> 'tenant_id'",
                (table,),
            ).fetchall()
            listed = "".join(f', "{name}"' for (name,) in columns)
            copied = superuser.execute(
                f'INSERT INTO "{table}" (tenant_id{listed}) SELECT %s{listed} FROM "{table}"', (other,)
            )
            assert copied.rowcount == 1, table


def test_nothing_tells_whether_another_tenant_has_rows(filled: Installation, other: UUID) -> None:
    """Whatever is tried, by table, view and function: answers and errors are the same with and without them."""
    with psycopg.connect(filled.superuser_url) as superuser:
        tables = [table for table in tenant_tables(superuser) if table != "tenants"]
        theirs = {
            table: superuser.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))).fetchone()
            for table in tables
        }
        attempts = [*of_tables(superuser, theirs, other), *of_views(superuser), *of_functions(superuser)]
    with filled.database.connect(other) as stranger:
        beside = [outcome(stranger, *attempt) for attempt in attempts]
        stranger.rollback()
    with psycopg.connect(filled.superuser_url) as superuser:
        superuser.execute("SET session_replication_role = replica")
        for table in tables:
            superuser.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    with filled.database.connect(other) as stranger:
        alone = [outcome(stranger, *attempt) for attempt in attempts]
        stranger.rollback()
    told = {
        statement.as_string(): (with_them, without)
        for (statement, _), with_them, without in zip(attempts, beside, alone, strict=True)
        if with_them != without
    }
    assert told == {}
    assert len({kind for kind, _ in alone}) > 3  # some are done, some refused for this reason or that


Attempt = tuple[sql.Composed, dict[str, object]]


def of_tables(superuser: psycopg.Connection, rows: dict[str, tuple[object, ...] | None], other: UUID) -> list[Attempt]:
    """Another tenant's row added as one's own and as theirs, changed, deleted, locked, asked for by each value."""
    attempts = []
    for table, row in rows.items():
        assert row is not None, table
        described = superuser.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(table))).description
        names = [column.name for column in described or ()]
        theirs = dict(zip(names, (Jsonb(value) if isinstance(value, dict) else value for value in row), strict=True))
        parts = {
            "table": sql.Identifier(table),
            "names": sql.SQL(", ").join(map(sql.Identifier, names)),
            "values": sql.SQL(", ").join(map(sql.Placeholder, names)),
        }
        for statement in (
            "INSERT INTO {table} ({names}) VALUES ({values})",
            "INSERT INTO {table} ({names}) VALUES ({values}) ON CONFLICT DO NOTHING RETURNING {names}",
        ):
            made = sql.SQL(statement).format(**parts)
            attempts += [(made, theirs), (made, theirs | {"tenant_id": other})]
        whole = (
            "SELECT * FROM {table}",
            "SELECT * FROM {table} FOR UPDATE",
            "UPDATE {table} SET tenant_id = tenant_id",
            "DELETE FROM {table}",
        )
        attempts += [(sql.SQL(statement).format(**parts), {}) for statement in whole]
        by = "SELECT * FROM {table} WHERE {name} = {value}"
        columns = [{"name": sql.Identifier(name), "value": sql.Placeholder(name)} for name in names]
        attempts += [(sql.SQL(by).format(**parts, **column), theirs) for column in columns]
    return attempts


def of_views(superuser: psycopg.Connection) -> list[Attempt]:
    found = superuser.execute("SELECT viewname FROM pg_views WHERE schemaname = 'public'").fetchall()
    assert found
    return [(sql.SQL("SELECT * FROM {}").format(sql.Identifier(view)), {}) for (view,) in found]


def of_functions(superuser: psycopg.Connection) -> list[Attempt]:
    """Each function of ours that can be called, with a sample of each argument's type."""
    found = superuser.execute(
        "SELECT p.proname, ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) t) FROM pg_proc p "
        "WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype "
        "AND NOT EXISTS (SELECT FROM pg_depend d "
        "WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')"
    ).fetchall()
    assert found
    return [
        (
            sql.SQL("SELECT {}({})").format(
                sql.Identifier(name), sql.SQL(", ").join(sql.SQL(SAMPLE[kind]) for kind in kinds)
            ),
            {},
        )
        for name, kinds in found
    ]


def outcome(session: psycopg.Connection, statement: sql.Composed, values: dict[str, object]) -> tuple[str, object]:
    """What whoever tries sees: rows and their number, or the error in full."""
    try:
        with session.transaction(force_rollback=True):
            done = session.execute(statement, values)
            return "done", (done.rowcount, done.fetchall() if done.description else None)
    except psycopg.Error as error:
        return error.sqlstate or "", (error.diag.message_primary, error.diag.message_detail, error.diag.constraint_name)


def test_the_application_can_make_no_way_round(installation: Installation) -> None:
    statements = [
        "CREATE TABLE mine (a integer)",
        "CREATE FUNCTION f() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "ALTER TABLE runs DISABLE ROW LEVEL SECURITY",
        "DROP POLICY own_tenant ON runs",
        "CREATE POLICY all_of_them ON runs USING (true)",
        "SET ROLE headwater_owner",
        "SET session_replication_role = replica",
        "INSERT INTO schema_migrations (name, sha256) VALUES ('x', decode(repeat('00', 32), 'hex'))",
        "UPDATE contract_registry SET body = ''",
        "DELETE FROM contract_registry",
        "UPDATE audit_entries SET actor = 'x'",
        "DELETE FROM audit_entries",
        "DELETE FROM runs",
        "DELETE FROM quarantine",
        "UPDATE findings SET message = ''",
        "UPDATE documents SET body = ''",
    ]
    for statement in statements:
        with (
            pytest.raises(Misuse, match=r"permission denied|must be owner"),
            installation.database.connect(installation.tenant_id) as session,
        ):
            session.execute(statement)
    with installation.database.connect(installation.tenant_id) as session:
        session.execute("SET row_security = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            session.execute("SELECT * FROM runs")
        session.rollback()


def test_the_owner_is_bound_too(filled: Installation) -> None:
    with psycopg.connect(filled.owner_url) as owner:
        for table in tenant_tables(owner):
            assert owner.execute(f'SELECT count(*) FROM "{table}"').fetchone() == (0,), table


def test_a_rollback_does_not_take_the_tenant_away(installation: Installation) -> None:
    with installation.database.connect(installation.tenant_id) as session:
        session.execute("SELECT 1")
        session.rollback()
        assert session.execute("SELECT name FROM tenants").fetchall() == [("default",)]


def test_a_role_that_may_look_past_it_gets_no_connection(installation: Installation) -> None:
    with pytest.raises(Misuse, match="look past row-level security"):
        Database(installation.superuser_url).connect(installation.tenant_id)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("CREATE TABLE leak (tenant_id uuid, a integer)", "leak: row-level security is not forced"),
        (
            "CREATE TABLE leak (tenant_id uuid); ALTER TABLE leak ENABLE ROW LEVEL SECURITY",
            "leak: row-level security is not forced",
        ),
        (
            """CREATE TABLE leak (tenant_id uuid); ALTER TABLE leak ENABLE ROW LEVEL SECURITY;
            ALTER TABLE leak FORCE ROW LEVEL SECURITY; CREATE POLICY p ON leak USING (true)""",
            "leak: its policies are not exactly the one of tenants",
        ),
        (
            "CREATE POLICY second ON runs USING (kind = 'shared')",
            "runs: its policies are not exactly the one of tenants",
        ),
        ("ALTER TABLE runs NO FORCE ROW LEVEL SECURITY", "runs: row-level security is not forced"),
        ("CREATE UNIQUE INDEX leak ON runs (run_id)", "runs: index leak is unique and does not begin with tenant_id"),
        (
            """ALTER TABLE findings ADD COLUMN contract bytea,
            ADD CONSTRAINT leak FOREIGN KEY (contract) REFERENCES contract_registry""",
            "findings: foreign key leak does not begin with tenant_id",
        ),
        ("CREATE VIEW leak AS SELECT * FROM runs", "leak: the view reads with the rights of its owner"),
        ("CREATE MATERIALIZED VIEW leak AS SELECT * FROM runs", "leak: a materialized view has no row-level security"),
        (
            f"CREATE TABLE leak (a integer); GRANT INSERT ON leak TO {APP}",
            "leak: it has no tenant, and the application may write it",
        ),
        (
            "CREATE FUNCTION leak() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM runs'",
            "leak: the function runs with the rights of its owner",
        ),
    ],
)
def test_an_upgrade_refuses_a_schema_in_which_tenants_could_meet(
    installation: Installation, statement: str, named: str
) -> None:
    with psycopg.connect(installation.owner_url) as owner:
        assert unguarded(owner, APP) == []
        owner.execute(statement)
    with pytest.raises(Stopped) as refusal:
        upgrade(installation.owner_url, APP, [])
    assert named in refusal.value.what
