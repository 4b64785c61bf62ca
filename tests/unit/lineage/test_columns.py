from __future__ import annotations

import pytest

from headwater.lineage.columns import LineageReader, Origins
from headwater.lineage.document import ColumnLineage


def read(sql: str, **sources: list[str]) -> dict[str, Origins]:
    reader = LineageReader()
    for name, columns in sources.items():
        reader.add_source(name, columns)
    relation = reader.read(sql)
    assert not reader.unread
    return dict(relation.columns)


def edges(*columns: str, of: str = "raw") -> frozenset[tuple[str, str]]:
    return frozenset((of, column) for column in columns)


def test_a_value_passes_directly_through_casts_functions_and_names() -> None:
    columns = read("SELECT CAST(trim(a) AS DATE) AS day, a || b AS both FROM raw", raw=["a", "b"])
    assert columns == {"day": Origins(edges("a")), "both": Origins(edges("a", "b"))}


def test_what_a_case_asks_decides_and_what_it_gives_is_carried() -> None:
    columns = read("SELECT CASE WHEN unit = 'kWh' THEN a ELSE b END AS x FROM raw", raw=["a", "b", "unit"])
    assert columns["x"] == Origins(edges("a", "b"), edges("unit"))


def test_a_simple_case_decides_by_its_operand() -> None:
    assert read("SELECT CASE unit WHEN 'a' THEN a END AS x FROM raw", raw=["a", "unit"])["x"] == Origins(
        edges("a"), edges("unit")
    )


def test_a_column_that_only_decided_once_only_decides_ever_after() -> None:
    sql = """WITH one AS (SELECT a, CASE WHEN b > 0 THEN 1 END AS flag FROM raw),
                  two AS (SELECT *, flag + 1 AS more FROM one)
             SELECT more, a FROM two"""
    assert read(sql, raw=["a", "b"]) == {"more": Origins(frozenset(), edges("b")), "a": Origins(edges("a"))}


def test_a_star_leaves_out_what_is_excluded() -> None:
    sql = "SELECT * EXCLUDE (b), f.* FROM raw AS f"
    assert list(read(sql, raw=["a", "b"])) == ["a", "b"]
    assert list(read("SELECT * EXCLUDE (b) FROM raw", raw=["a", "b"])) == ["a"]


def test_what_a_left_join_brings_is_decided_by_its_condition_and_the_rest_is_not() -> None:
    sql = """SELECT t.a, f.rate FROM raw AS t
             LEFT JOIN (SELECT * FROM rates WHERE public) AS f ON f.region = t.region"""
    columns = read(sql, raw=["a", "region"], rates=["region", "rate", "public"])
    assert columns["a"] == Origins(edges("a"))
    assert columns["rate"] == Origins(
        edges("rate", of="rates"), edges("region") | edges("region", "public", of="rates")
    )


def test_where_and_inner_joins_decide_which_rows_there_are() -> None:
    reader = LineageReader()
    reader.add_source("raw", ["a", "b", "c"])
    reader.add_source("wanted", ["c"])
    relation = reader.read("SELECT a FROM (SELECT * FROM raw WHERE b = '1') AS r JOIN wanted USING (c)")
    assert relation.columns["a"] == Origins(edges("a"))
    assert relation.filter == edges("b", "c") | edges("c", of="wanted")


def test_a_lambda_binds_its_own_names() -> None:
    assert read("SELECT list_filter([a], x -> x <> b) AS x FROM raw", raw=["a", "b"])["x"].all == edges("a", "b")


def test_a_created_table_is_seen_by_later_statements() -> None:
    reader = LineageReader()
    reader.add_source("raw", ["a"])
    reader.read("CREATE OR REPLACE TEMP TABLE chunk AS SELECT upper(a) AS b FROM raw")
    assert reader.read("SELECT b FROM chunk").columns["b"] == Origins(edges("a"))


def test_both_sides_of_a_union_count() -> None:
    assert read("SELECT a FROM raw UNION ALL SELECT b FROM raw", raw=["a", "b"]) == {"a": Origins(edges("a", "b"))}


@pytest.mark.parametrize("sql", ["SELECT z FROM raw", "SELECT a FROM nowhere", "SELECT nowhere.a FROM raw AS r"])
def test_a_name_that_no_source_has_is_kept_and_not_passed_over(sql: str) -> None:
    reader = LineageReader()
    reader.add_source("raw", ["b"])
    reader.read(sql)
    assert reader.unread


def test_a_document_reads_back_as_it_was_written() -> None:
    reader = LineageReader()
    reader.add_source("raw", ["a", "b"])
    relation = reader.read("SELECT CASE WHEN b THEN a END AS x FROM raw WHERE b IS NOT NULL")
    lineage = ColumnLineage(name="m", sql_sha256="0" * 64, results={"c@1.0.0": relation}, unread=("q",))
    assert ColumnLineage.from_json(lineage.to_json()) == lineage
    assert ColumnLineage.from_json(lineage.to_json()).to_json() == lineage.to_json()
