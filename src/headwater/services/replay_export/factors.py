"""Factors and instruments of an exported file, as they were pinned, through the licence gate."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.accounting.factors import gate, licences_of
from headwater.replay.figures import factor_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

_FACTS = {
    "factor_id": ("factor_id", "activity_type", "region", "source", "licence"),
    "instrument_id": ("instrument_id", "kind", "market", "source", "licence"),
}
"""What is told of one that was left out, by the key of its contract."""


@dataclass(frozen=True, kw_only=True)
class Gated:
    """A set as it may be passed on: to the byte as it was pinned where all of it may."""

    content: bytes
    left_out: list[dict[str, Any]]
    licences: list[dict[str, Any]]


def gated(content: bytes, key: str = "factor_id") -> Gated:
    """The pinned factors or instruments without what may not be passed on; the licences are those of all of them."""
    words = {"true": True, "false": False}
    rows = [
        {**row, "factor_id": row[key], "source": row["source"] or "not stated",
         "redistributable": words.get(row.get("redistributable") or "")}
        for row in factor_rows(content.decode())
    ]  # fmt: skip
    left_out, licences = gate_told(rows, key)
    gone = {str(row[key]) for row in left_out}
    return Gated(content=_without(content, key, gone) if gone else content, left_out=left_out, licences=licences)


def gate_told(rows: Sequence[Mapping[str, Any]], key: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What is told of those that may not be passed on, and of the licences of all. Rows bear their key as factor_id."""
    _, gone = gate(rows)
    why = {each.factor_id: each.why for each in gone}
    left_out = [
        {**{name: row[name] for name in _FACTS.get(key, (key, "source", "licence"))}, "why": why[row["factor_id"]]}
        for row in rows
        if row["factor_id"] in why
    ]
    licences = [{"source": each.source, "licence": each.licence, "factors": each.factors} for each in licences_of(rows)]
    return left_out, licences


def _without(content: bytes, key: str, gone: Collection[str]) -> bytes:
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    place = rows[0].index(key)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(
        row for number, row in enumerate(rows) if number == 0 or row[place] not in gone
    )
    return out.getvalue().encode()


def lines_of(content: bytes) -> Iterator[bytes]:
    """A text line by line, each with its line end."""
    *whole, rest = content.split(b"\n")
    yield from (line + b"\n" for line in whole)
    if rest:
        yield rest
