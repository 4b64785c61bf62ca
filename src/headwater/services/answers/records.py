"""Records of any contract, what was deleted of them, and the audit chain."""

from __future__ import annotations

from datetime import datetime

from typing_extensions import TypedDict

from headwater.replay.differences import Difference
from headwater.services.answers.kinds import FreeObject, Hash, Id, Moment, Value
from headwater.services.answers.quarantine import FindingTold
from headwater.services.answers.runs import RunShown
from headwater.services.records import Record
from headwater.services.replay.deletions import ToldDeletion


class PastRecord(TypedDict):
    """A version of a record that was replaced or deleted.

    key            fields of a key are joined by `|`
    version        hash of its values
    values         field of the contract → value; decimals as texts, null where it has none
    absent         why values are not there, where the source says so
    chunk_id       the chunk that brought it, and `record_no` in the source, from 1
    unit_id        null: the organisation's
    superseded_by  the chunk, or the deletion, that put another in its place
    operation      what became of it
    """

    key: str
    version: Hash
    values: dict[str, Value]
    absent: str | None
    chunk_id: Id
    record_no: int
    unit_id: Id | None
    superseded_by: Id
    operation: str


class RefusedEntered(TypedDict):
    """A record that was entered and is refused.

    id        by which it is shown and mended
    findings  all that is wrong
    """

    id: str
    findings: list[FindingTold]


class RecordsEntered(TypedDict):
    """What became of records that were entered by hand.

    run      that loaded them; its ledger counts them
    refused  those that are in quarantine now
    """

    run: RunShown
    refused: list[RefusedEntered]


class RecordCorrected(TypedDict):
    """What became of a record that was corrected by hand.

    run     that loaded it
    record  as it stands now
    """

    run: RunShown
    record: Record


class DeletedRecord(TypedDict):
    """A record that is deleted or destroyed.

    record_key   masked where it is personal; null where nobody opens it any more
    deletion_id  that it was deleted by, perhaps with others
    destroyed    whether there is no way back
    """

    record_key: str | None
    deletion_id: Id
    destroyed: bool
    reason: str
    deleted_by: str
    deleted_at: Moment


class Admitted(TypedDict):
    """Destroyed records that may come in again.

    admitted  how many
    """

    admitted: int


class AuditListed(TypedDict):
    """An entry of the audit chain.

    actor       who did it
    resource    what with
    result      done or failed
    payload     what else is told; its fields depend on `action`
    prev_hash   of the entry before
    entry_hash  of this one, over all of it
    """

    seq: int
    at: datetime
    actor: str
    action: str
    resource: str
    result: str
    payload: FreeObject
    prev_hash: Hash
    entry_hash: Hash


class Verified(TypedDict):
    """What was checked, and what did not agree.

    checked            how many of each: audit entries, documents, files, runs, chunks, records read, rows by table
    differences        the first of those found
    by_table           how many differences there are in each table
    erased             files that were erased: what was loaded from them is held against its hashes only
    redacted           files in which somebody's records were erased: these are held against their hashes only
    not_recomputed     run → why it could not be done again
    of_other_versions  runs made by another version of Headwater or its engine; this one computed them again
    anchor             the head of the chain, to be noted elsewhere; null where the chain was changed
    deletions          what people deleted by hand, restored, destroyed and let in again
    ok                 whether everything agrees and everything that was not erased was computed again
    found              how many differences there are, shown or not
    """

    checked: dict[str, int]
    differences: list[Difference]
    by_table: dict[str, int]
    erased: list[str]
    redacted: list[str]
    not_recomputed: dict[str, str]
    of_other_versions: list[str]
    anchor: str | None
    deletions: list[ToldDeletion]
    ok: bool
    found: int
