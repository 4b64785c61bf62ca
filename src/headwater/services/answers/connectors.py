"""Connectors, what their sources hold, and syncs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from typing_extensions import TypedDict

from headwater.connectors.protocol import Cause, ForeignKey
from headwater.services.answers.kinds import FreeObject, Id
from headwater.services.answers.runs import RunState
from headwater.store.connectors import Circuit


class ConnectorKind(TypedDict):
    """A kind of connectors.

    config  the JSON Schema of its config
    """

    name: str
    config: FreeObject


class ConnectorListed(TypedDict):
    """A connector.

    kind    see `/connector-kinds`, where the schema of its config stands
    config  with references to secrets, never a secret
    """

    name: str
    kind: str
    config: FreeObject
    created_at: datetime


class SourceState(TypedDict):
    """How far a source was read through a connector.

    run_id             its newest run that had chunks
    state              of that
    at_work            whether a process is at that now
    chunks_planned     of that
    chunks_loaded      likewise; of a run that nobody is at what is missing stays so until somebody goes on with it
    last_chunk_no      up to which all of that are committed
    gaps               chunks that are not loaded
    last_cursor        value of the cursor up to which it was read, as text
    last_row_id        key of the last record read, as text; of keys that are texts the last as texts go
    last_window_start  of what is read by windows of time
    last_window_end    likewise
    updated_at         null where nothing is kept of it
    """

    source_name: str
    run_id: UUID
    state: RunState
    at_work: bool
    chunks_planned: int
    chunks_loaded: int
    last_chunk_no: int | None
    gaps: list[int]
    last_cursor: str | None
    last_row_id: str | None
    last_window_start: str | None
    last_window_end: str | None
    updated_at: datetime | None


class SyncListed(TypedDict):
    """A run through a connector.

    finished_at  null while it runs
    """

    run_id: UUID
    source_name: str
    state: RunState
    started_at: datetime
    finished_at: datetime | None
    chunks_planned: int
    records_planned: int


class SyncRefused(TypedDict):
    """A sync that came to no run, since its source or its recipe refused it.

    source_name  the connector's, where its files could not even be listed
    error        why, without values
    """

    source_name: str
    tried_at: datetime
    refused_at: datetime
    error: str


class SourceChange(TypedDict):
    """What of a table of a source is not as it was.

    kind    of a column: added, gone, renamed, retyped or nullable; of the table: key, reference, table_gone or
            table_back. A table is gone where a discovery does not find it: it may be one that may not be read any more
    column  its name; of a reference the columns that refer; null where it is the table's
    before  a name, a type, whether it may be null, the columns of the key, or the columns meant; null where there was
            none
    after   likewise
    """

    kind: str
    column: str | None
    before: str | None
    after: str | None


class SchemaChange(TypedDict):
    """What changed in a table of a source.

    seen_no  how often it was noted
    changes  none where it was noted for the first time
    """

    table_name: str
    seen_no: int
    changes: list[SourceChange]
    seen_at: datetime


class ConnectorShown(ConnectorListed):
    """A connector as it stands.

    circuit         whether its source is left alone just now
    states          how far each source was read
    syncs           the latest first
    refused_syncs   likewise, those that came to no run
    schema_changes  in its tables, the latest first
    """

    circuit: Circuit
    states: list[SourceState]
    syncs: list[SyncListed]
    refused_syncs: list[SyncRefused]
    schema_changes: list[SchemaChange]


class SourceProblem(TypedDict):
    """Why a source cannot be read as configured.

    cause   who can help: the config, the network, or whoever runs the source
    what    is wrong, in a sentence
    where   a field of the config, a table
    valid   what would be taken
    remedy  what to do
    """

    cause: Cause
    what: str
    where: str
    valid: str | None
    remedy: str | None


class ConnectorValidated(TypedDict):
    """Whether a source can be reached and read.

    problems  what stands in the way, worst first; none where it is ok
    """

    ok: bool
    problems: list[SourceProblem]


class ColumnFound(TypedDict):
    """A column as the source has it.

    type      in the source's own words: numeric(38,10)
    arrow     how it is read; what has no exact type there comes as text
    numbers   whether it comes as text and holds numbers nevertheless
    mixed     whether it comes as text and may hold numbers among texts
    bare      whether it comes as text and none begins or ends with a blank, as times and uuids do
    """

    name: str
    type: str
    arrow: str
    nullable: bool
    numbers: bool
    mixed: bool
    bare: bool


class TableFound(TypedDict):
    """Something with rows: a table, a view, an entity set, a report.

    key         columns that together tell one row from all others; none where the source declares none
    cursors     columns that tell what changed, best first
    times       other columns that a sync may name as its cursor, such as business dates
    rows        how many, as the source estimates; null where it does not say
    references  foreign keys, as the source declares them
    """

    name: str
    columns: list[ColumnFound]
    key: list[str]
    cursors: list[str]
    times: list[str]
    rows: int | None
    comment: str
    references: list[ForeignKey]


class SyncPlanned(TypedDict):
    """A sync that a worker carries out.

    run_id  of the plan; `/runs/{run_id}/progress` tells how far it is
    job_id  of the worker's job
    """

    run_id: Id
    job_id: Id
