"""Numbers that a run wrote into its records, with the sign before decimals by which its mapping reads them.

A refused record keeps its cells as texts. A mapping that reads another sign would find other numbers in them, though in
a new reading of the source they would be the same: 1.125 of a sheet is `1,125` there, and `1.125` in the record.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headwater.mapping.compile import columns_read
from headwater.services.sources import decimal_written

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from headwater.mapping import Mapping
    from headwater.store.fixes import OpenRecord
    from headwater.store.runs import Run


def number_with(sign: str) -> str:
    """Pattern of a number with decimals."""
    return rf"[+-]?[0-9]*[{sign}][0-9]+(?:[eE][+-]?[0-9]+)?"


class WrittenNumbers:
    """What a mapping would misread in the records that runs have refused last."""

    def __init__(self, runs: Sequence[Run], mapping: Mapping, columns: Sequence[str]) -> None:
        reads = mapping.for_columns(columns).locale.decimal
        self._columns = tuple(columns_read(mapping, columns))
        self._numbers: dict[UUID, re.Pattern[str]] = {}
        for run in runs:
            written = decimal_written(run.layout)
            if written not in {None, reads}:
                self._numbers[run.run_id] = re.compile(number_with(written))

    def misread(self, record: OpenRecord) -> bool:
        """Whether a cell that the mapping reads may be such a number: of a text that looks so nobody knows any more."""
        number = self._numbers.get(record.run_id)
        return number is not None and any(number.fullmatch(record.raw.get(name) or "") for name in self._columns)
