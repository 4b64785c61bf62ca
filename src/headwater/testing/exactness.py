"""Checks: values come as the source has them, to the last digit, through Arrow, Parquet and text."""

from __future__ import annotations

import datetime
import io
import json
import math
import uuid
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.connectors.parquet_file.texts import leaves
from headwater.connectors.protocol import MIXED, NUMBERS, Selection
from headwater.testing.case import Case
from headwater.testing.checking import Check, require
from headwater.testing.opening import batches, opened

UTC = datetime.UTC
VALUES: dict[str, dict[str, Any]] = {
    "integer": {"lowest": -(2**63), "highest": 2**63 - 1, "zero": 0},
    "decimal": {
        "38 digits": Decimal("1234567890123456789012345678.0123456789"),
        "negative": Decimal("-9999999999999999999999999999.9999999999"),
        "smallest": Decimal("0.0000000001"),
        "a tenth": Decimal("0.1"),
    },
    "float": {
        "a tenth": 0.1,
        "smallest": 5e-324,
        "largest": 1.7976931348623157e308,
        "NaN": math.nan,
        "infinity": math.inf,
        "minus infinity": -math.inf,
    },
    "text": {
        "empty": "",
        "blanks": "  a  ",
        "signs": "ä 漢 😀 e\u0301",
        "quotes": 'it\'s; "quoted" \\ %s -- ${x}',
        "lines": "one\r\ntwo\tthree",
        "the word": "NULL",
        "a point": "1.234",
        "a comma": "1,234",
    },
    "bytes": {"all": bytes(range(256)), "empty": b""},
    "boolean": {"true": True, "false": False},
    "date": {
        "year 1": datetime.date(1, 1, 1),
        "year 9999": datetime.date(9999, 12, 31),
        "leap day": datetime.date(2024, 2, 29),
        "before Gregory": datetime.date(1582, 10, 10),
    },
    "timestamp": {
        "year 1": datetime.datetime(1, 1, 1),  # noqa: DTZ001 - without a zone is what is meant
        "year 9999": datetime.datetime(9999, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001
        "microsecond": datetime.datetime(2024, 2, 29, 12, 0, 0, 1),  # noqa: DTZ001
        "skipped hour": datetime.datetime(2024, 3, 31, 2, 30),  # noqa: DTZ001
    },
    "timestamptz": {
        "year 1": datetime.datetime(1, 1, 2, tzinfo=UTC),
        "year 9999": datetime.datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC),
        "microsecond": datetime.datetime(2024, 2, 29, 12, 0, 0, 1, tzinfo=UTC),
        "hour that comes twice": datetime.datetime(2024, 10, 27, 0, 30, tzinfo=UTC),
        "its second time": datetime.datetime(2024, 10, 27, 1, 30, tzinfo=UTC),
        "offset": datetime.datetime(2024, 6, 1, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=45))),
    },
    "time": {"midnight": datetime.time(0), "last": datetime.time(23, 59, 59, 999999)},
    "json": {
        "nested": '{"a": [1, null, {"b": "ü"}], "c": true}',
        "long number": '{"n": 12345678901234567890.123}',
        "text": '"only text"',
        "number": "1.234",
    },
    "array": {"integers": [1, None, 3], "empty": []},
    "enum": {"plain": "verified", "blank and quote": "not 'yet' sure"},
    "uuid": {"any": uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")},
}
"""What is tried, by sort and name. A sort that the source has no type for, or a value that its type cannot hold, is
declared in `lacks` as "decimal" or "date: year 1". JSON is given as its text.
"""


def _exact_json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


READINGS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "decimal": Decimal,
    "float": lambda text: repr(float(text)),
    "bytes": lambda text: bytes.fromhex(text.removeprefix("0x")),
    "boolean": lambda text: {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}[text.lower()],
    "date": datetime.date.fromisoformat,
    "timestamp": datetime.datetime.fromisoformat,
    "timestamptz": datetime.datetime.fromisoformat,
    "time": datetime.time.fromisoformat,
    "json": _exact_json,
    "array": _exact_json,
    "uuid": uuid.UUID,
}
"""How the text that leaves the river's reader of Parquet is understood; sorts not named are texts themselves."""


