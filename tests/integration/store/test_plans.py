"""What the planner believes: who is bound to no unit sees nearly every row; what is named by a key is found by it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from headwater.store.load import ChunkKey
from headwater.store.queries import named_queries
from headwater.store.runs import latest_that_took_columns
from tests.integration.test_inventories import loaded
from tests.river import River, activities

pytestmark = pytest.mark.server
RECORDS = 400


def test_the_policies_of_a_contract_do_not_make_its_table_look_small(river: River) -> None:
    """Else what is joined with it goes through it in a loop, once for each of its rows."""
    river.load(activities([{"activity_id": f"a{number}"} for number in range(RECORDS)]))
    river.change("ANALYZE activity_v1")
    with river.installation.database.connect(river.installation.tenant_id) as connection:
        row = connection.execute("EXPLAIN (FORMAT JSON) SELECT * FROM activity_v1").fetchone()
    assert row is not None
    assert row[0][0]["Plan"]["Plan Rows"] > RECORDS * 0.9


def test_a_table_is_looked_at_once_a_load_has_filled_it(river: River) -> None:
    """The next load is planned by what is known, which must not wait for autovacuum. Small growth is left to that."""

    def looked_at() -> int:
        (row,) = river.rows("SELECT analyze_count FROM pg_stat_user_tables WHERE relname = 'activity_v1'")
        return int(row["analyze_count"])

    def load(first: str, count: int) -> None:
        river.load(activities([{"activity_id": f"{first}{number}"} for number in range(count)]), name=f"{first}.csv")

    load("a", RECORDS)
    assert looked_at() == 0
    load("b", 20 * RECORDS)
    assert looked_at() == 1
    load("c", RECORDS)
    assert looked_at() == 1


def test_a_chunk_is_planned_for_its_own_bounds(river: River) -> None:
    key = ChunkKey(
        tenant_id=river.installation.tenant_id,
        run_id=uuid4(),
        chunk_id=uuid4(),
        chunk_no=1,
        source_id=b"",
        contract="activity",
        run_started=datetime.now(UTC),
    )
    with river.installation.database.chunk(key) as transaction:
        row = transaction._connection.execute("SHOW plan_cache_mode").fetchone()
    assert row == ("force_custom_plan",)


@pytest.mark.parametrize(("table", "column"), [("runs", "run_id"), ("jobs", "job_id")])
def test_what_is_named_by_the_beginning_of_its_id_is_found_by_its_key(river: River, table: str, column: str) -> None:
    installation = river.installation
    statement = named_queries(table)["named"]
    with installation.database.connect(installation.tenant_id) as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        values = {"tenant_id": installation.tenant_id, "first": uuid4(), "last": uuid4()}
        plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {statement}", values))
    assert "Index Cond: ((tenant_id = " in plan
    assert f"({column} >= " in plan, plan


MANY_LINES = """
INSERT INTO inventory_lines SELECT made.* FROM (SELECT * FROM inventory_lines WHERE factor_id IS NOT NULL LIMIT 1) line,
    generate_series(1, 10000) number, LATERAL jsonb_populate_record(NULL::inventory_lines, to_jsonb(line)
        || jsonb_build_object('activity_id', 'a' || number, 'factor_id', 'f' || number % 500)
        || jsonb_build_object('instrument_id', CASE WHEN number % 100 = 0 THEN 'i' || number END)) made
"""


def test_lines_made_of_a_record_are_found_by_an_index(river: River) -> None:
    loaded(river)
    with psycopg.connect(river.superuser_url) as superuser:
        superuser.execute("SET session_replication_role = replica")  # more lines than the inventory says
        superuser.execute(MANY_LINES)
    river.change("ANALYZE inventory_lines")
    installation, query = river.installation, named_queries("deletions")["lines_of"]
    for column, index in (
        ("activity_id", "inventory_lines_pkey"),
        ("factor_id", "inventory_lines_by_factor"),
        ("instrument_id", "inventory_lines_by_instrument"),
    ):
        statement = sql.SQL("EXPLAIN ") + sql.SQL(query).format(column=sql.Identifier(column))
        with installation.database.connect(installation.tenant_id) as connection:
            rows = connection.execute(statement, {"tenant": installation.tenant_id, "keys": ["a7"]}).fetchall()
        plan = "\n".join(row[0] for row in rows)
        assert re.search(rf"{index} on .*\n.*Index Cond: .*{column} = ANY", plan), plan


MANY_RUNS = """
INSERT INTO runs SELECT made.* FROM (SELECT * FROM runs WHERE kind = 'import' LIMIT 1) run,
    generate_series(1, 3000) number, LATERAL jsonb_populate_record(NULL::runs, to_jsonb(run)
        || jsonb_build_object('run_id', md5(number::text)::uuid, 'started_at', clock_timestamp())
        || CASE WHEN number > 1500
           THEN jsonb_build_object('layout', run.layout || '{"unwanted": ["a"]}') ELSE '{}' END) made
"""


def test_the_run_that_took_columns_is_found_behind_those_that_wait(river: River) -> None:
    """Every import asks for it: else each goes through all runs there are, with their layouts."""
    river.load(activities([{"activity_id": "a"}]))
    river.change(MANY_RUNS)
    river.change("ANALYZE runs")
    tenant_id, query = river.installation.tenant_id, named_queries("runs")["latest_that_took_columns"]
    values = {"tenant_id": tenant_id, "mapping": "activity_form", "kind": "import", "unit": None, "source_id": None}
    with river.installation.database.connect(tenant_id) as connection:
        found = latest_that_took_columns(connection, tenant_id, "activity_form", kind="import", unit=None)
        rows = connection.execute("EXPLAIN " + query.replace("{columns}", "runs.*"), values).fetchall()
    assert found is not None
    assert river.rows("SELECT md5('1500')::uuid AS run_id") == [{"run_id": found.run_id}]
    plan = "\n".join(row[0] for row in rows)
    assert "Index Scan Backward using runs_that_took_columns" in plan, plan
