from __future__ import annotations

import contextlib
import csv
import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql

from headwater.contracts import Document
from headwater.errors import Misuse
from headwater.packs.ghg import pack
from headwater.pipeline.replay.differences import ROW
from headwater.services.imports import carry_out, plan_file
from headwater.services.quarantine import exports, quarantines
from headwater.services.verification import NOT_EVIDENCE, TABLES_NOT_EVIDENCE, Verification, verify
from headwater.store import audit
from headwater.telemetry import SilentProgress
from tests.kept import in_clear
from tests.plugin_skips import Some
from tests.river import River, activities, factors

ALL = 10_000


@pytest.fixture(scope="module")
def documents() -> tuple[Document, ...]:
    """One pack's contracts: every table of theirs gets rows here, and those of other packs are made in the same way."""
    return pack.documents()


def checked(river: River, *, anchor: str | None = None) -> Verification:
    return verify(river.installation, progress=SilentProgress(), anchor=anchor, shown=ALL)


def mended(river: River, changes: dict[str, dict[str, str]]) -> None:
    """Export what is open, change cells by activity_id, resubmit."""
    out = io.StringIO(newline="")
    exports.export(river.installation, out, run=None, rule=None)
    rows = list(csv.DictReader(io.StringIO(out.getvalue().removeprefix("\ufeff"), newline="")))
    path = river.folder / "mended.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | changes.get(row["activity_id"], {}) for row in rows)
    run_id = quarantines.plan_resubmission(river.installation, path)
    carry_out(river.installation, run_id, progress=SilentProgress())


def reported(rows: Sequence[dict[str, str]]) -> str:
    """A CSV of reported figures; what a row leaves out is filled with something valid."""
    columns = ("source", "facility_code", "sector", "year", "facility_name", "total_co2e_t", "gwp_set")
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({"source": "s", "year": "2020", "sector": "all", "gwp_set": "AR5", **row} for row in rows)
    return out.getvalue()


REPORTED = """
mapping: reported
version: 1.0.0
contract: facility_emission@1
fields: {source: {column: source}, facility_code: {column: facility_code}, sector: {column: sector},
  year: {column: year}, facility_name: {column: facility_name}, total_co2e_t: {column: total_co2e_t},
  gwp_set: {column: gwp_set}}
"""

FIRST = [
    {"activity_id": "a", "quantity": "1,000.5"},
    {"activity_id": "b", "quantity": "x"},
    {"activity_id": "c", "quantity": "2000000000", "note": "line\nbreak", "cost": "n/a"},
    {"activity_id": "a", "quantity": "1,000.5"},
    {"activity_id": "d", "region": "GB"},
    {"activity_id": "d", "region": "DE"},
    {"activity_id": "e", "region": "FR"},
    {"activity_id": "b", "quantity": "x"},
    {"activity_id": "f", "period_start": "01.02.2024"},
]
SECOND = [
    *FIRST[:2],
    {"activity_id": "c", "quantity": "7"},
    *FIRST[3:6],
    {"activity_id": "e", "region": "GB"},
    *FIRST[7:],
]


def loaded(river: River) -> None:
    """Every kind of evidence: updates, deletions, merges, conflicts, refusals, repairs, warnings, reuse, a sweep.

    Each table gets a row for each of its columns and more, so that many can be changed at once.
    """
    found = [{"factor_id": "f1"}, {"factor_id": "f2", "region": "FR"}]
    for note in ("", "was wrong"):
        unused = [{"factor_id": f"u{number}", "region": f"X{number}", "note": note} for number in range(30)]
        river.load(factors([*found, *unused]), name="factors.csv", mapping="factor_form")
    fillers = [{"activity_id": f"z{number}", "quantity": "2000000000"} for number in range(40)]
    river.load(activities([*FIRST, *fillers]), chunk_size=20)
    river.load(activities([*FIRST, *fillers]), chunk_size=20)
    later = [filler | {"quantity": "3000000000"} for filler in fillers]
    river.load(activities([*SECOND, *later]) + "too,few\n" * 20, chunk_size=20)
    mended(river, {"b": {"quantity": "5"}, "f": {"period_start": "2024-02-01", "quantity": "many"}})
    for keys in ("uvwxy", "uwxyz"):
        river.load(activities([{"activity_id": key} for key in keys]), name="full.csv", strategy="full", chunk_size=4)
    river.load(activities([{"activity_id": key} for key in "uwxz"] * 2), name="full.csv", strategy="full", chunk_size=4)
    (river.folder / "reported.yaml").write_text(REPORTED)
    for total in ("1", "2"):
        content = reported([{"facility_code": f"x{number}", "total_co2e_t": total} for number in range(40)])
        river.load(content.encode("utf-16"), name="reported.csv", mapping=str(river.folder / "reported.yaml"))
    key = quarantines.list_records(river.installation, state="open", run=None, rule=None, limit=1).records[0].key
    quarantines.dismiss_records(river.installation, [str(key)], reason="no such meter")


