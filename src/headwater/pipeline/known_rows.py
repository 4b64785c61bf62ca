"""By which cells a refused record is known again when its source sends it once more.

A file's record is known by all of its cells. A table's row is known by the key that its source tells rows apart by, and
by the cells that the mapping reads: what nobody reads may come, go and change without making another row of it. Where
a run reads other columns than the run before, rows refused by then are known in the way they were known last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.engine.fragments import quote_name
from headwater.values import record_text_sql, sha256_sql
from headwater.values.canonical import record_text, sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

WAYS = "known_by"
"""In the layout of a run: the columns by which it knows rows, then those by which runs before did, the latest first."""

IN_PART = "-"
"""Before an id in `others`: that way knows nothing of a column that is read now and that has a text in this row."""


def quarantine_key(source_id: bytes, raw_hash: bytes) -> str:
    """32 hex digits that name a bad record of a source, however often it is read."""
    return sha256(source_id.hex() + raw_hash.hex())[:16].hex()


def quarantine_key_sql(source_id: bytes, raw_hash: str) -> str:
    """SQL twin of `quarantine_key` over a BLOB expression."""
    return f"left(sha256('{source_id.hex()}' || lower(hex({raw_hash}))), 32)"


def ways_in(layout: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """How a run knows refused rows again; () where it does by all of their cells, or sends them mended."""
    return () if "mends" in layout else tuple(tuple(way) for way in layout.get(WAYS) or ())


def ways_now(
    identity: Sequence[str], read: Sequence[str], columns: Sequence[str], earlier: Iterable[Mapping[str, Any]]
) -> list[list[str]]:
    """The ways of a run of a table that has these columns, for its layout.

    identity  the columns that the source tells rows apart by
    read      those that the mapping reads, in its order: a column that has another name now, or another place, is read
              for the same field, and is the same cell
    earlier   the layouts of the runs that refused rows of the source last, the latest first
    """
    ways = [list(dict.fromkeys((*identity, *read))) or list(columns)]
    for layout in earlier:
        way = list((ways_in(layout) or (layout["columns"],))[0])
        if not ways_in(layout) and not set(way) <= set(columns) and len(way) == len(columns):
            way = list(columns)  # all cells, in order, whatever the columns were called
        if set(way) <= set(columns) and way not in ways:
            ways.append(way)
    return ways


@dataclass(frozen=True, kw_only=True)
class RowNames:
    """The ids of a source's refused records, `ways` as `ways_in` gives them.

    Beside its id a record has `others`: the ids by which the same row may stand, in the order of the ways, separated by
    blanks; None where it is known by all of its cells.
    """

    source_id: bytes
    ways: tuple[tuple[str, ...], ...] = ()

    def of(self, cells: Mapping[str, str | None]) -> tuple[str, str | None]:
        """Of a record, its cells by column in order."""
        if not self.ways:
            return self._by(list(cells.values())), None
        first, *others = ([cells[name] for name in way] for way in self.ways)
        said = (
            ("" if not any(cells[name] for name in more) else IN_PART) + self._by(way)
            for way, more in zip(others, self._more(), strict=True)
        )
        return self._by(first), " ".join(said)

    def sql(self, table: str, raw_hash: str) -> tuple[str, str]:
        """SQL twin over a relation of cells; `raw_hash` is an expression of the hash of all of them."""
        if not self.ways:
            return quarantine_key_sql(self.source_id, raw_hash), "CAST(NULL AS VARCHAR)"
        first, *others = (self._by_sql([f"{table}.{quote_name(name)}" for name in way]) for way in self.ways)
        said = [
            f"CASE WHEN {_blank(table, more)} THEN '' ELSE '{IN_PART}' END || {way}"
            for way, more in zip(others, self._more(), strict=True)
        ]
        return first, f"concat_ws(' ', {', '.join(said)})" if said else "''"

    def _more(self) -> list[list[str]]:
        """For each other way the columns that are read now and that it knows nothing of."""
        first, *others = self.ways
        return [[name for name in first if name not in way] for way in others]

    def _by(self, cells: Sequence[str | None]) -> str:
        return quarantine_key(self.source_id, sha256(record_text(cells)))

    def _by_sql(self, cells: Sequence[str]) -> str:
        return quarantine_key_sql(self.source_id, sha256_sql(record_text_sql(cells)))


def _blank(table: str, columns: Sequence[str]) -> str:
    return " AND ".join(f"coalesce({table}.{quote_name(name)}, '') = ''" for name in columns) or "true"
