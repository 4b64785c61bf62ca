from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from headwater.connectors.http.exact_json import parsed
from headwater.connectors.nested.text import Number
from headwater.connectors.odata.metadata import Property, Version
from headwater.connectors.odata.types import Field, batch, field, literal
from headwater.errors import InputRefused, Misuse

at = datetime.datetime.fromisoformat


def made(kind: str, version: Version = "v2", **facets: Any) -> Field:
    return field(Property(name="c", type=kind, **facets), version, decimals_as_text=False)


def value(found: Field, raw: Any) -> Any:
    return batch([{"c": raw}], (found,), "T").column(0)[0].as_py()


@pytest.mark.parametrize(
    ("kind", "version", "facets", "raw", "expected"),
    [
        ("Edm.String", "v2", {}, "  x ", "  x "),
        ("Edm.String", "v4", {}, "", ""),
        ("Edm.Boolean", "v2", {}, True, True),
        ("Edm.Byte", "v2", {}, Number("255"), 255),
        ("Edm.SByte", "v2", {}, Number("-128"), -128),
        ("Edm.Int16", "v4", {}, Number("-32768"), -32768),
        ("Edm.Int32", "v4", {}, Number("2147483647"), 2147483647),
        ("Edm.Int64", "v2", {}, "9223372036854775807", 9223372036854775807),
        ("Edm.Int64", "v4", {}, Number("-9223372036854775808"), -9223372036854775808),
        ("Edm.Decimal", "v2", {"precision": 13, "scale": 3}, "10.5", Decimal("10.500")),
        ("Edm.Decimal", "v2", {"precision": 38, "scale": 10}, "-1234567890123456789012345678.0123456789", None),
        ("Edm.Decimal", "v4", {"precision": 13, "scale": 3}, Number("1.5E+2"), Decimal("150.000")),
        ("Edm.Decimal", "v2", {}, "0.10", "0.10"),
        ("Edm.Decimal", "v2", {"precision": 5}, "12.345678901234567890", "12.345678901234567890"),
        ("Edm.Decimal", "v2", {"precision": 60, "scale": 2}, "1" * 58 + ".25", "1" * 58 + ".25"),
        ("Edm.Decimal", "v4", {}, Number("1e-7"), "0.0000001"),
        ("Edm.Double", "v2", {}, "1.5E+02", 150.0),
        ("Edm.Double", "v4", {}, "-INF", float("-inf")),
        ("Edm.Guid", "v2", {}, "00505601-1d28-1eda-9c8b-1f6a0c0fd0a2", "00505601-1d28-1eda-9c8b-1f6a0c0fd0a2"),
        ("Edm.DateTime", "v2", {}, "/Date(1636934400000)/", at("2021-11-15")),
        ("Edm.DateTime", "v2", {}, "/Date(-62135596800000)/", at("0001-01-01")),
        ("Edm.DateTime", "v2", {}, "/Date(253402214400000)/", at("9999-12-31")),
        ("Edm.DateTime", "v2", {}, "2021-11-15T08:30:00.25", at("2021-11-15T08:30:00.25")),
        (
            "Edm.DateTimeOffset",
            "v2",
            {},
            "/Date(1636934400123+0000)/",
            at("2021-11-15T00:00:00.123Z"),
        ),
        ("Edm.DateTimeOffset", "v2", {}, "/Date(1636934400000+0060)/", at("2021-11-15T00:00:00Z")),
        ("Edm.DateTimeOffset", "v4", {}, "2021-11-15T01:00:00+01:00", at("2021-11-15T00:00:00Z")),
        ("Edm.DateTimeOffset", "v4", {"precision": 7}, "9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"),
        ("Edm.DateTime", "v2", {"is_day": True}, "/Date(253402214400000)/", datetime.date(9999, 12, 31)),
        ("Edm.Date", "v4", {}, "0001-01-01", datetime.date(1, 1, 1)),
        ("Edm.Time", "v2", {}, "PT8H5M", datetime.time(8, 5)),
        ("Edm.Time", "v2", {}, "PT23H59M59.5S", datetime.time(23, 59, 59, 500_000)),
        ("Edm.TimeOfDay", "v4", {}, "08:05:00.123", datetime.time(8, 5, 0, 123_000)),
        ("Edm.Binary", "v2", {}, "AP8=", b"\x00\xff"),
        ("Edm.Binary", "v4", {}, "-_8", b"\xfb\xff"),
        ("Edm.Duration", "v4", {}, "P1DT2H", "P1DT2H"),
        ("My.Address", "v4", {}, {"city": "Köln", "no": Number("1.50")}, '{"city":"Köln","no":1.50}'),
        ("Collection(Edm.Int32)", "v4", {}, [Number("1"), Number("2")], "[1,2]"),
    ],
)
def test_a_value_comes_exactly(kind: str, version: Version, facets: dict[str, Any], raw: Any, expected: Any) -> None:
    expected = Decimal(str(raw)) if expected is None else expected
    assert value(made(kind, version, **facets), raw) == expected


