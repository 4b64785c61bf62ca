"""Sums of what was read of a chunk, as its file has it: of whole numbers, decimals, and numbers that come as text."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from headwater.connectors.protocol import NUMBERS
from headwater.values.kinds.notation import notation
from headwater.values.sums import exact_sum
from headwater.values.text_format import absent_words

if TYPE_CHECKING:
    from collections.abc import Collection

    import pyarrow.parquet as pq

    from headwater.values import TextFormat

WIDTHS = (pa.decimal256(70, 12), pa.decimal256(70, 38))
"""What sums are made in: the first that holds every value of a batch. Arrow wraps a sum that is wider than its type
without a word; with six digits less than the type has no million of values comes to one.
"""
WIDEST = pa.decimal256(76, 38)
"""What Arrow cannot hold the sums of; Python can."""
NO_NUMBERS = pa.array(["NaN", "Infinity", "-Infinity"])
NO_NUMBER = (
    "comes as text, and not each is a plain number: digits, at most 38 decimals, the signs before them and between"
    " thousands that the mapping's locale names"
)
DECIMAL = "headwater.decimal"
"""In what is kept beside the rows of a chunk: the sign that its connector was told to put before the decimals of
numbers among texts (`Selection.decimal`); nothing where that is a point, or nobody was told.
"""
NESTED = "is part of a nested column"


@dataclass(kw_only=True)
class SumsRead:
    """Of columns the values that are no null and their sums; of those that have no exact sum, why."""

    rows: int = 0
    values: dict[str, int] = field(default_factory=dict)
    sums: dict[str, Decimal] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def add(self, other: SumsRead) -> None:
        """Sums over both; a column without one in either has none."""
        self.rows += other.rows
        self.left_out |= other.left_out
        for name, count in other.values.items():
            self.values[name] = self.values.get(name, 0) + count
        for name, total in other.sums.items():
            self.sums[name] = exact_sum((self.sums.get(name, Decimal(0)), total))
        for name in self.left_out:
            self.sums.pop(name, None)


def sums_read(
    file: pq.ParquetFile, columns: Collection[str], *, numbers: Collection[str], written: TextFormat
) -> SumsRead:
    """Over the file of a chunk. Those of `numbers` hold nothing else at the source, whatever they come as: what is NaN
    or endless there is left out, as the source leaves it out. Of other texts the numbers are those that are `written`
    as the mapping reads them.
    """
    decimal = (file.metadata.metadata or {}).get(DECIMAL.encode(), b".").decode()
    kinds = {each.name: each.type for each in file.schema_arrow}
    read = SumsRead(rows=file.metadata.num_rows)
    for name in columns:
        if name not in kinds:
            read.left_out[name] = NESTED
        elif not _is_exact(kinds[name]):
            read.left_out[name] = f"comes as {kinds[name]}, of which no exact sum is made"
        else:
            read.values[name], read.sums[name] = 0, Decimal(0)
    names = sorted(read.sums)
    texts = {
        name
        for name in set(names) - set(numbers)
        if _is_text(kinds[name]) and not NUMBERS.items() <= (file.schema_arrow.field(name).metadata or {}).items()
    }
    for batch in file.iter_batches(columns=names) if names else ():
        for name in names:
            column = batch.column(name)
            column = _as_mapped(column, written) if name in texts else _with_points(column, decimal)
            _add(read, name, column, is_number=name in numbers)
    return read


def _as_mapped(column: Any, written: TextFormat) -> Any:
    """Texts that are plain numbers as the mapping reads them, with a point before their decimals and nothing between
    thousands; null where there is no value. All others stay as they are.
    """
    trimmed = pc.utf8_trim_whitespace(column.cast(pa.string()))
    absent = pa.array(["", *absent_words(written, with_defaults=True)])
    form = notation(written)
    ungrouped = f"[0-9]+(?:[{form.decimal}][0-9]+)?"
    whole = f"(?:{form.grouped}|{ungrouped})" if form.grouped else ungrouped
    bare = pc.replace_substring_regex(trimmed, f"[^0-9+{form.decimal}-]", "")
    plain = pc.replace_substring(bare, form.decimal, ".")
    found = pc.if_else(pc.match_substring_regex(trimmed, f"^[+-]?{whole}$"), plain, trimmed)
    return pc.if_else(pc.is_in(pc.utf8_lower(trimmed), absent), pa.scalar(None, pa.string()), found)


def _with_points(column: Any, decimal: str) -> Any:
    """Numbers among texts have a point before their decimals, unless texts beside them have one."""
    if decimal == "." or not pa.types.is_string(column.type) or pc.any(pc.match_substring(column, ".")).as_py():
        return column
    return pc.replace_substring_regex(column, rf"^([+-]?[0-9]+){decimal}([0-9]+)$", r"\1.\2")


def _is_exact(kind: pa.DataType) -> bool:
    return pa.types.is_decimal(kind) or pa.types.is_integer(kind) or _is_text(kind)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _add(read: SumsRead, name: str, column: Any, *, is_number: bool) -> None:
    read.values[name] += len(column) - column.null_count
    if name in read.left_out:
        return
    if is_number and _is_text(column.type):
        column = column.filter(pc.invert(pc.is_in(column, NO_NUMBERS)))
    if (total := sum_of(column)) is None:
        read.left_out[name] = NO_NUMBER
        del read.sums[name]
    else:
        read.sums[name] = exact_sum((read.sums[name], total))


def sum_of(column: Any) -> Decimal | None:
    """Of a batch, in which there are at most a million values; None where not each is a number."""
    for width in WIDTHS:
        with suppress(pa.ArrowInvalid):
            return pc.sum(column.cast(width)).as_py() or Decimal(0)
    try:
        values = column.cast(WIDEST).to_pylist()
    except pa.ArrowInvalid:
        return None
    return exact_sum(value for value in values if value is not None)
