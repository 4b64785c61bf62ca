"""The one form in which a table of texts is kept: UTF-8 CSV, the names first, quotes only where they are needed.

Written here and not by a library, since verification makes the same bytes again years later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow.compute as pc

from headwater.connectors.text_table.parts import Batch, Part, Table

DELIMITER, QUOTE, LINE_END = ",", '"', "\n"
_TO_QUOTE = '[",\r\n]'


def write_text(table: Table, write: Callable[[bytes], object]) -> tuple[Part, ...]:
    """Write all of a table; where its records stand in the file. A ragged record stays one: see `_uneven`."""
    write(_line(table.columns).encode())
    parts: list[Part] = []
    record, expected = 1, None
    for batch in table.batches:
        if not batch.rows.num_rows:
            continue
        if (batch.part, batch.first_number, batch.columns) != expected:
            parts.append(
                Part(
                    name=batch.part,
                    first_record=record,
                    first_number=batch.first_number,
                    columns=batch.columns,
                )
            )
        write(_lines(batch))
        record += batch.rows.num_rows
        number = batch.first_number + batch.rows.num_rows // (len(batch.columns) or 1)
        expected = (batch.part, number, batch.columns)
    return tuple(parts)


def _lines(batch: Batch) -> bytes:
    columns = [_quoted(column) for column in batch.rows.combine_chunks().columns]
    joined = pc.binary_join_element_wise(*columns, DELIMITER) if len(columns) > 1 else columns[0]
    lines = joined.to_pylist()
    for index, cells in batch.ragged.items():
        lines[index] = _line(_uneven(cells, batch.rows.num_columns)).removesuffix(LINE_END)
    return (LINE_END.join(lines) + LINE_END).encode()


def _quoted(column: Any) -> Any:
    needs = pc.match_substring_regex(column, _TO_QUOTE)
    if not pc.any(needs).as_py():
        return column
    doubled = pc.replace_substring(column, QUOTE, QUOTE * 2)
    return pc.if_else(needs, pc.binary_join_element_wise(QUOTE, doubled, QUOTE, ""), column)


def _line(cells: Sequence[str]) -> str:
    return DELIMITER.join(map(_cell, cells)) + LINE_END


def _cell(text: str) -> str:
    return f"{QUOTE}{text.replace(QUOTE, QUOTE * 2)}{QUOTE}" if any(sign in text for sign in '",\r\n') else text


def _uneven(cells: Sequence[str], columns: int) -> Sequence[str]:
    """A record of the wrong length for its file must be so here, where columns may have been added or taken."""
    return [*cells, ""] if len(cells) == columns else cells
