"""Import a file: plan a run, bring its chunks in, end it; resume one that was interrupted."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from headwater.connectors.csv_file import ChunkSpan
from headwater.connectors.files import inspect_file
from headwater.contracts import Document
from headwater.engine.duck import engine
from headwater.errors import Misuse, Stopped
from headwater.mapping import compile_mapping, read_mapping
from headwater.mapping.compile import columns_named, columns_read
from headwater.pipeline.prepare import Preparation
from headwater.pipeline.recipe import FactorChoice, Load, Recipe, RecipeSource, load_recipe
from headwater.pipeline.run import ChunkRun
from headwater.pipeline.seen import SeenKeys
from headwater.pipeline.source_rows import chunks_in_order, identity_in
from headwater.pipeline.writer import ChunkWriter
from headwater.services.access.encrypting import refuse_keys_in_clear
from headwater.services.access.policy import Right
from headwater.services.access.sealing import sealing_of
from headwater.services.chain_entries import planned_payload
from headwater.services.changed_keys import refuse_another_key
from headwater.services.column_lineage import SqlLineage, lineage_of
from headwater.services.connectors.extraction import sync_texts
from headwater.services.connectors.reconciling import reads_what_changed
from headwater.services.contracts_view import loadable
from headwater.services.drift import find_drift, kinds_of
from headwater.services.factors.factor_sets import FACTORS
from headwater.services.folders import files_of
from headwater.services.full_loads import sweep_if_full
from headwater.services.given_up import note_given_up
from headwater.services.latest import Latest
from headwater.services.logic import Logic, compile_logic, fingerprint, pinned
from headwater.services.quarantine.dead_letters import mirror_at_end
from headwater.services.quarantine.mending import mending_of
from headwater.services.run_ends import end_run, noted_if_broken_off
from headwater.services.run_texts import RunTexts, span_of
from headwater.services.source_places import placed, source_id_in, unit_of_source, unit_said
from headwater.services.sources import config_of, layout_as_json, layout_from_json, take_in
from headwater.store import audit, runs
from headwater.store.brought import BroughtKeys
from headwater.store.chunks import PlannedChunk, chunks_to_do
from headwater.store.cited_blobs import cite_blob, get_cited_blob
from headwater.store.documents import get_contract, get_document, put_document
from headwater.store.run_chunks import RunChunks
from headwater.telemetry import bind_context, get_logger
from headwater.values import record_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headwater.mapping import Mapping
    from headwater.pipeline.mending import MendForm
    from headwater.services.folders import SourceFile
    from headwater.services.installation import Installation
    from headwater.services.sources import TakenIn
    from headwater.store.cited_blobs import CitedBlob
    from headwater.store.database import TenantConnection
    from headwater.store.runs import Run
    from headwater.telemetry import Progress

    Together = Callable[[TenantConnection, Run], None]

LOGIC: Latest[Logic] = Latest(1024)
CORRECTS = "corrects"
"""In the layout of a run: the version of the one row that it may take the place of."""
ENGINE_THREADS = 2 if (os.cpu_count() or 1) > 2 else 1
"""Two keep up with the writer, more would only need more memory; with two processors, the second is the database's."""


@dataclass(frozen=True, kw_only=True)
class Remote:
    """Where a file was fetched from, and in which version; `address` as the store says it, if it does.

    archive  of a file inside an archive, what that is called; `members` of it are files to read
    """

    connector_id: UUID
    version: str
    address: str | None
    archive: str | None = None
    members: int = 1

    def as_json(self) -> dict[str, Any]:
        """As it is kept with the run."""
        remote = {"version": self.version} | ({"address": self.address} if self.address else {})
        archive = {"archive": {"name": self.archive, "members": self.members}} if self.archive else {}
        return {"remote": remote} | archive


def import_file(
    installation: Installation,
    path: Path,
    mapping: str,
    *,
    progress: Progress,
    source_name: str | None = None,
    chunk_size: int | None = None,
) -> UUID:
    """Import one file through a mapping, by path or name; the run's id. Activities are calculated."""
    run_id = plan_file(installation, path, mapping, source_name=source_name, chunk_size=chunk_size)
    return carry_out(installation, run_id, progress=progress)


