"""A nested record as cells: each has a path and a text, nothing is lost, nothing is rounded.

A path is text: names joined with NUL, which no name holds. One that begins with NUL is not the file's own (`_key`, the
`pk` of a fixture beside a field of that name). `column_of` makes the name people see.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from headwater.connectors.nested.text import MAX_DEPTH, Number, too_deep

SEP = "\0"
KEY = SEP + "_key"
_LONGEST_PLAIN = 400
_FIXTURE = {"model", "pk", "fields"}
Cells = dict[str, str | None]


def column_of(path: str) -> str:
    """The header cell of a path: address.city."""
    return path.removeprefix(SEP).replace(SEP, ".")


def number_text(number: str, decimal: str) -> str:
    """All digits the file has, written out: 1e3 is 1000. Exponents beyond 400 stay, for the contract to refuse."""
    if "e" in number or "E" in number:
        exact = Decimal(number)
        if abs(exact.adjusted()) > _LONGEST_PLAIN:
            return str(number)
        number = format(exact, "f")
    return number.replace(".", decimal) if decimal != "." else str(number)


def json_text(value: Any, depth: int = 0) -> str:
    """JSON again, without spaces; numbers as the file writes them."""
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        inner = (f"{json.dumps(key, ensure_ascii=False)}:{json_text(item, depth + 1)}" for key, item in value.items())
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(json_text(item, depth + 1) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def scalar_text(value: Any, decimal: str) -> str | None:
    """None for null."""
    if type(value) is str or value is None:
        return value
    if type(value) is Number:
        return number_text(value, decimal)
    if value is True:
        return "TRUE"
    if value is False:
        return "FALSE"
    return json_text(value)


class Flattener:
    """Records of one shape, turned into cells. Raises `TypeError` for a record of another."""

    def __init__(self, shape: str, decimal: str, header: tuple[str, ...] = ()) -> None:
        self._decimal = decimal
        self._header = header
        self._cells = {
            "objects": self._object,
            "fixtures": self._fixture,
            "features": self._feature,
            "rows": self._row,
            "rows with header": self._row,
            "values": self._value,
        }[shape]

    def cells(self, record: Any, place: str, key: str | None = None) -> Cells:
        """The cells of a record; `key` is the name it has in an object keyed by id. A null is a record of blanks."""
        cells: Cells = {} if key is None else {KEY: key}
        if record is not None:
            try:
                self._cells(record, cells)
            except RecursionError as error:
                raise too_deep(place) from error
        return cells

    def _object(self, record: Any, cells: Cells) -> None:
        if not isinstance(record, dict):
            raise TypeError
        self._members(record, "", cells, 0)

    def _members(self, value: dict[str, Any], prefix: str, cells: Cells, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise RecursionError
        for name, item in value.items():
            if type(item) is dict:
                self._members(item, prefix + name + SEP, cells, depth + 1)
            else:
                cells[prefix + name] = scalar_text(item, self._decimal)

    def _fixture(self, record: Any, cells: Cells) -> None:
        if not is_fixture(record):
            self._object(record, cells)
            return
        for name in ("model", "pk"):
            if name in record:
                cells[SEP + name] = scalar_text(record[name], self._decimal)
        self._members(record["fields"], "", cells, 0)

    def _feature(self, record: Any, cells: Cells) -> None:
        if not isinstance(record, dict) or not isinstance(record.get("properties") or {}, dict):
            raise TypeError
        others = {name: item for name, item in record.items() if name not in {"type", "properties", "geometry"}}
        for name, item in others.items():
            cells[SEP + name] = scalar_text(item, self._decimal)
        self._members(record.get("properties") or {}, "", cells, 0)
        geometry = record.get("geometry")
        cells[SEP + "geometry"] = None if geometry is None else json_text(geometry)
        point = _point(geometry)
        if point:
            for name, number in zip(("longitude", "latitude"), point, strict=True):
                cells[SEP + name] = number_text(number, self._decimal)

    def _row(self, record: Any, cells: Cells) -> None:
        if not isinstance(record, list):
            raise TypeError
        for number, item in enumerate(record, start=1):
            text = json_text(item) if isinstance(item, dict) else scalar_text(item, self._decimal)
            cells[f"{SEP}{number:06}{SEP}{self._name(number)}"] = text

    def _name(self, number: int) -> str:
        return self._header[number - 1] if number <= len(self._header) else ""

    def _value(self, record: Any, cells: Cells) -> None:
        if isinstance(record, dict):
            raise TypeError
        cells["value"] = scalar_text(record, self._decimal)


def is_fixture(record: Any) -> bool:
    """Whether a record is one of Django's `dumpdata`."""
    return (
        isinstance(record, dict)
        and {"model", "fields"} <= record.keys() <= _FIXTURE
        and isinstance(record["model"], str)
        and isinstance(record["fields"], dict)
    )


def is_feature(record: Any) -> bool:
    """Whether a record is a Feature of GeoJSON."""
    return isinstance(record, dict) and record.get("type") == "Feature" and record.keys() >= {"geometry", "properties"}


def _point(geometry: Any) -> tuple[Number, Number] | None:
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return None
    place = geometry.get("coordinates")
    if not isinstance(place, list) or len(place) < 2 or not all(type(number) is Number for number in place[:2]):
        return None
    return place[0], place[1]


def columns_of(seen: dict[str, bool]) -> tuple[str, ...]:
    """The paths that become columns, of those seen and whether each was ever more than null.

    A path that was null only and an object elsewhere (`address` beside `address.city`) has nothing to say.
    """
    parents = {parent for path in seen for parent in _above(path)}
    return tuple(path for path, filled in seen.items() if filled or path not in parents)


def _above(path: str) -> Iterator[str]:
    at = path.find(SEP, 1)
    while at > 0:
        yield path[:at]
        at = path.find(SEP, at + 1)