@pytest.mark.parametrize(
    "kind", ["Edm.String", "Edm.Int64", "Edm.Decimal", "Edm.DateTime", "Edm.Binary", "Edm.Boolean"]
)
def test_null_stays_null(kind: str) -> None:
    assert value(made(kind), None) is None
    assert batch([{}], (made(kind),), "T").column(0).null_count == 1


@pytest.mark.parametrize(
    ("kind", "version", "facets", "raw"),
    [
        ("Edm.String", "v2", {}, Number("1")),
        ("Edm.Int32", "v2", {}, Number("1.5")),
        ("Edm.Int32", "v2", {}, Number("2147483648")),
        ("Edm.Int64", "v2", {}, "1_000"),
        ("Edm.Int64", "v2", {}, " 5 "),
        ("Edm.Decimal", "v2", {"precision": 13, "scale": 3}, "10.5555"),
        ("Edm.Decimal", "v2", {"precision": 4, "scale": 2}, "123.45"),
        ("Edm.Decimal", "v2", {"precision": 4, "scale": 2}, "NaN"),
        ("Edm.Decimal", "v2", {}, "1_0"),
        ("Edm.Double", "v2", {}, "infinity"),
        ("Edm.Boolean", "v2", {}, "true"),
        ("Edm.DateTime", "v2", {}, "20211115"),
        ("Edm.DateTime", "v2", {}, "2021-11-15T00:00:00Z"),
        ("Edm.DateTime", "v2", {}, "/Date(999999999999999)/"),
        ("Edm.DateTimeOffset", "v4", {}, "2021-11-15T00:00:00"),
        ("Edm.DateTimeOffset", "v4", {}, "2021-11-15T00:00:00.1234567Z"),
        ("Edm.Date", "v4", {}, "0000-00-00"),
        ("Edm.DateTime", "v2", {"is_day": True}, "/Date(1)/"),
        ("Edm.Time", "v2", {}, "PT"),
        ("Edm.Time", "v2", {}, "PT25H"),
        ("Edm.Guid", "v2", {}, "x"),
        ("Edm.Binary", "v2", {}, "%%%"),
    ],
)
def test_what_is_no_value_of_the_type_is_refused_with_column_and_value(
    kind: str, version: Version, facets: dict[str, Any], raw: Any
) -> None:
    good = {"c": None}
    with pytest.raises(InputRefused) as raised:
        batch([good, {"c": raw}], (made(kind, version, **facets),), "A_PurchaseOrder")
    assert raised.value.value == raw
    assert "A_PurchaseOrder" in str(raised.value)
    assert kind in str(raised.value)
    assert raised.value.remedy


def test_decimals_as_text_take_what_the_service_declares_wrongly() -> None:
    found = field(Property(name="c", type="Edm.Decimal", precision=4, scale=2), "v2", decimals_as_text=True)
    assert value(found, "123.4567") == "123.4567"


