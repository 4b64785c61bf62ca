"""What must hold of every inventory: SQL and Python agree, nothing is counted twice, nothing depends on the order."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.accounting.calculation import half_up
from headwater.accounting.inventory.lines import SCOPE_2_METHODS, counts
from headwater.accounting.inventory.twin import lines_of
from tests.examples import examples
from tests.inventories import POTENTIALS, Made, activity, factor, instrument, make

ULP = Decimal("0.000001")
TYPES = ("electricity", "natural_gas", "wood")
REGIONS = ("DE", "FR")
SETS = ("AR4", "AR5", "AR6")

quantities = st.one_of(st.integers(0, 10**18 - 1), st.integers(0, 10**10), st.sampled_from([0, 1, 999_999])).map(
    lambda units: Decimal(units).scaleb(-6)
)
per_unit = st.one_of(st.integers(0, 10**18 - 1), st.integers(0, 10**11)).map(lambda units: Decimal(units).scaleb(-10))
small_per_unit = st.integers(0, 10**11).map(lambda units: Decimal(units).scaleb(-10))
days = st.integers(-20, 400).map(lambda number: date(2024, 1, 1) + timedelta(days=number))


@st.composite
def activities(draw: st.DrawFn, most: int = 4) -> list[dict[str, Any]]:
    return [
        activity(
            activity_id=f"A{number}",
            activity_type=draw(st.sampled_from(TYPES)),
            region=draw(st.sampled_from(REGIONS)),
            facility_code=draw(st.sampled_from(["X", "Y", None])),
            unit=draw(st.sampled_from(["kWh", "MWh", "GJ", "kWh_gross", "t", "nonsense"])),
            period_start=draw(days.filter(lambda day: day.year < 2025)),
            quantity=draw(quantities),
            reported_co2e_kg=draw(st.none() | st.none() | quantities),
            reported_scope=draw(st.sampled_from([1, 2, 3, None])),
            reported_gwp_set=draw(st.sampled_from([*SETS, None])),
            pedigree=draw(st.sampled_from(["12345", None])),
        )
        for number in range(draw(st.integers(1, most)))
    ]


@st.composite
def library(draw: st.DrawFn, most: int = 5) -> list[dict[str, Any]]:
    found = []
    for number in range(draw(st.integers(0, most))):
        kind = draw(st.sampled_from(["co2e", "masses", "co2e of gases", "one gas"]))
        gases: dict[str, Any] = {}
        if kind == "one gas":
            gases = {"gas": draw(st.sampled_from(["CH4", "HFC-134a"])), "gas_kg_per_unit": draw(per_unit)}
        elif kind != "co2e":
            middle = "_kg" if kind == "masses" else "_co2e_kg"
            gases = {f"{gas}{middle}_per_unit": draw(per_unit) for gas in ("ch4", "n2o")}
            gases["co2_kg_per_unit"] = draw(per_unit)
            if draw(st.booleans()):  # as publishers have it: no more and no less than the gases
                gases |= {name: value.scaleb(-5).quantize(Decimal("1e-10")) for name, value in gases.items()}
                weights = {"co2_kg": 1, "ch4_kg": 28, "n2o_kg": 265}
                gases["co2e_kg_per_unit"] = sum(
                    value * weights.get(name.removesuffix("_per_unit"), 1) for name, value in gases.items()
                )
        first, second = sorted([draw(days), draw(days)])
        found.append(
            factor(
                factor_id=f"F{number}",
                activity_type=draw(st.sampled_from(TYPES)),
                region=draw(st.sampled_from(REGIONS)),
                unit=draw(st.sampled_from(["kWh", "MWh", "kWh_gross", "kg"])),
                source=draw(st.sampled_from("AB")),
                method=draw(st.sampled_from(["location_based", "market_based", "activity_based"])),
                scope=draw(st.sampled_from([1, 2, 3])),
                stage=draw(st.sampled_from([None, None, "well_to_tank", "outside_of_scopes"])),
                gwp_set=draw(st.sampled_from([*SETS, "SAR", "not_stated"])),
                ch4_origin=draw(st.sampled_from(["fossil", "non_fossil", None])),
                biogenic_co2_kg_per_unit=draw(st.none() | per_unit),
                valid_from=first,
                valid_to=second + timedelta(days=1),
                **({"co2e_kg_per_unit": draw(per_unit)} | gases),
            )
        )
    return found


@st.composite
def held(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [
        instrument(
            instrument_id=f"C{number}",
            tracking_id=f"T{number}",
            kind=draw(st.sampled_from(["certificate", "contract", "supplier_rate", "residual_mix"])),
            market=draw(st.sampled_from(REGIONS)),
            facility_code=draw(st.sampled_from([None, "X"])),
            energy_mwh=draw(st.none() | st.integers(0, 10**9).map(lambda units: Decimal(units).scaleb(-6))),
            co2e_kg_per_kwh=draw(small_per_unit),
            gwp_set=draw(st.sampled_from(SETS)),
            valid_from=(start := draw(days)),
            valid_to=start + timedelta(days=draw(st.integers(1, 300))),
        )
        for number in range(draw(st.integers(0, 4)))
    ]


documents = st.fixed_dictionaries(
    {
        "methods": st.sampled_from([["location_based"], ["location_based", "market_based"]]),
        "gwp_sets": st.sampled_from([["AR5"], ["AR6", "SAR"], ["AR4", "AR5", "AR6"]]),
        "ch4_origin": st.sampled_from([{"default": "none"}, {"default": "fossil"}]),
        "boundary": st.sampled_from(
            [
                {"approach": "operational_control"},
                {"approach": "operational_control", "facilities": ["X"]},
                {"approach": "equity_share", "shares": {"X": "0.123457", "Y": "1"}},
            ]
        ),
        "policy": st.sampled_from(
            [
                {},
                {"upstream": "true", "sources": ["A", "B"], "years": {"allow": "nearest"}},
                {"regions": {"FR": ["FR", "DE"]}, "types": {"wood": ["natural_gas", "wood"]}},
            ]
        ),
        "categories": st.sampled_from([{}, {"wood": "7"}, {"electricity": "7"}]),
        "use": st.sampled_from([{}, {"grid_average": "true"}, {"use": "false"}]),
    }
)


@settings(max_examples=examples(60), deadline=None)
@given(rows=activities(), factors=library(), instruments=held(), document=documents)
def test_sql_is_its_twin_to_the_last_digit(
    rows: list[dict[str, Any]],
    factors: list[dict[str, Any]],
    instruments: list[dict[str, Any]],
    document: dict[str, Any],
) -> None:
    made = make(rows, factors, instruments=instruments, **document)
    expected = [
        line for number, row in enumerate(rows) for line in lines_of(row, made.tables, made.parts.get(number, ()))
    ]
    assert made.lines == expected
    keys = [(line["activity_id"], line["method"], line["gwp_set"], line["stage"], line["part"]) for line in made.lines]
    assert len(set(keys)) == len(keys)


@settings(max_examples=examples(40), deadline=None)
@given(rows=activities(), factors=library(), document=documents)
def test_gases_times_potentials_are_the_co2e_that_was_derived(
    rows: list[dict[str, Any]], factors: list[dict[str, Any]], document: dict[str, Any]
) -> None:
    for line in make(rows, factors, **document).lines:
        if line["basis"] != "derived":
            continue
        potentials = POTENTIALS[line["gwp_set"]]
        if "CH4" in potentials:  # SAR has one for all methane
            potentials = {**potentials, "CH4_fossil": potentials["CH4"], "CH4_non_fossil": potentials["CH4"]}
        masses = {
            "CO2": line["co2_kg"], "CH4_fossil": line["ch4_fossil_kg"], "CH4_non_fossil": line["ch4_non_fossil_kg"],
            "N2O": line["n2o_kg"],
        }  # fmt: skip
        # Methane of no stated origin is derived where both potentials are the same.
        total = sum(
            int((mass or Decimal(0)).scaleb(6)) * int(potentials[gas].scaleb(1)) for gas, mass in masses.items()
        )
        total += int((line["ch4_kg"] or Decimal(0)).scaleb(6)) * int(potentials["CH4_fossil"].scaleb(1))
        assert int(line["co2e_kg"].scaleb(6)) == half_up(total, 10)


@settings(max_examples=examples(30), deadline=None)
@given(rows=activities(), factors=library(), instruments=held(), document=documents, seed=st.integers(0, 1000))
def test_the_order_of_what_comes_in_changes_nothing(
    rows: list[dict[str, Any]],
    factors: list[dict[str, Any]],
    instruments: list[dict[str, Any]],
    document: dict[str, Any],
    seed: int,
) -> None:
    made = make(rows, factors, instruments=instruments, **document)
    shuffle = random.Random(seed).sample
    again = make(
        shuffle(rows, len(rows)),
        shuffle(factors, len(factors)),
        instruments=shuffle(instruments, len(instruments)),
        **document,
    )
    assert again.lines == made.lines


@settings(max_examples=examples(60), deadline=None)
@given(rows=activities(), factors=library(most=8), instruments=held(), document=documents, accept=st.booleans())
def test_a_total_counts_an_activity_by_one_method_and_no_part_of_it_twice(
    rows: list[dict[str, Any]],
    factors: list[dict[str, Any]],
    instruments: list[dict[str, Any]],
    document: dict[str, Any],
    accept: bool,
) -> None:
    made = make(rows, factors, instruments=instruments, **document)
    for gwp_set, method in product(document["gwp_sets"], SCOPE_2_METHODS):
        counted = [line for line in made.lines if counts(line, gwp_set, method, accept_other_sets=accept)]
        methods: dict[tuple[str, str], set[str]] = {}
        for line in counted:
            methods.setdefault((line["activity_id"], line["stage"]), set()).add(line["method"])
        assert all(len(each) == 1 for each in methods.values())
        parts = [(line["activity_id"], line["stage"], line["part"]) for line in counted]
        assert len(set(parts)) == len(parts)


plain = st.integers(0, 10**12).map(lambda units: Decimal(units).scaleb(-6))


def totals(made: Made) -> dict[tuple[Any, ...], tuple[Decimal, int]]:
    """CO2e and number of lines by all that must not be added across."""
    found: dict[tuple[Any, ...], tuple[Decimal, int]] = {}
    for line in made.lines:
        key = tuple(line[name] for name in ("method", "gwp_set", "stage", "tier", "instrument_id", "factor_id"))
        before = found.get(key, (Decimal(0), 0))
        found[key] = before[0] + line["co2e_kg"], before[1] + 1
    return found


@settings(max_examples=examples(30), deadline=None)
@given(one=plain, two=plain, figure=small_per_unit, instruments=held())
def test_an_activity_cut_in_two_comes_to_the_same(
    one: Decimal, two: Decimal, figure: Decimal, instruments: list[dict[str, Any]]
) -> None:
    """Beyond one unit of the last digit for each row that was rounded."""
    grid = factor(co2e_kg_per_unit=figure)
    document: dict[str, Any] = {"methods": ["location_based", "market_based"], "use": {"grid_average": "true"}}
    whole = totals(make([activity(quantity=one + two)], [grid], instruments=instruments, **document))
    cut = totals(
        make(
            [activity(quantity=one), activity(activity_id="A2", quantity=two)],
            [grid],
            instruments=instruments,
            **document,
        )
    )
    for key in whole.keys() | cut.keys():
        (kg, count), (its, number) = whole.get(key, (Decimal(0), 0)), cut.get(key, (Decimal(0), 0))
        assert abs(kg - its) <= ULP * (count + number)


@settings(max_examples=examples(40), deadline=None)
@given(thousandths=st.integers(0, 10**9), figure=small_per_unit)
def test_the_unit_of_input_changes_nothing(thousandths: int, figure: Decimal) -> None:
    kwh = Decimal(thousandths)
    units = {"kWh": 1, "MWh": 1000, "GWh": 1_000_000}
    rows = [activity(activity_id=unit, quantity=kwh / size, unit=unit) for unit, size in units.items()]
    made = make(rows, [factor(co2e_kg_per_unit=figure)])
    assert len(made.lines) == len(units)
    assert len({(line["co2e_kg"], line["converted_quantity"]) for line in made.lines}) == 1


@settings(max_examples=examples(60), deadline=None)
@given(rows=activities(most=6), instruments=held())
def test_no_kwh_is_covered_twice(rows: list[dict[str, Any]], instruments: list[dict[str, Any]]) -> None:
    rows = [row | {"activity_type": "electricity", "reported_co2e_kg": None} for row in rows]
    grid = [factor(region=region, factor_id=region) for region in REGIONS]
    made = make(
        rows, grid, instruments=instruments, methods=["market_based"], designated={"method": "market_based"},
        use={"grid_average": "true"}, gwp_sets=["AR5"], accept_other_sets="true",
    )  # fmt: skip
    used: dict[str, Decimal] = {}
    of_activity: dict[str, Decimal] = {}
    for parts in made.parts.values():
        assert [part for part, _, _ in parts] == list(range(len(parts)))
    by_id = {each["instrument_id"]: each for each in instruments}
    seen = set()
    for line in made.lines:
        if (line["activity_id"], line["part"]) in seen or line["part_kwh"] is None:
            continue
        seen.add((line["activity_id"], line["part"]))
        of_activity[line["activity_id"]] = of_activity.get(line["activity_id"], Decimal(0)) + line["part_kwh"]
        covering = by_id.get(line["instrument_id"])
        if covering is not None:
            used[line["instrument_id"]] = used.get(line["instrument_id"], Decimal(0)) + line["part_kwh"]
            assert covering["market"] == line["region"]
            assert covering["valid_from"] <= line["period_start"] < covering["valid_to"]
            assert covering["facility_code"] in {None, line["facility_code"]}
    for name, kwh in used.items():
        limit = by_id[name]["energy_mwh"]
        assert limit is None or kwh <= limit * 1000
    for row in rows:
        # What competes has no part.
        is_whole = "inventory.instruments_compete" not in made.rules()
        if row["activity_id"] in of_activity and row["unit"] == "kWh" and is_whole:
            assert of_activity[row["activity_id"]] == row["quantity"]
