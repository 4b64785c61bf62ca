"""What became of columns, told from names, places and kinds."""

from __future__ import annotations

import json

import pytest

from headwater.mapping import read_mapping
from headwater.mapping.compile import columns_read, columns_sought
from headwater.services.drift import Drift, changes_between, drift_in_words, is_open, likest

BEFORE = {"Site": "texts", "Energy (kWh)": "numbers", "Start": "dates", "Note": ""}


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (BEFORE, []),
        ({**BEFORE, "Cost": "numbers"}, ["column 'Cost' is new"]),
        ({name: kind for name, kind in BEFORE.items() if name != "Note"}, ["column 'Note' is gone"]),
        (
            {"Site": "texts", "Energy use (kWh)": "numbers", "Start": "dates", "Note": ""},
            ["column 'Energy (kWh)' is called 'Energy use (kWh)' now"],
        ),
        (
            {"Site": "texts", "Energy (kWh)": "numbers", "From": "dates", "Note": ""},
            ["column 'Start' is called 'From' now"],
        ),
        ({**BEFORE, "Energy (kWh)": "texts"}, ["column 'Energy (kWh)' held numbers and holds texts now"]),
        ({**BEFORE, "Note": "texts"}, []),
        (
            {"SITE": "texts", "Energy (kWh)": "numbers", "Start": "dates", "Note": "", "X": "numbers"},
            ["column 'Site' is called 'SITE' now", "column 'X' is new"],
        ),
        (
            {"Start": "dates", "Energy (kWh)": "numbers", "Site": "texts", "Total": "numbers"},
            ["column 'Note' is gone", "column 'Total' is new"],
        ),
    ],
)
def test_changes_are_told(after: dict[str, str], words: list[str]) -> None:
    assert [str(change) for change in changes_between(BEFORE, after)] == words


@pytest.mark.parametrize(
    ("took", "now", "words"),
    [
        (["a b", "a b c"], "a b c d", ["column 'd' is new"]),
        (["a b e", "a b c"], "a b c d e", ["column 'd' is new"]),
        (["a b c", "a b"], "a b", []),
        (["a b c g", "a b e g"], "a b", ["column 'g' is gone"]),
        (["a site", "a site e"], "a e sites", ["column 'site' is called 'sites' now"]),
        (["a site", "a e"], "a e sites", ["column 'sites' is new"]),
        (["a b:numbers", "a b"], "a b:dates", ["column 'b' held numbers and holds dates now"]),
        (["a b:numbers", "a b:dates"], "a b:dates", []),
        (["a b:numbers", "a b:"], "a b:dates", []),
        (["a b:numbers"], "a b:dates", ["column 'b' held numbers and holds dates now"]),
        (["a", ""], "a b", []),
        ([], "a b", []),
    ],
)
def test_only_what_is_not_as_in_one_of_those_taken_has_changed(took: list[str], now: str, words: list[str]) -> None:
    def columns(text: str) -> dict[str, str]:
        return {
            name: kind if colon else "texts" for name, colon, kind in (each.partition(":") for each in text.split())
        }

    before = likest([columns(each) for each in took], columns(now))
    assert [str(change) for change in (changes_between(before, columns(now)) if before else ())] == words


def columns(text: str) -> dict[str, str]:
    """Names with the kinds of their values, texts where none is said."""
    return {name: kind if colon else "texts" for name, colon, kind in (each.partition(":") for each in text.split())}


BILLS = """
mapping: bills
version: 1.0.0
contract: activity@1
fields:
  quantity: {column: [Use, Consumption]}
  unit: {expression: lower(Unit)}
skip: [{when: "Kind = 'total'", reason: total}]
when:
- columns: [Note]
  fields: {note: {column: Note}}
- columns: [Measure]
  fields: {unit: {column: Measure}}
  skip: []
"""