def run_recipe(installation: Installation, path: Path, *, progress: Progress) -> UUID:
    """Run a recipe; paths in it are taken from its folder."""
    return carry_out(installation, plan_recipe(installation, path), progress=progress)


def plan_file(
    installation: Installation,
    path: Path,
    mapping: str,
    *,
    source_name: str | None = None,
    chunk_size: int | None = None,
) -> UUID:
    """Plan the import of one file through a mapping; the id of the run, for `carry_out`."""
    recipe = file_recipe(str(path), mapping, source_name=source_name, chunk_size=chunk_size)
    return _plan_one(installation, recipe, Path.cwd())


def file_recipe(
    path: str, mapping: str, *, source_name: str | None = None, chunk_size: int | None = None, unit: str | None = None
) -> Recipe:
    """The recipe of an import that says no more than this; `path` may be a folder or a pattern."""
    return Recipe(
        recipe="import",
        source=RecipeSource(path=path, name=source_name),
        mapping=mapping,
        load=Load(chunk_size=chunk_size),
        factors=FactorChoice(),
        unit=unit,
    )


def plan_recipe(installation: Installation, path: Path) -> UUID:
    """Plan the run of a recipe; its id, for `carry_out`."""
    return _plan_one(installation, load_recipe(path), path.parent)


def _plan_one(installation: Installation, recipe: Recipe, base: Path) -> UUID:
    files = source_files(installation, recipe, base)
    if len(files) > 1:
        raise Misuse(
            "this stands for several files, and each is a run of its own",
            where=str(recipe.source.path),
            value=f"{len(files)} files",
            remedy="Import them with `import_each`.",
        )
    return plan_source(installation, recipe, base, files[0])


def source_files(installation: Installation, recipe: Recipe, base: Path) -> tuple[SourceFile, ...]:
    """The files that a recipe's source stands for, each to be planned by `plan_source`."""
    installation.require(Right.WRITE)
    refuse_of_tables_only(recipe)
    mapping = installation.mapping(recipe.mapping, base)
    if recipe.source.path is None:
        raise AssertionError("what a connector reads is planned by `connectors.syncing`")
    return files_of(recipe.source.path, base, member=mapping.source.member)


def plan_source(
    installation: Installation,
    recipe: Recipe,
    base: Path,
    file: SourceFile,
    *,
    remote: Remote | None = None,
    together: Together | None = None,
    corrects: str | None = None,
) -> UUID:
    """Plan the run of one file; its id, for `carry_out`. `remote` says where it was fetched from.

    together: what is written in the same transaction.
    corrects: the version of the one record that the file's was made from: it takes the place of no other, however late.
    """
    installation.seeing(Right.WRITE)
    unit_id = unit_said(installation, recipe)
    installation.require(Right.WRITE, unit_id)
    found = found_file(installation, recipe, base, file)
    return plan_run(
        installation,
        found.logic,
        found.taken,
        source_id=source_id_in(installation, found.logic.mapping.mapping, found.name, unit_id),
        source_name=found.name,
        noted=found.noted | (remote.as_json() if remote else {}) | ({CORRECTS: corrects} if corrects else {}),
        connector_id=remote.connector_id if remote else None,
        together=placed(installation, unit_id, together),
    )


@dataclass(frozen=True, kw_only=True)
class FoundFile:
    """A file as a recipe reads it, ready to be planned; `noted` is kept beside its layout."""

    name: str
    logic: Logic
    taken: TakenIn
    noted: dict[str, Any]


