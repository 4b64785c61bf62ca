from __future__ import annotations

import itertools
import random
import re

import pyarrow as pa
import pytest

from headwater.contracts import Document
from headwater.mapping import read_mapping
from headwater.mapping.assignment import assign
from headwater.mapping.draft import draft
from headwater.mapping.profile import profile
from headwater.mapping.suggest import ACCEPTED, Suggestion, rank, suggest
from headwater.mapping.totals import Totals, totals_in
from headwater.packs.ghg import pack

DOCUMENTS: dict[str, Document] = {each.name: each for each in pack.documents()}
ACTIVITY, FACILITY = DOCUMENTS["activity"], DOCUMENTS["facility_emission"]


def suggested(document: Document = ACTIVITY, /, **columns: list[str]) -> Suggestion:
    return suggest(profile(pa.table({name: pa.array(texts, pa.string()) for name, texts in columns.items()})), document)


def columns_of(suggestion: Suggestion) -> dict[str, str]:
    return {field.field: field.column or f"= {field.constant}" for field in suggestion.found}


BILLS = {
    "Bill No.": ["A-1", "A-2", "A-3"],
    "Fuel": ["gas", "power", "gas"],
    "Site": ["Bristol", "Glasgow", "Bristol"],
    "From": ["2024-01-01", "2024-02-01", "2024-03-01"],
    "To": ["2024-01-31", "2024-02-29", "2024-03-31"],
    "Consumption (kWh)": ["10.5", "20", "30"],
    "Vendor": ["Gas & Co", "Power & Co", "Gas & Co"],
    "Colour": ["red", "blue", "red"],
}


def test_a_bill_is_understood() -> None:
    found = suggested(ACTIVITY, **BILLS)
    assert columns_of(found) == {
        "activity_id": "Bill No.",
        "activity_type": "Fuel",
        "facility_code": "Site",
        "period_start": "From",
        "period_end": "To",
        "quantity": "Consumption (kWh)",
        "unit": "= kWh",
        "supplier": "Vendor",
    }
    assert found.required_open == ("region",)
    assert found.unused == ("Colour",)
    assert all(field.confidence >= ACCEPTED and field.why for field in found.found)


def test_for_a_quantity_that_stays_open_the_numbers_that_are_left_are_told() -> None:
    wide = {**BILLS, "Hall A [MWh]": ["1.5", "2", "3"], "Hall B [MWh]": ["4", "5", "6.25"], "Points": ["1", "2", "3"]}
    del wide["Consumption (kWh)"]
    found = suggested(ACTIVITY, **wide)
    assert "quantity" in found.required_open
    (quantity,) = (field for field in found.fields if field.field == "quantity")
    assert [(each.column, each.why) for each in quantity.numbers] == [
        ("Hall A [MWh]", ("in MWh", "1.5 to 3")), ("Hall B [MWh]", ("in MWh", "4 to 6.25")), ("Points", ("1 to 3",)),
    ]  # fmt: skip
    assert not [field.field for field in found.fields if field.numbers and field.field != "quantity"]
    yaml = draft(found, name="halls", source={})
    assert "columns of numbers that no field takes: Hall A [MWh] (in MWh, 1.5 to 3); Hall B [MWh] (" in yaml
    (hint,) = re.findall(r"where each of them is one, a record of each: (source: .*)", yaml)
    body = yaml.replace("# open: required and", "# required and").replace("fields:", f"{hint}\nfields:", 1)
    assert read_mapping(body, where="m").source.unpivot is not None
    assert not [field for field in suggested(ACTIVITY, **BILLS).fields if field.numbers]


def test_a_column_named_by_a_unit_is_the_quantity_and_a_bare_amount_is_not() -> None:
    dated = {"Date": ["2024-01-01", "2024-02-01"]}
    for header, unit in (("Litres", "l"), ("kWh", "kWh"), ("m3", "m3"), ("km driven", "km"), ("Total kWh", "kWh")):
        found = columns_of(suggested(ACTIVITY, **dated, **{header: ["40.5", "38"], "Amount": ["61.20", "57.40"]}))
        assert (found["quantity"], found["unit"]) == (header, f"= {unit}")
        assert "cost" not in found
    alone = suggested(ACTIVITY, **dated, Amount=["61.20", "57.40"])
    quantity = next(field for field in alone.fields if field.field == "quantity")
    assert quantity.is_open
    assert [each.column for each in quantity.perhaps] == ["Amount"]


@pytest.mark.parametrize(
    ("header", "field", "other"),
    [
        ("Amount (kWh)", "quantity", "cost"),
        ("Amount (EUR)", "cost", "quantity"),
        ("Consumption kWh", "quantity", "cost"),
    ],
)
def test_the_unit_says_what_an_amount_is_of(header: str, field: str, other: str) -> None:
    found = columns_of(suggested(ACTIVITY, **{header: ["61.20", "57.40"]}))
    assert found[field] == header
    assert other not in found


