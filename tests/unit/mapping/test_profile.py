from __future__ import annotations

import pyarrow as pa
import pytest

from headwater.mapping.profile import ColumnProfile, Profile, profile


def of(**columns: list[str]) -> Profile:
    return profile(pa.table({name: pa.array(texts, pa.string()) for name, texts in columns.items()}))


def column(*texts: str, name: str = "x") -> ColumnProfile:
    return of(**{name: list(texts)}).columns[0]


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "20", "-3"], "integer"),
        (["2023.0", "2024.0"], "integer"),
        (["1.5", "2"], "number"),
        (["1.234,50", "12,5"], "number"),
        (["1 234,5", "2\u00a0345,6", "\u2212 7,25"], "number"),
        (["45.00%", "0.517", "NA"], "number"),
        (["(12.5)", "3-"], "number"),
        (["1e-5", "2.5E3"], "number"),
        (["2024-03-01", "2024-03-02"], "date"),
        (["01.02.2024", "13.02.2024"], "date"),
        (["1 March 2024", "Mar 2, 2024"], "date"),
        (["2024-03-01T00:00:00"], "date"),
        (["2024-03-01 13:45", "2024-03-01"], "timestamp"),
        (["True", "False"], "boolean"),
        (["yes", "no", "yes"], "boolean"),
        (["1,234,567.5", "12,34,567"], "number"),
        (["2030, 2025", "2030, 2040"], "text"),
        (["A-17", "B-18", "19"], "code"),
        (["DE", "GB", "FR"], "code"),
        (["A long sentence, with words.", "Another one"], "text"),
        (["", " ", "\u00a0"], "blank"),
        (["NA", "n/a"], "blank"),
    ],
)
def test_the_kind_of_a_column(texts: list[str], kind: str) -> None:
    assert column(*texts).kind == kind


def test_blanks_and_notation_keys_are_counted_apart() -> None:
    found = column("1.5", "2.5", "", "NO", "IE", "NO", "-", "3.5", "4.5", "5.5")
    assert (found.kind, found.blanks, dict(found.absent)) == ("number", 0.1, {"NO": 2, "IE": 1, "-": 1})
    assert found.share == 1.0
    assert not set(found.absent) & set(found.examples)


def test_a_country_is_no_notation_key() -> None:
    assert dict(column("NA", "NO", "DE", "FR").absent) == {}
    assert dict(column("North", "n/a", "South", "not reported").absent) == {"n/a": 1, "not reported": 1}


def test_a_number_far_below_all_others_stands_for_none() -> None:
    assert dict(column("-9999", "1", "2", "-9999").absent) == {"-9999": 2}
    assert dict(column("-9999", "-8000", "2").absent) == {}
    assert dict(column("-99", "-98", "-97").absent) == {}


@pytest.mark.parametrize(
    ("texts", "sign", "is_sure"),
    [
        (["1.5", "2"], ".", True),
        (["1,5", "2"], ",", True),
        (["1.234.567", "2"], ",", True),
        (["1.234,5"], ",", True),
        (["1,234.5"], ".", True),
        (["0.123"], ".", True),
        (["1234.567"], ".", True),
        (["1.234", "5.678"], None, False),
        (["1", "2"], None, False),
        (["1.5", "2,5"], ".", False),
    ],
)
def test_the_decimal_sign_is_what_decides_it(texts: list[str], sign: str | None, is_sure: bool) -> None:
    found = of(x=texts).decimal
    assert (found.value, found.is_sure) == (sign, is_sure)


def test_the_sign_between_thousands() -> None:
    assert of(x=["1,234.5", "2"]).group == ","
    assert of(x=["1.234,5"]).group == "."
    assert of(x=["1\u202f234,5"]).group == " "
    assert of(x=["1\u2019234.5"]).group == "'"
    assert of(x=["1234.5"]).group is None


@pytest.mark.parametrize(
    ("texts", "order", "is_sure"),
    [
        (["03/04/2024", "13/04/2024"], "DMY", True),
        (["03/04/2024", "04/13/2024"], "MDY", True),
        (["03/04/2024", "05/06/2024"], None, False),
        (["13/04/2024", "04/13/2024"], None, False),
        (["2024-03-04"], "YMD", True),
        (["3 March 2024"], None, False),
    ],
)
def test_the_order_of_dates_is_what_decides_it(texts: list[str], order: str | None, is_sure: bool) -> None:
    found = of(x=texts).date_order
    assert (found.value, found.is_sure) == (order, is_sure)


def test_a_doubt_names_the_texts_that_leave_it() -> None:
    found = of(x=["03/04/2024"]).date_order
    assert found.examples == ("03/04/2024",)
    assert found.confidence < 0.8


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("Electricity (kWh)", "kWh"),
        ("quantity_tonnes", "t"),
        ("value_eur", "EUR"),
        ("Total emissions [t CO2e]", "t CO2e"),
        ("TOTAL Scope 1 Emissions (metric tonnes CO2e)", "t CO2e"),
        ("Land area (in square km)", "km2"),
        ("emission_intensity_tco2e_per_t", "t CO2e/t"),
        ("Verbrauch in kWh", "kWh"),
        ("MtCO2e", None),
        ("kWh", "kWh"),
        ("Litres", "l"),
        ("km driven", "km"),
        ("t", None),
        ("Amount t", None),
        ("City", None),
    ],
)
def test_the_unit_in_a_name(name: str, unit: str | None) -> None:
    assert column("1", name=name).unit == unit


def test_a_row_of_units_goes_before_the_name() -> None:
    rows = pa.table({"Use (kWh)": pa.array(["1"], pa.string())})
    assert profile(rows, {"Use (kWh)": "MWh"}).columns[0].unit == "MWh"


def test_as_json_says_all_of_it() -> None:
    body = of(year=["2020", "2021", ""], x=["1.5", "", ""]).as_json()
    assert [(each["name"], each["is_year"], each["blanks"]) for each in body["columns"]] == [
        ("year", True, 0.3333),
        ("x", False, 0.6667),
    ]
    assert body["decimal"]["value"] == "."
