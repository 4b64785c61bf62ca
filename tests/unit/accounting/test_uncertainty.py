"""Uncertainty against published rules and tables, cases computed by hand, and closed form against Monte Carlo."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from headwater.accounting.uncertainty import Assumed, assess, build_model, contributions, pedigree_table, tables
from headwater.accounting.uncertainty.model import Z
from headwater.accounting.uncertainty.moments import half_width_percent, total, variance
from headwater.accounting.uncertainty.sampling import draw
from headwater.errors import Misuse
from tests.unit.accounting.uncertain_figures import figures


def line(activity: str, factor: str | None, kg: float, **given: Any) -> dict[str, Any]:
    return {"activity": activity, "factor": factor, "co2e_kg": kg, **given}


def percents(activity: float, factor: float) -> dict[str, float]:
    return {"activity_percent": activity, "factor_percent": factor}


SHARED = figures(
    [
        line("a", "grid", 600, **percents(5, 10)),
        line("b", "grid", 300, **percents(20, 10)),
        line("c", "gas", 100, **percents(0, 50)),
    ]
)


def test_a_product_follows_the_rule_of_the_ipcc() -> None:
    """2006 IPCC Guidelines, volume 1, chapter 3, equation 3.1: U = √(U1² + U2²). The product of lognormals has the
    term U1² × U2² besides, which is small beside them: 5 % and 10 % make 11.18 %, with the term 11.19 %.
    """
    model = build_model(figures([line("a", "f", 1000, **percents(5, 10))]))
    exact = half_width_percent(total(model), variance(model))
    assert exact == pytest.approx(math.sqrt(5**2 + 10**2), rel=1e-3)
    cv = [5 / 100 / Z, 10 / 100 / Z]
    assert exact == pytest.approx(100 * Z * math.sqrt((1 + cv[0] ** 2) * (1 + cv[1] ** 2) - 1), rel=1e-12)


def test_a_sum_of_independent_data_follows_the_rule_of_the_ipcc() -> None:
    """Equation 3.2 of the same chapter: U = √Σ(x U)² / Σx; it is exact for independent terms."""
    terms = [("a", 500, 10.0), ("b", 300, 30.0), ("c", 200, 60.0)]
    model = build_model(figures([line(name, None, kg, activity_percent=u) for name, kg, u in terms]))
    expected = math.sqrt(sum((kg * u) ** 2 for _, kg, u in terms)) / 1000
    assert half_width_percent(total(model), variance(model)) == pytest.approx(expected, rel=1e-12)


def test_lines_that_share_a_factor_err_together() -> None:
    """By hand: with one factor of 10 % and certain activities, the sum has 10 %, not 10 % / √2."""
    shared = build_model(figures([line(name, "f", 50, **percents(0, 10)) for name in "ab"]))
    apart = build_model(figures([line(name, f"f-{name}", 50, **percents(0, 10)) for name in "ab"]))
    assert half_width_percent(total(shared), variance(shared)) == pytest.approx(10)
    assert half_width_percent(total(apart), variance(apart)) == pytest.approx(10 / math.sqrt(2))


def test_the_lines_of_one_activity_err_together() -> None:
    lines = [line("a", factor, 50, **percents(10, 0)) for factor in ("use", "well_to_tank")]
    model = build_model(figures(lines))
    assert half_width_percent(total(model), variance(model)) == pytest.approx(10)


def test_a_product_has_the_quantiles_of_a_lognormal() -> None:
    assessed = assess(build_model(figures([line("a", "f", 1000, **percents(30, 40))])))
    sigma = math.sqrt(sum(math.log1p((u / 100 / Z) ** 2) for u in (30, 40)))
    assert assessed.whole.how == "exact"
    assert assessed.draws == 0
    assert assessed.whole.median == pytest.approx(1000 * math.exp(-(sigma**2) / 2))
    assert assessed.whole.high / assessed.whole.median == pytest.approx(math.exp(Z * sigma))
    assert assessed.whole.median / assessed.whole.low == pytest.approx(math.exp(Z * sigma))


def test_what_is_certain_moves_an_exact_interval_and_does_not_widen_it() -> None:
    loose = assess(build_model(figures([line("a", "f", 100, **percents(30, 0))]))).whole
    both = assess(build_model(figures([line("a", "f", 100, **percents(30, 0)), line("b", None, 900)]))).whole
    assert both.how == "exact"
    assert [both.low, both.high] == pytest.approx([900 + loose.low, 900 + loose.high])


def test_what_states_nothing_is_certain_and_not_covered() -> None:
    whole = assess(build_model(figures([line("a", "f", 100), line("b", "g", 300, **percents(5, 5))]))).whole
    assert whole.covered == 0.75
    nothing = assess(build_model(figures([line("a", "f", 100)]))).whole
    assert (nothing.how, nothing.low, nothing.high, nothing.covered) == ("certain", 100, 100, 0)


def test_a_line_states_a_spread_where_its_activity_or_its_factor_does() -> None:
    """5 % of an activity on 100 kg, a pedigree on 200, a factor on 300, a reported figure on 150, nothing on 250."""
    rows = [
        {**line("a", "f", 100, activity_percent=5.0), "part": "activity"},
        {**line("b", "f", 200, activity_pedigree="31111"), "part": "activity"},
        {**line("c", "g", 300, factor_percent=10.0), "part": "factor"},
        {**line("d", None, 150), "part": "reported"},
        {**line("e", "f", 250), "part": "nothing"},
    ]
    found = assess(build_model(figures(rows, part=pa.string()), by=("part",)), draws=100)
    shares = {
        each.group: (each.covered, each.activities_covered, each.factors_covered)
        for each in (found.whole, *found.groups)
    }
    assert shares == {
        (): (0.6, 0.3, 0.3), ("activity",): (1, 1, 0), ("factor",): (1, 0, 1), ("nothing",): (0, 0, 0),
        ("reported",): (0, 0, 0),
    }  # fmt: skip


def test_an_assumption_is_taken_where_nothing_is_stated_and_only_there() -> None:
    table = figures([line("a", "f", 100), line("b", None, 100, activity_percent=1.0)])
    assumed = build_model(table, assumed=Assumed(activity_percent=20, factor_percent=30))
    assert 100 * Z * np.sqrt(assumed.activities.spread) == pytest.approx([20, 1, 0])
    assert 100 * Z * np.sqrt(assumed.factors.spread) == pytest.approx([30, 0])
    assert list(assumed.activities.stated) == [False, True, False]


def test_draws_agree_with_the_closed_form() -> None:
    model = build_model(SHARED, by=("factor",))
    draws = 100_000
    drawn = draw(model, draws=draws, seed=7)
    mean, spread = total(model), math.sqrt(variance(model))
    # Five standard errors of a mean and, for kurtosis up to 10, of a standard deviation.
    assert drawn.total.mean() == pytest.approx(mean, abs=5 * spread / math.sqrt(draws))
    assert drawn.total.std() == pytest.approx(spread, rel=5 * 1.5 / math.sqrt(draws))
    for place in range(len(model.groups)):
        part = model.only(place)
        assert drawn.by_group[:, place].std() == pytest.approx(math.sqrt(variance(part)), rel=7.5 / math.sqrt(draws))


def test_draws_are_the_same_for_a_seed_and_do_not_depend_on_their_blocks() -> None:
    model = build_model(SHARED)
    once = draw(model, draws=1000, seed=3)
    assert np.array_equal(once.total, draw(model, draws=1000, seed=3, cells=50).total)
    assert not np.array_equal(once.total, draw(model, draws=1000, seed=4).total)


def test_pools_keep_the_variance_where_activities_split_alike() -> None:
    rows = [
        line(f"a{number:03}", factor, (number + 1) * share, **percents(10 + number % 7, width))
        for number in range(300)
        for factor, share, width in (("use", 1.0, 10), ("upstream", 0.25, 40))
    ]
    model = build_model(figures(rows))
    drawn = draw(model, draws=40_000, seed=1, most=10)
    assert (drawn.alone, drawn.pooled, drawn.pools) == (10, 290, 1)
    assert drawn.total.std() == pytest.approx(math.sqrt(variance(model)), rel=0.03)


def test_what_to_improve_next_by_hand() -> None:
    """Variances in units of (kg / 100 z)²: grid (900 × 10)², b (300 × 20)², c's factor (100 × 50)², a (600 × 5)²."""
    model = build_model(SHARED)
    ranked = contributions(model, most=10)
    assert [(each.kind, each.name) for each in ranked] == [
        ("factor", "grid"),
        ("activity", "b"),
        ("factor", "gas"),
        ("activity", "a"),
    ]
    first = [81e6, 36e6, 25e6, 9e6]
    assert [each.share for each in ranked] == pytest.approx([value / sum(first) for value in first], rel=0.02)
    assert ranked[0].half_width == pytest.approx(math.sqrt(sum(first[1:])) / 1000, rel=0.02)