@pytest.mark.parametrize("header", ["EUR", "%", "t", "kWh"])
def test_a_name_that_says_less_than_a_unit_is_no_quantity(header: str) -> None:
    texts = ["red", "blue"] if header == "kWh" else ["61.20", "57.40"]
    assert "quantity" not in columns_of(suggested(ACTIVITY, **{header: texts}))


def test_a_quantity_with_cells_that_are_no_numbers_is_found_and_they_are_told() -> None:
    bills = BILLS | {"Consumption (kWh)": ["100", "see note", "120"]}
    found = {each.field: each for each in suggested(ACTIVITY, **bills).fields}
    assert found["quantity"].column == "Consumption (kWh)"
    assert "1 of 3 cells is no number, the first 'see note' in record 2" in found["quantity"].why
    assert found["unit"].constant == "kWh"


def test_a_column_of_words_among_numbers_is_no_quantity() -> None:
    bills = BILLS | {"Consumption (kWh)": ["100", "see note", "none given"]}
    found = {each.field: each for each in suggested(ACTIVITY, **bills).fields}
    assert found["quantity"].column != "Consumption (kWh)"


def test_no_column_is_used_twice() -> None:
    found = suggested(id=["1", "2"], date=["2024-01-01", "2024-01-02"], value=["1.5", "2.5"], Country=["DE", "GB"])
    used = [field.column for field in found.fields if field.column]
    assert len(used) == len(set(used))
    assert {"quantity", "cost"} & set(columns_of(found)) <= {"quantity"}


def test_two_columns_that_fit_alike_leave_the_field_open() -> None:
    found = suggested(FACILITY, **{"Country Name": ["Kenya", "Ghana"], "Country Code": ["KEN", "GHA"]})
    country = next(field for field in found.fields if field.field == "country")
    assert country.is_open
    assert "fit alike" in country.why[0]
    assert {each.column for each in country.perhaps} == {"Country Name", "Country Code"}


@pytest.mark.parametrize(
    ("name", "texts", "field"),
    [
        ("total emissions", ["a lot", "little"], "total_co2e_t"),
        ("Total emissions (kg CO2e)", ["1", "2"], "total_co2e_t"),
        ("Scope 1 emissions target", ["1.5", "2.5"], "scope1_co2e_t"),
        ("Scope 1 emissions intensity", ["1.5", "2.5"], "scope1_co2e_t"),
        ("Scope 3 emissions", ["1.5", "2.5"], "scope1_co2e_t"),
        ("CH4 emissions", ["1.5", "2.5"], "co2_t"),
        ("reporting year", ["1500000", "2"], "year"),
        ("Facility ZIP", ["10115", "20095"], "facility_code"),
    ],
)
def test_what_only_looks_alike_stays_open(name: str, texts: list[str], field: str) -> None:
    assert field not in columns_of(suggested(FACILITY, **{name: texts}))


def test_values_speak_where_names_do_not() -> None:
    found = suggested(Messung=["1.5", "2.5"], Angabe=["kWh", "m3"])
    assert columns_of(found) == {"unit": "Angabe"}


def test_years_across_become_records() -> None:
    found = suggested(
        FACILITY,
        **{"Facility": ["A", "B"], "2019": ["1.5", ""], "2020": ["2", "3"], "2021": ["4", "5"], "Total": ["7", "8"]},
    )
    assert found.unpivot is not None
    assert found.unpivot.columns == ("2019", "2020", "2021")
    assert columns_of(found)["year"] == "year"
    text = draft(found, name="wide", source={"format": "csv"})
    assert '  unpivot: {columns: ["20??"], name: year, value: value}' in text
    assert suggested(FACILITY, **{"2019": ["1"], "2020": ["2"]}).unpivot is None
    assert suggested(FACILITY, **{"2019": ["a b"], "2020": ["c d"], "2021": ["e f"]}).unpivot is None


def test_a_year_with_a_mark_is_among_the_years_and_listed_by_name() -> None:
    years = {"2018": ["1.5", "2"], "2019": ["2", "3"], "2020": ["4", "5"], "2021*": ["6", "7"]}
    found = suggested(FACILITY, **{"Facility": ["A", "B"], **years, "2020 (%)": ["1", "2"], "2019p": ["5", "6"]})
    assert found.unpivot is not None
    assert found.unpivot.columns == tuple(years)
    text = draft(found, name="wide", source={"format": "csv"})
    assert '  unpivot: {columns: ["2018", "2019", "2020", "2021*"], name: year, value: value}' in text
    assert "# open: named by a year too, and not among them: 2020 (%), 2019p" in text
    year = read_mapping(text, where="draft").fields["year"]
    assert year.expression == "regexp_extract(\"year\", '((19|20)[0-9]{2})', 1)"


