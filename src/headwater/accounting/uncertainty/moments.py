"""Mean and variance of a sum of products of lognormals, in closed form, and what each datum adds to the variance.

With a = variance of an activity's multiplier, f = of a factor's (both have mean 1), and kg summed over what is named:

    variance = Σ_A a · kg(A)²  +  Σ_F f · kg(F)²  +  Σ_pairs a · f · kg(A, F)²

Exact for whatever data are shared: terms of different data do not mix, since the data are independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headwater.accounting.uncertainty.model import Z

if TYPE_CHECKING:
    from headwater.accounting.uncertainty.model import Floats, Model


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """What one datum does to the variance. `removed` is by how much it would fall if the datum were known exactly.

    kind        activity or factor
    kg          the part of the total that it stands in
    percent     half-width of its own 95 % interval, read as z standard deviations
    share       removed / variance; shares of two data that multiply each other overlap, so they may add up beyond 1
    half_width  of the total's interval, in per cent (z standard deviations), if the datum were known exactly
    """

    kind: str
    name: str
    kg: float
    percent: float
    removed: float
    share: float
    half_width: float


def total(model: Model) -> float:
    """Mean of the sum, which is the sum as reported."""
    return math.fsum(model.kg)


def variance(model: Model) -> float:
    """Variance of the sum."""
    of_activities, of_factors, of_pairs = _terms(model)
    return math.fsum([*of_activities, *of_factors, *of_pairs])


def half_width_percent(mean: float, of_variance: float) -> float:
    """Z standard deviations of the mean, in per cent: how an uncertainty is usually stated. Of nothing it is 0."""
    return 100 * Z * math.sqrt(of_variance) / abs(mean) if mean else 0.0


def removed(model: Model) -> tuple[Floats, Floats]:
    """By how much the variance would fall if a datum were known exactly: of each activity, of each factor."""
    of_activities, of_factors, of_pairs = _terms(model)
    activities = of_activities + np.bincount(model.activity, of_pairs, minlength=len(of_activities))
    factors = of_factors + np.bincount(model.factor, of_pairs, minlength=len(of_factors))
    return activities, factors


def contributions(model: Model, *, most: int) -> list[Contribution]:
    """The data whose better knowledge would help most, the first the most; at most `most`, none that is certain."""
    mean, whole = total(model), variance(model)
    found: list[Contribution] = []
    for kind, data, places, lost in zip(
        ("activity", "factor"),
        (model.activities, model.factors),
        (model.activity, model.factor),
        removed(model),
        strict=True,
    ):
        kg = np.bincount(places, model.kg, minlength=len(lost))
        spread = data.spread
        first = np.lexsort((np.arange(len(lost)), -lost))[:most]
        found += [
            Contribution(
                kind=kind,
                name=data.names[place],
                kg=float(kg[place]),
                percent=100 * Z * math.sqrt(spread[place]),
                removed=float(lost[place]),
                share=float(lost[place]) / whole,
                half_width=half_width_percent(mean, max(whole - float(lost[place]), 0.0)),
            )
            for place in first
            if lost[place] > 0
        ]
    return sorted(found, key=lambda each: (-each.removed, each.kind, each.name))[:most]


def _terms(model: Model) -> tuple[Floats, Floats, Floats]:
    """The three sums of the formula, by activity, by factor, by pair."""
    a, f = model.activities.spread, model.factors.spread
    count_a, count_f = len(model.activities.variances), len(model.factors.variances)
    by_activity = np.bincount(model.activity, model.kg, minlength=count_a)
    by_factor = np.bincount(model.factor, model.kg, minlength=count_f)
    # A pair may stand in several groups; its parts err together.
    pair = model.activity * count_f + model.factor
    first = np.append(True, pair[1:] != pair[:-1]) if len(pair) else np.zeros(0, dtype=bool)
    number = np.cumsum(first) - 1
    by_pair = np.bincount(number, model.kg)[number] if len(pair) else np.zeros(0)
    of_pairs = np.where(first, a[model.activity] * f[model.factor] * by_pair**2, 0.0)
    return a * by_activity**2, f * by_factor**2, of_pairs
