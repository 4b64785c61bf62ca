"""How sure a total is: closed form where it is exact, drawn where it is not, and what to improve next."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from headwater.accounting.uncertainty.moments import (
    Contribution,
    contributions,
    half_width_percent,
    total,
    variance,
)
from headwater.accounting.uncertainty.sampling import DRAWS, MOST, draw
from headwater.errors import Misuse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headwater.accounting.uncertainty.model import Data, Floats, Model

EXACT, DRAWN, CERTAIN = "exact", "drawn", "certain"
PROBABILITIES = (0.025, 0.5, 0.975)
DIGITS = 6
"""Digits of a drawn figure: more would be noise of the draws and of the machine's arithmetic."""
FIRST = 20
MOST_KEPT = 20_000_000
"""160 MB of draws."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A total and how sure it is.

    kg            the total as reported: the mean
    standard_kg   standard deviation, in closed form
    half_width    z standard deviations in per cent of the total
    low, median, high    2.5 %, 50 % and 97.5 % of what the total may be
    how           `exact` (closed form), `drawn` (Monte Carlo), `certain` (nothing in it states a spread)
    covered       share of the total whose activity or factor states a spread
    activities_covered, factors_covered    share whose activity does, whose factor does; both may
    """

    group: tuple[Any, ...]
    kg: float
    standard_kg: float
    half_width: float
    low: float
    median: float
    high: float
    how: str
    covered: float
    activities_covered: float
    factors_covered: float


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """Of a whole model and of its groups, with what would make the whole surer."""

    whole: Interval
    groups: tuple[Interval, ...]
    improve: tuple[Contribution, ...]
    uncertain: int
    seed: int
    draws: int
    alone: int
    pooled: int


def assess(model: Model, *, draws: int = DRAWS, seed: int = 0, most: int = MOST, first: int = FIRST) -> Assessment:
    """Assess a model. draws, seed: of Monte Carlo, used where the closed form does not give quantiles."""
    _check_size(len(model.groups), draws)
    parts = [model, *(model.only(place) for place in range(len(model.groups)))]
    closed = [exact_quantiles(part) for part in parts]
    drawn: list[Floats] = []
    alone = pooled = 0
    if None in closed:
        made = draw(model, draws=draws, seed=seed, most=most)
        drawn, alone, pooled = [made.total, *made.by_group.T], made.alone, made.pooled
    intervals = [
        _interval(part, label, known or drawn_quantiles(drawn[place]), EXACT if known else DRAWN)
        for place, (part, label, known) in enumerate(zip(parts, ((), *model.groups), closed, strict=True))
    ]
    return Assessment(
        whole=intervals[0],
        groups=tuple(intervals[1:]),
        improve=tuple(contributions(model, most=first)),
        uncertain=_uncertain(model.activities) + _uncertain(model.factors),
        seed=seed,
        draws=draws if drawn else 0,
        alone=alone,
        pooled=pooled,
    )


def _check_size(groups: int, draws: int) -> None:
    """Draws of all parts are held until their quantiles are found."""
    if groups * draws > MOST_KEPT:
        raise Misuse(
            f"{draws:,} draws of {groups:,} parts are more than are kept",
            where="draws",
            value=draws,
            valid=f"at most {MOST_KEPT:,} in all, which is {MOST_KEPT // groups:,} of each part",
            remedy="Ask for fewer draws, or by less.",
        )


def exact_quantiles(model: Model) -> tuple[float, float, float] | None:
    """Quantiles in closed form: of a constant plus one product of lognormals. None: the sum has no such form."""
    spread = model.activities.variances[model.activity] + model.factors.variances[model.factor]
    loose = spread > 0
    certain = math.fsum(model.kg[~loose])
    if not loose.any():
        return (certain, certain, certain)
    activities = np.where(model.activities.variances[model.activity] > 0, model.activity, -1)[loose]
    factors = np.where(model.factors.variances[model.factor] > 0, model.factor, -1)[loose]
    if (activities != activities[0]).any() or (factors != factors[0]).any():
        return None
    kg, log_variance = math.fsum(model.kg[loose]), float(spread[loose][0])
    found = [certain + kg * lognormal_quantile(log_variance, p) for p in PROBABILITIES]
    low, median, high = sorted(found)
    return (low, median, high)


def lognormal_quantile(log_variance: float, probability: float) -> float:
    """Of a lognormal with mean 1."""
    return math.exp(NormalDist().inv_cdf(probability) * math.sqrt(log_variance) - log_variance / 2)


def drawn_quantiles(draws: Floats) -> tuple[float, float, float]:
    """Of draws, to the digits that mean something."""
    low, median, high = (_short(float(value)) for value in np.quantile(draws, PROBABILITIES))
    return (low, median, high)


def _interval(model: Model, group: tuple[Any, ...], quantiles: tuple[float, float, float], how: str) -> Interval:
    mean, of_variance = total(model), variance(model)
    activities, factors = model.activities.stated[model.activity], model.factors.stated[model.factor]
    low, median, high = quantiles
    return Interval(
        group=group,
        kg=mean,
        standard_kg=math.sqrt(of_variance),
        half_width=half_width_percent(mean, of_variance),
        low=low,
        median=median,
        high=high,
        how=how if of_variance else CERTAIN,
        covered=_share(model, activities | factors),
        activities_covered=_share(model, activities),
        factors_covered=_share(model, factors),
    )


def _share(model: Model, pairs: NDArray[np.bool_]) -> float:
    """Of the total, the part of these pairs; what is negative counts by its size."""
    return math.fsum(np.abs(model.kg[pairs])) / (math.fsum(np.abs(model.kg)) or 1.0)


def _uncertain(data: Data) -> int:
    return int((data.variances > 0).sum())


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
