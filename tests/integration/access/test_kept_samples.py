"""Rows kept of a source's tables when it is discovered: encrypted, shown to who may ask the source, and forgotten."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from headwater.errors import HeadwaterError, NotFound
from headwater.services.access.erasing import erase_subject
from headwater.services.access.keys import rotate
from headwater.services.access.policy import RIGHTS_OF, Actor, Role
from headwater.services.connectors.keeping import add, remove
from headwater.services.connectors.kept_samples import MOST_BYTES, TABLES_AT_ONCE, kept_rows
from headwater.services.connectors.viewing import discover, discovered_table
from tests.integration.access.test_personal_values import ANN, BOB, everything, load, proved
from tests.river import River

pytestmark = pytest.mark.server
STAFF = "CREATE OR REPLACE TABLE staff AS SELECT n AS worker_no, 'Ada Byron ' || n AS name FROM range(1, 151) t(n)"


def source(river: River, *statements: str) -> Path:
    """A file with these tables, and the connector `staff` to it."""
    path = river.folder / "staff.duckdb"
    with duckdb.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    add(river.installation, "staff", "duckdb", {"path": str(path)})
    return path


def test_the_first_hundred_rows_are_kept_encrypted_and_shown_without_the_source(river: River) -> None:
    path = source(river, STAFF, "CREATE TABLE empty (id INTEGER, day DATE)")
    discover(river.installation, "staff")
    path.unlink()
    rows, taken_at = kept_rows(river.installation, "staff", "main.staff")
    assert (rows.num_rows, rows.to_pylist()[0]) == (100, {"worker_no": 1, "name": "Ada Byron 1"})
    assert taken_at.tzinfo is not None
    empty, _ = kept_rows(river.installation, "staff", "main.empty")
    assert (empty.num_rows, empty.column_names) == (0, ["id", "day"])
    assert "Ada Byron" not in everything(river)
    with pytest.raises(NotFound, match="no rows are kept"):
        kept_rows(river.installation, "staff", "main.other")
    rotate(river.installation)
    assert kept_rows(river.installation, "staff", "main.staff")[0].num_rows == 100


def test_the_latest_take_the_place_of_those_before_also_where_columns_have_changed(river: River) -> None:
    path = source(river, STAFF)
    discover(river.installation, "staff")
    with duckdb.connect(path) as connection:
        connection.execute("ALTER TABLE staff ADD COLUMN country VARCHAR DEFAULT 'DE'")
    discovered_table(river.installation, "staff", "main.staff")
    rows, _ = kept_rows(river.installation, "staff", "main.staff")
    assert rows.column_names == ["worker_no", "name", "country"]
    kept = river.rows("SELECT seen_no FROM source_schema_cache WHERE sample IS NOT NULL")
    assert kept == [{"seen_no": 2}]


def test_only_who_may_ask_the_source_is_shown_what_is_kept_of_it(river: River) -> None:
    source(river, STAFF)
    discover(river.installation, "staff")
    viewer = river.installation.acting(Actor(name="person/viewer", rights=RIGHTS_OF[Role.VIEWER]))
    with pytest.raises(HeadwaterError, match="right"):
        kept_rows(viewer, "staff", "main.staff")


def test_what_is_kept_goes_with_the_connector_and_where_anybody_is_erased(river: River) -> None:
    load(river, ANN, BOB)
    path = source(river, STAFF)
    discover(river.installation, "staff")
    erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    assert river.rows("SELECT FROM source_schema_cache WHERE sample IS NOT NULL OR sample_key IS NOT NULL") == []
    discover(river.installation, "staff")
    assert len(river.rows("SELECT FROM source_schema_cache WHERE sample IS NOT NULL")) == 1
    remove(river.installation, "staff")
    assert river.rows("SELECT FROM source_schema_cache WHERE sample IS NOT NULL") == []
    add(river.installation, "staff", "duckdb", {"path": str(path)})
    with pytest.raises(NotFound, match="no rows are kept"):
        kept_rows(river.installation, "staff", "main.staff")
    proved(river)


def test_of_many_tables_each_is_sampled_alone_and_of_long_rows_fewer_are_kept(river: River) -> None:
    tables = [f"CREATE TABLE t{n} AS SELECT {n} AS id" for n in range(TABLES_AT_ONCE + 1)]
    digits = "string_agg(md5(concat(n, '-', m)), '')"
    long = f"CREATE TABLE long AS SELECT n, {digits} AS text FROM range(100) a(n), range(2000) b(m) GROUP BY n"
    source(river, long, *tables)
    discover(river.installation, "staff")
    assert river.rows("SELECT FROM source_schema_cache WHERE sample IS NOT NULL") == []
    discovered_table(river.installation, "staff", "main.long")
    (kept,) = river.rows("SELECT octet_length(sample) AS size FROM source_schema_cache WHERE sample IS NOT NULL")
    rows, _ = kept_rows(river.installation, "staff", "main.long")
    assert kept["size"] <= MOST_BYTES + 16
    assert 1 < rows.num_rows < 100


def test_a_table_that_gives_no_rows_hinders_nobody(river: River) -> None:
    source(river, STAFF, "CREATE VIEW broken AS SELECT CAST(name AS INTEGER) AS n FROM staff")
    assert [table.name for table in discover(river.installation, "staff")] == ["main.broken", "main.staff"]
    assert kept_rows(river.installation, "staff", "main.staff")[0].num_rows == 100
