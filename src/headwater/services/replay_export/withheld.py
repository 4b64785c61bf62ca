"""What an export keeps back: personal values of pinned rows; of a run that loads factors, those not to be passed on.

Rows go through one at a time.
"""

from __future__ import annotations

import csv
import io
from typing import IO, TYPE_CHECKING, Any

from headwater.contracts.row_text import canonical_texts
from headwater.replay.inventory import KEPT_BACK
from headwater.replay.records import RowMaker
from headwater.services.replay_export.factors import gate_told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headwater.contracts import Document

MAY_GO_OUT = "redistributable"
"""The field by which a contract says of a row whether it may be passed on."""
NO_ROW = "it has no row that says whether it may be passed on"


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


class RunGate:
    """The records of a run whose contract says what may be passed on: those whose rows say so, the others by hash."""

    def __init__(self, contract: Document, program: Mapping[str, Any], version: str | None) -> None:
        self._contract = contract
        self._maker = RowMaker(contract, program, None)
        self._version = version
        self._rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._without: list[dict[str, Any]] = []
        self.withheld: set[int] = set()

    def cells(self, number: int, cells: Sequence[str]) -> list[str] | dict[str, Any]:
        """The cells of a record, or in their place what its key is and the hash of its row."""
        row = self._maker.make(cells)
        if row.values is None:
            self.withheld.add(number)
            self._without.append({"record": number, "why": NO_ROW})
            return {"key": None, "version": None, "row_hash": ""}
        texts = canonical_texts(self._contract, row.values)
        key = [texts[spec.name] for spec in self._contract.key]
        said = {name: row.values.get(name) for name in ("source", "licence", MAY_GO_OUT)}
        self._rows.setdefault((*key, *said.values()), {**texts, **said})
        if said[MAY_GO_OUT]:
            return list(cells)
        self.withheld.add(number)
        version = None if self._version is None else texts[self._version]
        return {"key": key, "version": version, "row_hash": row.row_hash.hex()}

    def told(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """What was left out, and the licences of all that there is."""
        name = self._contract.key[0].name
        rows = [{**row, "factor_id": row[name], "source": row["source"] or "not stated"} for row in self._rows.values()]
        left_out, licences = gate_told(rows, name)
        return left_out + self._without, licences


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
