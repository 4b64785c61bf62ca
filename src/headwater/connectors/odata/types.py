"""Edm types: how each comes in Arrow, how its values are read from JSON, and how they are written in a $filter.

| Edm | Arrow | JSON of V2 | JSON of V4 |
|---|---|---|---|
| String, Guid | text | text | text |
| Boolean | bool | true | true |
| Byte, SByte, Int16, Int32 | uint8, int8, int16, int32 | number | number |
| Int64 | int64 | text | number or text |
| Decimal with precision and scale | decimal128 | text | number or text |
| Decimal without, or wider than 38 digits | text, all digits | text | number or text |
| Single, Double | float32, float64 | text | number, INF, -INF, NaN |
| DateTime with sap:display-format="Date" | date32 | /Date(ms)/ | |
| DateTime | timestamp(us) | /Date(ms)/ | |
| DateTimeOffset | timestamp(us, UTC) | /Date(ms+0000)/ | ISO 8601; with more than 6 digits of a second text |
| Date | date32 | | ISO 8601 |
| Time, TimeOfDay | time64(us) | PT8H30M | 08:30:00 |
| Binary | binary | Base64 | Base64 for URLs |
| anything else: enums, durations, places, complex types, collections | text | as JSON | as JSON |
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from headwater.connectors.http.cursors import iso
from headwater.connectors.http.exact_json import Record
from headwater.connectors.http.ranges import By
from headwater.connectors.nested.cells import json_text, number_text
from headwater.connectors.odata.metadata import Property, Version
from headwater.connectors.protocol import Column
from headwater.errors import InputRefused, Misuse

_EPOCH = datetime.datetime(1970, 1, 1)  # noqa: DTZ001 - DateTime has no zone
_TICKS = re.compile(r"/Date\((-?\d{1,15})([+-]\d{1,4})?\)/")
_TIME = re.compile(r"PT(?:(\d{1,2})H)?(?:(\d{1,2})M)?(?:(\d{1,2})(?:\.(\d{1,6})0*)?S)?")
_DECIMAL_DIGITS = 38
_FINEST, _MILLI = 6, 3
_INTEGERS = {
    "Edm.Byte": pa.uint8(),
    "Edm.SByte": pa.int8(),
    "Edm.Int16": pa.int16(),
    "Edm.Int32": pa.int32(),
    "Edm.Int64": pa.int64(),
}
_FLOATS = {"Edm.Single": pa.float32(), "Edm.Double": pa.float64()}
_DATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})?)?")
_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_NUMBER = re.compile(r"-?[0-9]{1,60}(\.[0-9]{1,60})?")
_SAID_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,4})?|-?INF|NaN")
_ZONED = re.compile(r"([0-9-]{10}T[0-9:]{8}(?:\.[0-9]{1,12})?)(Z|[+-][0-9]{2}:[0-9]{2})")


@dataclass(frozen=True, kw_only=True)
class Field:
    """A column with what is needed to read it and to ask by it.

    value    from JSON to what Arrow takes; ValueError and the like for what is no value of the type
    literal  from a text of ours to the language of $filter; None where nothing can be compared with it
    by       what a cursor of this type is; None where it can be none
    """

    column: Column
    value: Callable[[Any], Any]
    literal: Callable[[str], str] | None = None
    by: By | None = None
    can_order: bool = False

    @property
    def name(self) -> str:
        return self.column.name

    def text(self, raw: Any) -> str:
        """A value from JSON as the text that `literal` takes, and that cursors and locators hold."""
        value = self.value(raw)
        if isinstance(value, datetime.datetime):
            return iso(value.replace(tzinfo=None), has_zone=value.tzinfo is not None)
        if isinstance(value, datetime.date | datetime.time):
            return value.isoformat()
        return format(value, "f") if isinstance(value, Decimal) else str(value)


def field(declared: Property, version: Version, *, decimals_as_text: bool) -> Field:
    """A declared property as a column."""
    made = _made(declared, version, decimals_as_text=decimals_as_text)
    arrow, value, literal, by = made
    can_order = literal is not None and declared.can_filter and declared.can_sort
    return Field(
        column=Column(
            name=declared.name,
            type=_said(declared),
            arrow=arrow,
            nullable=declared.nullable,
            numbers=value is _decimal_text,
            bare=value in {_decimal_text, _guid},
        ),
        value=value,
        literal=literal,
        by=by if can_order else None,
        can_order=can_order,
    )


_Made = tuple[pa.DataType, Callable[[Any], Any], Callable[[str], str] | None, By | None]


def _made(declared: Property, version: Version, *, decimals_as_text: bool) -> _Made:
    kind, is_v2 = declared.type, version == "v2"
    if kind == "Edm.String":
        return pa.string(), _text, _quoted, None
    if kind == "Edm.Guid":
        return pa.string(), _guid, (lambda text: f"guid'{_matching(_GUID, text)}'") if is_v2 else _bare(_GUID), None
    if kind == "Edm.Boolean":
        return pa.bool_(), _boolean, None, None
    if kind in _INTEGERS:
        ending = "L" if is_v2 and kind == "Edm.Int64" else ""
        return _INTEGERS[kind], _integer, _bare(_NUMBER, ending), "counter"
    if kind == "Edm.Decimal":
        literal = _bare(_NUMBER, "M" if is_v2 else "")
        precision, scale = declared.precision, declared.scale
        is_bounded = precision is not None and scale is not None and 0 < precision <= _DECIMAL_DIGITS >= scale
        if decimals_as_text or precision is None or scale is None or not is_bounded:
            return pa.string(), _decimal_text, literal, "counter"
        return pa.decimal128(max(precision, scale), scale), _decimal, literal, "counter"
    if kind in _FLOATS:
        return _FLOATS[kind], _float, None, None
    if kind in {"Edm.Date", "Edm.DateTime", "Edm.DateTimeOffset", "Edm.Time", "Edm.TimeOfDay"}:
        return _of_time(declared, is_v2=is_v2)
    if kind == "Edm.Binary":
        return pa.binary(), _bytes, None, None
    return pa.string(), _json, None, None


def _of_time(declared: Property, *, is_v2: bool) -> _Made:
    digits = min(declared.precision or 0, _MILLI if is_v2 else _FINEST)
    match declared.type:
        case "Edm.Date":
            return pa.date32(), _day, lambda text: _day(text).isoformat(), "time_window"
        case "Edm.DateTime" if declared.is_day:
            return pa.date32(), _midnight, lambda text: f"datetime'{_day(text).isoformat()}T00:00:00'", "time_window"
        case "Edm.DateTime":
            return pa.timestamp("us"), _local, lambda text: f"datetime'{_canonical(text, digits, '')}'", "time_window"
        case "Edm.DateTimeOffset" if is_v2:
            zoned = pa.timestamp("us", "UTC")
            return zoned, _instant, lambda text: f"datetimeoffset'{_canonical(text, digits, 'Z')}'", "time_window"
        case "Edm.DateTimeOffset" if (declared.precision or 0) > _FINEST:
            return pa.string(), _zoned_text, _zoned_text, "time_window"
        case "Edm.DateTimeOffset":
            return pa.timestamp("us", "UTC"), _instant, lambda text: _canonical(text, digits, "Z"), "time_window"
        case "Edm.Time":
            return pa.time64("us"), _span, lambda text: f"time'PT{_hms(text)}'", None
        case _:
            return pa.time64("us"), datetime.time.fromisoformat, lambda text: _clock(text).isoformat(), None


def _said(declared: Property) -> str:
    facets = [str(number) for number in (declared.precision, declared.scale) if number is not None]
    return declared.type + (f"({','.join(facets)})" if facets else "")


def _text(raw: Any) -> str:
    if type(raw) is not str:
        raise TypeError
    return raw


def _guid(raw: Any) -> str:
    return _matching(_GUID, _text(raw))


def _boolean(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise TypeError
    return raw


def _number(raw: Any) -> str:
    """V2 writes numbers as text; `Number` is one. Python takes more for a number than JSON does: 1_000."""
    if not isinstance(raw, str):
        raise TypeError
    return _matching(_SAID_NUMBER, raw)


def _integer(raw: Any) -> int:
    return int(_number(raw))


def _decimal(raw: Any) -> Decimal:
    found = Decimal(_number(raw))
    if not found.is_finite():
        raise ValueError
    return found


def _decimal_text(raw: Any) -> str:
    _decimal(raw)
    return number_text(str(raw), ".")


def _float(raw: Any) -> float:
    return float(_number(raw))


def _day(raw: Any) -> datetime.date:
    return datetime.date.fromisoformat(_matching(_DATED, _text(raw)))


def _ticks(raw: str) -> datetime.datetime | None:
    """Milliseconds since 1970 in UTC. The minutes that may follow say where it was noted, not when."""
    found = _TICKS.fullmatch(raw)
    return _EPOCH + datetime.timedelta(milliseconds=int(found[1])) if found else None


def _local(raw: Any) -> datetime.datetime:
    found = _ticks(_text(raw))
    if found is None:
        found = _micros(raw)
        if found.tzinfo is not None:
            raise ValueError
    return found


def _midnight(raw: Any) -> datetime.date:
    found = _local(raw)
    if found.time() != datetime.time.min:
        raise ValueError
    return found.date()


def _instant(raw: Any) -> datetime.datetime:
    found = _ticks(_text(raw))
    if found is not None:
        return found.replace(tzinfo=datetime.UTC)
    found = _micros(raw)
    if found.tzinfo is None:
        raise ValueError
    return found.astimezone(datetime.UTC)


def _micros(raw: str) -> datetime.datetime:
    """ISO 8601. ValueError where there is more than Arrow keeps: a digit other than 0 below the microsecond."""
    fraction = re.search(r"\.(\d+)", raw)
    _matching(_DATED, raw)
    if fraction and fraction[1][_FINEST:].strip("0"):
        raise ValueError
    return datetime.datetime.fromisoformat(raw)


def _span(raw: Any) -> datetime.time:
    found = _TIME.fullmatch(_text(raw))
    if not found or raw == "PT":
        raise ValueError
    hours, minutes, seconds, fraction = found.groups()
    return datetime.time(int(hours or 0), int(minutes or 0), int(seconds or 0), int((fraction or "").ljust(6, "0")))


def _clock(text: str) -> datetime.time:
    return datetime.time.fromisoformat(text)


def _hms(text: str) -> str:
    at = _clock(text)
    fraction = f".{at.microsecond:06}" if at.microsecond else ""
    return f"{at.hour}H{at.minute}M{at.second}{fraction}S"


def _bytes(raw: Any) -> bytes:
    text = _text(raw).replace("-", "+").replace("_", "/")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _json(raw: Any) -> str:
    return raw if type(raw) is str else json_text(raw)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError
    return text


def _bare(pattern: re.Pattern[str], ending: str = "") -> Callable[[str], str]:
    return lambda text: _matching(pattern, text) + ending


def _canonical(text: str, digits: int, zone: str) -> str:
    """A moment as $filter takes it, whatever way it was said, with at least so many digits of a second."""
    found = datetime.datetime.fromisoformat(text)
    if found.tzinfo is not None:
        found = found.astimezone(datetime.UTC).replace(tzinfo=None)
    return _with_digits(iso(found, has_zone=False), digits) + zone


def _with_digits(text: str, digits: int) -> str:
    """Some services compare moments as text: a fraction is written out as they do."""
    whole, _, fraction = text.partition(".")
    fraction = fraction.ljust(digits, "0")
    return f"{whole}.{fraction}" if fraction else whole


def _zoned_text(raw: Any) -> str:
    """A moment finer than Arrow keeps over all years, as the service writes it."""
    found = _ZONED.fullmatch(_text(raw))
    if not found:
        raise ValueError
    datetime.datetime.fromisoformat(raw)
    return _with_digits(found[1], _MILLI) + found[2]


_WRONG = (ValueError, TypeError, InvalidOperation, OverflowError, binascii.Error, RecursionError, pa.ArrowException)


def literal(found: Field, text: str) -> str:
    """A bound in the language of $filter. Misuse for a text that is no value of the column's type."""
    try:
        if found.literal is not None:
            return found.literal(text)
    except _WRONG:
        pass
    raise Misuse(
        f"the column {found.name} cannot be compared with this",
        where=found.name,
        value=text,
        valid=f"a value of {found.column.type}" if found.literal else "a column that can be filtered",
    ) from None


def batch(records: list[Record], fields: tuple[Field, ...], where: str) -> pa.RecordBatch:
    """Records as Arrow. InputRefused, with column and value, for what is not of the declared type."""
    arrays = [_array(records, found, where) for found in fields]
    schema = pa.schema([found.column.field.with_nullable(nullable=True) for found in fields])
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(records: list[Record], found: Field, where: str) -> Any:
    raws = [record.get(found.name) for record in records]
    try:
        return pa.array([None if raw is None else found.value(raw) for raw in raws], found.column.arrow)
    except _WRONG:
        wrong = next(raw for raw in raws if raw is not None and not _fits(raw, found))
        remedy = "Set decimals_as_text." if found.column.type.startswith("Edm.Decimal") else None
        raise InputRefused(
            f"the column {found.name} holds what is no {found.column.type}",
            where=where,
            value=wrong if isinstance(wrong, str) else json_text(wrong),
            valid=f"a value of {found.column.type}, as $metadata declares it",
            remedy=remedy or "Whoever runs the service mends it, or leave the column out.",
        ) from None


def _fits(raw: Any, found: Field) -> bool:
    try:
        pa.array([found.value(raw)], found.column.arrow)
    except _WRONG:
        return False
    return True