def test_the_tables_of_pedigrees_agree_with_each_other() -> None:
    """Weidema et al. 2013, table 10.5, gives variances; Frischknecht et al. 2007 factors: 1.05, 1.1, 1.2, 1.5, 2 are
    0.0006, 0.002, 0.008, 0.04 and 0.12 by (ln U / 2)², as published, to their last digit.
    """
    for factor, published in ((1.05, "0.0006"), (1.1, "0.002"), (1.2, "0.008"), (1.5, "0.04"), (2, "0.12")):
        places = len(published.partition(".")[2])
        assert f"{(math.log(factor) / 2) ** 2:.{places}f}" == published
    new, old = pedigree_table("ecoinvent_3"), pedigree_table("ecoinvent_2")
    for pedigree in ("11111", "33333", "55555", "13353"):
        assert new.variance(pedigree) == pytest.approx(old.variance(pedigree), rel=0.13, abs=1e-9)


def test_a_pedigree_gives_the_published_formula() -> None:
    """GSD² = exp √(Σ ln² U), GHG Protocol, Quantitative inventory uncertainty: fair technology, good time."""
    table = pedigree_table("ghg_protocol")
    squared = math.exp(2 * math.sqrt(table.variance("32111")))
    assert squared == pytest.approx(math.exp(math.hypot(math.log(1.5), math.log(1.1))))
    assert table.variance("11111") == 0


