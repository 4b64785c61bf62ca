"""What an export keeps back of pinned rows: fields that hold personal data. Rows go through one at a time."""

from __future__ import annotations

import csv
import io
from typing import IO, TYPE_CHECKING

from headwater.replay.inventory import KEPT_BACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.contracts import Document


class Redaction:
    """The rows of a pinned table, to the byte as they were pinned but for personal values; `rows` counts those."""

    def __init__(self, contract: Document) -> None:
        self._personal = {spec.name for spec in contract.fields if spec.personal}
        self.rows = 0

    def lines(self, file: IO[bytes]) -> Iterator[bytes]:
        """Each row as it goes out, with its line end; the header is the first."""
        places: list[int] | None = None
        for record in _records(file):
            (cells,) = csv.reader(io.StringIO(record.decode(), newline="\n"), strict=True)
            if places is None:
                places = [place for place, name in enumerate(cells) if name in self._personal]
            elif any(cells[place] for place in places):
                self.rows += 1
                for place in places:
                    cells[place] = cells[place] and KEPT_BACK
                yield _quoted(cells)
                continue
            yield record


def _records(file: IO[bytes]) -> Iterator[bytes]:
    """The records of a CSV: a line goes on where a quote is open."""
    parts: list[bytes] = []
    quotes = 0
    for line in file:
        parts.append(line)
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            yield b"".join(parts)
            parts, quotes = [], 0
    if parts:
        yield b"".join(parts)


def _quoted(cells: list[str]) -> bytes:
    """As pinned rows are written: a value in quotes, a missing one without."""
    return (",".join('"' + cell.replace('"', '""') + '"' if cell else "" for cell in cells) + "\n").encode()
