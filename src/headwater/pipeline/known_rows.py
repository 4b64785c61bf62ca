"""By which cells a refused record is known again when its source sends it once more.

A file's record is known by all of its cells: it has no key, and what nobody reads may be all that tells two records
apart. A row of a table that has a key is known by that and by the cells that the mapping reads: what nobody reads may
come, go and change without making another row of it. One in which a column of the key is blank has none, and is known
as a file's record is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from headwater.contracts.bulk import literal
from headwater.engine.fragments import quote_name
from headwater.values import record_text_sql, sha256_sql
from headwater.values.canonical import cells_text, sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KNOWN_BY = "known_by"
"""In the layout of a run: the columns by which it knows refused rows again."""
BARE = "known_bare"
"""In the layout of a run: that rows are known by the cells of these columns alone, not by whose cells they are, as rows
were that were refused while they were known by all of their cells.
"""
KEY = "known_key"
"""In the layout of a run: those of the columns that are a row's key, where none of them is blank."""


def quarantine_key(source_id: bytes, raw_hash: bytes) -> str:
    """32 hex digits that name a bad record of a source, however often it is read."""
    return sha256(source_id.hex() + raw_hash.hex())[:16].hex()


def quarantine_key_sql(source_id: bytes, raw_hash: str) -> str:
    """SQL twin of `quarantine_key` over a BLOB expression."""
    return f"left(sha256('{source_id.hex()}' || lower(hex({raw_hash}))), 32)"


def known_by(
    identity: Sequence[str], read: Sequence[str], columns: Sequence[str], before: Mapping[str, Any] | None
) -> dict[str, Any]:
    """How a run of a table that has these columns knows refused rows, for its layout; {} for by all of their cells.

    identity  the columns that the source tells rows apart by
    read      those that the mapping reads
    before    the layout of the run that refused rows of the source last. What they are known by stays, where it holds
              all that is read and is there still: a mapping that reads less makes no other row of any.
    """
    if not identity:
        return {}
    wanted = sorted({*identity, *read})
    if before is not None:
        last = list(before.get(KNOWN_BY) or before["columns"])
        if set(wanted) <= set(last) <= set(columns):
            return {KNOWN_BY: last, BARE: before.get(BARE, KNOWN_BY not in before), KEY: list(identity)}
    return {KNOWN_BY: wanted, BARE: False, KEY: list(identity)}


@dataclass(frozen=True, kw_only=True)
class RowNames:
    """The ids of a source's refused records.

    columns  by which rows are known; () for by all of their cells
    key      those of them that must not be blank in a row: else it is known by all of its cells, too
    """

    source_id: bytes
    columns: tuple[str, ...] = ()
    is_bare: bool = False
    key: tuple[str, ...] = ()

    @classmethod
    def of_run(cls, source_id: bytes, layout: Mapping[str, Any]) -> RowNames:
        """Of a run with this layout."""
        return cls(
            source_id=source_id,
            columns=tuple(layout.get(KNOWN_BY) or ()),
            is_bare=bool(layout.get(BARE)),
            key=tuple(layout.get(KEY) or ()),
        )

    def beside(self, columns: Sequence[str]) -> RowNames:
        """Those of rows that these cells refuse, too: they say what was judged, though no mapping reads them."""
        more = sorted(name for name in columns if name not in self.columns)
        return replace(self, columns=(*self.columns, *more)) if self.columns else self

    def of(self, cells: Mapping[str, str | None]) -> str:
        """Of a record, its cells by column in order."""
        if not self.columns or not all(cells[name] for name in self.key):
            return quarantine_key(self.source_id, sha256(cells_text(cells.values())))
        said = [text for name in self.columns for text in self._named(name, cells[name])]
        return quarantine_key(self.source_id, sha256(cells_text(said)))

    def sql(self, table: str, raw_hash: str) -> str:
        """SQL twin over a relation of cells; `raw_hash` is an expression of the hash of all of them."""
        of_all = quarantine_key_sql(self.source_id, raw_hash)
        if not self.columns:
            return of_all
        said = [text for name in self.columns for text in self._named(literal(name), f"{table}.{quote_name(name)}")]
        by_key = quarantine_key_sql(self.source_id, sha256_sql(record_text_sql(said)))
        blank = " OR ".join(f"coalesce({table}.{quote_name(name)}, '') = ''" for name in self.key)
        return f"CASE WHEN {blank} THEN {of_all} ELSE {by_key} END" if blank else by_key

    def _named(self, name: str, cell: Any) -> tuple[Any, ...]:
        """A cell with whose it is: the same text in another column is another row's."""
        return (cell,) if self.is_bare else (name, cell)
