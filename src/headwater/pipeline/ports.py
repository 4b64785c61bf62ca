"""What a run needs of the world: a place to load chunks into, and what it remembers. Wired in `services`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from uuid import UUID

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from headwater.connectors.csv_file import ChunkSpan
    from headwater.contracts.document import Document
    from headwater.errors import HeadwaterError


class ChunkTexts(Protocol):
    """The text of the chunks of one run."""

    def take(self, span: ChunkSpan) -> tuple[ChunkSpan, bytes]:
        """The bytes of a chunk, and where they lie: of what is read from a source that is known only then."""

    def give_up(self) -> None:
        """Nothing more will be taken: a `take` that waits in another thread ends, by an error that nobody looks at."""


class Refusal(Protocol):
    """A record whose key stands with other content."""

    @property
    def record_no(self) -> int:
        """In the chunk, from 0."""

    @property
    def stored_record(self) -> int:
        """The record, in its file from 1, that the stored row came from."""

    @property
    def stored_source(self) -> str:
        """The source of the stored row."""

    @property
    def stored_hash(self) -> bytes:
        """The row hash of the stored row."""

    @property
    def newer(self) -> bool:
        """True where the stored row came with a newer run than this one."""


class Replaced(Protocol):
    """A record that took the place of one that another source had brought."""

    @property
    def record_no(self) -> int:
        """In the chunk, from 0."""

    @property
    def stored_record(self) -> int:
        """The record, in its file from 1, that the replaced row came from."""

    @property
    def stored_source(self) -> str:
        """The source of the replaced row."""


class Loaded(Protocol):
    """What became of the rows given to one table."""

    @property
    def inserted(self) -> int:
        """Rows that were not there."""

    @property
    def updated(self) -> int:
        """Rows that replaced one of an older run, kept in history."""

    @property
    def unchanged(self) -> int:
        """Rows equal to one of an older run."""

    @property
    def merged(self) -> int:
        """Rows equal to one this run has loaded already."""

    @property
    def deleted(self) -> int:
        """Calculated rows that are not given any more, kept in history."""

    @property
    def refused(self) -> Sequence[Refusal]:
        """Rows that did not go in."""

    @property
    def older(self) -> Sequence[Refusal]:
        """Rows that did not go in because what stands has a higher version."""

    @property
    def left_out(self) -> Sequence[int]:
        """Rows, by number in the chunk, that did not go in because their record was deleted by hand."""

    @property
    def replaced(self) -> Sequence[Replaced]:
        """Of the updated rows those that took the place of one of another source, where no version decides."""

    @property
    def relies_on(self) -> Sequence[UUID]:
        """Older chunks whose rows were found unchanged."""


class RowsLoaded(Protocol):
    """The rows of its source that a chunk has loaded under one of these keys."""

    def __call__(
        self, identity: Sequence[str], keys: npt.NDArray[np.uint64], /
    ) -> Collection[tuple[int, tuple[str, ...]]]:
        """The hash of each one's key, and its cells in `identity`, the columns by which the source tells rows apart."""


class ChunkTransaction(Protocol):
    """One transaction: all of a chunk or nothing of it."""

    def is_open(self) -> bool:
        """Lock the planned chunk; False where it is committed already."""

    def stands(self, relies_on: Mapping[UUID, int]) -> bool:
        """Whether no chunk relied on has lost a row since."""

    def refused_again(self, root: UUID) -> int:
        """How many records in quarantine that chunk `root` refused would get the same occurrence number in this run,
        refused in this chunk's place.
        """

    def load(
        self,
        document: Document,
        rows: pa.Table,
        *,
        repeated: Callable[[Sequence[int]], Sequence[int]],
        parent: Document | None = None,
        version: str | None = None,
    ) -> Loaded:
        """Bring rows into the table of a contract."""

    def quarantine(self, rows: pa.Table) -> None:
        """Put refused records away: quarantine_id, raw_hash, record_no and line (in the file), raw, findings (JSON),
        key_hash.
        """

    def mend(self, rows: pa.Table) -> None:
        """Write how repairs ended: mends (`<id>.<occurrence>`), record_no (in the file), outcome (loaded, refused),
        findings (JSON), key_hash. A record loaded is `resubmitted` from now on, under that key; one refused stays
        `open`. RetryLater where one of them is not open any more.
        """

    def expire_corrected(self, loaded: RowsLoaded) -> int:
        """Where the run does not read all of its source: expire open records of the source that runs before it refused,
        or lower chunks of its own where the later reading stands, and that are corrected, as the chunk has loaded the
        very row of the source that each was, under the same key; how many. `loaded` is asked for those rows.
        """

    def findings(self, rows: pa.Table) -> None:
        """Note what was seen about loaded records: record_no (in the file), rule_id, field, value, message."""

    def held(self, digest: str) -> str:
        """What the audit chain holds of a digest of keys: where values are personal a keyed hash, by which nobody
        without the organisation's key can try what they were.
        """

    def commit(self, ledger: Mapping[str, Any], *, payload: Mapping[str, Any]) -> None:
        """Write ledger, checkpoint and audit entry, and commit. Of the ledger, `relies_on` names the older chunks that
        this one relies on, and `span` says where the chunk's text lies.
        """


class EarlierChunk(Protocol):
    """A committed chunk of the same source and logic."""

    @property
    def chunk_id(self) -> UUID:
        """Its id."""

    @property
    def raw_sha256(self) -> bytes:
        """Of its slice."""

    @property
    def root(self) -> UUID:
        """The chunk that was transformed: itself, or the one it found itself equal to."""

    @property
    def ledger(self) -> Mapping[str, Any]:
        """Its counts."""

    @property
    def relies_on(self) -> Mapping[UUID, int]:
        """Itself and the older chunks it relies on, each with the number of rows it had lost when this was true."""


class ChunkStore(Protocol):
    """Where the chunks of one run go, and what earlier runs of the same source left."""

    def begin(self, chunk_no: int) -> AbstractContextManager[ChunkTransaction]:
        """Open the transaction of a chunk; left without commit, nothing of it remains."""

    def fail(self, chunk_no: int, error: HeadwaterError) -> None:
        """Record a chunk as a gap, with all that the error says; what it quotes is sealed where values are personal."""

    def earlier(self, chunk_no: int, raw_sha256: bytes) -> EarlierChunk | None:
        """The chunk in the same place with these very bytes and this logic whose rows all stand, or None."""

    def alike(self, chunk_no: int) -> EarlierChunk | None:
        """The chunk of that number in the latest run of the source under this logic whose rows all stand, or None."""

    def standing(self, root: UUID) -> tuple[npt.NDArray[np.void], npt.NDArray[np.uint64]]:
        """Raw hashes (16 bytes) and key hashes of the records of a transformed chunk that stand, aligned."""

    def key_hashes(self, *, after: int = 0) -> Iterator[npt.NDArray[np.uint64]]:
        """Key hashes of what this run has read in its committed chunks, reused ones included, chunk by chunk; in those
        of higher numbers than `after`.
        """
