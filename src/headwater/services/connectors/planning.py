"""Planning a sync: the source's columns and chunks as they are now, written down with all the run rests on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.connectors.csv_file import Plan, Planner
from headwater.connectors.files import PARQUET, TEXT, FileConfig, write_text_of
from headwater.connectors.protocol import Selection, SourcePlan
from headwater.errors import Misuse
from headwater.mapping import compile_mapping
from headwater.mapping.compile import columns_read
from headwater.pipeline.known_rows import known_by
from headwater.pipeline.source_rows import LATER_IS_NEWER, names_rows
from headwater.services.access.policy import Right
from headwater.services.chain_entries import planned_payload
from headwater.services.changed_keys import refuse_another_key
from headwater.services.connectors.asking import Asker, refusal_noted
from headwater.services.connectors.extraction import MAX_CHUNK_ROWS, first_record
from headwater.services.connectors.keeping import find, opened, tables_of
from headwater.services.connectors.kinds import kind_named
from headwater.services.connectors.noted_columns import note_columns
from headwater.services.connectors.refused import refusal_kept
from headwater.services.connectors.tallying import columns_to_tally
from headwater.services.drift import find_drift
from headwater.services.imports import keep_document, logic_of, source_id
from headwater.services.source_places import placed, unit_of_source, unit_said
from headwater.store import audit, connectors, runs
from headwater.store.chunks import PlannedChunk
from headwater.store.cited_blobs import cite_blob
from headwater.store.connectors import PlannedSourceChunk
from headwater.store.quarantine import layout_refusing
from headwater.values import record_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.connectors.protocol import SourceChunk
    from headwater.mapping.compile import CompiledMapping
    from headwater.pipeline.recipe import Recipe
    from headwater.services.imports import Together
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.store.connectors import ReadUpTo, StoredConnector
    from headwater.store.database import TenantConnection

PLAN = "plan.json"


@dataclass(frozen=True, kw_only=True)
class FoundSync:
    """What a sync would read, and all that its run would rest on."""

    name: str
    stored: StoredConnector
    logic: Logic
    source_id: bytes
    chunks: Sequence[PlannedSourceChunk]
    layout: dict[str, Any]

    @property
    def records(self) -> int:
        """As counted or estimated by the source."""
        return sum(chunk.records for chunk in self.chunks)


def plan_sync(installation: Installation, recipe: Recipe, base: Path, *, together: Together | None = None) -> UUID:
    """Plan the sync that a recipe describes; the run's id, for `carry_out`. A source that is not as it was is noted.

    together: what is written in the same transaction.
    """
    installation.require(Right.WRITE)
    stored = find(installation, str(recipe.source.connector))
    with refusal_kept(installation, stored, _name(recipe, stored)):
        found = found_sync(installation, recipe, base)
    run_id, together = uuid4(), placed(installation, unit_said(installation, recipe), together)
    with installation.database.connect(installation.tenant_id) as connection:
        _write(installation, connection, run_id, found, together)
    return run_id


def found_sync(installation: Installation, recipe: Recipe, base: Path) -> FoundSync:
    """Ask the source for the chunks there are now, and see whether its columns are as they were."""
    stored = find(installation, str(recipe.source.connector))
    check_read_ahead(recipe, stored.kind)
    logic = logic_of(installation, recipe, base)
    name = _name(recipe, stored)
    source = source_id(installation, recipe, logic.mapping, name)
    selection, told = _selection(installation, recipe, source)
    plan = _asked(installation, stored, selection)
    if installation.keeps:
        note_columns(installation, stored, selection.table, plan.columns, selection.columns)
    selection = replace(selection, key=plan.key)
    layout, body = _layout(plan)
    in_force = logic.mapping.for_columns(layout.columns, of="table")
    compiled = compile_mapping(logic.mapping, logic.contract, layout.columns)
    refuse_another_key(installation, logic, layout.columns, source_id=source, name=name)
    kinds = {name: column.type for name, column in zip(layout.columns, plan.columns, strict=True)}
    read = columns_read(logic.mapping, layout.columns)
    unit = unit_of_source(installation, recipe, logic.mapping.mapping, name)
    compared = find_drift(installation, recipe, logic.mapping, kinds, read, unit=unit, source=source, is_table=True)
    at_source = [column.name for column in plan.columns]
    body |= {
        "file": name,
        "connector": stored.name,
        "unwanted": list(compared.kept_back),
        "warnings": [*told, *plan.notices],
        "decimal": in_force.locale.decimal,
        "selection": asdict(selection),
        "source_columns": at_source,
        "tallied": columns_to_tally(logic.mapping, logic.contract, layout.columns, at_source),
        **_identity(plan, layout.columns),
        **_later_is_newer(logic, compiled, plan, layout.columns),
        **_known_by(installation, source, plan, compiled.used_columns, layout.columns),
        **compared.noted,
    }
    chunks = [_of_source(chunk) for chunk in plan.chunks]
    return FoundSync(name=name, stored=stored, logic=logic, source_id=source, chunks=chunks, layout=body)


def _name(recipe: Recipe, stored: StoredConnector) -> str:
    """What the source is called that a recipe reads."""
    return recipe.source.name or f"{stored.name}/{recipe.source.table}"


def check_read_ahead(recipe: Recipe, kind: str) -> None:
    """Misuse where it is said of a kind of connector that reads none ahead."""
    if recipe.load.read_ahead and kind_named(kind).read_ahead is None:
        raise Misuse(
            f"connectors of kind {kind} read one chunk at a time, none ahead of its turn",
            where=f"recipe {recipe.recipe}, load.read_ahead",
            value=recipe.load.read_ahead,
            remedy="Leave it out.",
        )


def _selection(installation: Installation, recipe: Recipe, source: bytes) -> tuple[Selection, list[str]]:
    """What is to be read, and what is to be said of it: why all of it is, where it was read up to somewhere before."""
    said = recipe.source
    since, told = None, []
    if said.cursor is not None and recipe.load.strategy == "delta":
        with installation.database.connect(installation.tenant_id) as connection:
            before = connectors.read_up_to(
                connection, installation.tenant_id, source, cursor=said.cursor, table=str(said.table)
            )
        if before is not None and (why := _of_another_column(before, said.cursor, str(said.table))):
            told.append(f"all rows are read: {why}, and how far that came says nothing of {said.cursor}")
        elif before is not None:
            since = before.last_cursor
    selection = Selection(
        table=str(said.table),
        columns=said.columns,
        key=said.key,
        cursor=said.cursor,
        since=since,
        lag=said.lag,
        chunk_rows=recipe.load.chunk_size,
        window=recipe.load.window,
    )
    return selection, told


def _of_another_column(before: ReadUpTo, cursor: str, table: str) -> str | None:
    """Why a source has to be read from its beginning by a cursor, though it was read before; None where it has not."""
    if before.table != table and before.table is not None:
        return f"the sync before read {before.table}"
    if before.cursor != cursor:
        by = f"by {before.cursor}" if before.cursor else "without a cursor"
        return f"the sync before read {by}"
    return None if before.began else "syncs before began where another column had come to"


def _asked(installation: Installation, stored: StoredConnector, selection: Selection) -> SourcePlan:
    asker = Asker(installation, stored.connector_id, stored.name)
    with refusal_noted(installation, stored.connector_id), opened(installation, stored) as source:
        tables = tables_of(source, stored)
        asker.repeat_requests(source)
        plan = asker.ask(lambda: tables.plan(selection), about=f"the plan of {selection.table}")
    large = [chunk for chunk in plan.chunks if chunk.rows > MAX_CHUNK_ROWS]
    if large:
        raise Misuse(
            "a chunk of this plan would be too large",
            where=f"connector {stored.name}, {selection.table}",
            value=f"{large[0].rows:,} rows",
            valid=f"at most {MAX_CHUNK_ROWS:,}",
            remedy="Give source.key or source.cursor, by which the table can be cut.",
        )
    return plan


def _layout(plan: SourcePlan) -> tuple[Plan, dict[str, Any]]:
    """How the text of every chunk begins, found by writing one without rows, and so without numbers."""
    schema = pa.schema([(column.name, column.arrow) for column in plan.columns])
    planner = Planner(TEXT, MAX_CHUNK_ROWS, name=PLAN)
    with TemporaryDirectory(prefix="headwater-") as folder:
        path = Path(folder) / "empty.parquet"
        pq.write_table(schema.empty_table(), path)
        write_text_of(path, FileConfig(format=PARQUET), planner.feed, name=PLAN)
    found = planner.finish()
    body = asdict(found)
    return found, {name: body[name] for name in body if name not in {"chunks", "records", "size"}}


def _identity(plan: SourcePlan, columns: Sequence[str]) -> dict[str, list[str]]:
    """What tells a row from all others, where the source sees to that and all of it is read."""
    column_of = dict(zip((column.name for column in plan.columns), columns, strict=True))
    if not plan.identity or not column_of.keys() >= set(plan.identity):
        return {}
    return {"identity": [column_of[name] for name in plan.identity]}


def _later_is_newer(
    logic: Logic, compiled: CompiledMapping, plan: SourcePlan, columns: Sequence[str]
) -> dict[str, int]:
    """That a key which is read again is a row changed meanwhile, which has moved on to a higher range of the cursor:
    where the source sees to it that no other row has the key, and no version in the rows themselves decides.
    """
    if logic.recipe.source.cursor is None or logic.recipe.load.version is not None:
        return {}
    own = {
        name: column for name, column in zip(columns, plan.columns, strict=True) if column.name in set(plan.identity)
    }
    is_whole = len(own) == len(plan.identity)
    if not is_whole or not names_rows(logic.contract, compiled, own):
        return {}
    without = [chunk.chunk_no for chunk in plan.chunks if chunk.locator.get("by") == "blank"]
    return {LATER_IS_NEWER: max(without, default=0) + 1}


def _known_by(
    installation: Installation, source: bytes, plan: SourcePlan, used: Sequence[str], columns: Sequence[str]
) -> dict[str, Any]:
    """By which cells refused rows are known again: the key's, though the source may not see to it, and those read."""
    column_of = dict(zip((column.name for column in plan.columns), columns, strict=True))
    key = plan.identity or plan.key
    if not key or not column_of.keys() >= set(key):
        return {}
    with installation.database.connect(installation.tenant_id) as connection:
        before = layout_refusing(connection, installation.tenant_id, source)
    return known_by([column_of[name] for name in key], used, columns, before)


