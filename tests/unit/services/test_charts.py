from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.services.reports.charts import Bar, Chart, Drawing, columns, gridlines, rows
from headwater.services.reports.figures import sections, tonnes
from headwater.store.report import Figure

SERIES = {"Scope 1": "scope1", "Scope 2": "scope2"}


def chart(*bars: dict[str, str]) -> Chart:
    return Chart(
        title="t",
        bars=[
            Bar(label=f"p{place}", parts={name: Decimal(value) for name, value in parts.items()})
            for place, parts in enumerate(bars)
        ],
        series=SERIES,
        number=str,
    )


def figure(
    kg: str, *, scope: int = 1, method: str = "activity_based", month: str = "2024-01-01", gwp: str = "AR5"
) -> Figure:
    return Figure(
        gwp_set=gwp, method=method, scope=scope, category=None, month=date.fromisoformat(month), records=1,
        co2e_kg=Decimal(kg),
    )  # fmt: skip


@given(st.decimals(min_value=0, max_value=10**18, places=9))
def test_gridlines_are_few_begin_at_zero_and_reach_the_largest_value(largest: Decimal) -> None:
    lines = gridlines(largest)
    assert lines[0] == 0
    assert lines[-1] >= largest
    assert 2 <= len(lines) <= 6
    if largest > 0:
        assert lines[-2] < largest


def test_every_mark_says_what_it_stands_for() -> None:
    drawn = columns(chart({"Scope 1": "1", "Scope 2": "2"}, {}, {"Scope 2": "4"}))
    assert [mark.title for mark in drawn.marks] == ["p0, Scope 1: 1", "p0, Scope 2: 2", "p2, Scope 2: 4"]
    assert [label.text for label in drawn.labels if label.kind == "value"] == ["3", "4"]


def test_a_bar_begins_at_zero_and_parts_are_as_high_as_their_values_but_for_the_gap() -> None:
    drawn = columns(chart({"Scope 1": "10", "Scope 2": "30"}))
    first, second = drawn.marks
    base = next(Decimal(line.y) for line in drawn.lines if line.kind == "base")
    assert Decimal(first.y) + Decimal(first.height) == base
    assert Decimal(second.y) + Decimal(second.height) == Decimal(first.y) - 2
    assert Decimal(second.height) + 2 == 3 * (Decimal(first.height) + 2)


@pytest.mark.parametrize("draw", [columns, rows])
def test_nothing_leaves_the_drawing(draw: Callable[[Chart], Drawing]) -> None:
    drawn = draw(chart(*({"Scope 1": str(10**place), "Scope 2": "0"} for place in range(40))))
    for mark in drawn.marks:
        assert 0 <= Decimal(mark.x) <= Decimal(mark.x) + Decimal(mark.width) <= drawn.width
        assert 0 <= Decimal(mark.y) <= Decimal(mark.y) + Decimal(mark.height) <= drawn.height


def test_labels_thin_out_where_bars_are_many() -> None:
    drawn = columns(chart(*({"Scope 1": "1"} for _ in range(36))))
    assert len([label for label in drawn.labels if label.text.startswith("p")]) == 18


def test_sets_of_potentials_are_never_added_up() -> None:
    found = sections([figure("1000"), figure("5000", gwp="AR6")])
    assert [(section.gwp_set, section.total) for section in found] == [("AR6", "5.000"), ("AR5", "1.000")]


def test_location_and_market_based_scope_2_are_never_added_up() -> None:
    found = sections(
        [
            figure("1000"),
            figure("3000", scope=2, method="location_based"),
            figure("2000", scope=2, method="market_based"),
        ]
    )
    assert [(section.methods, section.total) for section in found] == [
        ("activity-based, location-based", "4.000"),
        ("activity-based, market-based", "3.000"),
    ]


def test_a_month_without_figures_is_a_gap_and_no_zero() -> None:
    (section,) = sections([figure("1000", month="2023-12-01"), figure("500", scope=3, month="2024-02-01")])
    assert [(row.period, row.scopes, row.total) for row in section.period_rows] == [
        ("Dec 2023", ("1.000", None), "1.000"),
        ("Jan 2024", (None, None), ""),
        ("Feb 2024", (None, "0.500"), "0.500"),
    ]


def test_long_series_are_shown_by_year() -> None:
    (section,) = sections([figure("1000", month="2018-12-01"), figure("500", month="2024-02-01")])
    assert section.period == "year"
    assert [row.period for row in section.period_rows] == [str(year) for year in range(2018, 2025)]


def test_tonnes_round_half_up() -> None:
    assert tonnes(Decimal("1234567.5")) == "1,234.568"
    assert tonnes(Decimal("0.4")) == "0.000"
