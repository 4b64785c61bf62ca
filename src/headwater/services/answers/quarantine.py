"""Refused records, what was sent in their place, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NotRequired
from uuid import UUID

from typing_extensions import TypedDict

from headwater.services.answers.kinds import Hash, Id
from headwater.services.answers.runs import RunShown

QuarantineState = Literal["open", "repaired", "resubmitted", "dismissed", "expired"]


class FindingTold(TypedDict):
    """Why a record is refused, and how it is mended.

    rule   its id, as the contract has it
    field  of the contract; null where the record as a whole is meant
    value  as it stood there
    valid  what would be taken
    mend   what to do
    """

    rule: str
    field: NotRequired[str | None]
    value: NotRequired[str | None]
    message: str
    valid: NotRequired[str | None]
    mend: NotRequired[str | None]


class RefusedListed(TypedDict):
    """A refused record in a list.

    id            by which it is shown, mended and dismissed
    occurrence    of several equal records of a source, which
    contract      name and version
    chunk_id      in which it was read first
    record_no     in the source, from 1; `line` of a workbook is the row, of a JSON array the index
    state_reason  why it was dismissed
    raw           column of the source → text, null where a table has no value there; under an empty name, the text that
                  could not be cut into columns
    findings      all that is wrong
    """

    id: str
    quarantine_id: UUID
    occurrence: int
    source_id: Hash
    contract: str
    chunk_id: UUID
    record_no: int
    line: int
    state: QuarantineState
    state_reason: str | None
    raw: dict[str, str | None]
    findings: list[FindingTold]
    created_at: datetime
    updated_at: datetime


class CellShown(TypedDict):
    """A cell of a refused record.

    column  of the source
    text    null where a table has no value there
    """

    column: str
    text: str | None


class RepairShown(TypedDict):
    """What was sent in place of a refused record.

    outcome   loaded or refused
    findings  what was wrong with it
    actor     who sent it, as the audit chain calls them
    changes   column → what stood there before, and what then; null where that is not known any more
    """

    outcome: str
    findings: list[FindingTold]
    actor: str
    created_at: datetime
    changes: dict[str, list[str | None]] | None


class RefusedShown(TypedDict):
    """A refused record with its cells in the order of the source, and everything that was sent in its place.

    state_reason  why it was dismissed
    contract      name and version
    run_id        the run that refused it last
    place         where it stands in its source, in words
    findings      all that is wrong
    tried         of one that is open and was mended in vain: what was wrong the last time
    """

    id: str
    state: QuarantineState
    state_reason: str | None
    contract: str
    run_id: Id
    source: str
    place: str
    cells: list[CellShown]
    findings: list[FindingTold]
    tried: list[FindingTold] | None
    created_at: datetime
    updated_at: datetime
    repairs: list[RepairShown]


class Resubmitted(TypedDict):
    """What became of mended records.

    run      that sent them; its ledger counts them
    records  as they stand now
    """

    run: RunShown
    records: list[RefusedShown]


class FileResubmitted(TypedDict):
    """An edited export that a worker sends again.

    run_id   of the plan
    job_id   of the worker's job
    sent     of a workbook: records found again, changed or not
    gone     of a workbook: records whose rows are not there any more, and that stay open
    unclear  of a workbook: sheet and row of which it is not certain which row they are now; they stay open
    others   of a workbook: other records that were changed or added, and are not sent
    """

    run_id: Id
    job_id: Id
    sent: NotRequired[int]
    gone: NotRequired[int]
    unclear: NotRequired[list[str]]
    others: NotRequired[int]


class Dismissed(TypedDict):
    """Refused records that need no mending.

    dismissed  how many
    """

    dismissed: int
