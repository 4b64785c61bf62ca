"""Instruments over consumption of any length: no kWh twice, none on a day that is not shared, none lost."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.accounting.inventory.lines import canonical
from headwater.accounting.inventory.twin import lines_of
from headwater.accounting.units import registry_text
from headwater.replay.choosing import Policy
from headwater.replay.figures import Units
from headwater.replay.inventory_lines import LineMaker
from tests.examples import examples
from tests.inventories import Made, activity, factor, instrument, make

UNITS = Units(registry_text())
FIRST = date(2024, 1, 1)
LISTED = {"DE": ["DE", "EU"], "FR": ["EU", "FR"]}
GRID = [factor(region=region, factor_id=region) for region in LISTED]
days = st.integers(0, 60).map(lambda number: FIRST + timedelta(days=number))
lengths = st.integers(1, 50)


@st.composite
def bills(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = []
    for number in range(draw(st.integers(1, 4))):
        start, length = draw(days), draw(st.none() | lengths)
        end = None if length is None else start + timedelta(days=length)
        units = draw(st.one_of(st.integers(0, 10**7), st.integers(0, 10**16)))
        found.append(
            activity(
                activity_id=f"A{number}", region=draw(st.sampled_from(["DE", "FR"])),
                period_start=start, period_end=end,
                facility_code=draw(st.sampled_from(["X", None])), quantity=Decimal(units).scaleb(-6),
            )
        )  # fmt: skip
    return found


@st.composite
def held(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [
        instrument(
            instrument_id=f"C{number}", tracking_id=f"T{number}", market=draw(st.sampled_from(["DE", "EU", "FR"])),
            kind=draw(st.sampled_from(["certificate", "residual_mix"])),
            facility_code=draw(st.sampled_from([None, "X"])),
            energy_mwh=draw(st.none() | st.integers(0, 10**8).map(lambda units: Decimal(units).scaleb(-6))),
            valid_from=(start := draw(days)), valid_to=start + timedelta(days=draw(lengths)), gwp_set="AR5",
        )
        for number in range(draw(st.integers(0, 5)))
    ]  # fmt: skip


def covered_of(made: Made, activity_id: str) -> dict[str, Decimal]:
    """What each instrument covers of an activity, in kWh."""
    return {
        line["instrument_id"]: line["part_kwh"]
        for line in made.lines if line["activity_id"] == activity_id and line["instrument_id"]
    }  # fmt: skip


def texts(row: dict[str, Any]) -> dict[str, str | None]:
    return {name: canonical(value) for name, value in row.items()}


@settings(max_examples=examples(100), deadline=None)
@given(rows=bills(), instruments=held())
def test_what_falls_on_days_is_covered_once_at_most(
    rows: list[dict[str, Any]], instruments: list[dict[str, Any]]
) -> None:
    made = make(
        rows, GRID, instruments=instruments, methods=["market_based"], designated={"method": "market_based"},
        use={"grid_average": "true"}, policy={"regions": LISTED},
    )  # fmt: skip
    by_id = {each["instrument_id"]: each for each in instruments}
    maker = LineMaker(
        document={}, units=UNITS, policy=Policy([], UNITS, {"regions": LISTED}), instruments={}, potentials={}
    )
    whole = Decimal(0)
    for number, row in enumerate(rows):
        parts = made.parts.get(number, [])
        whole += sum((kwh for _, kwh, _ in parts), Decimal(0))
        assert lines_of(row, made.tables, parts) == [
            line for line in made.lines if line["activity_id"] == row["activity_id"]
        ]
        covered = covered_of(made, row["activity_id"])
        first, last = row["period_start"], row["period_end"] or row["period_start"] + timedelta(days=1)
        spans = {name: (max(by_id[name]["valid_from"], first), min(by_id[name]["valid_to"], last)) for name in covered}
        for name, kwh in covered.items():
            # The script of an exported file allows as much, and no more.
            assert kwh <= maker.coverable(texts(row), texts(by_id[name]), Fraction(row["quantity"]))
        for begin, end in combinations(sorted({first, last} | {day for span in spans.values() for day in span}), 2):
            inside = sum(kwh for name, kwh in covered.items() if begin <= spans[name][0] and spans[name][1] <= end)
            share = Fraction((end - begin).days, (last - first).days)
            assert inside <= Fraction(row["quantity"]) * share + Fraction(1, 10**6)
    competing = [each.quantity for each in made.findings if each.rule_id == "inventory.instruments_compete"]
    assert whole + sum(each or Decimal(0) for each in competing) == sum(row["quantity"] for row in rows)
    for name, each in by_id.items():
        used = sum((line["part_kwh"] for line in made.lines if line["instrument_id"] == name), Decimal(0))
        assert each["energy_mwh"] is None or used <= each["energy_mwh"] * 1000