def test_what_nobody_touched_is_verified(river: River) -> None:
    loaded(river)
    found = checked(river)
    assert found.differences == ()
    assert found.ok
    assert found.checked["runs"] == 11
    for table in ("activity_v1", "emission_v1", "emission_factor_v1", "facility_emission_v1"):
        (count,) = river.rows(f"SELECT (SELECT count(*) FROM {table}) + (SELECT count(*) FROM {table}_history) AS n")
        assert found.checked[table] == count["n"]


def test_a_byte_changed_in_a_file_is_found(river: River) -> None:
    run_id, _ = river.load(activities([{"activity_id": "a"}, {"activity_id": "b"}]))
    (run,) = river.rows("SELECT text_sha256 FROM runs WHERE run_id = %(run)s", run=run_id)
    path = in_clear(river.installation, bytes(run["text_sha256"]))
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content.replace(b"a,electricity", b"a,electricitz"))
    found = checked(river)
    assert (found.differences[0].table, found.differences[0].column) == ("blob store", "content")
    assert found.differences[0].expected == bytes(run["text_sha256"]).hex()
    # The row is what the file said then, and is not what it says now.
    assert ("activity_v1", "activity_type") in {(each.table, each.column) for each in found.differences}
    path.write_bytes(content)
    assert checked(river).ok


def test_a_file_that_is_gone_is_said(river: River) -> None:
    run_id, _ = river.load(activities([{"activity_id": "a"}]))
    (run,) = river.rows("SELECT text_sha256 FROM runs WHERE run_id = %(run)s", run=run_id)
    river.installation.blobs.path(river.installation.tenant_id, bytes(run["text_sha256"])).unlink()
    found = checked(river)
    assert not found.ok
    assert found.differences[0].table == "blob store"
    assert "not there" in found.not_recomputed[str(run_id)]


def test_an_erased_file_is_said_to_be_erased_and_its_rows_are_held_against_their_hashes(river: River) -> None:
    tenant_id = river.installation.tenant_id
    river.load(factors([{"factor_id": "f1"}]), name="factors.csv", mapping="factor_form")
    run_id, _ = river.load(activities([{"activity_id": "a"}, {"activity_id": "b", "quantity": "x"}]))
    river.load(activities([{"activity_id": "a", "quantity": "2"}]))
    (run,) = river.rows("SELECT text_sha256 FROM runs WHERE run_id = %(run)s", run=run_id)
    path = river.installation.blobs.path(tenant_id, bytes(run["text_sha256"]))
    path.chmod(0o600)
    path.write_bytes(b"erased on request")
    river.change("UPDATE blobs SET state = 'erased' WHERE sha256 = %(blob)s", blob=run["text_sha256"])
    assert "state" in {each.column for each in checked(river).differences}  # nobody has said so in the chain

    with river.installation.database.connect(tenant_id) as connection:
        resource = f"blob/{bytes(run['text_sha256']).hex()}"
        audit.append(connection, tenant_id, action="blob.erased", resource=resource, payload={"reason": "asked for"})
    found = checked(river)
    assert found.differences == ()
    assert found.ok
    assert found.erased == ("activities.csv",)
    river.change("UPDATE activity_v1_history SET quantity = 7")
    assert [(each.table, each.column) for each in checked(river).differences] == [("activity_v1_history", "row_hash")]


def test_a_row_deleted_and_a_row_slipped_in_are_named(river: River) -> None:
    river.load(activities([{"activity_id": "a"}, {"activity_id": "b"}]))
    river.change("DELETE FROM activity_v1 WHERE activity_id = 'a'")
    columns = "tenant_id, activity_type, region, period_start, quantity, unit, chunk_id, row_hash"
    river.change(
        f"INSERT INTO activity_v1 ({columns}, activity_id, record_no)"
        f" SELECT {columns}, 'z', 7 FROM activity_v1 WHERE activity_id = 'b'"
    )
    found = {(each.key, each.stored) for each in checked(river).differences if each.table == "activity_v1"}
    assert found == {("a", "(not there)"), ("z", "(there)")}


