"""Indicators by hand: what they come to, and what they say where there is nothing to say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from headwater.accounting.indicators import needed_sources, read_indicators
from headwater.engine.duck import engine
from headwater.errors import Misuse
from tests.unit.accounting.indicator_rows import DEFINED, computed, figures, rows_of

Connection = duckdb.DuckDBPyConnection
HEADS = {"fact": "headcount", "unit": "person"}
EMISSIONS = [
    {"scope": 1, "facility_code": "LON", "co2e_kg": "1000.5"},
    {"scope": 1, "facility_code": "PAR", "co2e_kg": "500"},
    {"scope": 3, "facility_code": "LON", "co2e_kg": "2000"},
]


@pytest.fixture
def connection() -> Iterator[Connection]:
    with engine() as opened:
        yield opened


def ratio(of: str, per: str, **more: Any) -> dict[str, Any]:
    return {"title": "r", "ratio": {"of": of, "per": per}, **more}


def expression(text: str, **more: Any) -> dict[str, Any]:
    return {"title": "e", "expression": text, **more}


def test_a_sum_is_exact_and_shown_in_its_unit(connection: Connection) -> None:
    rows = rows_of(connection, EMISSIONS)
    assert figures(rows, "emissions") == {(): "3.501"}
    (figure,) = computed(rows, "emissions").figures
    assert figure.unit == "tCO2e_AR5"
    assert figure.value.quantity is not None
    assert str(figure.value.quantity) == "7001/2 kgCO2e_AR5"


def test_a_sum_is_told_apart_as_asked(connection: Connection) -> None:
    rows = rows_of(connection, EMISSIONS)
    assert figures(rows, "emissions", by=["scope"]) == {1: "1.501", 3: "2.000"}
    assert figures(rows, "emissions", by=["site", "scope"]) == {
        ("LON", 1): "1.001",
        ("LON", 3): "2.000",
        ("PAR", 1): "0.500",
    }
    with pytest.raises(Misuse, match="not known by colour") as refused:
        figures(rows, "emissions", by=["colour"])
    assert "site" in str(refused.value.valid)


def test_every_value_names_what_it_came_from(connection: Connection) -> None:
    rows = rows_of(connection, EMISSIONS, [{**HEADS, "quantity": 10}])
    (figure,) = computed(rows, "intensity").figures
    inputs = [(each.source, each.condition, each.rows, each.sha256) for each in figure.value.rests_on]
    assert inputs == [
        ("lines of inventory 1", None, 3, "e" * 64),
        ("organisation_fact", "fact = 'headcount'", 1, "f" * 64),
    ]
    assert [name for name, _ in figure.value.parts] == ["emissions", "headcount"]


def test_sets_of_warming_potentials_are_never_added_up(connection: Connection) -> None:
    rows = rows_of(connection, [*EMISSIONS, {"gwp_set": "AR4", "co2e_kg": 1}])
    ((why,),) = figures(rows, "emissions").values()
    assert "CO2e by AR5" in why
    assert "CO2e by AR4" in why
    assert why.endswith("Or choose one set, or ask by gwp_set.")
    assert figures(rows, "emissions", by=["gwp_set"]) == {"AR4": "0.001", "AR5": "3.501"}


def test_both_methods_of_scope_2_are_never_added_up(connection: Connection) -> None:
    both = [{"scope": 2, "method": method, "co2e_kg": 5} for method in ("location_based", "market_based")]
    rows = rows_of(connection, both)
    assert figures(rows, "emissions") == {
        (): ("scope 2 by location_based and by market_based cannot be added: choose one",)
    }
    assert figures(rows, "emissions", by=["method"]) == {"location_based": "0.005", "market_based": "0.005"}


def test_units_of_a_kind_are_brought_together_and_others_refused(connection: Connection) -> None:
    energy = {"title": "Energy", "unit": "MWh", "sum": {"of": "emissions", "field": "quantity"}}
    kwh, gwh, litres = ({"quantity": 500, "unit": unit} for unit in ("kWh", "GWh", "l"))
    assert figures(rows_of(connection, [kwh, gwh]), "energy", energy=energy) == {(): "500000.500"}
    ((why,),) = figures(rows_of(connection, [kwh, litres]), "energy", energy=energy).values()
    assert "cannot be added" in why
    assert "calorific value" in why
    ((none,),) = figures(rows_of(connection, [{"quantity": 1}]), "energy", energy=energy).values()
    assert "no unit" in none


def test_nothing_there_is_not_available_and_not_zero(connection: Connection) -> None:
    two = {"title": "t", "sum": {"of": "emissions", "field": "co2e_kg", "where": "scope = 2"}}
    rows = rows_of(connection, EMISSIONS)
    assert figures(rows, "two", two=two) == {(): ("there are no rows of lines of inventory 1 that meet scope = 2",)}
    zero = {"title": "z", "unit": "kgCO2e", "sum": {**two["sum"], "when_none": "zero"}}  # type: ignore[dict-item]
    assert figures(rows, "zero", zero=zero) == {(): "0.000"}


def test_a_group_that_a_condition_leaves_nothing_of_is_none(connection: Connection) -> None:
    third = {"title": "t", "unit": "tCO2e", "sum": {"of": "emissions", "field": "co2e_kg", "where": "scope = 3"}}
    rows = rows_of(connection, EMISSIONS)
    assert figures(rows, "third", by=["site"], third=third) == {"LON": "2.000"}
    zero = {**third, "sum": {**third["sum"], "when_none": "zero"}}  # type: ignore[dict-item]
    assert figures(rows, "zero", by=["site"], zero=zero) == {"LON": "2.000", "PAR": "0.000"}
    second = {**third, "sum": {**third["sum"], "where": "scope = 2"}}  # type: ignore[dict-item]
    assert figures(rows, "second", by=["site"], second=second) == {
        (): ("there are no rows of lines of inventory 1 that meet scope = 2",)
    }


def test_rows_without_a_value_are_refused_unless_left_out(connection: Connection) -> None:
    rows = rows_of(connection, [*EMISSIONS, {"co2e_kg": None}])
    assert figures(rows, "emissions") == {(): ("1 of 4 rows has no value",)}
    lenient = {**DEFINED["emissions"], "sum": {"of": "emissions", "field": "co2e_kg", "missing": "leave_out"}}
    (figure,) = computed(rows, "emissions", emissions=lenient).figures
    assert str(figure.figure) == "3.501"
    assert figure.value.told == ("1 of 4 rows has no value and is left out",)


def test_a_ratio_divides_once_and_carries_units(connection: Connection) -> None:
    rows = rows_of(connection, EMISSIONS, [{**HEADS, "quantity": 3}])
    assert figures(rows, "intensity") == {(): "1.166833"}
    assert computed(rows, "intensity").figures[0].unit == "tCO2e_AR5/person"


def test_a_ratio_without_a_part_or_by_zero_is_not_available(connection: Connection) -> None:
    no_heads = rows_of(connection, EMISSIONS, [{"fact": "revenue", "unit": "EUR", "quantity": 9}])
    assert figures(no_heads, "intensity") == {
        (): ("headcount: there are no rows of organisation_fact that meet fact = 'headcount'",)
    }
    nothing = rows_of(connection, EMISSIONS)
    assert figures(nothing, "intensity") == figures(no_heads, "intensity")
    assert figures(rows_of(connection), "emissions", by=["site"]) == {
        (): ("there are no rows of lines of inventory 1",)
    }
    zero = rows_of(connection, EMISSIONS, [{**HEADS, "quantity": 0}])
    assert figures(zero, "intensity") == {(): ("headcount is 0, by which nothing is divided",)}


def test_a_ratio_by_what_only_one_side_knows_takes_the_whole_and_says_so(connection: Connection) -> None:
    rows = rows_of(connection, EMISSIONS, [{**HEADS, "quantity": 10}])
    assert figures(rows, "intensity", by=["scope"]) == {1: "0.150050", 3: "0.200000"}
    assert computed(rows, "intensity", by=["scope"]).figures[0].value.told == (
        "the whole is taken, as it is not known by scope",
    )


def test_a_whole_stands_beside_its_parts_and_not_among_them(connection: Connection) -> None:
    sites = [{**HEADS, "facility_code": site, "quantity": count} for site, count in (("LON", 4), ("PAR", 5))]
    rows = rows_of(connection, EMISSIONS, [*sites, {**HEADS, "quantity": 12}])
    assert figures(rows, "headcount") == {(): "12.000"}
    assert figures(rows, "headcount", by=["site"]) == {"LON": "4.000", "PAR": "5.000"}
    assert figures(rows_of(connection, EMISSIONS, sites), "headcount") == {(): "9.000"}
    whole = rows_of(connection, EMISSIONS, [{**HEADS, "quantity": 12}])
    assert figures(whole, "intensity", by=["site"])["LON"] == (
        "headcount: there are no rows of organisation_fact that meet fact = 'headcount' and are not of the whole",
    )
    missing = rows_of(connection, [*EMISSIONS, {"facility_code": "ROM", "co2e_kg": 1}], sites)
    assert figures(missing, "intensity", by=["site"])["ROM"] == ("there is no headcount for facility_code ROM",)


def test_a_state_is_not_added_up_over_periods(connection: Connection) -> None:
    years = [{**HEADS, "year": year, "quantity": 10} for year in (2023, 2024)]
    rows = rows_of(connection, facts=years)
    ((why,),) = figures(rows, "headcount").values()
    assert "a state is not added up over periods" in why
    assert figures(rows, "headcount", by=["year"]) == {2023: "10.000", 2024: "10.000"}


def test_a_weighted_average(connection: Connection) -> None:
    """By hand: (10 × 1 kWh + 40 × 3 kWh) / 4 kWh = 32.5."""
    average = {
        "title": "w",
        "weighted_average": {"of": "emissions", "value": "co2e_kg", "weight": "quantity"},
        "unit": "kgCO2e",
    }
    rows = [
        {"co2e_kg": 10, "quantity": 1, "unit": "kWh"},
        {"co2e_kg": 40, "quantity": "0.003", "unit": "MWh"},
    ]
    assert figures(rows_of(connection, rows), "average", average=average) == {(): "32.500"}
    none = [{"co2e_kg": 10, "quantity": 0, "unit": "kWh"}]
    ((why,),) = figures(rows_of(connection, none), "average", average=average).values()
    assert why == "the weights add up to 0, by which nothing is divided"


def test_an_expression_over_other_indicators(connection: Connection) -> None:
    rows = rows_of(connection, EMISSIONS, [{**HEADS, "quantity": 3}])
    more: Any = {
        "twice": expression("2 * emissions + quantity(1, 'tCO2e_AR5')", unit="kgCO2e", places="0"),
        "share": expression("least(emissions, quantity(1, 'tCO2e_AR5')) / emissions", unit="%", places="1"),
        "deep": expression("(twice - emissions) / headcount", unit="tCO2e/person"),
    }
    assert figures(rows, "twice", **more) == {(): "8001"}
    assert figures(rows, "share", **more) == {(): "28.6"}
    assert figures(rows, "deep", **more) == {(): "1.500"}


def test_an_unsafe_expression_is_not_available_in_words(connection: Connection) -> None:
    rows = rows_of(connection, EMISSIONS, [{**HEADS, "quantity": 3}])
    ((why,),) = figures(rows, "wrong", wrong=expression("emissions + headcount")).values()
    assert "cannot be added" in why
    ((zero,),) = figures(rows, "zero", zero=expression("1 / (headcount - headcount)")).values()
    assert zero == "(headcount - headcount) is 0, by which nothing is divided"


@pytest.mark.parametrize(
    "text",
    [
        "read_csv('x')",
        "coalesce(emissions, 0)",
        "(SELECT 1)",
        "emissions.co2e",
        "1e9",
        "emissions; 1",
        "sum(emissions)",
    ],
)
def test_what_leaves_the_sandbox_is_refused_when_it_is_read(text: str) -> None:
    with pytest.raises(Misuse):
        read_indicators({"indicators": {**DEFINED, "wrong": expression(text)}}, where="test")


@pytest.mark.parametrize(
    "text", ["1", "emissions", "emissions IS NULL", "available(emissions) + 1 > 2", "NOT emissions"]
)
def test_what_is_no_condition_is_refused_as_one(text: str) -> None:
    conditional = {"title": "c", "conditional": {"cases": [{"when": text, "then": "1"}]}}
    with pytest.raises(Misuse, match=r"no condition|not allowed"):
        read_indicators({"indicators": {**DEFINED, "wrong": conditional}}, where="test")


def test_an_expression_of_numbers_alone_has_one_value(connection: Connection) -> None:
    rows = rows_of(connection, EMISSIONS)
    more: Any = {
        "target": expression("quantity(5, 'tCO2e_AR5') / 2", unit="tCO2e"),
        "distance": expression("emissions - target", unit="tCO2e"),
    }
    assert figures(rows, "target", **more) == {(): "2.500"}
    assert figures(rows, "distance", by=["scope"], **more) == {1: "-1.000", 3: "-0.500"}


def test_a_conditional_takes_the_first_case_that_holds(connection: Connection) -> None:
    def chosen(*cases: tuple[str, str], **more: Any) -> dict[str, Any]:
        return {
            "title": "c",
            "conditional": {"cases": [dict(zip(("when", "then"), c, strict=True)) for c in cases], **more},
        }

    rows = rows_of(connection, EMISSIONS, [{**HEADS, "quantity": 0}])
    large = chosen(("emissions > quantity(3, 'tCO2e_AR5')", "1"), otherwise="0")
    assert figures(rows, "large", large=large) == {(): "1.000"}
    guarded = chosen(("headcount > quantity(0, 'person')", "emissions / headcount"))
    assert figures(rows, "guarded", guarded=guarded) == {(): ("no case holds, and nothing is said for otherwise",)}
    there = chosen(("available(intensity)", "1"), otherwise="2")
    assert figures(rows, "there", there=there) == {(): "2.000"}
    unknown = chosen(("intensity > quantity(1, 'tCO2e_AR5/person')", "1"), otherwise="2")
    assert figures(rows, "unknown", unknown=unknown) == {
        (): ("intensity: headcount is 0, by which nothing is divided",)
    }


YEARS = [{"year": year, "co2e_kg": kg} for year, kg in ((2019, 1000), (2020, 800), (2021, 1200), (2023, 600))]


def test_year_on_year_needs_the_year_before(connection: Connection) -> None:
    yearly = {"title": "y", "unit": "%", "places": "1", "year_on_year": {"of": "emissions"}}
    assert figures(rows_of(connection, YEARS), "yearly", yearly=yearly) == {
        2019: ("there is no emissions 2018",),
        2020: "-20.0",
        2021: "50.0",
        2023: ("there is no emissions 2022",),
    }


def test_rolling_and_cumulative_stop_at_a_gap(connection: Connection) -> None:
    mean = {"title": "m", "unit": "kgCO2e", "places": "0", "rolling": {"of": "emissions", "over": "3"}}
    total = {"title": "t", "unit": "kgCO2e", "places": "0", "cumulative": {"of": "emissions"}}
    rows = rows_of(connection, YEARS)
    rolled = figures(rows, "mean", mean=mean)
    assert rolled[2021] == "1000"
    assert rolled[2020] == ("there is no emissions 2018",)
    assert rolled[2023] == ("there is no emissions 2022",)
    assert figures(rows, "total", total=total) == {
        2019: "1000",
        2020: "1800",
        2021: "3000",
        2023: ("there is no emissions 2022",),
    }


def test_reduction_against_a_year_or_the_first_there_is(connection: Connection) -> None:
    rows = rows_of(connection, YEARS)
    fixed = {"title": "f", "unit": "%", "places": "0", "against_year": {"of": "emissions", "year": "2020"}}
    assert figures(rows, "fixed", fixed=fixed) == {2019: "-25", 2020: "0", 2021: "-50", 2023: "25"}
    first = {**fixed, "against_year": {"of": "emissions", "year": "first"}}
    assert figures(rows, "first", first=first) == {2019: "0", 2020: "20", 2021: "-20", 2023: "40"}
    assert computed(rows, "first", first=first).figures[0].value.told == ("the base year is 2019",)
    gone = {**fixed, "against_year": {"of": "emissions", "year": "1990"}}
    assert figures(rows, "gone", gone=gone)[2023] == ("there is no emissions 1990",)


def test_time_goes_along_within_each_site(connection: Connection) -> None:
    rows = rows_of(
        connection,
        [
            {"year": year, "facility_code": site, "co2e_kg": kg}
            for site, year, kg in (("LON", 2023, 100), ("LON", 2024, 150), ("PAR", 2024, 70))
        ],
    )
    yearly = {"title": "y", "unit": "%", "places": "0", "year_on_year": {"of": "emissions"}}
    assert figures(rows, "yearly", by=["site"], yearly=yearly) == {
        ("LON", 2023): ("there is no emissions 2022",),
        ("LON", 2024): "50",
        ("PAR", 2024): ("there is no emissions 2023",),
    }


def test_a_circle_is_refused_and_named(connection: Connection) -> None:
    circle: Any = {"a": expression("b + 1"), "b": ratio("c", "emissions"), "c": expression("a * 2")}
    with pytest.raises(Misuse, match="round in a circle: a → b → c → a"):
        figures(rows_of(connection), "a", **circle)


def test_a_name_nobody_knows_is_refused_with_those_near(connection: Connection) -> None:
    with pytest.raises(Misuse, match="no such indicator") as refused:
        figures(rows_of(connection), "wrong", wrong=ratio("emision", "headcount"))
    assert "emissions" in str(refused.value.valid)


@pytest.mark.parametrize(
    ("definition", "what"),
    [
        ({"title": "x"}, "exactly one of"),
        ({"title": "x", "expression": "1", "ratio": {"of": "a", "per": "b"}}, "exactly one of"),
        ({"title": "x", "expresion": "1"}, "there is no such key; did you mean expression?"),
        ({"title": "x", "sum": {"of": "emissions", "field": "A B"}}, "a name of small letters"),
        ({"title": "x", "expression": "1", "unit": "tons"}, "no unit that says enough"),
        ({"title": "x", "expression": "1 +"}, "cannot be read"),
    ],
)
def test_a_wrong_document_is_refused_with_its_place(definition: dict[str, Any], what: str) -> None:
    with pytest.raises(Misuse, match=what) as refused:
        read_indicators({"indicators": {"x": definition}}, where="mine.yaml")
    assert str(refused.value).startswith("mine.yaml: indicators.x")


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"of": "emissions", "field": "co2"}, "no number of this name"),
        ({"of": "emissions", "field": "scope"}, "neither contract nor row"),
        ({"of": "emissions", "field": "co2e_kg", "where": "scope / 2 = 1"}, "not allowed"),
        ({"of": "emissions", "field": "co2e_kg", "where": "1 = 1; DROP TABLE emissions"}, "semicolon"),
    ],
)
def test_a_sum_over_what_is_not_there_is_refused(connection: Connection, asked: dict[str, str], what: str) -> None:
    with pytest.raises(Misuse, match=what):
        figures(rows_of(connection, EMISSIONS), "wrong", wrong={"title": "w", "sum": asked})


def test_the_sources_needed_are_those_at_the_bottom() -> None:
    found = read_indicators({"indicators": DEFINED}, where="test")
    assert needed_sources(found, ["intensity"]) == ("emissions", "organisation_fact@1")
    assert needed_sources(found, ["emissions"]) == ("emissions",)
