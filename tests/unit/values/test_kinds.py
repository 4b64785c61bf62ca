"""Each form that a kind knows, and each that it refuses, one by one; that SQL agrees is held by properties."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest

from headwater.errors import Misuse
from headwater.values import TYPE_NAMES, Outcome, Parsed, TextFormat, kind

GERMAN = TextFormat(decimal=",", group=".", date_order="DMY", time_zone="Europe/Berlin")


def read(type_name: str, text: str | None, fmt: TextFormat | None = None) -> object:
    """The value as text, or the outcome's name: short enough for a table."""
    parsed = kind(type_name).parse(text, fmt or TextFormat())
    return parsed.outcome.name if parsed.value is None else kind(type_name).canonical(parsed.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1234.5", "1234.500000"),
        ("1,234.5", "1234.500000"),
        ("(3)", "-3.000000"),
        ("45 %", "0.450000"),
        ("(4)%", "-0.040000"),
        ("1e3", "1000.000000"),
        ("1.5e-3", "0.001500"),
        ("+5", "5.000000"),
        ("\u22125", "-5.000000"),
        ("5-", "-5.000000"),
        (".5", "0.500000"),
        ("5.", "5.000000"),
        ("-0", "0.000000"),
        ("\xa0 7 \ufeff", "7.000000"),
        ("0.3000000000", "0.300000"),
        ("999999999999.999999", "999999999999.999999"),
        ("1000000000000", "NUMBER_TOO_LARGE"),
        ("1e400", "NUMBER_TOO_LARGE"),
        ("0.30000000000000004", "TOO_MANY_DECIMALS"),
        ("1e-7", "TOO_MANY_DECIMALS"),
        ("1.234,56", "AMBIGUOUS_NUMBER"),
        ("1 234", "AMBIGUOUS_NUMBER"),
        ("1,23,456", "AMBIGUOUS_NUMBER"),
        ("0,123", "AMBIGUOUS_NUMBER"),
        ("1_000", "NOT_A_NUMBER"),
        ("\u0663", "NOT_A_NUMBER"),
        ("NaN", "NOT_A_NUMBER"),
        ("Infinity", "NOT_A_NUMBER"),
        ("#N/A", "NOT_A_NUMBER"),
        ("12 kWh", "NOT_A_NUMBER"),
        ("1\n2", "NOT_A_NUMBER"),
        ("N/A", "NOT_APPLICABLE"),
        ("nr", "NOT_REPORTED"),
        (" \u3000", "BLANK"),
        (None, "BLANK"),
    ],
)
def test_decimals(text: str | None, expected: str) -> None:
    assert read("decimal", text) == expected


@pytest.mark.parametrize(
    ("text", "fmt", "expected"),
    [
        ("1.234,56", GERMAN, "1234.560000"),
        ("1.234", GERMAN, "1234.000000"),
        ("1234.5", GERMAN, "AMBIGUOUS_NUMBER"),
        ("1\u202f234,5", TextFormat(decimal=",", group=" "), "1234.500000"),
        ("1\u2019234.5", TextFormat(group="'"), "1234.500000"),
        ("1,234", TextFormat(group=None), "AMBIGUOUS_NUMBER"),
        ("-9999", TextFormat(absent={"-9999": Outcome.NOT_REPORTED}), "NOT_REPORTED"),
        ("-9999.0", TextFormat(absent={"-9999": Outcome.NOT_REPORTED}), "-9999.000000"),
        ("n/a", TextFormat(absent={"N/A": Outcome.NOT_REPORTED}), "NOT_REPORTED"),
    ],
)
def test_decimals_as_declared(text: str, fmt: TextFormat, expected: str) -> None:
    assert read("decimal", text, fmt) == expected


def test_38_digits_are_kept() -> None:
    number = "9" * 28 + "." + "1234567891"
    assert kind("decimal", precision=38, scale=10).parse(number, TextFormat()).value == Decimal(number)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1000001.0", "1000001"),
        ("1e3", "1000"),
        ("9" * 18, "9" * 18),
        ("1" + "0" * 18, "NUMBER_TOO_LARGE"),
        ("1.5", "TOO_MANY_DECIMALS"),
    ],
)
def test_integers(text: str, expected: str) -> None:
    assert read("integer", text) == expected


