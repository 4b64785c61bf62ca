"""Loading one chunk: binary COPY into temp tables of the session, then set-based SQL, all in one transaction.

The caller opens the transaction, loads records table by table, writes quarantine and findings, and commits the chunk's
ledger last; leaving without `commit` undoes all of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql
from psycopg.types.json import Jsonb

from headwater.contracts.table import table_name
from headwater.errors import RetryLater, Stopped
from headwater.store import audit
from headwater.store.load_names import LoadNames, by_chunk, by_version, contract_of, with_parent
from headwater.store.queries import named_queries
from headwater.store.staging import copy_to_stage, stage_definition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    import psycopg

    from headwater.contracts.document import Document
    from headwater.store.brought import BroughtKeys
    from headwater.store.corrected import OpenRecords, RowsLoaded
    from headwater.store.sealed import Sealing

QUERIES = named_queries("load")


@dataclass(frozen=True, kw_only=True)
class ChunkKey:
    """Which chunk of which run is being loaded, and what decides between competing rows.

    Rows of runs that began at `settled_from` or later are met as if this run had brought them: a resubmission takes the
    place of records that an older run refused, and does not replace what that run or a later one loaded.
    A chunk with `later_is_newer` takes the place of what an earlier one of the run loaded, and brings nothing that a
    later one has read.
    A run with `corrects` brings one record that was made from the row of this hash, and takes the place of no other.
    """

    tenant_id: UUID
    run_id: UUID
    chunk_id: UUID
    chunk_no: int
    source_id: bytes
    contract: str
    run_started: datetime
    settled_from: datetime | None = None
    later_is_newer: bool = False
    corrects: bytes | None = None


class ChangedMeanwhile(Stopped):
    """The row that a correction was made from is another by now: look at it again."""


@dataclass(frozen=True)
class Refusal:
    """A record whose key stands with other content, and where the row that stays came from."""

    record_no: int
    stored_record: int
    stored_source: str
    stored_hash: bytes
    newer: bool


@dataclass(frozen=True)
class Replaced:
    """A record that took the place of one of another source, and where that came from."""

    record_no: int
    stored_record: int
    stored_source: str


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What became of the rows given to one table; the four counts, the refusals, the older ones and those left out add
    up to them.

    `older` are those of a lower version than what stands; `left_out` those whose key was deleted by hand; `replaced`
    those of `updated` that took the place of what another source had brought.
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    merged: int = 0
    deleted: int = 0
    refused: tuple[Refusal, ...] = ()
    older: tuple[Refusal, ...] = ()
    left_out: tuple[int, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    relies_on: tuple[UUID, ...] = ()


class ChunkTransaction:
    """The one transaction of a chunk; made by `Database.chunk`, valid until committed or left."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        key: ChunkKey,
        sealing: Sealing | None = None,
        refused_before: OpenRecords | None = None,
        brought: BroughtKeys | None = None,
    ) -> None:
        self._connection = connection
        self._brought = brought
        self._keys: list[pa.Table] = []
        self._key = key
        self._sealing = sealing
        self._refused_before = refused_before
        self._stages = 0
        self._made: set[str] = set()
        self._unit: UUID | None = None
        self._unit_is_known = False
        self._stage_of: dict[str, str] = {}
        self._parent: tuple[LoadNames, bool, Mapping[str, Any]] | None = None

    def is_open(self) -> bool:
        """Lock the planned chunk; False where an earlier attempt has committed it."""
        row = self._one("lock_chunk", run=self._key.run_id, chunk_no=self._key.chunk_no)
        return bool(row and row[0] != "committed")

    def stands(self, relies_on: Mapping[UUID, int]) -> bool:
        """Whether none of the chunks relied on has lost a row since its count was taken."""
        return dict(self._counts(list(relies_on))) == dict(relies_on)

    def refused_again(self, root: UUID) -> int:
        """How many records that chunk `root` refused keep their number: see `ports.ChunkTransaction.refused_again`."""
        row = self._one("refused_again", run=self._key.run_id, root=root)
        return int(row[0]) if row else 0

    def load(
        self,
        document: Document,
        rows: pa.Table,
        *,
        repeated: Callable[[Sequence[int]], Sequence[int]],
        parent: Document | None = None,
        version: str | None = None,
    ) -> Loaded:
        """Bring `rows` into the contract's table: insert, update with the old row into history, or find unchanged.

        `rows` has the contract's fields, `absent`, `record_no` (in the chunk) and `row_hash`, is sorted by key and has
        each key once. `repeated` is asked which of the records that would replace an older run's row have been read
        before in this run: those are refused; where later chunks are newer, which a later one has read: those are
        older. With `version`, a field, the higher one stands whatever came first. With
        `parent`, whose rows were given just before, rows that were calculated from a record of this chunk and are not
        given any more are deleted into history.
        """
        names = self._names(document, version, of_parent=parent is not None)
        if self._sealing is not None:
            rows = self._sealing.rows(document, rows)
        self._stage(names.stage, rows, names.decimals)
        if self._key.corrects is not None and parent is None and rows.num_rows:
            self._hold_corrected(names, self._key.corrects)
        bounds = _key_bounds(rows, names.keys[0])
        is_new = not bounds or not self._taken(names, bounds)
        if is_new:
            left_out = self._leave_out(names) if parent is None else ()
            inserted = self._run(names, "insert_all", chunk=self._key.chunk_id, unit=self._unit_of_source())
            loaded = Loaded(inserted=inserted, left_out=left_out)
        else:
            loaded = self._load_beside(names, rows.num_rows, bounds, repeated, is_record=parent is None)
        if parent is None:
            self._parent = (names, is_new, bounds)
            if self._brought is not None:
                out = {each.record_no for each in (*loaded.refused, *loaded.older)} | set(loaded.left_out)
                self._keys.append(self._brought.of_rows(rows, without=out))
            return loaded
        if self._parent is None or self._parent[1]:
            return loaded
        return self._delete_orphans(names, loaded, self._parent[0], self._parent[2])

    def _hold_corrected(self, names: LoadNames, corrects: bytes) -> None:
        self._run(names, "hold_chunk_of_corrected")
        found = self._one("hold_corrected", names)
        if found is None or bytes(found[0]) != corrects:
            raise ChangedMeanwhile(
                "the record that is corrected was changed meanwhile", where=contract_of(names.document),
                remedy="Look at it again, and correct it as it is now.",
            )  # fmt: skip

    def _names(self, document: Document, version: str | None, *, of_parent: bool) -> LoadNames:
        """The same stage for the same table, however often rows are given: locks on temp tables are not for ever."""
        table = table_name(document)
        if table not in self._stage_of:
            self._stage_of[table] = self._stage_name()
        stage = self._stage_of[table]
        if not of_parent:
            by_order = by_chunk() if self._key.later_is_newer else None
            return LoadNames(document, stage, ahead=by_version(version) if version else by_order)
        is_ordered = version is not None or self._key.later_is_newer
        is_above = is_ordered and self._parent is not None and not self._parent[1]
        return LoadNames(document, stage, ahead=with_parent(self._parent[0].met) if is_above and self._parent else None)

    def _load_beside(
        self,
        names: LoadNames,
        rows: int,
        bounds: Mapping[str, Any],
        repeated: Callable[[Sequence[int]], Sequence[int]],
        *,
        is_record: bool,
    ) -> Loaded:
        """Each statement sees what others have committed by then: what does not fit to what was met is begun anew."""
        unit = self._unit_of_source()
        self._run(names, "analyze_stage")
        self._make(names.met, "create_met", names.parts())
        self._run(
            names,
            "fill_met",
            run=self._key.run_id,
            chunk_no=self._key.chunk_no,
            started=self._key.run_started,
            settled=self._key.settled_from,
            source=self._key.source_id,
            unit=unit,
            **bounds,
        )
        left_out = self._leave_out(names) if is_record else ()
        unchanged, merged = self._one("met_same", names) or (0, 0)
        relies_on = self._hold_relied_on(names)
        changed = (self._one("met_changed", names) or ([],))[0]
        again = list(repeated(changed)) if changed else []
        if again and self._key.later_is_newer:
            self._run(names, "set_older", read_later=again)
        refused = tuple(Refusal(*row) for row in self._all("met_refused", names, repeated=again))
        older = tuple(Refusal(*row) for row in self._all("met_older", names))
        if out := [refusal.record_no for refusal in (*refused, *older)]:
            self._run(names, "drop_refused", refused=out)
        higher = (self._one("met_higher", names) or (0,))[0]
        updated, replaced = 0, tuple[Replaced, ...]()
        if to_change := len(changed) - len(again) + higher:
            replaced = tuple(Replaced(*row) for row in self._all("met_replaced", names)) if is_record else ()
            self._run(names, "count_superseded")
            kept = self._run(names, "keep_history", chunk=self._key.chunk_id, **bounds)
            updated = self._run(names, "update_changed", chunk=self._key.chunk_id, unit=unit, **bounds)
            if not kept == updated == to_change:
                raise self._overtaken()
        inserted = self._run(names, "insert_new", chunk=self._key.chunk_id, unit=unit, **bounds)
        if inserted + updated + unchanged + merged + len(out) + len(left_out) != rows:
            raise self._overtaken()
        return Loaded(
            inserted=inserted,
            updated=updated,
            unchanged=unchanged,
            merged=merged,
            refused=refused,
            older=older,
            left_out=left_out,
            replaced=replaced,
            relies_on=relies_on,
        )

    def _unit_of_source(self) -> UUID | None:
        """Asked once a chunk."""
        if not self._unit_is_known:
            self._unit = (self._one("unit_of_source", source=self._key.source_id) or (None,))[0]
            self._unit_is_known = True
        return self._unit

    def _leave_out(self, names: LoadNames) -> tuple[int, ...]:
        """Drop from the stage what was deleted by hand.

        Asked after it was looked what stands: who deletes in between takes a row away that was met, and the counts
        show it.
        """
        contract = contract_of(names.document)
        if not (self._one("any_deleted", contract=contract) or (False,))[0]:
            return ()
        found = tuple(number for (number,) in self._all("left_out", names, contract=contract))
        if found:
            self._run(names, "drop_refused", refused=list(found))
        return found

    def _hold_relied_on(self, names: LoadNames) -> tuple[UUID, ...]:
        """The older chunks whose rows were found unchanged; from now to the commit they lose none to others."""
        found = dict(self._all("met_relied_on", names))
        if dict(self._counts(list(found))) != found:
            raise self._overtaken()
        return tuple(found)

    def _overtaken(self) -> RetryLater:
        return RetryLater("another run has just loaded the same keys", where=f"chunk {self._key.chunk_no}")

    def _delete_orphans(self, names: LoadNames, loaded: Loaded, parent: LoadNames, bounds: Mapping[str, Any]) -> Loaded:
        lost = self._all(
            "drop_without_source",
            names,
            parent=parent,
            chunk=self._key.chunk_id,
            started=self._key.run_started,
            **bounds,
        )
        for chunk_id, count in lost:
            self._run(names, "add_superseded", lost=count, lost_chunk=chunk_id)
        return replace(loaded, deleted=sum(count for _, count in lost))

    def quarantine(self, rows: pa.Table) -> None:
        """Put refused records away: see `ports.ChunkTransaction.quarantine`."""
        if rows.num_rows == 0:
            return
        if self._sealing is not None:
            rows = self._sealing.refused(rows)
        stage, offsets = self._stage_name(), self._stage_name()
        self._stage(stage, _numbered_by_key(rows))
        tables = {"stage": sql.Identifier(stage), "offsets": sql.Identifier(offsets)}
        self._execute("create_offsets", tables)
        self._execute("fill_offsets", tables, run=self._key.run_id)
        self._execute(
            "insert_quarantine",
            tables,
            source=self._key.source_id,
            contract=self._key.contract,
            chunk=self._key.chunk_id,
        )

    def mend(self, rows: pa.Table) -> None:
        """Write how repairs ended: see `ports.ChunkTransaction.mend`."""
        if rows.num_rows == 0:
            return
        if self._sealing is not None:
            rows = self._sealing.mended(rows)
        stage = self._stage_name()
        self._stage(stage, rows)
        tables = {"stage": sql.Identifier(stage)}
        row = self._execute("lock_mended", tables).fetchone()
        if row is None or row[0] != rows.num_rows:
            raise RetryLater(
                "somebody else has settled records that this file mends",
                where=f"chunk {self._key.chunk_no}",
                remedy="Resume the run: those records are skipped then.",
            )
        self._execute("insert_repairs", tables, chunk=self._key.chunk_id, actor=audit.acting(self._connection))
        self._execute("settle_mended", tables, reason=f"mended and loaded by run {self._key.run_id}")

    def expire_corrected(self, loaded: RowsLoaded) -> int:
        """See `ports.ChunkTransaction.expire_corrected`."""
        if self._refused_before is None:
            return 0
        return self._refused_before.expire(
            self._connection, loaded, chunk_id=self._key.chunk_id, chunk_no=self._key.chunk_no
        )

    def findings(self, rows: pa.Table) -> None:
        """Note what was seen about loaded records: record_no (in the file), rule_id, field, value, message."""
        if rows.num_rows == 0:
            return
        if self._sealing is not None:
            rows = self._sealing.findings(rows)
        stage = self._stage_name()
        self._stage(stage, rows)
        self._execute("insert_findings", {"stage": sql.Identifier(stage)}, chunk=self._key.chunk_id)

    def held(self, digest: str) -> str:
        """What the audit chain holds of a digest of keys: see `ports.ChunkTransaction.held`."""
        return digest if self._sealing is None else self._sealing.held(digest)

    def commit(self, ledger: Mapping[str, Any], *, payload: Mapping[str, Any]) -> None:
        """Write the chunk's ledger, advance the checkpoint, add the audit entry (its head locked last), commit."""
        span, extract = ledger["span"], ledger["span"].extract
        if extract is not None:
            name = f"chunk {span.chunk_no} of run {self._key.run_id}"
            self._execute("cite_extract", sha256=extract.sha256, size=extract.size, name=name)
        values = {
            **{name: value for name, value in ledger.items() if name != "span"},
            **{name: getattr(span, name) for name in ("byte_start", "byte_end", "records")},
            "extract_sha256": extract.sha256 if extract else None,
            "last_row_id": extract.last_row if extract else None,
            "skipped": Jsonb(ledger["skipped"]),
            "calculation": Jsonb(ledger["calculation"]) if ledger["calculation"] is not None else None,
            "relies_on": Jsonb([[str(chunk), count] for chunk, count in self._counts(ledger["relies_on"])]),
        }
        self._execute("commit_chunk", run=self._key.run_id, chunk_no=self._key.chunk_no, **values)
        self._execute("advance_checkpoint", run=self._key.run_id, source=self._key.source_id)
        audit.append(
            self._connection,
            self._key.tenant_id,
            action="chunk.committed",
            resource=f"run/{self._key.run_id}/chunk/{self._key.chunk_no}",
            payload=payload,
        )
        self._connection.commit()
        if self._brought is not None:
            self._brought.add(self._keys)

    def _counts(self, chunks: Sequence[UUID]) -> list[tuple[Any, ...]]:
        """Rows lost by each chunk as of now, this transaction's own updates included."""
        return self._execute("lost_so_far", chunks=list(chunks)).fetchall() if chunks else []

    def _stage_name(self) -> str:
        self._stages += 1
        return f"stage_{self._stages}"

    def _stage(self, stage: str, rows: pa.Table, decimals: Mapping[str, str] | None = None) -> None:
        """Fill a temp table; `decimals` as `stage_definition` has them."""
        definition = stage_definition(rows.schema, decimals or {})
        self._make(stage, "create_stage", {"stage": sql.Identifier(stage), "definition": definition})
        copy_to_stage(self._connection, stage, rows.schema, rows.to_batches())

    def _make(self, table: str, query: str, parts: Mapping[str, sql.Composable]) -> None:
        """A temp table without rows."""
        if table in self._made:
            self._execute("clear", {"stage": sql.Identifier(table)})
            return
        self._execute(query, parts)
        self._made.add(table)

    def _taken(self, names: LoadNames, bounds: Mapping[str, Any]) -> bool:
        row = self._one("key_range_is_taken", names, **bounds)
        return bool(row and row[0])

    def _run(self, names: LoadNames, query: str, **values: Any) -> int:
        return self._execute(query, names.parts(), **values).rowcount

    def _one(self, query: str, names: LoadNames | None = None, **values: Any) -> tuple[Any, ...] | None:
        return self._execute(query, names.parts() if names else {}, **values).fetchone()

    def _all(
        self, query: str, names: LoadNames, *, parent: LoadNames | None = None, **values: Any
    ) -> list[tuple[Any, ...]]:
        parts = names.parts()
        if parent is not None:
            parts["parent"] = sql.Identifier(parent.stage)
            parts["parent_met"] = sql.Identifier(parent.met)
            parts["parent_key"] = parent.same("t", "p")
            parts["parent_first_key"] = sql.Identifier(parent.keys[0])
        return self._execute(query, parts, **values).fetchall()

    def _execute(
        self, query: str, parts: Mapping[str, sql.Composable] | None = None, **values: Any
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        """Run a named query with these identifiers and values; it may name the tenant."""
        statement = sql.SQL(QUERIES[query]).format(**(parts or {}))
        return self._connection.execute(statement, {"tenant": self._key.tenant_id, **values})


def _numbered_by_key(rows: pa.Table) -> pa.Table:
    """Refused records in the order of their key, with `n`: which of those with equal keys each is, from 1."""
    rows = rows.sort_by([("quarantine_id", "ascending"), ("record_no", "ascending")])
    keys = rows["quarantine_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    places = np.arange(len(keys), dtype=np.int32)
    is_first = np.append(True, keys[1:] != keys[:-1])
    n = places - np.maximum.accumulate(np.where(is_first, places, 0)) + 1
    return rows.append_column("n", pa.array(n, pa.int32()))


def _key_bounds(rows: pa.Table, first_key: str) -> dict[str, Any]:
    """The lowest and the highest value of the first key; nothing where there is no row."""
    if rows.num_rows == 0:
        return {}
    return {"low": pc.min(rows[first_key]).as_py(), "high": pc.max(rows[first_key]).as_py()}
