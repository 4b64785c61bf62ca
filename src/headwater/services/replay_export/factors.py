"""The factors of an exported file, as they were pinned, through the licence gate."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.accounting.factors import gate, licences_of
from headwater.replay.figures import factor_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_FACTS = ("factor_id", "activity_type", "region", "source", "licence")


@dataclass(frozen=True, kw_only=True)
class Gated:
    """A set as it may be passed on: to the byte as it was pinned where all of it may."""

    content: bytes
    left_out: list[dict[str, Any]]
    licences: list[dict[str, Any]]


def gated(content: bytes) -> Gated:
    """The pinned set without what may not be passed on; the licences are those of all of it."""
    words = {"true": True, "false": False}
    rows = [
        {**row, "redistributable": words.get(row["redistributable"] or "")} for row in factor_rows(content.decode())
    ]
    _, gone = gate(rows)
    why = {each.factor_id: each.why for each in gone}
    left_out = [
        {**{name: row[name] for name in _FACTS}, "why": why[str(row["factor_id"])]}
        for row in rows
        if row["factor_id"] in why
    ]
    licences = [{"source": each.source, "licence": each.licence, "factors": each.factors} for each in licences_of(rows)]
    return Gated(content=_without(content, why) if why else content, left_out=left_out, licences=licences)


def _without(content: bytes, factor_ids: Collection[str]) -> bytes:
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    place = rows[0].index("factor_id")
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(
        row for number, row in enumerate(rows) if number == 0 or row[place] not in factor_ids
    )
    return out.getvalue().encode()


def lines_of(content: bytes) -> Iterator[bytes]:
    """A text line by line, each with its line end."""
    *whole, rest = content.split(b"\n")
    yield from (line + b"\n" for line in whole)
    if rest:
        yield rest
