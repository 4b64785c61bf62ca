"""Files on their way to a run: what they are, what stands in them, and why they are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NotRequired
from uuid import UUID

from typing_extensions import TypedDict

from headwater.connectors.inspection import SheetInfo
from headwater.mapping.profile import Convention, OddCells
from headwater.services.answers.kinds import FreeObject, Hash
from headwater.services.answers.quarantine import FindingTold
from headwater.services.answers.runs import ErrorKept, RunState
from headwater.services.run_progress import RunProgress

ImportState = Literal["uploading", "uploaded", "scanned", "inspected", "mapped", "planned", "refused", "cancelled"]


class ImportListed(TypedDict):
    """An import in a list.

    state      once it is `planned`, that of its run stands in `run_state`
    size       bytes of the whole file
    received   bytes that are here and durable
    sha256     of the file; null until it is whole
    mapping    by which it is read; null until one is chosen
    error      why it is refused
    run_id     null until it is planned
    job_id     that carries the run out: ask `/jobs/{job}`; null until it is planned
    unit_id    that its source is to belong to; null where none was said
    """

    import_id: UUID
    state: ImportState
    name: str
    size: int
    received: int
    sha256: Hash | None
    mapping: str | None
    error: ErrorKept | None
    run_id: UUID | None
    job_id: UUID | None
    version: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    unit_id: UUID | None
    run_state: RunState | None


class ColumnProfiled(TypedDict):
    """A column of the first records of a file.

    kind      number, integer, date, timestamp, boolean, code, text or blank
    share     of the texts that are of its kind, 0 to 1
    records   looked at
    filled    records with a text
    distinct  different texts
    unit      as its name, or a row of units, says
    absent    words that stand for "no value" → how often
    examples  the most frequent texts
    is_year   whole numbers that are years
    low       of the numbers, as far as they can be read
    high      likewise
    odd       of a column that holds numbers or dates but for some cells, those
    blanks    share of the records without a text, 0 to 1
    """

    name: str
    kind: str
    share: float
    records: int
    filled: int
    distinct: int
    unit: str | None
    absent: dict[str, int]
    examples: list[str]
    is_year: bool
    low: float | None
    high: float | None
    odd: OddCells | None
    blanks: float


class ImportProfile(TypedDict):
    """How the values of a file are written.

    decimal     the sign before decimals
    group       the sign between thousands; null where no number is grouped
    date_order  the order of day, month and year
    """

    records: int
    columns: list[ColumnProfiled]
    decimal: Convention
    group: str | None
    date_order: Convention


class Undecided(TypedDict):
    """Why a file cannot be read before a mapping says how, and what it may say.

    setting  what a mapping would have to say
    choices  the first that there are, `of` so many
    what     is not decided, in a sentence
    """

    setting: str
    choices: list[str]
    of: int
    what: str | None
    where: str | None
    value: str | None
    valid: str | None
    remedy: str | None


class InspectionFound(TypedDict):
    """What inspection found in a file. Where somebody of whom it spoke was erased, format, encoding and columns stay.

    size          bytes
    encoding      of a text; empty for a binary format
    confidence    of everything found together, 0 to 1
    evidence      why it is thought to be so
    config        all of it in the form that mappings take as `source`
    header_line   line or row of the header, from 1; 0 where the names stand in every record, as in JSON
    preamble      the lines above the header
    columns       names as the mapping uses them
    sample        up to 20 records from the top, the texts of each in the order of `columns`
    sample_lines  the line, row or index of each of them
    units         column and its unit, where a row below the header says so
    sheets        of a workbook, all of them
    members       of an archive, those that could be read
    member        of an archive, the one that was inspected
    contract      of a workbook to fill in, name and version of the one it was made for
    mappings      those for which every column they need is there
    undecided     of a file that can be read in several ways, which a mapping has to choose from; else left out
    """

    format: str | None
    name: NotRequired[str]
    size: NotRequired[int]
    encoding: str | None
    confidence: NotRequired[float]
    evidence: NotRequired[list[str]]
    config: NotRequired[FreeObject]
    header_line: NotRequired[int]
    preamble: NotRequired[list[str]]
    columns: list[str]
    sample: NotRequired[list[list[str | None]]]
    sample_lines: NotRequired[list[int]]
    warnings: NotRequired[list[str]]
    units: NotRequired[list[list[str]]]
    sheets: NotRequired[list[SheetInfo]]
    members: NotRequired[list[str]]
    member: NotRequired[str | None]
    contract: NotRequired[str | None]
    profile: NotRequired[ImportProfile]
    mappings: NotRequired[list[str]]
    undecided: NotRequired[Undecided]


class ImportShown(TypedDict):
    """An import, and how far its run is.

    size      bytes of the whole file
    received  bytes that are here and durable
    sha256    of the file; null until it is whole
    mapping   by which it is read; null until one is chosen
    found     null until it is inspected
    error     why it is refused
    run_id    null until it is planned
    job_id    that carries the run out: ask `/jobs/{job}`; null until it is planned
    unit_id   that its source is to belong to; null where none was said
    """

    import_id: UUID
    state: ImportState
    name: str
    size: int
    received: int
    sha256: Hash | None
    mapping: str | None
    found: InspectionFound | None
    error: ErrorKept | None
    run_id: UUID | None
    job_id: UUID | None
    unit_id: UUID | None
    version: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    run: RunProgress | None


class FirstRows(TypedDict):
    """The first rows of a file as they came.

    numbers   the line, row or index of each
    rows      the texts of each in the order of `columns`
    is_whole  whether these are all
    """

    columns: list[str]
    numbers: list[int]
    rows: list[list[str | None]]
    is_whole: bool


class RefusedExample(FindingTold):
    """A refused record, and what is wrong with it.

    id    by which it is shown and mended
    line  in the file, from 1
    """

    id: str
    line: int


class RuleBroken(TypedDict):
    """A rule that records break.

    rule      its id, as the contract has it
    records   how many broke it when the run read them
    examples  the first of them
    open      how many of them are in quarantine still: neither mended nor dismissed
    """

    rule: str
    records: int
    examples: list[RefusedExample]
    open: int


class ImportErrors(TypedDict):
    """What was refused of an import.

    refused  why the file as a whole was; null where it was not
    rules    the most frequent first
    """

    refused: ErrorKept | None
    rules: list[RuleBroken]


class EntryListed(TypedDict):
    """What was done with an import or its run, from the audit chain.

    seq     number of the entry
    actor   who did it
    result  done or failed
    """

    seq: int
    at: datetime
    actor: str
    action: str
    result: str
