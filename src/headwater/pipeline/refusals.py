"""Records refused outside the bulk rules (ragged, or a key in conflict) as rows for quarantine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.documents.counted import counted
from headwater.pipeline.known_rows import quarantine_key
from headwater.values.canonical import cells_text, sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy.typing as npt

    from headwater.connectors.csv_file import Ragged
    from headwater.connectors.csv_file.read import Drifted
    from headwater.contracts.document import Document
    from headwater.pipeline.known_rows import RowNames

_REFUSED: list[tuple[str, pa.DataType]] = [
    ("quarantine_id", pa.string()),
    ("raw_hash", pa.binary()),
    ("record_no", pa.int64()),
    ("line", pa.int64()),
    ("raw", pa.string()),
    ("findings", pa.string()),
    ("key_hash", pa.binary()),
]
REFUSED_SCHEMA = pa.schema(_REFUSED)
RAGGED_RULE = "record.columns"
DRIFT_RULE = "record.drift"
NO_KEY = b""
"""The key hash of a record that no key can be read of."""
KEYED = "keyed:"
"""What a digest of keys begins with in the audit chain that only who has the organisation's key can make."""
UNCUT = ""
"""The column name under which a record stands that could not be cut into columns."""


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A record (in the chunk, from 0) whose key stands with other content, and where that came from.

    Where that is an earlier record of the chunk, `first` is its number and `row_hash` the hash of this one: should the
    earlier one be refused itself, this one is looked at again. `is_older`: what stands has a higher version.
    `is_deleted`: nothing stands, for the record was deleted by hand.
    """

    record_no: int
    stands: str
    newer: bool = False
    first: int | None = None
    row_hash: bytes | None = None
    is_older: bool = False
    is_deleted: bool = False


def held_keys(keys: Sequence[bytes], held: Callable[[str], str]) -> dict[str, str]:
    """What the audit chain holds of the keys that a chunk's refused records were read under; `held`: see
    `ports.ChunkTransaction.held`.
    """
    return {"refused_keys": held(keys_digest(keys))} if keys else {}


def keys_digest(keys: Iterable[bytes]) -> str:
    """SHA-256 of keys, whatever their order."""
    return hashlib.sha256(b"".join(sorted(keys))).hexdigest()


def ragged_rows(ragged: Sequence[Ragged], *, source_id: bytes, first_record: int) -> pa.Table:
    """Records with another number of fields than the header, as they stand in the file."""
    return _table(
        (
            quarantine_key(source_id, raw_hash),
            raw_hash,
            first_record + row.record_no,
            row.line,
            {UNCUT: row.text},
            {
                "rule": RAGGED_RULE,
                "field": "",
                "value": row.text[:200],
                "message": f"The record has {counted(row.actual, 'field')} where the header has {row.expected}.",
                "valid": counted(row.expected, "field"),
                "mend": "Put the missing delimiter in or take the superfluous one out; quote fields that contain it.",
            },
        )
        for row, raw_hash in ((row, sha256(row.text)) for row in ragged)
    )


def drifted_rows(
    drifted: Sequence[Drifted], keys: pa.Array[Any], *, names: RowNames, unwanted: Sequence[str], first_record: int
) -> pa.Table:
    """Records with a text in a column that was not there before, where the recipe says `drift: quarantine`, and the
    hashes of their keys. Of the `unwanted` columns those belong to a record that it says something in: another that
    comes, blank, makes no other record of it.
    """
    rows = _table(
        (
            names.beside([name for name in unwanted if row.cells[name].strip()]).of(row.cells),
            sha256(cells_text(row.cells.values())),
            first_record + row.record_no,
            row.line,
            row.cells,
            {
                "rule": DRIFT_RULE,
                "field": "",
                "value": row.cells[row.column][:200],
                "message": f"The column {row.column!r} is new, and the recipe takes no records with a text in it.",
                "valid": f"no text in {row.column!r}",
                "mend": "Where the column may be left unread, run the recipe with load.drift: freeze; "
                "otherwise map it first.",
            },
        )
        for row in drifted
    )
    return _with_keys(rows, hashes_as_bytes(keys))


def hashes_as_bytes(keys: pa.Array[Any]) -> pa.Array[Any]:
    """Hashes of keys as they are stored, eight bytes each, or `NO_KEY` for null."""
    hashes: npt.NDArray[np.uint64] = keys.fill_null(0).to_numpy(zero_copy_only=False)
    width = hashes.dtype.itemsize
    cells = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(keys), [None, pa.py_buffer(hashes.tobytes())])
    stored: pa.Array[Any] = pc.if_else(keys.is_valid(), cells.cast(pa.binary()), pa.scalar(NO_KEY, pa.binary()))
    return stored


def conflict_rows(
    conflicts: Sequence[Conflict],
    raw: pa.Table,
    record_nos: npt.NDArray[np.int32],
    lines: npt.NDArray[np.int64],
    *,
    document: Document,
    names: RowNames,
    first_record: int,
    keys: Mapping[int, bytes],
    told: Mapping[int, str],
) -> pa.Table:
    """Records whose key stands with other content; `raw`, `record_nos` and `lines` are the chunk's, aligned. `keys` has
    the hashes of their keys, `told` the keys that may be told.
    """
    if not conflicts:
        return REFUSED_SCHEMA.empty_table()
    places = np.searchsorted(record_nos, [conflict.record_no for conflict in conflicts])
    rows = raw.take(places).to_pylist()
    table = _table(
        (
            names.of(cells),
            sha256(cells_text(cells.values())),
            first_record + conflict.record_no,
            int(lines[place]),
            cells,
            _conflict_finding(conflict, document, told.get(conflict.record_no, "")),
        )
        for conflict, place, cells in zip(conflicts, places, rows, strict=True)
    )
    hashes = pa.array([keys.get(conflict.record_no, NO_KEY) for conflict in conflicts], pa.binary())
    return _with_keys(table, hashes)


def _conflict_finding(conflict: Conflict, document: Document, told: str) -> dict[str, str]:
    keys = ", ".join(spec.name for spec in document.key)
    if conflict.is_older:
        return {
            "rule": f"{document.name}.version.older",
            "field": keys,
            "value": "",
            "message": f"A higher version of the record with this {keys} stands already: {conflict.stands}.",
            "valid": "a version as high as the one that stands, or higher",
            "mend": "Dismiss the record: the source has replaced it. Where its version is wrong, correct that.",
        }
    if conflict.is_deleted:
        return {
            "rule": f"{document.name}.key.deleted",
            "field": keys,
            "value": "",
            "message": f"The record with this {keys} was deleted by hand.",
            "valid": "a record that was not deleted",
            "mend": "Dismiss the record; or restore the deleted one by `headwater records restore`, and mend it then.",
        }
    newer = " by a newer run" if conflict.newer else ""
    return {
        "rule": f"{document.name}.key.conflict",
        "field": keys,
        "value": told,
        "message": f"Another record with the same {keys} and other content stands already{newer}: {conflict.stands}.",
        "valid": f"one record for each {keys}",
        "mend": "Correct the key where two things share it by mistake; dismiss the record where it is the wrong one.",
    }


def _with_keys(rows: pa.Table, keys: pa.Array[Any]) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index("key_hash"), "key_hash", keys)


def _table(rows: Any) -> pa.Table:
    columns: Mapping[str, list[Any]] = {name: [] for name in REFUSED_SCHEMA.names}
    for quarantine_id, raw_hash, record_no, line, cells, finding in rows:
        columns["quarantine_id"].append(quarantine_id)
        columns["raw_hash"].append(raw_hash)
        columns["record_no"].append(record_no)
        columns["line"].append(line)
        columns["raw"].append(json.dumps(cells, ensure_ascii=False))
        columns["findings"].append(json.dumps([finding], ensure_ascii=False))
        columns["key_hash"].append(NO_KEY)
    return pa.table(columns, schema=REFUSED_SCHEMA)