def found_file(installation: Installation, recipe: Recipe, base: Path, file: SourceFile) -> FoundFile:
    """Take in a file, and see whether its columns are as they were."""
    mapping = installation.mapping(recipe.mapping, base)
    _contract(installation, mapping)
    hints = config_of(mapping)
    found = inspect_file(file.path, replace(hints, member=file.member or hints.member))
    columns = found.columns or columns_named(mapping)
    decimal = mapping.for_columns(columns).locale.decimal
    taken = take_in(
        installation,
        file.path,
        replace(found, config=replace(found.config, decimal=decimal, columns=() if found.columns else columns)),
        chunk_size=recipe.load.chunk_size or installation.settings.chunk_size,
    )
    kinds = kinds_of(installation, taken)
    name, logic = source_name(recipe, file), logic_of(installation, recipe, base)
    source = source_id(installation, recipe, mapping, name)
    unit, read = unit_of_source(installation, recipe, mapping.mapping, name), columns_read(mapping, columns)
    compared = find_drift(installation, recipe, mapping, kinds, read, unit=unit, source=source)
    taken = replace(taken, plan=replace(taken.plan, unwanted=compared.kept_back))
    refuse_another_key(installation, logic, columns, source_id=source, name=name)
    return FoundFile(
        name=name,
        logic=logic,
        taken=taken,
        noted={"warnings": list(found.warnings)} | compared.noted,
    )


def logic_of(installation: Installation, recipe: Recipe, base: Path) -> Logic:
    """What decides about the results of a recipe that is planned now; Misuse where it names what is not there."""
    refuse_of_tables_only(recipe)
    mapping = installation.mapping(recipe.mapping, base)
    return pinned(installation, contract=_contract(installation, mapping), mapping=mapping, recipe=recipe)


def refuse_of_tables_only(recipe: Recipe) -> None:
    """Misuse where that is said of a file, or of records, which is of the chunks of a table's source."""
    if recipe.source.table is not None:
        return
    said = {"read_ahead": (recipe.load.read_ahead, "are read ahead"), "window": (recipe.load.window, "have windows")}
    for name, (value, words) in said.items():
        if value:
            raise Misuse(
                f"only chunks of a table that a connector reads {words}, and this recipe reads none",
                where=f"recipe {recipe.recipe}, load.{name}",
                value=value,
                remedy="Leave it out.",
            )


def _contract(installation: Installation, mapping: Mapping) -> Document:
    contract = installation.contract(mapping.contract_name, mapping.contract_major)
    return loadable(contract, where=f"mapping {mapping.mapping}")


def source_name(recipe: Recipe, file: SourceFile) -> str:
    """A name given stands for the one file there is; of several each keeps its own below it."""
    given = recipe.source.name
    if given is None:
        return file.name
    return given if file.alone else f"{given}/{file.name}"


def source_id(installation: Installation, recipe: Recipe, mapping: Mapping, source_name: str) -> bytes:
    """The source that a recipe reads by this name."""
    return source_id_in(installation, mapping.mapping, source_name, unit_said(installation, recipe))


def plan_run(
    installation: Installation,
    logic: Logic,
    taken: TakenIn,
    *,
    source_id: bytes,
    source_name: str,
    mends: MendForm | None = None,
    noted: dict[str, Any] | None = None,
    connector_id: UUID | None = None,
    together: Together | None = None,
) -> UUID:
    """Write a run with all it rests on and its whole plan, in one transaction. What does not compile is refused before.

    With `mends` it is a resubmission: the file holds records from quarantine in that form. `noted` is kept beside the
    layout, `together` written in the same transaction. Factors, by whichever way they come, need the right to change
    them.
    """
    if (logic.contract.name, logic.contract.major) == FACTORS:
        installation.require(Right.TRANSFORM, on="factors")
    run_id, tenant_id = uuid4(), installation.tenant_id
    compile_mapping(logic.mapping, logic.contract, mends.columns if mends else taken.plan.columns)
    with installation.database.connect(tenant_id) as connection:
        cite_blob(connection, tenant_id, taken.raw, kind="raw", name=taken.name)
        if taken.text != taken.raw:
            cite_blob(connection, tenant_id, taken.text, kind="utf8", name=taken.name)
        run = runs.NewRun(
            run_id=run_id,
            kind="resubmit" if mends else "import",
            source_id=source_id,
            source_name=source_name,
            contract_hash=logic.contract.hash,
            mapping_hash=keep_document(connection, tenant_id, "mapping", logic.mapping.mapping, logic.mapping),
            recipe_hash=keep_document(connection, tenant_id, "recipe", logic.recipe.recipe, logic.recipe),
            factor_set=logic.factor_set,
            reference_codes=logic.reference_codes,
            connector_id=connector_id,
            blob_sha256=taken.raw.sha256,
            text_sha256=taken.text.sha256,
            encoding=taken.encoding,
            layout=layout_as_json(taken) | (noted or {}) | ({"mends": mends.as_json()} if mends else {}),
        )
        planned = [_planned(tenant_id, run_id, span) for span in taken.plan.chunks]
        runs.create_run(connection, tenant_id, run, planned)
        stands = runs.get_run(connection, tenant_id, run_id)
        if together is not None:
            together(connection, stands)
        payload = planned_payload(stands, logic.hash, planned, file=taken.name)
        audit.append(connection, tenant_id, action="run.planned", resource=f"run/{run_id}", payload=payload)
    return run_id