@pytest.mark.parametrize(
    ("before", "now", "is_answered"),
    [
        ("Use Unit Kind", "Use Unit Kind Note", True),
        ("Use Unit Kind", "Use Unit Kind Remark", False),
        ("Use Unit Kind", "Use Unit Kind Note Remark", False),
        ("Use Unit Kind", "Consumption Unit Kind", True),
        ("Use Unit Kind", "Kind X Unit Consumption", False),
        ("Use Unit Kind Note", "Use Unit Kind", False),
        ("Use Unit Kind Note", "Use Unit Kind Notes", False),
        ("Use Unit Kind Remark", "Use Unit Kind", True),
        ("Use Unit Kind Remark", "Use Unit Kind Note", True),
        ("Use Unit Kind", "Kind Use Measure", True),
        ("Use Unit Kind", "Use Measure", False),
        ("Use:numbers Unit Kind", "Use:texts Unit Kind", False),
        ("Use Unit Kind Remark:numbers", "Use Unit Kind Remark:texts", True),
    ],
)
def test_a_mapping_answers_what_it_reads_and_what_leaves_no_field_of_it_empty(
    before: str, now: str, *, is_answered: bool
) -> None:
    mapping, was, found = read_mapping(BILLS, where="m"), columns(before), columns(now)
    read, sought = columns_read(mapping, tuple(found)), columns_sought(mapping, was)
    changes = changes_between(was, found, read, sought)
    assert changes
    assert any(is_open(each, read, sought) for each in changes) != is_answered


def test_a_new_column_that_the_mapping_reads_is_loaded_and_said_to_be() -> None:
    after = {"SITE": "texts", **{name: kind for name, kind in BEFORE.items() if name != "Site"}, "Meter": "", "X": ""}
    read = {"SITE": ("facility_code", "note"), "Meter": ("meter_id",), "Start": ("period_start",)}
    changes = changes_between(BEFORE, after, read)
    assert [str(change) for change in changes] == [
        "column 'Site' is called 'SITE' now and read as facility_code, note",
        "column 'Meter' is new and read as meter_id",
        "column 'X' is new",
    ]
    told = [
        drift_in_words(json.loads(json.dumps(Drift(mode="freeze", since="a.csv", changes=these).as_json())))
        for these in (changes, changes[:2])
    ]
    assert told[0][-1] == "'X' is not loaded until it is mapped."
    assert told[1] == tuple(f"Since a.csv: {change}." for change in changes[:2])


def test_a_column_that_only_tells_what_to_skip_is_read() -> None:
    (change,) = changes_between({"A": ""}, {"A": "", "Kind": ""}, {"Kind": ()})
    assert str(change) == "column 'Kind' is new and read to skip records"
    noted = Drift(mode="freeze", since="a.csv", changes=(change,)).as_json()
    assert drift_in_words(noted) == ("Since a.csv: column 'Kind' is new and read to skip records.",)


def test_of_many_columns_that_the_mapping_does_not_read_it_is_told_how_many() -> None:
    others = {f"Custom {number}": "texts" for number in range(80)}
    read = {"Site": ("facility_code",), "Start": ("period_start",)}
    after = {"Site": "numbers", "New": "texts", "Energy (kWh)": "numbers", "Note": ""}
    changes = changes_between({**BEFORE, **others}, after, {"Site": ("facility_code",)}, read)
    assert len(changes) == 83
    noted = json.loads(json.dumps(Drift(mode="freeze", since="a.csv", changes=changes).as_json()))
    assert drift_in_words(noted) == (
        "Since a.csv: column 'Start' is gone.",
        "Since a.csv: column 'Site' held texts and holds numbers now.",
        "Since a.csv: 81 columns that the mapping does not read are not as they were: 1 new, 80 gone; --json has all.",
        "What is new is not loaded until it is mapped.",
    )


def test_what_was_done_about_it_is_said() -> None:
    change = {"kind": "added", "column": "X", "before": None, "after": "X"}
    noted = {"mode": "freeze", "since": "a.csv", "changes": [change]}
    assert drift_in_words(noted) == (
        "Since a.csv: column 'X' is new.",
        "What is new is not loaded until it is mapped.",
    )
    assert drift_in_words({**noted, "mode": "evolve"}) == ("Since a.csv: column 'X' is new.",)
    assert drift_in_words(None) == ()