@pytest.mark.parametrize(
    ("text", "date_order", "expected"),
    [
        ("2024-03-31", None, "2024-03-31"),
        ("2024/3/1", None, "2024-03-01"),
        ("31 March 2024", None, "2024-03-31"),
        ("01-APR-2024", None, "2024-04-01"),
        ("April 1, 2024", None, "2024-04-01"),
        ("2024-03-31T00:00:00Z", None, "2024-03-31"),
        ("03/04/2024", None, "AMBIGUOUS_DATE"),
        ("13/04/2024", None, "AMBIGUOUS_DATE"),
        ("20240331", None, "AMBIGUOUS_DATE"),
        ("20240331", "YMD", "2024-03-31"),
        ("03/04/2024", "DMY", "2024-04-03"),
        ("03/04/2024", "MDY", "2024-03-04"),
        ("3.4.2024", "DMY", "2024-04-03"),
        ("13/04/2024", "MDY", "NO_SUCH_DATE"),
        ("1/31/2024 12:00:00 AM", "MDY", "2024-01-31"),
        ("03/04/24", "DMY", "AMBIGUOUS_DATE"),
        ("03/04-2024", "DMY", "NOT_A_DATE"),
        ("2023-02-29", None, "NO_SUCH_DATE"),
        ("0024-03-31", None, "NO_SUCH_DATE"),
        ("2024-03-31 10:00", None, "TIME_IN_DATE"),
        ("45382", None, "NOT_A_DATE"),
        ("epoch", None, "NOT_A_DATE"),
        ("n.a.", None, "NOT_APPLICABLE"),
    ],
)
def test_dates(text: str, date_order: str | None, expected: str) -> None:
    assert read("date", text, TextFormat(date_order=date_order)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-31T14:30:00+02:00", "2024-03-31T12:30:00.000000Z"),
        ("2024-03-31 14:30", "2024-03-31T12:30:00.000000Z"),
        ("31.03.2024 2:30 PM", "2024-03-31T12:30:00.000000Z"),
        ("2024-03-31T12:30:00.1234560000Z", "2024-03-31T12:30:00.123456Z"),
        ("2024-03-31T12:30:00.1234567Z", "TOO_MANY_DECIMALS"),
        ("2024-03-31 02:30", "NO_SUCH_TIME"),
        ("2024-03-31T24:00:00Z", "NO_SUCH_TIME"),
        ("2024-03-31T12:00:60Z", "NO_SUCH_TIME"),
        ("2024-10-27 02:30", "AMBIGUOUS_TIME"),
        ("2024-10-27 02:30+01:00", "2024-10-27T01:30:00.000000Z"),
        ("2024-02-30T12:00:00Z", "NO_SUCH_DATE"),
        ("9999-12-31T23:59:59-05:00", "NO_SUCH_DATE"),
        ("2024-03-31", "NOT_A_TIMESTAMP"),
        ("1711891800", "NOT_A_TIMESTAMP"),
        ("now", "NOT_A_TIMESTAMP"),
    ],
)
def test_timestamps(text: str, expected: str) -> None:
    assert read("timestamp", text, GERMAN) == expected


def test_a_time_without_offset_or_declared_zone_is_refused() -> None:
    assert read("timestamp", "2024-03-31 14:30") == "NO_TIME_ZONE"


@pytest.mark.parametrize(
    ("text", "as_text", "as_code"),
    [
        (" two words ", "two words", "two words"),
        ("a\r\nb", "a\r\nb", "NOT_A_CODE"),
        ("a\xa0b", "a\xa0b", "NOT_A_CODE"),
        ("a\u200bb", "a\u200bb", "NOT_A_CODE"),
        ("a\x1fb", "CONTROL_CHARACTER", "NOT_A_CODE"),
        ("a\x00b", "CONTROL_CHARACTER", "NOT_A_CODE"),
        ("a\x96b", "CONTROL_CHARACTER", "NOT_A_CODE"),
        ("a\ud800b", "CONTROL_CHARACTER", "NOT_A_CODE"),
        ("NA", "NA", "NA"),
        ("n/a", "n/a", "n/a"),
        ("", "BLANK", "BLANK"),
    ],
)
def test_texts_and_codes_know_no_absent_words_of_their_own(text: str, as_text: str, as_code: str) -> None:
    assert (read("text", text), read("code", text)) == (as_text, as_code)


def test_a_declared_word_is_absent_in_every_kind_and_any_case() -> None:
    fmt = TextFormat(absent={"Keine Angabe": Outcome.NOT_REPORTED})
    for type_name in TYPE_NAMES:
        for spelling in ("keine angabe", "KEINE ANGABE", " Keine Angabe\t"):
            assert kind(type_name).parse(spelling, fmt) == Parsed(None, Outcome.NOT_REPORTED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TRUE", "true"),
        ("y", "true"),
        ("1", "true"),
        (" No ", "false"),
        ("on", "NOT_A_BOOLEAN"),
        ("2", "NOT_A_BOOLEAN"),
    ],
)
def test_booleans(text: str, expected: str) -> None:
    assert read("boolean", text) == expected


def test_only_declared_words_are_booleans() -> None:
    fmt = TextFormat(true_words=("ja",), false_words=("nein",))
    assert [read("boolean", text, fmt) for text in ("JA", "Nein", "true")] == ["true", "false", "NOT_A_BOOLEAN"]


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("decimal", 1.5),
        ("decimal", True),
        ("decimal", Decimal("NaN")),
        ("decimal", Decimal("0.0000001")),
        ("decimal", Decimal(10**12)),
        ("integer", Decimal(1)),
        ("integer", True),
        ("date", datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)),
        ("timestamp", datetime.datetime(2024, 1, 1)),  # noqa: DTZ001  that there is no zone is the point
        ("boolean", 1),
        ("text", None),
        ("code", 5),
    ],
)
def test_a_value_of_another_kind_has_no_canonical_text(type_name: str, value: object) -> None:
    with pytest.raises(Misuse):
        kind(type_name).canonical(value)


@pytest.mark.parametrize("value", [Decimal("12.5"), Decimal("12.50"), Decimal("1.25E+1"), Decimal("12.500000000")])
def test_equal_decimals_have_one_canonical_text(value: Decimal) -> None:
    assert kind("decimal").canonical(value) == "12.500000"


@pytest.mark.parametrize(("precision", "scale"), [(0, 0), (39, 2), (6, 6), (6, -1)])
def test_a_decimal_that_no_engine_can_hold_is_misuse(precision: int, scale: int) -> None:
    with pytest.raises(Misuse, match="precision"):
        kind("decimal", precision=precision, scale=scale)


def test_an_unknown_type_names_the_known_ones() -> None:
    with pytest.raises(Misuse, match="timestamp"):
        kind("money")
