"""What holds of the uncertainty of any figures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.accounting.uncertainty import build_model
from headwater.accounting.uncertainty.moments import removed, total, variance
from headwater.accounting.uncertainty.sampling import draw, pool
from tests.unit.accounting.uncertain_figures import figures

WIDTHS = {name: 7.0 * number for number, name in enumerate("abcdefgh")}
rows = st.lists(
    st.fixed_dictionaries(
        {
            "activity": st.sampled_from("abcd"),
            "factor": st.sampled_from(["e", "f", "g", None]),
            "co2e_kg": st.decimals(0, 1000, places=3),
        }
    ),
    min_size=1,
    max_size=12,
)


def with_widths(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**each, "activity_percent": WIDTHS[each["activity"]], "factor_percent": WIDTHS.get(each["factor"] or "")}
        for each in lines
    ]


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_lines_changes_nothing(lines: list[dict[str, Any]], random: Any) -> None:
    shuffled = random.sample(lines, len(lines))
    one, two = (build_model(figures(with_widths(each))) for each in (lines, shuffled))
    assert variance(one) == variance(two)
    assert np.array_equal(draw(one, draws=50, seed=1).total, draw(two, draws=50, seed=1).total)


@given(rows)
def test_a_line_in_two_pieces_is_the_line(lines: list[dict[str, Any]]) -> None:
    pieces = [{**each, "co2e_kg": each["co2e_kg"] / 2} for each in lines for _ in range(2)]
    one, two = (build_model(figures(with_widths(each))) for each in (lines, pieces))
    assert variance(two) == pytest.approx(variance(one))


@given(rows)
def test_what_is_removed_is_no_more_than_there_is(lines: list[dict[str, Any]]) -> None:
    model = build_model(figures(with_widths(lines)))
    whole = variance(model)
    for lost in removed(model):
        assert np.all(lost >= 0)
        assert np.all(lost <= whole * (1 + 1e-12))


@given(rows)
def test_the_closed_form_is_the_double_sum_over_lines(lines: list[dict[str, Any]]) -> None:
    """Var T = Σ_i Σ_j kg_i kg_j (E[A_i A_j] E[F_i F_j] − 1), written out."""
    table = figures(with_widths(lines))
    model = build_model(table)
    a = dict(zip(model.activities.names, model.activities.spread, strict=False))
    f = dict(zip(model.factors.names, model.factors.spread, strict=False))
    expected = 0.0
    for i in table.to_pylist():
        for j in table.to_pylist():
            together = 1 + a[i["activity"]] if i["activity"] == j["activity"] else 1
            same = i["factor"] == j["factor"] and i["factor"] is not None
            together *= 1 + f[i["factor"]] if same else 1
            expected += float(i["co2e_kg"] * j["co2e_kg"]) * (together - 1)
    assert variance(model) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(rows, st.integers(0, 4))
def test_pools_keep_the_total_and_groups_add_up_to_it(lines: list[dict[str, Any]], most: int) -> None:
    model = build_model(figures(with_widths(lines)), by=("factor",))
    small, alone, pooled = pool(model, most=most)
    assert total(small) == pytest.approx(total(model))
    assert alone <= most
    assert alone + pooled == (model.activities.variances > 0).sum()
    assert math.fsum(total(model.only(place)) for place in range(len(model.groups))) == pytest.approx(total(model))