def test_two_rows_that_were_swapped_are_found(river: River) -> None:
    river.load(activities([{"activity_id": "a", "quantity": "1"}, {"activity_id": "b", "quantity": "2"}]))
    river.change("UPDATE activity_v1 SET quantity = 3 - quantity")
    assert [(each.key, each.column, each.stored) for each in checked(river).differences] == [
        ("a", "quantity", "2.000000"),
        ("b", "quantity", "1.000000"),
    ]


def test_a_changed_value_with_its_hash_made_right_is_found_all_the_same(river: River) -> None:
    river.load(activities([{"activity_id": "a", "quantity": "1"}]))
    river.load(activities([{"activity_id": "b", "quantity": "9"}]), name="other.csv")
    river.change(
        "UPDATE activity_v1 a SET quantity = b.quantity, row_hash = b.row_hash FROM activity_v1 b"
        " WHERE a.activity_id = 'a' AND b.activity_id = 'b'"
    )
    assert {each.column for each in checked(river).differences} == {"quantity", "row_hash"}


def test_a_cut_tail_shows_against_an_anchor_and_only_there(river: River) -> None:
    river.load(activities([{"activity_id": "a"}]))
    anchor = checked(river).anchor
    with river.installation.database.connect(river.installation.tenant_id) as connection:
        audit.append(connection, river.installation.tenant_id, action="note", resource="test", payload={})
    later = checked(river, anchor=anchor)
    assert later.ok
    river.change("DELETE FROM audit_entries WHERE action = 'note'")
    river.change(
        "UPDATE audit_heads h SET seq = e.seq, entry_hash = e.entry_hash FROM audit_entries e WHERE e.seq = h.seq - 1"
    )
    assert checked(river, anchor=anchor).ok
    assert checked(river).ok
    found = checked(river, anchor=later.anchor)
    assert not found.ok
    assert found.anchor is None, "the head of a cut chain is none to keep"
    assert "the tail was cut" in found.differences[0].why


def test_an_anchor_of_another_chain_is_refused_and_one_that_is_none_is_misuse(river: River) -> None:
    river.load(activities([{"activity_id": "a"}]))
    seq = str(checked(river).anchor).partition(":")[0]
    assert not checked(river, anchor=f"{seq}:{'0' * 64}").ok
    with pytest.raises(Misuse, match="not an anchor"):
        checked(river, anchor="yesterday")


def test_a_chain_that_is_broken_proves_nothing_else(river: River) -> None:
    river.load(activities([{"activity_id": "a"}]))
    river.change("UPDATE audit_entries SET payload = replace(payload, '\"inserted\":1', '\"inserted\":2')")
    found = checked(river)
    assert (found.differences[0].table, found.differences[0].key) == ("audit_entries", "entry 3")
    assert "everything" in found.not_recomputed


def test_what_nobody_has_loaded_yet_is_verified(river: River) -> None:
    found = checked(river)
    assert found.ok
    assert found.checked["records"] == 0


def test_a_run_planned_and_not_begun_is_verified(river: River) -> None:
    path = river.folder / "later.csv"
    path.write_text(activities([{"activity_id": "a"}]))
    plan_file(river.installation, path, river.mapping("activity_form"))
    assert checked(river).ok
    river.change("UPDATE chunks SET inserted = 1")
    assert [(each.table, each.column) for each in checked(river).differences] == [("chunks", "inserted")]


def test_a_file_in_another_encoding_is_brought_to_utf_8_again(river: River) -> None:
    content = activities([{"activity_id": "ä", "supplier": "Größe AG", "note": "für Müller"}])
    river.load(content.encode("cp1252"))
    assert checked(river).ok
    other = river.installation.blobs.put_bytes(river.installation.tenant_id, content.replace("ä", "ö").encode())
    river.change(
        "INSERT INTO blobs (tenant_id, sha256, kind, size, name)"
        " SELECT tenant_id, %(new)s, kind, %(size)s, name FROM blobs WHERE kind = 'utf8'",
        new=other.sha256,
        size=other.size,
    )
    river.change("UPDATE runs SET text_sha256 = %(new)s", new=other.sha256)
    found = checked(river)
    assert [(each.table, each.column) for each in found.differences] == [("runs", "text_sha256"), ("blobs", "")]


