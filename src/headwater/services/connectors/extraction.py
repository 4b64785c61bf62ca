"""What a sync reads: each chunk kept as a Parquet file before anything is made of it, then brought to text."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.connectors.csv_file import ChunkSpan, Extract
from headwater.connectors.parquet_file.texts import texts
from headwater.connectors.protocol import Connector, Selection, SourceChunk
from headwater.contracts import Document
from headwater.errors import InputRefused
from headwater.services.connectors.asking import Asker
from headwater.services.connectors.keeping import opened, tables_of
from headwater.services.connectors.kinds import kind_named
from headwater.services.connectors.pacing import wait
from headwater.services.connectors.reading_ahead import ReadingAhead
from headwater.services.connectors.sums_read import DECIMAL
from headwater.services.connectors.tallying import TALLY, SourceAsked, not_asked
from headwater.services.run_texts import RunTexts
from headwater.store.blobs import BlobFile
from headwater.store.connectors import get_connector, source_chunks_of
from headwater.store.documents import get_contract
from headwater.store.runs import hold_connector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from headwater.services.installation import Installation
    from headwater.services.run_texts import HasTexts
    from headwater.store.blobs import Blob, BlobWriter
    from headwater.store.connectors import PlannedSourceChunk, StoredConnector
    from headwater.store.runs import Run

    Footer = Callable[[], Mapping[str, str]]

MAX_CHUNK_ROWS = 1_000_000
"""Records are numbered by chunk: the first of chunk n is this many times n − 1, plus 1. No chunk may have more."""
KEY_SEPARATOR = "|"


def first_record(chunk_no: int) -> int:
    """The number of the first record of a chunk, whatever those before it turn out to hold."""
    return (chunk_no - 1) * MAX_CHUNK_ROWS + 1


class SyncTexts(RunTexts):
    """Reads the chunks of a sync from their source; what was read before is not asked for again.

    to_do       the chunks that will be taken, in order
    read_ahead  how many are read before their turn comes; None for as many as is usual with this kind of connector
    most_rows   rows of a chunk that are enough; None for all
    last_alone  the last chunk is read once all others are, as it is of every plan by a cursor
    names_last  whether the key of the last row of each chunk is kept with it
    """

    def __init__(
        self,
        installation: Installation,
        run: HasTexts,
        stored: StoredConnector,
        chunks: Sequence[PlannedSourceChunk],
        *,
        to_do: Sequence[int],
        read_ahead: int | None,
        most_rows: int | None = None,
        last_alone: bool = False,
        names_last: bool = True,
    ) -> None:
        super().__init__(installation, run)
        self._stored = stored
        self._chunks = {each.chunk_no: each for each in chunks}
        self._most_rows = most_rows
        self._names_last = names_last
        self._given_up = Event()
        waits = partial(wait, unless=self._given_up)
        self._asker = Asker(installation, stored.connector_id, stored.name, wait=waits, of_run=True)
        # As the run's numbers are read: what is written of them among texts is written so.
        self._selection = replace(selection_of(dict(run.layout)["selection"]), decimal=str(run.layout["decimal"]))
        self._source: Connector | None = None
        self._asked = SourceAsked(stored.name)
        self._read: dict[int, tuple[Extract, int]] = {}
        usual = kind_named(self._stored.kind).read_ahead
        ahead = 0 if usual is None else usual if read_ahead is None else read_ahead
        # Rows that change meanwhile move up, into the last chunk: by a cursor, or with a new key.
        last = max(self._chunks, default=0) if last_alone or self._selection.cursor is not None else None
        order = [number for number in to_do if number != last]
        self._ahead = ReadingAhead(self._extract, order, ahead, self._given_up)

    def __enter__(self) -> Self:
        with ExitStack() as stack:  # what is open is closed again where the connector cannot be held
            held = stack.enter_context(self._installation.database.holding(self._installation.tenant_id))
            hold_connector(held, self._installation.tenant_id, self._stored.connector_id, self._stored.name)
            # Opening a connector reaches nothing yet, so that a source that is down shows with the first chunk.
            source = stack.enter_context(opened(self._installation, self._stored, given_up=self._given_up))
            self._source = tables_of(source, self._stored)
            self._asker.repeat_requests(source)
            stack.enter_context(self._ahead)
            self._stack = stack.pop_all()
        return self

    def give_up(self) -> None:
        """Whoever waits to ask the source, or asks it again, waits no longer, and what is being read is left."""
        self._given_up.set()

    def take(self, span: ChunkSpan) -> tuple[ChunkSpan, bytes]:
        """Read a chunk of the source and keep it. InputRefused, after several tries, where that cannot be done."""
        if span.extract is not None:
            return super().take(span)
        about = f"chunk {span.chunk_no} of {self._selection.table}"
        if span.chunk_no not in self._read:
            self._read[span.chunk_no] = self._asker.ask(lambda: self._ahead.take(span.chunk_no), about=about)
            self._ahead.go_on(after=span.chunk_no)
        extract, records = self._read[span.chunk_no]
        data = self.text_of(extract)
        start = self.layout.data_byte
        return (
            ChunkSpan(
                chunk_no=span.chunk_no,
                byte_start=start,
                byte_end=start + len(data),
                first_record=span.first_record,
                first_line=span.first_line,
                records=records,
                extract=extract,
            ),
            data,
        )

    def _extract(self, chunk_no: int) -> tuple[Extract, int]:
        planned = self._chunks[chunk_no]
        chunk = SourceChunk(
            chunk_no=chunk_no,
            locator=planned.locator,
            rows=planned.records,
            cursor_to=planned.cursor_to,
            window_start=planned.window_start,
            window_end=planned.window_end,
        )
        where = f"connector {self._stored.name} of kind {self._stored.kind}, chunk {chunk_no}"
        names = list(dict(self._run.layout)["source_columns"])
        keys = [name for name in self._selection.key if name in names and self._names_last]
        with (
            self._reading(chunk) as (batches, footer),
            self._installation.blobs.writer(self._installation.tenant_id) as writer,
        ):
            wanted = self._ahead.until_given_up(first_rows(batches, self._most_rows))
            rows, last = write_parquet(wanted, names, keys, writer, where=where, footer=footer)
        return _extract_of(writer.blob, last), rows

    @contextmanager
    def _reading(self, chunk: SourceChunk) -> Iterator[tuple[Iterator[pa.RecordBatch], Footer]]:
        """The rows of a chunk, and what is to be kept with them."""
        sign = self._selection.decimal
        said = {} if sign == "." else {DECIMAL: sign}
        with self._counted(chunk) as (batches, told):
            yield batches, lambda: {**said, **told()}

    @contextmanager
    def _counted(self, chunk: SourceChunk) -> Iterator[tuple[Iterator[pa.RecordBatch], Footer]]:
        """The rows of a chunk, and what else is to be kept with them: what the source says of them itself, of a chunk
        that is read to its end.
        """
        if self._source is None:
            raise AssertionError("chunks are taken inside the with block")
        is_asked = self._stored.config.get("count_at_source", True)
        if not hasattr(self._source, "read_tallied") or self._most_rows is not None or not is_asked:
            kind = None if hasattr(self._source, "read_tallied") else self._stored.kind
            why = {} if kind is None and is_asked else {TALLY: not_asked(kind)}
            with self._source.read(self._selection, chunk) as batches:
                yield batches, lambda: why
            return
        columns = dict(self._run.layout).get("tallied", [])
        with self._source.read_tallied(self._selection, chunk, columns) as (batches, tally):
            yield batches, lambda: {TALLY: self._asked.as_kept(tally, chunk.chunk_no)}


def sync_texts(
    installation: Installation, run: Run, *, to_do: Sequence[int], read_ahead: int | None, last_alone: bool = False
) -> SyncTexts:
    """The chunks of a sync as its run was planned."""
    if run.connector_id is None:
        raise AssertionError("a sync has a connector")
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        stored = get_connector(connection, tenant_id, run.connector_id)
        chunks = source_chunks_of(connection, tenant_id, run.run_id)
        contract = Document.from_json(get_contract(connection, run.contract_hash).body)
    # The chain, which tells it for good, holds nothing personal in clear.
    is_personal = any(spec.personal for spec in installation.contract(contract.name, contract.major).key)
    return SyncTexts(
        installation,
        run,
        stored,
        chunks,
        to_do=to_do,
        read_ahead=read_ahead,
        last_alone=last_alone,
        names_last=not is_personal,
    )


def first_rows(batches: Iterator[pa.RecordBatch], rows: int | None) -> Iterator[pa.RecordBatch]:
    """Batches until there are so many rows, at least one; None for all."""
    if rows is None:
        yield from batches
        return
    for batch in batches:
        yield batch.slice(0, rows)
        rows -= batch.num_rows
        if rows <= 0:
            return


def write_parquet(
    batches: Iterator[pa.RecordBatch],
    names: Sequence[str],
    keys: Sequence[str],
    writer: BlobWriter,
    *,
    where: str,
    footer: Footer = dict,
) -> tuple[int, str | None]:
    """Write batches as one Parquet file, and then what `footer` says; how many rows, and the key of the last.

    InputRefused where the columns are not those of the plan, the rows more than a chunk may have, or there is no batch.
    """
    rows, last = 0, None
    parquet: pq.ParquetWriter | None = None
    sink = pa.PythonFile(BlobFile(writer), mode="w")
    with ExitStack() as stack:  # what is not read to its end is closed too, while there is what it is written to
        for batch in batches:
            rows += batch.num_rows
            _check_batch(batch, names, rows, where)
            if parquet is None:
                parquet = stack.enter_context(pq.ParquetWriter(sink, batch.schema, compression="zstd"))
            parquet.write_batch(batch)
            if batch.num_rows and keys:
                last = _last_key(batch, keys)
        if parquet is None:
            raise InputRefused(
                "the connector gave no batch of rows, not even an empty one that tells the columns",
                where=where,
                remedy="This is a fault of the connector: tell its author, for whom `headwater.testing` finds it.",
            )
        if said := footer():
            parquet.add_key_value_metadata(dict(said))
    return rows, last


def _check_batch(batch: pa.RecordBatch, names: Sequence[str], rows: int, where: str) -> None:
    if batch.schema.names != list(names):
        raise _other_columns(batch.schema.names, names, where)
    if rows > MAX_CHUNK_ROWS:
        raise InputRefused(
            "the chunk has more rows than one may have",
            where=where,
            value=rows,
            valid=f"at most {MAX_CHUNK_ROWS:,}",
            remedy="Plan smaller ones: load.chunk_size in the recipe, or a cursor to cut the table by.",
        )


def selection_of(body: Mapping[str, Any]) -> Selection:
    """A selection as it was stored with its run."""
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in body.items()}
    return Selection(**values)


def _last_key(batch: pa.RecordBatch, keys: Sequence[str]) -> str:
    row = batch.slice(batch.num_rows - 1)
    return KEY_SEPARATOR.join(str(texts(row.column(key), ".")[0].as_py()) for key in keys)


def _extract_of(blob: Blob, last: str | None) -> Extract:
    return Extract(sha256=blob.sha256, size=blob.size, last_row=last)


def _other_columns(found: Sequence[str], planned: Sequence[str], where: str) -> InputRefused:
    gone = [name for name in planned if name not in found]
    new = [name for name in found if name not in planned]
    said = [f"{', '.join(gone)} gone"] if gone else []
    said += [f"{', '.join(new)} new"] if new else []
    return InputRefused(
        "the columns of the source changed while it was read",
        where=where,
        value="; ".join(said) or "another order",
        valid=", ".join(planned),
        remedy="Sync again: the columns are looked at when a sync is planned.",
    )