def test_a_name_of_a_year_takes_no_other_column() -> None:
    years = {"2019": ["2", "3"], "2020": ["4", "5"], "2021*": ["6", "7"]}
    found = suggested(FACILITY, **{**years, "2021 target": ["1", "2"]})
    assert 'columns: ["2019", "2020", "2021[*]"]' in draft(found, name="wide", source={})
    found = suggested(FACILITY, **{"2019": ["2"], "2020": ["4"], "2021": ["6"], "20ft": ["1"]})
    assert 'columns: ["2019", "2020", "2021"]' in draft(found, name="wide", source={})


def test_totals_are_told_with_a_skip_that_takes_them() -> None:
    columns = {name: [*texts, ""] for name, texts in BILLS.items()} | {
        "Bill No.": ["A-1", "A-2", "A-3", " Total 'all'"]
    }
    rows = pa.table({name: pa.array(texts, pa.string()) for name, texts in columns.items()})
    (totals,) = totals_in(rows)
    assert totals == Totals(column="Bill No.", texts=(" Total 'all'",), places=(3,))
    text = draft(suggested(ACTIVITY, **columns), name="bills", source={}, totals=[("line 5", totals)])
    assert "# open: totals, by the look of it: line 5 ( Total 'all'); records unless the mapping skips them:\n" in text
    assert read_mapping(text, where="draft").skip == ()
    (skip,) = read_mapping(text.replace("# skip:\n#   - ", "skip:\n  - "), where="draft").skip
    assert (skip.when, skip.reason) == ("trim(\"Bill No.\") IN ('Total ''all''')", "total_line")


def test_totals_beyond_the_sample_are_told() -> None:
    told = "sheet A: 1 row looks like a total (row 9000)"
    text = draft(suggested(ACTIVITY, **BILLS), name="bills", source={}, told=[told])
    assert f"# open: {told}, as in:\n# skip:\n" in text
    assert read_mapping(text, where="draft").skip == ()


def test_what_every_record_says_is_no_total() -> None:
    rows = {"figure": ["Total emissions", "Total emissions", "Totalise"], "site": ["a", "Total", "c"]}
    assert totals_in(pa.table(rows)) == ()


def test_the_last_day_of_a_period_is_told_of() -> None:
    text = draft(suggested(ACTIVITY, **BILLS), name="bills", source={})
    assert "  # The contract wants the day after the last day." in text
    mapping = read_mapping(re.sub("  period_end: .*\n(.*\n)  # period_end", r"\1  period_end", text), where="draft")
    assert mapping.fields["period_end"].expression == 'day_after("To")'


def test_contracts_are_ranked_by_fit() -> None:
    table = pa.table({name: pa.array(texts, pa.string()) for name, texts in BILLS.items()})
    ranked = rank(profile(table), [FACILITY, DOCUMENTS["emission_factor"], ACTIVITY])
    assert ranked[0].contract == "activity@1"
    assert [each.fit for each in ranked] == sorted((each.fit for each in ranked), reverse=True)


def test_the_draft_is_a_mapping_that_says_what_is_open() -> None:
    columns = BILLS | {
        "Checked on": ["03/04/2024", "05/06/2024", "04/05/2024"],
        'Odd "name": #1\n': ["-", "x y", "–"],
    }
    found = suggested(ACTIVITY, **columns)
    text = draft(found, name="bills", source={"format": "csv", "delimiter": ";"})
    mapping = read_mapping(text, where="draft")
    assert {name: rule.column or f"= {rule.constant}" for name, rule in mapping.fields.items()} == columns_of(found)
    assert (mapping.source.delimiter, mapping.locale.decimal, mapping.locale.group) == (";", ".", None)
    assert "# open: required and not found: region\n" in text
    assert "# open: region (required)" in text
    assert "# open: locale.date_order: day and month of each could be swapped (03/04/2024" in text
    assert mapping.absent == {"-": "not_reported", "–": "not_reported"}


def test_a_draft_in_which_nothing_was_found_says_so() -> None:
    text = draft(suggested(Colour=["red", "blue"]), name="none", source={})
    assert "# open: nothing was found" in text
    assert "# open: required and not found: activity_id, activity_type, region, period_start, quantity, unit" in text


def test_the_assignment_is_the_best_there_is() -> None:
    draw = random.Random(7)
    for _ in range(200):
        rows, columns = draw.randint(1, 4), draw.randint(1, 5)
        scores = [[draw.choice([0.0, draw.random()]) for _ in range(columns)] for _ in range(rows)]
        found = assign(scores)
        assert len(set(found.values())) == len(found)
        assert all(scores[row][column] > 0 for row, column in found.items())
        best = max(
            sum(scores[row][place] for row, place in enumerate(places) if place < columns)
            for places in itertools.permutations(range(columns + rows), rows)
        )
        assert sum(scores[row][column] for row, column in found.items()) == pytest.approx(best)
    assert assign([]) == {}