def keep_document(
    connection: TenantConnection, tenant_id: UUID, kind: str, name: str, document: Mapping | Recipe
) -> bytes:
    """The hash of a document that a run cites, kept in the transaction that writes the run."""
    version, body = document.version, document.to_json()
    return put_document(connection, tenant_id, kind=kind, name=name, version=version, body=body)


def _planned(tenant_id: UUID, run_id: UUID, span: ChunkSpan) -> PlannedChunk:
    return PlannedChunk(
        chunk_id=record_id(str(tenant_id), str(run_id), str(span.chunk_no)),
        chunk_no=span.chunk_no,
        byte_start=span.byte_start,
        byte_end=span.byte_end,
        first_record=span.first_record,
        first_line=span.first_line,
        records=span.records,
    )


def resume(installation: Installation, run: str, *, progress: Progress) -> UUID:
    """Go on with a run that was interrupted or has gaps: only what is not committed is done."""
    with installation.database.connect(installation.tenant_id) as connection:
        found = runs.find_run(connection, installation.tenant_id, run)
    return carry_out(installation, found.run_id, progress=progress)


def stored_logic(installation: Installation, run: Run) -> Logic:
    """The logic of a run from the documents it cites: they are what their hashes say, and are read once, whoever cites
    them.
    """
    cited = (run.contract_hash, run.mapping_hash, run.recipe_hash, run.factor_set, run.reference_codes)
    return LOGIC.get(cited, lambda: _read_logic(installation, run))


def _read_logic(installation: Installation, run: Run) -> Logic:
    with installation.database.connect(installation.tenant_id) as connection:
        contract = Document.from_json(get_contract(connection, run.contract_hash).body)
        mapping = get_document(connection, installation.tenant_id, run.mapping_hash)
        recipe = get_document(connection, installation.tenant_id, run.recipe_hash)
    return Logic(
        contract=contract,
        mapping=read_mapping(mapping.body, where=f"mapping {mapping.name} {mapping.version}"),
        recipe=Recipe.model_validate_json(recipe.body),
        factor_set=run.factor_set,
        reference_codes=run.reference_codes,
    )


def _refuse_redacted(text: CitedBlob, run: Run, to_do: Sequence[PlannedChunk]) -> None:
    """What a redacted copy says of somebody is nothing to load."""
    if to_do and (text.copy_sha256 is not None or text.state != "held"):
        raise Stopped(
            "somebody was erased from its file since it was planned",
            where=f"run {run.run_id}",
            value=text.name,
            remedy="Import the file again, without them.",
        )