def _write(
    installation: Installation, connection: TenantConnection, run_id: UUID, found: FoundSync, together: Together | None
) -> None:
    """The run and its whole plan, in one transaction. What was asked of the source is the run's own file."""
    tenant_id, stored, logic, name = installation.tenant_id, found.stored, found.logic, found.name
    asked = {
        "connector": stored.name,
        "kind": stored.kind,
        "layout": found.layout,
        "chunks": [asdict(each) for each in found.chunks],
    }
    blob = installation.blobs.put_bytes(tenant_id, json.dumps(asked, sort_keys=True, default=str).encode())
    cite_blob(connection, tenant_id, blob, kind="raw", name=name)
    planned = [_planned(tenant_id, run_id, chunk) for chunk in found.chunks]
    run = runs.NewRun(
        run_id=run_id,
        kind="sync",
        source_id=found.source_id,
        source_name=name,
        contract_hash=logic.contract.hash,
        mapping_hash=keep_document(connection, tenant_id, "mapping", logic.mapping.mapping, logic.mapping),
        recipe_hash=keep_document(connection, tenant_id, "recipe", logic.recipe.recipe, logic.recipe),
        factor_set=logic.factor_set,
        reference_codes=logic.reference_codes,
        connector_id=stored.connector_id,
        blob_sha256=blob.sha256,
        text_sha256=blob.sha256,
        encoding="utf-8",
        layout=found.layout,
    )
    runs.create_run(connection, tenant_id, run, planned)
    connectors.plan_source_chunks(connection, tenant_id, run_id, found.chunks)
    stands = runs.get_run(connection, tenant_id, run_id)
    if together is not None:
        together(connection, stands)
    payload = planned_payload(stands, logic.hash, planned, file=name, of_source=found.chunks)
    audit.append(connection, tenant_id, action="run.planned", resource=f"run/{run_id}", payload=payload)


def _of_source(chunk: SourceChunk) -> PlannedSourceChunk:
    return PlannedSourceChunk(
        chunk_no=chunk.chunk_no,
        locator=chunk.locator,
        records=chunk.rows,
        cursor_to=chunk.cursor_to,
        window_start=chunk.window_start,
        window_end=chunk.window_end,
    )


def _planned(tenant_id: UUID, run_id: UUID, chunk: PlannedSourceChunk) -> PlannedChunk:
    """Where its text lies is known once it is read."""
    return PlannedChunk(
        chunk_id=record_id(str(tenant_id), str(run_id), str(chunk.chunk_no)),
        chunk_no=chunk.chunk_no,
        byte_start=0,
        byte_end=0,
        first_record=first_record(chunk.chunk_no),
        first_line=first_record(chunk.chunk_no),
        records=chunk.records,
    )
