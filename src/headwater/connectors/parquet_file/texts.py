"""Values of Arrow's types as texts that lose nothing: whole columns at once, Python only where a value needs it."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from headwater.connectors.protocol import NUMBERS

# A column of Arrow of whatever type; the stubs know no such thing.
Column = Any
_SECONDS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_LISTS: tuple[Callable[[pa.DataType], bool], ...] = (
    types.is_list,
    types.is_large_list,
    types.is_fixed_size_list,
    types.is_list_view,
    types.is_large_list_view,
    types.is_map,
)
_BYTES: tuple[Callable[[pa.DataType], bool], ...] = (
    types.is_binary,
    types.is_large_binary,
    types.is_binary_view,
    types.is_fixed_size_binary,
)
_STRINGS: tuple[Callable[[pa.DataType], bool], ...] = (types.is_string, types.is_large_string, types.is_string_view)
_PLAIN: tuple[Callable[[pa.DataType], bool], ...] = (types.is_integer, types.is_date, types.is_null, *_STRINGS)
_WITH_DECIMALS = r"^([+-]?[0-9]*)\.([0-9]+(?:[eE][+-]?[0-9]+)?)$"


def is_bytes(kind: pa.DataType) -> bool:
    """Whether values are bytes of which nothing says that they are text."""
    return any(test(kind) for test in _BYTES)


class Leaf(NamedTuple):
    """A column without columns inside, by its path; `numbers` as `protocol.NUMBERS` marks them."""

    path: tuple[str, ...]
    column: Column
    numbers: bool

    def texts(self, decimal: str) -> Column:
        """See `texts`."""
        return texts(self.column, decimal, numbers=self.numbers)


def leaves(column: Column, field: pa.Field[Any]) -> list[Leaf]:
    """The columns that the column of a field is made of: the fields of a struct each, its own type otherwise."""
    return _leaves(column, field, (field.name,))


def _leaves(column: Column, field: pa.Field[Any], path: tuple[str, ...]) -> list[Leaf]:
    if isinstance(column.type, pa.BaseExtensionType):
        return _leaves(column.storage, field, path)
    if types.is_dictionary(column.type):
        return _leaves(column.dictionary_decode(), field, path)
    if not types.is_struct(column.type):
        return [Leaf(path, column, NUMBERS.items() <= (field.metadata or {}).items())]
    fields = [column.type.field(index) for index in range(column.type.num_fields)]
    return [
        leaf
        for each, inner in zip(fields, column.flatten(), strict=True)
        for leaf in _leaves(inner, each, (*path, each.name))
    ]


def texts(column: Column, decimal: str, *, numbers: bool = False) -> Column:
    """The values as `pa.string()`, nothing null; of texts that are `numbers` the sign before decimals is `decimal` too.

    Raises TypeError for a type that has no text, pa.ArrowException for values that are none (no UTF-8, unknown zone).
    """
    made = _texts(column, decimal)
    if numbers and decimal != "." and any(test(column.type) for test in _STRINGS):
        made = pc.replace_substring_regex(made.cast(pa.string()), _WITH_DECIMALS, rf"\1{decimal}\2")
    made = pc.fill_null(made.cast(pa.string()), "")
    made.validate(full=True)
    return made


def _texts(column: Column, decimal: str) -> Column:
    kind = column.type
    if any(test(kind) for test in _PLAIN):
        return column.cast(pa.string())
    if types.is_floating(kind) or types.is_decimal(kind):
        plain = _written_out(_named(column, column.cast(pa.string())))
        return pc.replace_substring(plain, ".", decimal) if decimal != "." else plain
    if types.is_boolean(kind):
        return pc.if_else(column, "TRUE", "FALSE")
    if types.is_timestamp(kind):
        return _moments(column)
    if types.is_time(kind):
        return _without_zeros(column.cast(pa.string()))
    if types.is_duration(kind):
        places = _SECONDS[kind.unit]
        seconds = (None if n is None else Decimal(n).scaleb(-places) for n in column.cast(pa.int64()).to_pylist())
        return pa.array([None if n is None else format(n, "f").replace(".", decimal) for n in seconds], pa.string())
    if is_bytes(kind):
        return pa.array([None if data is None else "0x" + data.hex() for data in column.to_pylist()], pa.string())
    if any(test(kind) for test in _LISTS):
        return pa.array([None if value is None else _json(value) for value in column.to_pylist()], pa.string())
    raise TypeError(str(kind))


def _named(column: Column, made: Column) -> Column:
    """Arrow says nan and inf."""
    if not types.is_floating(column.type) or pc.all(pc.is_finite(column)).as_py() is not False:
        return made
    return pc.replace_substring(pc.replace_substring(made, "nan", "NaN"), "inf", "Infinity")


def _written_out(made: Column) -> Column:
    """Exponents, which few values have, written out: 1e-7 is 0.0000001."""
    has_exponent: Column = pc.fill_null(pc.match_substring_regex(made, r"\d[eE]"), pa.scalar(value=False))
    if not pc.any(has_exponent).as_py():
        return made
    plain = [format(Decimal(text), "f") for text in made.filter(has_exponent).to_pylist()]
    return pc.replace_with_mask(made, has_exponent, pa.array(plain, pa.string()))


def _moments(column: Column) -> Column:
    made = pc.replace_substring(column.cast(pa.string()), " ", "T", max_replacements=1)
    made = _without_zeros(made)
    if column.type.tz is None:
        return made
    return pc.replace_substring_regex(made, r"([+-]\d\d)(\d\d)$", r"\1:\2")


def _without_zeros(made: Column) -> Column:
    made = pc.replace_substring_regex(made, r"\.0+(Z|[+-]\d{4}|)$", r"\1")
    return pc.replace_substring_regex(made, r"(\.\d*[1-9])0+(Z|[+-]\d{4}|)$", r"\1\2")


def _json(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(str(k), ensure_ascii=False)}:{_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f") if math.isfinite(value) else json.dumps(str(value))
    if isinstance(value, Decimal):
        return format(value, "f")
    if value is None or isinstance(value, bool | int | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bytes):
        return json.dumps("0x" + value.hex())
    if isinstance(value, datetime.date | datetime.time):
        return json.dumps(value.isoformat())
    raise TypeError(type(value).__name__)
