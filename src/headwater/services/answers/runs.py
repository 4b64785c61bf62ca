"""Runs, their chunks and how far they are."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NotRequired
from uuid import UUID

from typing_extensions import TypedDict

from headwater.services.answers.kinds import Exact, Hash, Id, Moment

RunState = Literal[
    "pending", "running", "succeeded", "succeeded_with_quarantine", "partial_success", "failed", "cancelled"
]
"""`partial_success`: with gaps, which a resumption fills."""


class RunTold(TypedDict):
    """A run, and what it rests on by hash.

    kind             import, sync or resubmit
    source           the source's name
    unit_id          the unit of its source; null: the organisation's
    encoding         of a text; empty for what is none
    records_planned  of a source that only estimates them, about so many
    finished_at      null while it runs
    correlation_id   of whoever asked for it, in every log entry about it
    recipe_hash      null where it had none
    factor_set       the emission factors that it was calculated with; null where nothing is
    reference_codes  the codes that references were looked up among; null where there are none
    blob_sha256      of the file as it came; null where it was none
    text_sha256      of its text, as it was read; null where it is none
    """

    run_id: Id
    state: RunState
    kind: str
    source: str
    unit_id: Id | None
    encoding: str
    records_planned: int
    chunks_planned: int
    started_at: Moment
    finished_at: Moment | None
    correlation_id: str | None
    source_id: Hash
    contract_hash: Hash
    mapping_hash: Hash
    recipe_hash: Hash | None
    factor_set: Hash | None
    reference_codes: Hash | None
    blob_sha256: Hash | None
    text_sha256: Hash | None


class RunLedger(TypedDict):
    """What a run has read and what became of it, in records: read = mapped + skipped + quarantined_raw, and produced =
    inserted + updated + unchanged + merged + quarantined.

    quarantined_raw  refused as they were read; how many are open still, `open_in_quarantine` says
    merged           equal to another of the same key
    quarantined      refused by the contract, likewise
    skipped          reason → records
    calculation      what was calculated, and what was not: outcome → activities
    """

    read: int
    mapped: int
    quarantined_raw: int
    produced: int
    inserted: int
    updated: int
    unchanged: int
    merged: int
    quarantined: int
    skipped: dict[str, int]
    calculation: dict[str, int]


class ChunkCounts(TypedDict):
    """Chunks of a run.

    failed  gaps, which a resumption fills
    """

    planned: int
    committed: int
    failed: int


class RunFindings(TypedDict):
    """What was noticed.

    refused  rule → findings on records that are open in quarantine still, of those that the ledger counts; for a
             resubmission on refused repairs
    noticed  rule → findings on records that were loaded
    """

    refused: dict[str, int]
    noticed: dict[str, int]


class RemoteVersion(TypedDict):
    """A file of a store.

    version  an ETag or a version id
    address  as the store says it
    """

    version: str
    address: NotRequired[str | None]


class ColumnChange(TypedDict):
    """A column that is not as it was.

    kind     what happened to it
    before   its name, or for a retyped column the kind of its values
    after    likewise
    read_as  of a name that was not there, the fields that the mapping fills from it; null where it does not read it
    is_read  whether the mapping reads the column, as it is or as it was
    """

    kind: str
    column: str
    before: str | None
    after: str | None
    read_as: NotRequired[list[str] | None]
    is_read: NotRequired[bool]


class RunDrift(TypedDict):
    """What changed in the columns since the last file through the mapping.

    mode   what was to be done about it, as the recipe says or who had it run
    since  the source of the last run
    """

    mode: str
    since: str
    changes: list[ColumnChange]


class KeyTakenShown(TypedDict):
    """A mended record that was refused, since another stands under its key.

    key    the refused record
    field  of the key, and its `value`
    """

    key: str
    field: str
    value: str
    message: str


class KeysTaken(TypedDict):
    """Mended records that were refused, since others stand under their keys.

    records  the first of them
    total    how many there are
    """

    records: list[KeyTakenShown]
    total: int


class SumCompared(TypedDict):
    """A sum over a column of a source, beside that of the field that it fills. Decimals as texts."""

    column: str
    read: Exact
    stands: Exact
    difference: Exact


class SumLeftOut(TypedDict):
    """A field of numbers of which no sum is compared.

    field   null where it is so of all
    column  that fills it; null where an expression does
    """

    field: str | None
    column: str | None
    why: str


class ColumnAtSource(TypedDict):
    """What a source says of a column of numbers, beside what was read of it. Decimals as texts.

    values        how many, by the source
    values_read   how many were read
    sum           by the source; left out where it is not told
    sum_read      of what was read
    sum_not_told  why there is no sum
    """

    values: int
    values_read: int
    sum: NotRequired[Exact]
    sum_read: NotRequired[Exact]
    sum_not_told: NotRequired[str]


class NotToldBySource(TypedDict):
    """Chunks of which a source has said nothing, and why."""

    chunks: int
    why: str


class AtSourceTold(TypedDict):
    """What a source itself counts and sums of the chunks that it was asked about.

    chunks              it was asked about; none of the fields but `not_told` stand where there are none
    at_once             whether it told in the transaction in which was read: else what changed meanwhile differs
    rows                by the source
    rows_read           of the same chunks
    columns             column → values and sum
    chunks_that_differ  their numbers
    not_told            chunks of which it has said nothing
    """

    chunks: NotRequired[int]
    at_once: NotRequired[bool]
    rows: NotRequired[int]
    rows_read: NotRequired[int]
    columns: NotRequired[dict[str, ColumnAtSource]]
    chunks_that_differ: NotRequired[list[int]]
    not_told: NotRequired[list[NotToldBySource]]


class SweptRows(TypedDict):
    """Rows that a full load has deleted, since its source no longer holds them.

    results  that were calculated from the records
    """

    records: int
    results: NotRequired[int]


class Reconciliation(TypedDict):
    """Of a sync, what was read and what stands; of another full load, what was deleted.

    read                    records
    stands                  of these, rows that stand
    sums_read               column → sum, over all that was read
    source                  what the source itself says of what was read
    rows_of_source          that stand, of the whole source, where all of it was read: those too that another source has
                            brought, and without those that are left to others
    rows_of_others          of these, rows that another source has brought, and this one delivers too
    rows_left_to_others     rows that the source has brought and holds no more; they stay, since another delivers them
    rows_of_sync            that stand of those that this run has brought, where only what changed was read
    fields                  field → sums, source against these rows
    made_by_other_mappings  where only what changed was read: version → records that an earlier text of the mapping made
    nothing_deleted         why a full load has deleted nothing
    """

    read: NotRequired[int]
    stands: NotRequired[int]
    merged: NotRequired[int]
    quarantined: NotRequired[int]
    skipped: NotRequired[int]
    sums_read: NotRequired[dict[str, Exact]]
    source: NotRequired[AtSourceTold]
    rows_of_source: NotRequired[int]
    rows_of_others: NotRequired[int]
    rows_left_to_others: NotRequired[int]
    rows_of_sync: NotRequired[int]
    fields: NotRequired[dict[str, SumCompared]]
    not_compared: NotRequired[list[SumLeftOut]]
    made_by_other_mappings: NotRequired[dict[str, int]]
    nothing_deleted: NotRequired[str]
    deleted: NotRequired[SweptRows]


class RunShown(RunTold):
    """A run with its ledger, and what it rests on by hash.

    contract              name and version
    mapping               name and version
    seconds               from the plan to the end of the last attempt; null while it runs
    remote                of a file of a store; null for any other
    deleted               what a full load has deleted; null where it is none, or deleted nothing for a reason
    open_in_quarantine    refused records that are open still
    settled_in_quarantine refused records that are settled, by state: dismissed before or since, resubmitted, expired
    open_of_earlier_runs  of a sync: run → refused records of its source that are open still and that it did not meet
    warnings              what was noticed about the file as a whole
    drift                 null where the columns are those of the last file
    gaps                  number of a chunk → why it could not be loaded
    key_taken             of a resubmission, only where there are some
    reconciliation        of syncs and full loads
    differences           what differing sums may come from, and where to look; only where some differ
    differs_at_source     what the source itself counts and sums otherwise; only where something differs
    left_as_made          what was not read again since the mapping became another; only where something was not
    also_delivered        of a sync of all rows, how many another source delivers too; only where there are some
    """

    contract: str
    mapping: str
    seconds: float | None
    ledger: RunLedger
    remote: RemoteVersion | None
    deleted: SweptRows | None
    chunks: ChunkCounts
    findings: RunFindings
    open_in_quarantine: int
    settled_in_quarantine: dict[str, int]
    open_of_earlier_runs: NotRequired[dict[str, int]]
    warnings: list[str]
    drift: RunDrift | None
    gaps: dict[str, str]
    key_taken: NotRequired[KeysTaken]
    reconciliation: NotRequired[Reconciliation]
    differences: NotRequired[list[str]]
    differs_at_source: NotRequired[list[str]]
    left_as_made: NotRequired[list[str]]
    also_delivered: NotRequired[list[str]]


class ErrorKept(TypedDict):
    """Why something did not come to its end.

    kind     as the page of errors calls it
    message  all of it in sentences
    what     is wrong, in a sentence
    where    a field, a thing, a place in a file
    value    that was refused
    valid    what would be taken
    remedy   what to do
    gaps     of a run, chunks that are missing
    """

    kind: NotRequired[str]
    message: NotRequired[str]
    what: NotRequired[str | None]
    where: NotRequired[str | None]
    value: NotRequired[str | None]
    valid: NotRequired[str | None]
    remedy: NotRequired[str | None]
    gaps: NotRequired[int]


class RunListed(TypedDict):
    """A run in a list.

    kind           import, sync or resubmit
    source_name    the source
    connector_id   of a sync
    finished_at    null while it runs
    error          why it did not come to its end; null where it did, or runs still
    unit_id        the unit of its source; null: the organisation's
    """

    run_id: UUID
    kind: str
    state: RunState
    source_name: str
    source_id: Hash
    connector_id: UUID | None
    contract_hash: Hash
    mapping_hash: Hash
    chunks_planned: int
    records_planned: int
    started_at: datetime
    finished_at: datetime | None
    error: ErrorKept | None
    unit_id: UUID | None


class ChunkListed(TypedDict):
    """A chunk of a run, with its ledger in records; null in the ledger until it is committed.

    records          planned
    skipped          reason → records
    quarantined_raw  refused as they were read
    merged           equal to another of the same key
    quarantined      refused by the contract
    superseded       rows that a later load has replaced
    attempts         how often it was begun
    error            why it is a gap; null where it is none
    first_record     number of its first record in the source, from 1
    first_line       line, row or index of that
    """

    run_id: UUID
    chunk_no: int
    chunk_id: UUID
    state: Literal["pending", "committed", "failed"]
    records: int
    read: int | None
    mapped: int | None
    skipped: dict[str, int]
    quarantined_raw: int | None
    produced: int | None
    inserted: int | None
    updated: int | None
    unchanged: int | None
    merged: int | None
    quarantined: int | None
    superseded: int
    attempts: int
    error: ErrorKept | None
    committed_at: datetime | None
    first_record: int
    first_line: int