def lossless(sort: str, case: Case) -> None:
    """Values of one sort, and a NULL, are read as they stand at the source."""
    named = named_values(sort, case)
    arrow, read = _values(sort, case, named, ".")
    column = read.column(0).combine_chunks()
    require(column.type == arrow, f"{sort}: the plan tells the type {arrow}, the batches have {column.type}")
    require(len(column) == len(named) + 1, f"{sort}: {len(named) + 1} values were written, {len(column)} are read")
    nulls = column.is_null().to_pylist()
    require(nulls == [False] * len(named) + [True], f"{sort}: NULL and values are not told apart: {nulls}")
    for (name, value), text in zip(named.items(), _through_parquet(read, "."), strict=False):
        alike = _same(sort, value, text)
        require(alike, f"{sort}, {name}: {value!r} at the source is read as {text!r} (Arrow: {column.type})")


def named_values(sort: str, case: Case) -> dict[str, Any]:
    """The values of a sort that the source's type can hold, by name."""
    return {name: value for name, value in VALUES[sort].items() if f"{sort}: {name}" not in case.lacks}


def under_every_locale(sort: str, case: Case) -> None:
    """A mapping by which decimals follow a comma reads the same: numbers have one then, and texts are as they were.

    JSON that is no more than a number is one. A column of texts in which numbers are written with the comma says so.
    """
    named = named_values(sort, case)
    _, read = _values(sort, case, named, ",")
    told = (read.schema.field(0).metadata or {}).items()
    is_told = not pa.types.is_string(read.schema.field(0).type) or NUMBERS.items() <= told or MIXED.items() <= told
    for (name, value), text in zip(named.items(), _through_parquet(read, ","), strict=False):
        is_text = sort == "text" or (sort == "json" and name != "number")
        plain = text if is_text else "" if "." in text else text.replace(",", ".")
        said = f"{sort}, {name}: {value!r} at the source is {text!r} for a mapping whose decimals follow a comma"
        require(_same(sort, value, plain), f"{said}; see `NUMBERS` and `Selection.decimal` of the protocol")
        require(is_text or is_told or "," not in text, f"{said}, and the column does not tell it: see `MIXED`")


def _values(sort: str, case: Case, named: dict[str, Any], decimal: str) -> tuple[pa.DataType, pa.Table]:
    """The type that the plan tells, and the one column of these values as it is read."""
    made = case.make_values(sort, [*named.values(), None])
    asked = Selection(table=made, key=("id",), columns=("id", "value")) if isinstance(made, str) else made
    asked, key = replace(asked, decimal=decimal), asked.key[0]
    with opened(case) as connector:
        plan = connector.plan(asked)
        found = [batch for chunk in plan.chunks for batch in batches(connector, asked, chunk)]
    arrow, name = next((column.arrow, column.name) for column in plan.columns if column.name != key)
    return arrow, pa.Table.from_batches(found).sort_by(key).select([name])


def _through_parquet(read: pa.Table, decimal: str) -> list[str]:
    """The texts of one column, once it was kept."""
    held = io.BytesIO()
    pq.write_table(read, held)
    held.seek(0)
    kept = pq.read_table(held).combine_chunks()
    (leaf,) = leaves(kept.column(0).combine_chunks(), kept.schema.field(0))
    found: list[str] = leaf.texts(decimal).to_pylist()
    return found


def _same(sort: str, value: Any, text: str) -> bool:
    try:
        read = READINGS.get(sort, str)(text)
    except (ArithmeticError, KeyError, ValueError):
        return False
    if sort == "json":
        return bool(read == _exact_json(value))
    if sort == "float":
        return bool(read == repr(value))
    if isinstance(read, datetime.datetime) and (read.tzinfo is None) != (value.tzinfo is None):
        return False
    return bool(read == value)


CHECKS = tuple(
    Check(
        name=f"{sort} lossless",
        what=f"Values of the sort {sort} are read as they stand at the source.",
        run=partial(lossless, sort),
        needs=(sort,),
    )
    for sort in VALUES
) + tuple(
    Check(
        name=f"{sort} under every locale",
        what=f"Values of the sort {sort} are the same for a mapping whose decimals follow a comma.",
        run=partial(under_every_locale, sort),
        needs=(sort, f"{sort}: locale"),
    )
    for sort in ("integer", "decimal", "float", "text", "json")
)
PARTS = tuple(f"{sort}: {name}" for sort, values in VALUES.items() for name in values)
