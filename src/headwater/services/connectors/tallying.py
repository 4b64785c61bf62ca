"""What a source says of its rows itself, chunk by chunk in the read that brought them, held against what was read.

It is kept with the chunk, at the end of the file that has its rows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from headwater.connectors.protocol import ColumnTally, Tally
from headwater.errors import HeadwaterError
from headwater.mapping.compile import columns_read
from headwater.telemetry import get_logger
from headwater.values.sums import exact_sum

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow.parquet as pq

    from headwater.contracts import Document
    from headwater.mapping import Mapping
    from headwater.services.answers.runs import AtSourceTold
    from headwater.services.connectors.sums_read import SumsRead

TALLY = "headwater.tally"
NOT_TOLD = "connectors of kind {} do not have their source count"
BEFORE = "was read before its source was asked"
SWITCHED_OFF = "`count_at_source` of the connector is off"
NO_ANSWER = (
    "the source gave no count ({kind}; the log says more), and was not asked again.{remedy}"
    " `headwater connectors change NAME --set count_at_source=false` leaves the question out"
)


def columns_to_tally(
    mapping: Mapping, contract: Document, columns: Sequence[str], at_source: Sequence[str]
) -> list[str]:
    """The source's columns of which sums are asked for, where they turn out to be numbers: all that the mapping reads
    but those that fill a key or what is personal, for sums are kept for good.
    """
    kept_back = {spec.name for spec in contract.fields if spec.key or spec.personal}
    read = columns_read(mapping, columns)
    return [name for name in at_source if name in read and not kept_back & set(read[name])]


class SourceAsked:
    """Asks the source of a run to count, chunk by chunk, until it refuses once: where it runs out of time for one
    chunk, it would for each.
    """

    def __init__(self, connector: str) -> None:
        self._connector = connector
        self._refused: str | None = None

    def as_kept(self, tally: Callable[[], Tally], chunk_no: int) -> str:
        """What the source says, as text. Where it does not answer that is kept: a sync does not fail for it."""
        if self._refused is not None:
            return self._refused
        try:
            told = tally()
        except HeadwaterError as error:
            about = {"connector": self._connector, "chunk": chunk_no, "error": str(error)}
            get_logger(__name__).warning("the source gave no count, and is not asked again in this run", **about)
            self._refused = json.dumps({"why": _no_answer(error)})
            return self._refused
        columns = {
            name: [each.values, None if each.sum is None else str(each.sum)] for name, each in told.columns.items()
        }
        return json.dumps({"rows": told.rows, "columns": columns, "at_once": told.at_once})


def _no_answer(error: HeadwaterError) -> str:
    """Without what is wrong, in which a database may quote a value: this is kept for good, and the log has it."""
    remedy = f" {error.remedy.rstrip('.')};" if error.remedy else ""
    return NO_ANSWER.format(kind=type(error).__name__, remedy=remedy)


def not_asked(kind: str | None = None) -> str:
    """What is kept of a source that is not to be asked, or is of a kind that does not count."""
    return json.dumps({"why": SWITCHED_OFF if kind is None else NOT_TOLD.format(kind)})


def kept_in(file: pq.ParquetFile) -> Tally | str | None:
    """What the source said of the rows of this file; why it said nothing; None where none was asked yet."""
    kept = (file.metadata.metadata or {}).get(TALLY.encode())
    if kept is None:
        return None
    told = json.loads(kept)
    if "why" in told:
        return str(told["why"])
    columns = {
        name: ColumnTally(values=values, sum=None if total is None else Decimal(total))
        for name, (values, total) in told["columns"].items()
    }
    return Tally(rows=told["rows"], columns=columns, at_once=told["at_once"])


@dataclass(kw_only=True)
class AtSource:
    """What a source has said of the chunks of a run, summed, beside what was read of the same chunks."""

    chunks: int = 0
    differing: list[int] = field(default_factory=list)
    at_once: bool = True
    rows: list[int] = field(default_factory=lambda: [0, 0])
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    silent: dict[str, int] = field(default_factory=dict)

    def add(self, chunk_no: int, told: Tally | str | None, read: SumsRead) -> None:
        """One chunk more."""
        if not isinstance(told, Tally):
            why = BEFORE if told is None else told
            self.silent[why] = self.silent.get(why, 0) + 1
            return
        self.chunks += 1
        self.at_once = self.at_once and told.at_once
        self.rows = [self.rows[0] + told.rows, self.rows[1] + read.rows]
        differs = told.rows != read.rows
        for name, each in told.columns.items():
            if name in read.values:
                differs |= self._add_column(name, each, read)
        if differs:
            self.differing.append(chunk_no)

    def _add_column(self, name: str, told: ColumnTally, read: SumsRead) -> bool:
        column = self.columns.setdefault(name, {"values": [0, 0], "sums": None, "is_whole": True})
        column["values"] = [column["values"][0] + told.values, column["values"][1] + read.values[name]]
        total = read.sums.get(name)
        if told.sum is None or total is None:
            column["is_whole"] = False
            return told.values != read.values[name]
        before = column["sums"] or [Decimal(0), Decimal(0)]
        column["sums"] = [exact_sum((before[0], told.sum)), exact_sum((before[1], total))]
        return (told.values, told.sum) != (read.values[name], total)

    def as_json(self) -> AtSourceTold:
        """Plain values: of rows, and of each column's values and sums, what the source says and what was read; a sum is
        over the chunks that both can sum.
        """
        silent: AtSourceTold = {"not_told": [{"chunks": count, "why": why} for why, count in self.silent.items()]}
        if not self.chunks:
            return silent if self.silent else {}
        columns: dict[str, Any] = {
            name: _said("values", *each["values"])
            | (_said("sum", *each["sums"]) if each["sums"] is not None else {})
            | ({} if each["is_whole"] else {"sum_not_told": NO_SUM})
            for name, each in sorted(self.columns.items())
        }
        return {
            "chunks": self.chunks,
            "at_once": self.at_once,
            "rows": self.rows[0],
            "rows_read": self.rows[1],
            "columns": columns,
            "chunks_that_differ": self.differing,
            **(silent if self.silent else {}),
        }


NO_SUM = "not all of it can be summed exactly, by the source or here: a sum is of the chunks that can"


def _said(what: str, told: int | Decimal, read: int | Decimal) -> dict[str, Any]:
    plain = str if isinstance(told, Decimal) else int
    return {what: plain(told), f"{what}_read": plain(read)}
