"""Quarantine: records that were refused, why, and what became of each. Nothing is ever deleted from it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from headwater.errors import Misuse, NotFound
from headwater.store.queries import named_queries
from headwater.store.records import select
from headwater.store.sealed import opened_refusals, opener_of

QUERIES = named_queries("quarantine")
FETCH = 1000
AS_MENDED = "as it was mended last"
"""Before each finding that is not of the cells of a record, but of the last try to mend it."""
_KEY = re.compile(r"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(?P<occurrence>[1-9][0-9]{0,8})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class QuarantineKey:
    """Names one refused record: equal bad records of a source share the id and differ in number."""

    quarantine_id: UUID
    occurrence: int

    def __str__(self) -> str:
        return f"{self.quarantine_id}.{self.occurrence}"


@dataclass(frozen=True, kw_only=True)
class Quarantined:
    """A refused record as stored."""

    quarantine_id: UUID
    occurrence: int
    source_id: bytes
    raw_hash: bytes
    contract: str  # name@version
    chunk_id: UUID  # where it was first refused
    record_no: int  # in the file, from 1
    line: int  # in the file, from 1
    last_chunk_id: UUID
    raw: Mapping[str, str | None]  # column -> text; {"": text} where it could not be cut into columns
    findings: Sequence[Mapping[str, Any]]  # rule, field, value, message, valid, mend
    state: str  # open, resubmitted, dismissed, expired; nothing makes a record `repaired` so far
    state_reason: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def key(self) -> QuarantineKey:
        """What it is called by."""
        return QuarantineKey(quarantine_id=self.quarantine_id, occurrence=self.occurrence)


@dataclass(frozen=True, kw_only=True)
class Repair:
    """What was sent in place of a refused record."""

    repair_no: int
    chunk_id: UUID  # of the resubmit run
    record_no: int  # in the file that was resubmitted, from 1
    outcome: str  # loaded, refused
    findings: Sequence[Mapping[str, Any]]
    actor: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class HeldRecord:
    """What a resubmission asks of a refused record."""

    state: str
    raw: Mapping[str, str | None]
    rules: frozenset[str]  # that refused it
    last_run_id: UUID  # the run that refused it last
    was_sent: bool  # a committed chunk of the asking run stands for it already
    key_hash: bytes | None  # of the keys it is known under; see migration 0051


@dataclass(frozen=True, kw_only=True)
class Which:
    """A choice of refused records; what is None does not restrict it."""

    state: str | None = "open"
    run_id: UUID | None = None
    rule: str | None = None
    older_than: timedelta | None = None  # in its state, and refused by no run, for longer than this

    def condition(self, tenant_id: UUID) -> tuple[sql.Composed, dict[str, Any]]:
        """As SQL over `quarantine q`, and its values."""
        parts = ["of_tenant"]
        parts += ["in_state"] if self.state is not None else []
        parts += ["of_run"] if self.run_id is not None else []
        parts += ["by_rule"] if self.rule is not None else []
        parts += ["for_longer"] if self.older_than is not None else []
        values = {"tenant_id": tenant_id, **{field.name: getattr(self, field.name) for field in fields(self)}}
        return sql.SQL(" AND ").join(sql.SQL(QUERIES[part].partition("\n")[2]) for part in parts), values


def parse_key(text: str) -> QuarantineKey:
    """The key written as `<uuid>.<number>`."""
    match = _KEY.fullmatch(text.strip().lower())
    if match is None:
        raise Misuse(
            "this does not name a refused record",
            where="quarantine",
            value=text,
            valid="an id as `headwater quarantine list` shows it, like 01234567-89ab-cdef-0123-456789abcdef.1",
        )
    return QuarantineKey(quarantine_id=UUID(match["id"]), occurrence=int(match["occurrence"]))


def list_quarantined(
    connection: psycopg.Connection[Any], tenant_id: UUID, which: Which, *, limit: int
) -> tuple[list[Quarantined], int]:
    """The first records chosen, in source order, and how many there are in all."""
    condition, values = which.condition(tenant_id)
    with connection.cursor(row_factory=class_row(Quarantined)) as cursor:
        listed = cursor.execute(_over(Quarantined, condition), {**values, "limit": limit}).fetchall()
    return _opened(connection, listed), count_quarantined(connection, tenant_id, which)


def count_quarantined(connection: psycopg.Connection[Any], tenant_id: UUID, which: Which) -> int:
    """How many records are chosen."""
    condition, values = which.condition(tenant_id)
    row = connection.execute(sql.SQL(QUERIES["count"]).format(which=condition), values).fetchone()
    return int(row[0]) if row else 0


def each_quarantined(connection: psycopg.Connection[Any], tenant_id: UUID, which: Which) -> Iterator[Quarantined]:
    """All records chosen in source order, fetched as they are read; the transaction must stay open meanwhile."""
    condition, values = which.condition(tenant_id)
    with connection.cursor(name="quarantined", row_factory=class_row(Quarantined)) as cursor:
        cursor.itersize = FETCH
        cursor.execute(_over(Quarantined, condition), {**values, "limit": None})
        while listed := cursor.fetchmany(FETCH):
            yield from _opened(connection, listed)


def lock_some(connection: psycopg.Connection[Any], tenant_id: UUID, which: Which, *, limit: int) -> list[QuarantineKey]:
    """Some of the records chosen, which nobody else changes until the transaction ends; none where none is left."""
    condition, values = which.condition(tenant_id)
    statement = sql.SQL(QUERIES["lock_some"]).format(which=condition)
    with connection.cursor(row_factory=class_row(QuarantineKey)) as cursor:
        return cursor.execute(statement, {**values, "limit": limit}).fetchall()


def last_runs(connection: psycopg.Connection[Any], tenant_id: UUID, which: Which) -> list[UUID]:
    """The runs that refused the records chosen last."""
    condition, values = which.condition(tenant_id)
    return [run for (run,) in connection.execute(sql.SQL(QUERIES["last_runs"]).format(which=condition), values)]


def has_uncut(connection: psycopg.Connection[Any], tenant_id: UUID, which: Which) -> bool:
    """Whether any record chosen could not be cut into columns."""
    condition, values = which.condition(tenant_id)
    row = connection.execute(sql.SQL(QUERIES["has_uncut"]).format(which=condition), values).fetchone()
    return bool(row and row[0])


def count_by_rule(connection: psycopg.Connection[Any], tenant_id: UUID, which: Which) -> dict[str, int]:
    """Records chosen by rule, the most frequent first; one that breaks two rules counts for both."""
    condition, values = which.condition(tenant_id)
    return dict(connection.execute(sql.SQL(QUERIES["rules"]).format(which=condition), values).fetchall())


def get_quarantined(
    connection: psycopg.Connection[Any], tenant_id: UUID, key: QuarantineKey
) -> tuple[Quarantined, list[Repair]]:
    """A refused record and its repairs in order; Misuse where there is none."""
    values = {"tenant_id": tenant_id, "quarantine_id": key.quarantine_id, "occurrence": key.occurrence}
    found = select(connection, Quarantined, QUERIES["get"], values)
    if not found:
        raise _no_such_record(key)
    repairs = select(connection, Repair, QUERIES["repairs"], values)
    opened = opened_refusals([each.findings for each in repairs], opener_of(connection))
    return _opened(connection, found)[0], [
        replace(each, findings=told) for each, told in zip(repairs, opened, strict=True)
    ]


def last_tries(
    connection: psycopg.Connection[Any], tenant_id: UUID, records: Sequence[Quarantined]
) -> list[Sequence[Mapping[str, Any]] | None]:
    """For each of these records, where it is open and its last repair was refused: what was wrong with that."""
    values = _arrays([record.key for record in records]) | {"tenant_id": tenant_id}
    rows = connection.execute(QUERIES["last_repairs"], values).fetchall()
    refused = [(found, number, findings) for found, number, outcome, findings in rows if outcome == "refused"]
    opened = opened_refusals([findings for _, _, findings in refused], opener_of(connection))
    tries = {(found, number): findings for (found, number, _), findings in zip(refused, opened, strict=True)}
    return [
        tries.get((record.quarantine_id, record.occurrence)) if record.state == "open" else None for record in records
    ]


def with_last_tries(
    connection: psycopg.Connection[Any], tenant_id: UUID, records: Iterator[Quarantined]
) -> Iterator[tuple[Quarantined, Sequence[Mapping[str, Any]] | None]]:
    """The same records, each with what `last_tries` tells of it."""
    while some := list(islice(records, FETCH)):
        yield from zip(some, last_tries(connection, tenant_id, some), strict=True)


@dataclass(frozen=True, kw_only=True)
class KeyTaken:
    """A mended record that was refused, since another stands under its key: what is said of that."""

    key: QuarantineKey
    field: str
    value: str
    message: str


def key_taken(
    connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID, *, limit: int
) -> tuple[list[KeyTaken], int]:
    """The first records that a resubmission sent under a key that another has, and how many there are."""
    values = {"tenant_id": tenant_id, "run_id": run_id, "limit": limit}
    rows = connection.execute(QUERIES["key_taken"], values).fetchall()
    found = [
        KeyTaken(
            key=QuarantineKey(quarantine_id=found, occurrence=number), field=field, value=value or "", message=message
        )
        for found, number, field, value, message, _ in rows
    ]
    return found, rows[0][-1] if rows else 0


def refused_repairs(
    connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID
) -> list[tuple[int, Sequence[Mapping[str, Any]]]]:
    """What a resubmission sent and was refused again, in its order: record number, from 1, and findings."""
    rows = connection.execute(QUERIES["refused_repairs"], {"tenant_id": tenant_id, "run_id": run_id}).fetchall()
    opened = opened_refusals([findings for _, findings in rows], opener_of(connection))
    return [(number, findings) for (number, _), findings in zip(rows, opened, strict=True)]


def dismiss(
    connection: psycopg.Connection[Any], tenant_id: UUID, keys: Collection[QuarantineKey], *, reason: str
) -> None:
    """Say of open records that they need no mending, and why. Misuse where one is not open: the caller rolls back."""
    change_state(connection, tenant_id, keys, to="dismissed", reason=reason, from_states=("open",))


def expire(
    connection: psycopg.Connection[Any], tenant_id: UUID, keys: Collection[QuarantineKey], *, reason: str
) -> None:
    """Let go of open records, and why; refused again they are open again. Misuse as of `dismiss`."""
    change_state(connection, tenant_id, keys, to="expired", reason=reason, from_states=("open",))


def change_state(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    keys: Collection[QuarantineKey],
    *,
    to: str,
    from_states: Sequence[str],
    reason: str | None = None,
) -> None:
    """Move records on. Misuse names the first that is missing or in none of `from_states`: the caller rolls back."""
    names = _arrays(keys) | {"tenant_id": tenant_id}
    changed = connection.execute(
        QUERIES["change_state"], {**names, "state": to, "reason": reason, "from_states": list(from_states)}
    ).fetchall()
    if len(changed) == len(set(keys)):
        return
    done = {QuarantineKey(quarantine_id=found, occurrence=number) for found, number in changed}
    states = {
        QuarantineKey(quarantine_id=found, occurrence=number): state
        for found, number, state in connection.execute(QUERIES["states"], names)
    }
    wrong = next(key for key in keys if key not in done)
    if wrong not in states:
        raise _no_such_record(wrong)
    raise Misuse(
        f"the record is {states[wrong]}; it cannot become {to}",
        where="quarantine",
        value=wrong,
        valid="a record that is " + " or ".join(from_states),
    )


def last_run_of_each(
    connection: psycopg.Connection[Any], tenant_id: UUID, keys: Sequence[QuarantineKey]
) -> dict[QuarantineKey, UUID]:
    """The runs that refused these records last."""
    values = {
        "tenant_id": tenant_id,
        "ids": [key.quarantine_id for key in keys],
        "occurrences": [key.occurrence for key in keys],
    }
    return {
        QuarantineKey(quarantine_id=found, occurrence=occurrence): run_id
        for found, occurrence, run_id in connection.execute(QUERIES["last_run_of_each"], values)
    }


def find_held(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    keys: Collection[str],
    *,
    run_id: UUID | None,
    source_id: bytes | None = None,
) -> dict[str, HeldRecord]:
    """The records that keys name, asked for by run `run_id`; what is no key, or names no record, is left out, and of a
    source that is said what is of others.
    """
    named = {key: match for key in keys if (match := _KEY.fullmatch(key))}
    values = {
        "tenant_id": tenant_id,
        "run_id": run_id,
        "source_id": source_id,
        "ids": [UUID(match["id"]) for match in named.values()],
        "occurrences": [int(match["occurrence"]) for match in named.values()],
    }
    rows = connection.execute(QUERIES["held"], values).fetchall()
    opened = opened_refusals([row[3] for row in rows], opener_of(connection))
    return {
        f"{found}.{occurrence}": HeldRecord(
            state=state,
            raw=raw,
            rules=frozenset(rules),
            last_run_id=last_run_id,
            was_sent=was_sent,
            key_hash=key_hash,
        )
        for (found, occurrence, state, _, rules, last_run_id, was_sent, key_hash), raw in zip(rows, opened, strict=True)
    }


def _opened(connection: psycopg.Connection[Any], records: Sequence[Quarantined]) -> list[Quarantined]:
    """What is personal in them in clear."""
    bodies = [body for record in records for body in (record.raw, record.findings)]
    opened = iter(opened_refusals(bodies, opener_of(connection)))
    return [replace(record, raw=next(opened), findings=next(opened)) for record in records]


def _over(record: type[Quarantined], condition: sql.Composed) -> sql.Composed:
    columns = sql.SQL(", ").join(sql.Identifier("q", field.name) for field in fields(record))
    return sql.SQL(QUERIES["list"]).format(columns=columns, which=condition)


def _arrays(keys: Collection[QuarantineKey]) -> dict[str, Any]:
    return {"ids": [key.quarantine_id for key in keys], "occurrences": [key.occurrence for key in keys]}


def _no_such_record(key: QuarantineKey) -> Misuse:
    return NotFound(
        "there is no such record in quarantine",
        where="quarantine",
        value=key,
        remedy="`headwater quarantine list` shows them.",
    )


def expire_unseen(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID, source_id: bytes) -> int:
    """Close the open records of a source that a complete run did not refuse again; how many."""
    values = {
        "tenant_id": tenant_id,
        "run_id": run_id,
        "source_id": source_id,
        "reason": f"not refused any more in run {run_id}",
    }
    return connection.execute(QUERIES["expire_unseen"], values).rowcount


def open_of_run(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID) -> int:
    """How many open records a run refused, chunks that it found equal to older ones included."""
    row = connection.execute(QUERIES["open_of_run"], {"tenant_id": tenant_id, "run_id": run_id}).fetchone()
    return int(row[0]) if row else 0


def settled_of_run(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID) -> dict[str, int]:
    """How many of the records that a run refused, and no later one did, are not open; by state."""
    return dict(connection.execute(QUERIES["settled_of_run"], {"tenant_id": tenant_id, "run_id": run_id}).fetchall())


def open_of_earlier_runs(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID) -> dict[UUID, int]:
    """Runs before this one, the latest first, that refused records of its source which are open still and which it did
    not refuse itself; how many of each.
    """
    return dict(connection.execute(QUERIES["open_of_earlier_runs"], {"tenant_id": tenant_id, "run_id": run_id}))


def layout_refusing(connection: psycopg.Connection[Any], tenant_id: UUID, source_id: bytes) -> Mapping[str, Any] | None:
    """Of the layout of the run that refused records of a source last, the columns and what rows are known by."""
    values = {"tenant_id": tenant_id, "source_id": source_id}
    row = connection.execute(QUERIES["layout_refusing"], values).fetchone()
    return row[0] if row else None