def test_a_pedigree_adds_to_the_half_width() -> None:
    both = build_model(figures([line("a", None, 1, activity_percent=10.0, activity_pedigree="33333")]))
    expected = math.log1p((10 / 100 / Z) ** 2) + 0.008 + 0.002 + 0.0001 + 0.0006 + 0.002
    assert both.activities.variances[0] == pytest.approx(expected)


@pytest.mark.parametrize("pedigree", ["1234", "123456", "01234", "abcde"])
def test_what_is_no_pedigree_is_refused(pedigree: str) -> None:
    with pytest.raises(Misuse, match="no pedigree"):
        pedigree_table().variance(pedigree)


def test_a_score_without_a_figure_is_refused_with_the_other_tables_named() -> None:
    with pytest.raises(Misuse, match="score 5 of reliability") as refused:
        pedigree_table("ghg_protocol").variance("11115")
    assert "ecoinvent_3" in str(refused.value)
    with pytest.raises(Misuse, match="no such pedigree table"):
        pedigree_table("mine")


def test_every_table_names_its_source_and_grows_with_the_score() -> None:
    for table in tables().values():
        assert table.source
        for (indicator, score), figure in table.variances.items():
            assert figure >= table.variances.get((indicator, score - 1), 0)


def test_a_datum_with_two_spreads_is_refused() -> None:
    wrong = figures([line("a", "f", 1, **percents(5, 5)), line("b", "f", 1, **percents(5, 6))])
    with pytest.raises(Misuse, match="one factor stands with two different spreads"):
        build_model(wrong)


@pytest.mark.parametrize("half", [-1.0, 10_001.0])
def test_a_half_width_out_of_range_is_refused(half: float) -> None:
    with pytest.raises(Misuse, match="out of range"):
        build_model(figures([line("a", None, 1, activity_percent=half)]))


def test_more_draws_than_are_kept_are_refused_before_any_is_made() -> None:
    model = build_model(SHARED, by=("activity",))
    with pytest.raises(Misuse, match="more than are kept") as refused:
        assess(model, draws=10_000_000)
    assert "6,666,666 of each part" in str(refused.value.valid)


def test_nothing_at_all_is_certain() -> None:
    whole = assess(build_model(figures([]))).whole
    assert (whole.kg, whole.low, whole.high, whole.how) == (0, 0, 0, "certain")
