"""Findings of a run, counted by rule: on records that were loaded all the same, and on those that were refused."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

import psycopg

from headwater.store.queries import named_queries

QUERIES = named_queries("findings")


def noticed_by_rule(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID) -> dict[str, int]:
    """Findings on records that were loaded, the most frequent rule first."""
    return dict(connection.execute(QUERIES["noticed"], {"tenant_id": tenant_id, "run_id": run_id}).fetchall())


def refused_by_rule(
    connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID, *, repairs: bool
) -> tuple[dict[str, int], int]:
    """Findings on records refused and open still, the most frequent rule first, and how many records they are; of
    `repairs` for a resubmission. A record that breaks two rules counts for both.
    """
    query = QUERIES["not_mended" if repairs else "open"]
    by_rule: Counter[str] = Counter()
    records = 0
    for rules, count in connection.execute(query, {"tenant_id": tenant_id, "run_id": run_id}):
        records += count
        by_rule.update(dict.fromkeys(rules, count))
    return dict(sorted(by_rule.items(), key=lambda each: (-each[1], each[0]))), records


def of_record(
    connection: psycopg.Connection[Any], tenant_id: UUID, chunk_id: UUID, record_no: int
) -> list[tuple[str, str]]:
    """Rule and words of what was noticed about one record; `record_no` is in the file, from 1."""
    values = {"tenant_id": tenant_id, "chunk_id": chunk_id, "record_no": record_no}
    return connection.execute(QUERIES["of_record"], values).fetchall()
