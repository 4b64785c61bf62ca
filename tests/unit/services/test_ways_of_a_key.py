"""Whether two mappings can make another key of one record."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.contracts.document import FieldSpec
from headwater.mapping import Mapping
from headwater.services.ways_of_a_key import other_way

COLUMNS = ("bill", "site", "day", "_sheet")
BILL = {"column": "bill"}
NUMBER = {"expression": "number(bill) + 1"}
JOINED = {"expression": "coalesce(site, 'none') || bill"}
YEARS: dict[str, Any] = {"columns": "20??", "value": "kwh"}


def mapping(rule: dict[str, Any] | None, **more: Any) -> Mapping:
    fields = {"note": {"constant": "any"}} | ({"key": rule} if rule else {})
    said = {"mapping": "bills", "version": "1.0.0", "contract": "activity@1", "fields": fields, **more}
    return Mapping.model_validate(said).for_columns(COLUMNS)


def way(before: Mapping, now: Mapping, *, type_name: str = "code") -> tuple[str, str] | None:
    spec = FieldSpec(name="key", type=type_name, description="", required=True, key=True)
    return other_way(spec, before, now, COLUMNS)


def words(values: dict[str, str] | None, otherwise: str | None = None) -> Mapping:
    return mapping(BILL | ({"values": values} if values else {}) | ({"otherwise": otherwise} if otherwise else {}))


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (words({"a": "one"}), words({"A ": "one"})),
        (words({"a": "one"}), words({"a": "one", "b": "two"})),
        (words({"a": "one"}), words({"a": "one", "b": "two"}, "keep")),
        (words({"a": "one", "b": "two"}), words({"a": "one"})),
        (words({"a": "one"}, "keep"), words({"a": "one"})),
        (words({"a": "one"}, "keep"), words({"A": "one"}, "keep")),
    ],
    ids=["case", "a word more", "and others kept", "a word less", "others refused", "case, others kept"],
)
def test_words_that_refuse_or_admit_make_no_other_key(before: Mapping, now: Mapping) -> None:
    assert way(before, now) is None


@pytest.mark.parametrize(
    ("before", "now", "was", "is_now"),
    [
        (words({"a": "one"}), words({"A": "first"}), "'a' means 'one'", "'a' means 'first'"),
        (words(None), words({"a": "one"}, "keep"), "'a' is kept", "'a' means 'one'"),
        (words(None), words({"a": "one"}), "'a' is kept", "'a' means 'one'"),
        (words({"b": "two"}, "keep"), words({"a": "one", "b": "two"}, "keep"), "'a' is kept", "'a' means 'one'"),
        (words({"a": "one"}), words(None), "'a' means 'one'", "'a' is kept"),
        (words({"a": "one"}), words({"b": "two"}, "keep"), "'a' means 'one'", "'a' is kept"),
    ],
    ids=["another meaning", "words, others kept", "words", "a word more, kept", "no words", "a word less, kept"],
)
def test_words_that_mean_another_key_are_named(before: Mapping, now: Mapping, was: str, is_now: str) -> None:
    assert way(before, now) == (f"column 'bill' ({was})", f"column 'bill' ({is_now})")


def test_of_many_words_it_is_said_how_many_more() -> None:
    found = way(words(None), words({letter: "x" + letter for letter in "abcde"}))
    assert found is not None
    assert found[1].endswith("'c' means 'xc', and 2 words more)")


@pytest.mark.parametrize(
    ("type_name", "rule", "before", "now", "is_other"),
    [
        ("date", BILL, {"date_order": "MDY"}, {"date_order": "DMY"}, True),
        ("date", {"constant": "03/04/2024"}, {"date_order": "MDY"}, {"date_order": "DMY"}, True),
        ("date", BILL, {}, {"date_order": "DMY"}, False),
        ("date", BILL, {"date_order": "YMD"}, {"date_order": "DMY"}, False),
        ("date", BILL, {"decimal": "."}, {"decimal": ",", "group": "."}, False),
        ("timestamp", BILL, {"time_zone": "Europe/Berlin"}, {"time_zone": "Asia/Tokyo"}, True),
        ("integer", BILL, {"decimal": "."}, {"decimal": ",", "group": "."}, True),
        ("code", BILL, {"decimal": "."}, {"decimal": ",", "group": "."}, False),
        ("code", JOINED, {"decimal": "."}, {"decimal": ",", "group": "."}, False),
        ("code", NUMBER, {"decimal": "."}, {"decimal": ",", "group": "."}, True),
    ],
)
def test_the_locale_counts_where_the_key_is_read_by_it(
    type_name: str, rule: dict[str, Any], before: Any, now: Any, is_other: bool
) -> None:
    found = way(mapping(rule, locale=before), mapping(rule, locale=now), type_name=type_name)
    assert (found is not None) == is_other


@pytest.mark.parametrize(
    ("rule", "before", "now", "is_other"),
    [
        (BILL, {"unpivot": YEARS | {"name": "bill"}}, {"unpivot": YEARS | {"name": "day"}}, True),
        (BILL, {"unpivot": YEARS | {"name": "day"}}, {"unpivot": YEARS | {"name": "day", "columns": "19??"}}, False),
        ({"column": "_sheet"}, {}, {"add": ["sheet"]}, True),
        (BILL, {}, {"add": ["sheet"]}, False),
        (BILL, {}, {"fill_down": ["bill"]}, False),
        (JOINED, {}, {"fill_down": ["site"]}, True),
        (JOINED, {"fill_down": ["site"]}, {"fill_down": ["day", "site"]}, True),
        (JOINED, {"fill_down": ["site"]}, {"fill_down": ["site", "day"]}, False),
    ],
)
def test_where_the_columns_come_from_counts_where_the_key_reads_them(
    rule: dict[str, Any], before: Any, now: Any, is_other: bool
) -> None:
    found = way(mapping(rule, source=before), mapping(rule, source=now))
    assert (found is not None) == is_other


def test_a_field_that_was_left_open_or_is_is_told() -> None:
    assert way(mapping(None), mapping(BILL)) == ("nothing", "column 'bill'")
    assert way(mapping(BILL), mapping(None)) == ("column 'bill'", "nothing")
    assert way(mapping(None), mapping(None)) is None