@pytest.mark.parametrize(
    ("kind", "version", "facets", "text", "expected"),
    [
        ("Edm.String", "v2", {}, "O'Brien", "'O''Brien'"),
        ("Edm.String", "v4", {}, "x' or 1 eq 1 or 'a", "'x'' or 1 eq 1 or ''a'"),
        ("Edm.Int64", "v2", {}, "5", "5L"),
        ("Edm.Int64", "v4", {}, "-5", "-5"),
        ("Edm.Decimal", "v2", {"precision": 9, "scale": 2}, "5.50", "5.50M"),
        ("Edm.Guid", "v2", {}, "00505601-1d28-1eda-9c8b-1f6a0c0fd0a2", "guid'00505601-1d28-1eda-9c8b-1f6a0c0fd0a2'"),
        ("Edm.DateTime", "v2", {}, "2021-11-15", "datetime'2021-11-15T00:00:00'"),
        ("Edm.DateTime", "v2", {"precision": 7}, "2021-11-15T00:00:00", "datetime'2021-11-15T00:00:00.000'"),
        ("Edm.DateTimeOffset", "v2", {}, "2021-11-15T01:00:00+01:00", "datetimeoffset'2021-11-15T00:00:00Z'"),
        ("Edm.DateTimeOffset", "v4", {"precision": 3}, "2021-11-15T00:00:00.1Z", "2021-11-15T00:00:00.100Z"),
        ("Edm.DateTimeOffset", "v4", {"precision": 7}, "2021-11-15T00:00:00.1234567Z", "2021-11-15T00:00:00.1234567Z"),
        ("Edm.Date", "v4", {}, "2021-11-15", "2021-11-15"),
        ("Edm.DateTime", "v2", {"is_day": True}, "2021-11-15", "datetime'2021-11-15T00:00:00'"),
        ("Edm.Time", "v2", {}, "08:05:00", "time'PT8H5M0S'"),
    ],
)
def test_a_bound_in_the_language_of_filters(
    kind: str, version: Version, facets: dict[str, Any], text: str, expected: str
) -> None:
    assert literal(made(kind, version, **facets), text) == expected


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("Edm.Int64", "1 or 1 eq 1"),
        ("Edm.Decimal", "1e5"),
        ("Edm.Guid", "' or true or '"),
        ("Edm.DateTime", "yesterday"),
        ("Edm.Boolean", "true"),
        ("Edm.Double", "1.5"),
        ("Edm.Int64", "١"),
    ],
)
def test_a_bound_that_is_no_value_is_misuse(kind: str, text: str) -> None:
    with pytest.raises(Misuse):
        literal(made(kind), text)


@pytest.mark.parametrize(
    ("kind", "version", "facets", "raw"),
    [
        ("Edm.DateTime", "v2", {}, "/Date(1636934400123)/"),
        ("Edm.DateTimeOffset", "v2", {"precision": 7}, "/Date(1636934400120+0000)/"),
        ("Edm.DateTimeOffset", "v4", {"precision": 7}, "2021-11-15T00:00:00.1234567Z"),
        ("Edm.Decimal", "v2", {"precision": 38, "scale": 0}, "1" * 38),
        ("Edm.Int64", "v2", {}, "9223372036854775807"),
        ("Edm.String", "v2", {}, "0000000010"),
        ("Edm.Date", "v4", {}, "0001-01-01"),
        ("Edm.DateTime", "v2", {"is_day": True}, "/Date(1636934400000)/"),
        ("Edm.Time", "v2", {}, "PT8H5M0.5S"),
    ],
)
def test_a_value_of_a_key_can_be_asked_for_again(kind: str, version: Version, facets: dict[str, Any], raw: str) -> None:
    found = made(kind, version, **facets)
    assert literal(found, found.text(raw))


def test_parsed_numbers_are_what_values_are_made_of() -> None:
    (record,) = parsed(b'[{"c": 1.10}]', "x")
    assert value(made("Edm.Decimal", "v4", precision=5, scale=2), record["c"]) == Decimal("1.10")
    assert batch([], (made("Edm.Decimal"),), "T").schema == pa.schema([("c", pa.string())])


@pytest.mark.parametrize(("kind", "is_bare"), [("Edm.Guid", True), ("Edm.Decimal", True), ("Edm.String", False)])
def test_what_comes_as_text_and_is_none_has_no_blanks_around_it(kind: str, *, is_bare: bool) -> None:
    assert made(kind).column.bare == is_bare
