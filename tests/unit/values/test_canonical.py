"""Hashed text: known digests, nulls told from blanks, fields that cannot run into each other; SQL gives the same."""

from __future__ import annotations

import hashlib
import uuid

import duckdb
import pytest

from headwater.errors import Misuse
from headwater.values import record_id, record_text, record_text_sql, sha256, sha256_sql

RECORDS: list[list[str | None]] = [
    ["a", None, ""],
    ["a", "", None],
    ["a\tb", "Größe", "two\r\nlines"],
    [None, None, None],
    ["ab", "c", ""],
    ["a", "bc", ""],
]


def test_the_text_is_what_the_documentation_says() -> None:
    assert record_text(["a", None, ""]) == "a\x1f\x1e\x1f"


def test_different_records_have_different_texts() -> None:
    assert len({record_text(record) for record in RECORDS}) == len(RECORDS)


@pytest.mark.parametrize("record", RECORDS, ids=repr)
def test_sql_gives_the_same_text_and_hash(record: list[str | None]) -> None:
    text = record_text_sql(["a", "b", "c"])
    query = f"SELECT {text}, {sha256_sql(text)} FROM (VALUES (?::VARCHAR, ?::VARCHAR, ?::VARCHAR)) AS record (a, b, c)"
    with duckdb.connect() as connection:
        found = connection.execute(query, record).fetchone()
    assert found == (record_text(record), sha256(record_text(record)))


def test_a_known_digest() -> None:
    assert sha256("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_hash_of_no_text_is_null() -> None:
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT {sha256_sql('NULL::VARCHAR')}").fetchone() == (None,)


def test_an_id_depends_on_its_parts_only() -> None:
    assert record_id("run", "1") == uuid.UUID(bytes=hashlib.sha256(b"run\x1f1").digest()[:16])
    assert record_id("run", "1") != record_id("run1")


@pytest.mark.parametrize("text", ["a\x1fb", "\x1e"])
def test_a_separator_inside_a_text_is_refused(text: str) -> None:
    with pytest.raises(Misuse, match="separates"):
        record_text([text])


def test_a_record_without_fields_has_no_sql() -> None:
    with pytest.raises(Misuse):
        record_text_sql([])


def test_half_a_surrogate_pair_cannot_be_hashed() -> None:
    with pytest.raises(Misuse, match="surrogate"):
        sha256("\ud800")