def carry_out(installation: Installation, run_id: UUID, *, progress: Progress) -> UUID:
    """Bring in the chunks of a run that are not committed yet, and end it."""
    installation.require(Right.WRITE)
    run, to_do = _unfinished(installation, run_id)
    logic, layout = stored_logic(installation, run), layout_from_json(dict(run.layout))
    mending = mending_of(installation, run, logic.contract)
    refuse_keys_in_clear(installation, installation.contract(logic.contract.name, logic.contract.major))
    columns = mending.form.columns if mending else layout.columns
    with (
        engine(memory_limit=f"{installation.settings.memory_limit // 2**20}MiB", threads=ENGINE_THREADS) as duck,
        BroughtKeys(logic.contract) as brought,
        texts_of(installation, run, logic.recipe, to_do) as texts,
        RunChunks(
            installation.database,
            installation.tenant_id,
            run,
            contract=logic.contract.reference,
            chunk_ids={chunk.chunk_no: chunk.chunk_id for chunk in to_do},
            settled_from=mending.form.settled_from if mending else None,
            sealing=sealing_of(installation, logic.contract, logic.mapping, columns),
            identity=identity_in(run.layout) if run.kind == "sync" and logic.recipe.load.strategy != "full" else (),
            brought=brought if reads_what_changed(run) else None,
            corrects=bytes.fromhex(run.layout[CORRECTS]) if CORRECTS in run.layout else None,
            in_order=chunks_in_order(run.layout),
        ) as store,
        SeenKeys(store.key_hashes) as seen,
    ):
        transform, calculation = compile_logic(
            installation, duck, logic, columns=columns, source_id=run.source_id, layout=run.layout
        )
        _start(installation, run, logic, lineage_of(logic, transform, calculation, columns))
        logic_hash = fingerprint(logic.hash, layout, calculation.document if calculation else None)
        store.look_back(logic_hash)
        work = ChunkRun(
            preparation=Preparation(texts=texts, layout=layout, transform=transform, store=store, mending=mending),
            writer=ChunkWriter(
                store=store,
                seen=seen,
                document=logic.contract,
                results=calculation.document if calculation else None,
                names=transform.names,
                logic_hash=logic_hash,
                version=logic.recipe.load.version,
                in_order=chunks_in_order(run.layout),
            ),
            store=store,
            progress=progress,
        )
        with bind_context(run_id=str(run_id)), noted_if_broken_off(installation, run), shown(run, to_do, progress):
            work.execute([span_of(chunk) for chunk in to_do])
            results = calculation.document if calculation else None
            kept = sweep_if_full(installation, run, logic, duck=duck, results=results)
            note_given_up(installation, run)
        end_run(installation, run, logic, nothing_deleted=kept, brought=brought)
    # Once the engine, the source and the hold on both are let go: a store that is slow keeps nobody waiting for them.
    mirror_at_end(installation, run_id)
    return run_id


def _unfinished(installation: Installation, run_id: UUID) -> tuple[Run, Sequence[PlannedChunk]]:
    """A run, and its chunks that are not committed yet."""
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        run = runs.get_run(connection, tenant_id, run_id)
        to_do = chunks_to_do(connection, tenant_id, run_id)
        _refuse_redacted(get_cited_blob(connection, tenant_id, run.text_sha256), run, to_do)
    return run, to_do


def texts_of(installation: Installation, run: Run, recipe: Recipe, to_do: Sequence[PlannedChunk]) -> RunTexts:
    """Where the chunks of a run that goes on come from: its file, or its source."""
    if run.kind != "sync":
        return RunTexts(installation, run)
    numbers = [chunk.chunk_no for chunk in to_do]
    is_full = recipe.load.strategy == "full"
    return sync_texts(installation, run, to_do=numbers, read_ahead=recipe.load.read_ahead, last_alone=is_full)


@contextmanager
def shown(run: Run, to_do: Sequence[PlannedChunk], progress: Progress) -> Iterator[None]:
    """Progress against what the run has planned, however it ends."""
    left = sum(chunk.records for chunk in to_do)
    progress.start(f"importing {run.source_name}", total=run.records_planned, done=run.records_planned - left)
    try:
        yield
    finally:
        progress.finish()


def _start(installation: Installation, run: Run, logic: Logic, lineage: SqlLineage) -> None:
    """Note that the run begins, or begins again, with the column lineage of the SQL it runs."""
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        lineage_hash = lineage.cite(connection, tenant_id)
        runs.start_run(connection, tenant_id, run.run_id)
        get_logger(__name__).info("run begun", run_id=str(run.run_id), kind=run.kind, chunks=run.chunks_planned)
        runs.set_lineage(connection, tenant_id, run.run_id, lineage_hash)
        audit.append(
            connection,
            tenant_id,
            action="run.started",
            resource=f"run/{run.run_id}",
            payload={"logic": logic.hash.hex(), "lineage": lineage_hash.hex()},
        )
