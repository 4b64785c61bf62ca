"""Records that runs have read of contracts, as they are pinned, held against the rows that stand or stood."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.errors import HeadwaterError
from headwater.mapping.compile import NET, NET_OF
from headwater.pipeline.replay.differences import ABSENT, ROW, Difference
from headwater.pipeline.replay.read_rows import not_stored
from headwater.services.imports import stored_logic
from headwater.services.netting import netted
from headwater.services.run_texts import RunTexts, span_of
from headwater.store.stored_rows import ROW_HASH
from headwater.values.canonical import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from headwater.pipeline.replay.differences import Differences
    from headwater.pipeline.replay.rows import ContractRows
    from headwater.services.installation import Installation
    from headwater.services.replay.runs import ErasedRecords, SeenRun

PINNED = "pinned records"
WHY = "a run has read it so"


class PinnedRecords:
    """What the pinned files say of rows must stand in the tables of the contracts, or in their past."""

    def __init__(self, installation: Installation, rows: Mapping[str, ContractRows], differences: Differences) -> None:
        self._installation = installation
        self._rows = rows
        self._differences = differences
        self.checked = 0

    def check(self, runs: Iterable[SeenRun], erased: set[str], *, theirs: ErasedRecords) -> None:
        """Every run that read records. One whose file is gone or damaged was named before; `theirs` are records of a
        chunk that were erased from it: what others are left with is then not worked out again.
        """
        for seen in runs:
            said = seen.run.layout.get("records")
            if said is None or not seen.is_whole or seen.run.text_sha256.hex() in erased:
                continue
            with suppress(HeadwaterError), RunTexts(self._installation, seen.run) as texts:
                is_whole = True
                for chunk in seen.chunks.values():
                    raw, gone = texts.chunk(span_of(chunk)), theirs(seen, span_of(chunk), texts)
                    is_whole = is_whole and not gone
                    kept = pa.array(~np.isin(raw.record_nos, gone))
                    self._check_chunk(seen, said, raw.table.filter(kept))
                if is_whole:
                    self._check_net(seen, said, texts)

    def _check_net(self, seen: SeenRun, said: Mapping[str, Any], texts: RunTexts) -> None:
        """What is left of each record once others were taken off it, worked out again."""
        mapping = stored_logic(self._installation, seen.run).mapping
        if mapping.net is None:
            return

        def read() -> Iterator[pa.Table]:
            for table in _tables(seen, texts):
                yield table.drop_columns([NET, NET_OF])

        with netted(mapping, said["key"], read) as beside:
            for table, again in zip(_tables(seen, texts), beside, strict=True):
                for name in (NET, NET_OF):
                    unlike = pc.not_equal(table[name], again[name]).to_pylist()
                    for place in (number for number, differs in enumerate(unlike) if differs):
                        key = "|".join(str(table[column][place]) for column in said["key"])
                        self._differences.compare(
                            PINNED, f"run {seen.run.run_id}, {said['contract'][0]} {key}", name,
                            stored=str(table[name][place]), expected=str(again[name][place]), why="worked out again",
                        )  # fmt: skip

    def _check_chunk(self, seen: SeenRun, said: Mapping[str, Any], table: pa.Table) -> None:
        if ROW_HASH not in table.column_names:
            return  # read before hashes were kept
        self.checked += table.num_rows
        of_others = tuple(f"{field}." for field in said["follow"])
        own = {name: table[name] for name in table.column_names if not name.startswith(of_others)}
        self._compare(seen, said["contract"], own)
        for field, contract in said["follow"].items():
            prefix = f"{field}."
            read = {name.removeprefix(prefix): table[name] for name in table.column_names if name.startswith(prefix)}
            (key,) = self._of(contract).document.key
            self._compare(seen, contract, {key.name: table[field], **read})

    def _of(self, contract: tuple[str, int]) -> ContractRows:
        name, major = contract
        return self._rows[f"{name}@{major}"]

    def _compare(self, seen: SeenRun, contract: tuple[str, int], columns: Mapping[str, pa.ChunkedArray[Any]]) -> None:
        """Rows without a hash are those that were not there: blanks stand in their place."""
        rows = self._of(contract)
        read = pa.table(dict(columns))
        read = read.filter(pc.not_equal(read[ROW_HASH], pa.scalar("")))
        fields = [name for name in columns if not name.startswith("_")]
        for place, field, stored, text in not_stored(rows, read, fields):
            parts = [str(read[spec.name][place]) for spec in rows.document.key]
            missing, key = field == ROW, "|".join(parts)
            if missing and SEPARATOR.join(parts) in rows.by_hand.destroyed:
                continue
            self._differences.add(
                Difference(
                    table=PINNED,
                    key=f"run {seen.run.run_id}, {contract[0]} {key}",
                    column="row_hash" if missing else field,
                    stored=ABSENT if missing else stored,
                    expected=str(read[ROW_HASH][place]) if missing else text,
                    why=WHY,
                )
            )


def _tables(seen: SeenRun, texts: RunTexts) -> Iterator[pa.Table]:
    for chunk in seen.chunks.values():
        yield texts.chunk(span_of(chunk)).table