@pytest.mark.slow
@pytest.mark.faults(instants=6, sample=1)
@pytest.mark.long
def test_whatever_is_loaded_in_whatever_order_is_verified(river: River, seed: int, instant: float) -> None:
    """Overlapping keys, several sources, changing factors, chunks of all sizes, full loads, repairs."""
    draw = random.Random(f"{seed} {instant}")
    for _ in range(12):
        kind = draw.choice(["activities"] * 6 + ["factors", "mend", "again"])
        if kind == "factors":
            rows = [
                {"factor_id": f"f{region}", "region": region, "co2e_kg_per_unit": str(draw.randint(1, 3))}
                for region in draw.sample(["DE", "FR", "GB"], draw.randint(1, 3))
            ]
            river.load(factors(rows), name="factors.csv", mapping="factor_form")
        elif kind == "mend":
            if river.rows("SELECT 1 AS one FROM quarantine WHERE state = 'open'"):
                with contextlib.suppress(Misuse):  # records of two sources are not mended in one file
                    mended(river, {f"k{number}": {"quantity": str(draw.choice([1, "x"]))} for number in range(12)})
        else:
            rows = [
                {
                    "activity_id": f"k{draw.randrange(12)}",
                    "quantity": draw.choice(["1", "1", "2", "x", "2000000000"]),
                    "region": draw.choice(["DE", "DE", "FR", "XX"]),
                }
                for _ in range(draw.randint(0, 14))
            ]
            content = activities(rows) + draw.choice(["", "", "a,b\n"])
            name = draw.choice(["one.csv", "one.csv", "two.csv"])
            chunk_size, strategy = draw.choice([1, 2, 5, 100]), draw.choice(["delta", "delta", "full"])
            for _ in range(2 if kind == "again" else 1):
                river.load(content, name=name, chunk_size=chunk_size, strategy=strategy)
    found = checked(river)
    assert found.differences == ()
    assert found.ok


@dataclass(frozen=True, kw_only=True)
class Column:
    table: str
    name: str
    type: str
    is_key: bool


CHANGED = {
    "text": "coalesce({0}, '') || 'x'",
    "uuid": "'00000000-0000-4000-8000-000000000000'::uuid",
    "integer": "coalesce({0}, 0) + 1000",
    "bigint": "coalesce({0}, 0) + 1000",
    "numeric": "coalesce({0}, 0) + 1",
    "date": "coalesce({0}, '2020-01-01') + 1",
    "boolean": "NOT coalesce({0}, false)",
    "timestamp with time zone": "coalesce({0}, '2020-01-01Z') + interval '1 microsecond'",
    "jsonb": "coalesce({0}, '{{}}') || '{{\"x\": 1}}'",
    "bytea": "CASE WHEN length({0}) > 0 THEN set_byte({0}, 0, get_byte({0}, 0) # 1) ELSE '\\x00' END",
}
"""One changed value of each type, a byte where it is bytes."""


WITHOUT_ROWS = {
    **dict.fromkeys(
        ("inventories", "inventory_lines", "inventory_findings", "inventory_publications"),
        "changed column by column in test_inventory_verification",
    ),
    "source_chunks": "changed column by column in the tests of syncs",
    "source_units": "changed in the tests of records of units",
    "deleted_records": "changed column by column in the tests of deletions",
    **dict.fromkeys(("facility_emission_v2", "facility_emission_v2_history"), "loaded as version 1 is"),
    **{
        f"{table}{past}": "loaded as activities and factors are"
        for table in ("energy_instrument_v1", "warming_potential_v1", "organisation_fact_v1")
        for past in ("", "_history")
    },
}


class Tampering:
    """As a superuser who first takes away whatever would hold a wrong value back."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        constraints = self._connection.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN ('c', 'f')"
            " AND connamespace = 'public'::regnamespace ORDER BY contype DESC"
        ).fetchall()
        for table, name in constraints:
            self._connection.execute(
                sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.Identifier(table), sql.Identifier(name))
            )

    def close(self) -> None:
        self._connection.close()

    def columns(self) -> list[Column]:
        """Every column of every table with rows that is evidence."""
        found = self._connection.execute("""
SELECT c.table_name, c.column_name, c.data_type, EXISTS (
    SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
    WHERE i.indisprimary AND i.indrelid = c.table_name::regclass AND a.attname = c.column_name)
FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1, c.ordinal_position""").fetchall()
        return [
            Column(table=table, name=name, type=kind, is_key=is_key)
            for table, name, kind, is_key in found
            if table not in {**TABLES_NOT_EVIDENCE, **WITHOUT_ROWS} and name not in NOT_EVIDENCE
        ]

    def places(self, table: str) -> list[str]:
        """The rows of a table."""
        return [place for (place,) in self._connection.execute(f"SELECT ctid::text FROM {table} ORDER BY ctid")]

    def names(self, table: str, place: str) -> list[str]:
        """What a difference in this row may call it."""
        query = NAMES.get(table)
        if query is None:
            keys = [column.name for column in self.columns() if column.table == table and column.is_key]
            place_only = {"tenant_id", "superseded_by", "chunk_id", "record_no"}  # of the past: where it came from
            parts = [f'"{key}"::text' for key in keys if key not in place_only]
            query = " || '|' || ".join(parts)
        return [str(name) for name in self._one(f"SELECT {query} FROM {table} WHERE ctid = %s", place)]

    def change(self, column: Column, place: str) -> tuple[Column, str, Any]:
        """Change one value; what undoes it."""
        new = CHANGED[column.type].format(f'"{column.name}"')
        (old,) = self._one(f'SELECT "{column.name}"::text FROM {column.table} WHERE ctid = %s', place)
        (moved,) = self._one(
            f'UPDATE {column.table} SET "{column.name}" = {new} WHERE ctid = %s RETURNING ctid::text', place
        )
        return column, moved, old

    def undo(self, column: Column, place: str, old: Any) -> None:
        """Put the old value back."""
        self._connection.execute(
            f'UPDATE {column.table} SET "{column.name}" = %s::{column.type} WHERE ctid = %s', [old, place]
        )

    def run(self, statement: str) -> None:
        assert self._connection.execute(statement).rowcount == 1

    def _one(self, query: str, place: str) -> tuple[Any, ...]:
        row = self._connection.execute(query, [place]).fetchone()
        assert row is not None
        return row


@pytest.fixture
def scene(river: River) -> Iterator[tuple[River, Tampering]]:
    loaded(river)
    tampering = Tampering(river.superuser_url)
    yield river, tampering
    tampering.close()


NAMES = {
    "runs": "run_id",
    "chunks": "'run ' || run_id || ', chunk ' || chunk_no",
    "documents": "name, encode(hash, 'hex')",
    "contract_registry": "name, encode(hash, 'hex')",
    "blobs": "encode(sha256, 'hex')",
    "quarantine": "quarantine_id || '.' || occurrence",
    "quarantine_repairs": "quarantine_id || '.' || occurrence",
    "findings": "'record ' || record_no || ','",
    "audit_entries": "'entry ' || seq",
    "audit_heads": "'entry'",
}
"""What identifies a row in a difference; rows of contracts go by their key."""


def rounds(tampering: Tampering, waiting: Sequence[Column]) -> Iterator[list[tuple[Column, str]]]:
    """The columns: of contracts, quarantine and findings together, else of one table; each in a row of its own."""
    while waiting:
        group = _group(waiting[0])
        places = {column.table: tampering.places(column.table) for column in waiting if _group(column) == group}
        taken: list[tuple[Column, str]] = []
        left: list[Column] = []
        for column in waiting:
            if places.get(column.table) and not (taken and group.startswith("audit_")):
                taken.append((column, places[column.table].pop()))
            else:
                left.append(column)
        assert taken, f"no row in {waiting[0].table}"
        waiting = left
        yield taken


def _group(column: Column) -> str:
    apart = column.table.endswith(("_v1", "_v1_history")) or column.table in {"quarantine", "quarantine_repairs"}
    return "records" if apart or column.table == "findings" else column.table


def is_named(column: Column, names: Sequence[str], found: Verification) -> bool:
    """Table, row and column; a key names its row, and the chain its entry, whose hash covers all of it."""
    columns = {
        difference.column
        for difference in found.differences
        if difference.table == column.table and any(name in difference.key for name in names)
    }
    whole = column.is_key or column.name == "tenant_id" or column.table == "audit_entries"
    return column.name in columns or (whole and ROW in columns)


@pytest.mark.slow
@pytest.mark.long
def test_one_value_changed_in_any_column_of_any_evidence_table_is_found_and_named(
    scene: tuple[River, Tampering], some: Some
) -> None:
    river, tampering = scene
    missed = []
    for taken in rounds(tampering, some(tampering.columns(), 6)):
        names = [tampering.names(column.table, place) for column, place in taken]
        undone = [tampering.change(column, place) for column, place in taken]
        found = checked(river)
        missed += [
            f"{column.table}.{column.name}"
            for (column, _), called in zip(taken, names, strict=True)
            if not is_named(column, called, found)
        ]
        for change in reversed(undone):
            tampering.undo(*change)
    assert ", ".join(missed) == ""
    assert checked(river).ok
