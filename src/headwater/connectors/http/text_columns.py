"""Records of JSON as columns of text: all digits kept, objects as columns with dots, lists as JSON.

A service may send fields that no record of the plan had. They are not lost: the column `_more` holds them as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

import pyarrow as pa

from headwater.connectors.http.exact_json import Record
from headwater.connectors.nested.cells import Flattener, column_of, columns_of
from headwater.connectors.nested.text import Number
from headwater.connectors.protocol import MIXED, NUMBERS, Column
from headwater.errors import InputRefused

MORE = "_more"
MOST_COLUMNS = 2000
_SCALARS: Mapping[type, str] = {bool: "boolean", Number: "number", str: "string"}
_flatteners = {decimal: Flattener("objects", decimal) for decimal in (".", ",")}


NOT_LOOKED_AT = "JSON"
"""The type of a column whose values nobody has looked at."""


def found_columns(records: Iterable[Record], where: str) -> tuple[str, ...]:
    """The columns that records have, in the order they first come, and `_more`."""
    seen: dict[str, bool] = {}
    for record in records:
        for path, text in _flatteners["."].cells(record, where).items():
            seen[path] = seen.get(path, False) or text is not None
    names = tuple(dict.fromkeys(column_of(path) for path in columns_of(seen)))
    if len(names) > MOST_COLUMNS:
        raise InputRefused(
            "the records have too many columns", where=where, value=len(names), valid=f"at most {MOST_COLUMNS:,}"
        )
    return (*(name for name in names if name != MORE), MORE)


def described(names: Sequence[str], kinds: Mapping[str, str] | None = None) -> tuple[Column, ...]:
    """Columns as the protocol has them; `kinds` as `kinds_of` tells them, of those that were looked at."""
    return tuple(Column(name=name, type=(kinds or {}).get(name, NOT_LOOKED_AT), arrow=pa.string()) for name in names)


def kinds_of(records: Iterable[Record]) -> dict[str, str]:
    """What the values of each column are, in the words of JSON; several where they differ, and null only where nothing
    else came.
    """
    found: dict[str, dict[str, None]] = {}
    for record in records:
        _note_kinds(record, "", found)
    return {name: " or ".join([kind for kind in kinds if kind != "null"] or ["null"]) for name, kinds in found.items()}


def _note_kinds(value: Record, before: str, found: dict[str, dict[str, None]]) -> None:
    for name, item in value.items():
        if isinstance(item, dict):
            _note_kinds(item, f"{before}{name}.", found)
        else:
            kind = "null" if item is None else "array" if isinstance(item, list) else _SCALARS.get(type(item), "JSON")
            found.setdefault(before + name, {})[kind] = None


def cells(record: Record, where: str, decimal: str = ".") -> dict[str, str | None]:
    """A record as texts by column, numbers with this sign before their decimals.

    Of two fields that would be one column, each is kept: the second as name_2.
    """
    made: dict[str, str | None] = {}
    for path, text in _flatteners[decimal].cells(record, where).items():
        name, number = column_of(path), 2
        while name in made:
            name, number = f"{column_of(path)}_{number}", number + 1
        made[name] = text
    return made


def batch(
    records: Sequence[Record], names: Sequence[str], where: str, *, decimal: str = ".", numbers: Collection[str] = ()
) -> pa.RecordBatch:
    """Records as texts; what is in none of the columns stands in `_more`, where that is one of them.

    decimal  as `Selection` has it; the JSON of `_more` has a point, as JSON does
    numbers  columns of which the source says that they hold numbers, whatever its JSON makes of them
    """
    rows = [cells(record, where, decimal) for record in records]
    told = {name: NUMBERS if name in numbers else None if name == MORE else MIXED for name in names}
    schema = pa.schema([pa.field(name, pa.string(), metadata=told[name]) for name in names])
    known = set(names)
    arrays = [
        pa.array(
            [_more(record, row, known, where) for record, row in zip(records, rows, strict=True)]
            if name == MORE
            else [row.get(name) for row in rows],
            pa.string(),
        )
        for name in names
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _more(record: Record, row: dict[str, str | None], known: set[str], where: str) -> str | None:
    if not any(text is not None and (name not in known or name == MORE) for name, text in row.items()):
        return None
    row = cells(record, where)
    rest = {name: text for name, text in row.items() if text is not None and (name not in known or name == MORE)}
    return json.dumps(rest, ensure_ascii=False, separators=(",", ":"))
