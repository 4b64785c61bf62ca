"""Monte Carlo: the sum drawn many times, where no closed form gives its quantiles.

Seeded and bounded: the same model and seed give the same draws whatever the order of the lines, in blocks of rows that
never hold more than `CELLS` numbers. Only the `MOST` activities that matter most are drawn each on its own; the rest of
them are pooled by the factors they share into one multiplier a pool, whose variance is that of the pool's own sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headwater.accounting.uncertainty.model import Data, Model
from headwater.accounting.uncertainty.moments import removed

if TYPE_CHECKING:
    from headwater.accounting.uncertainty.model import Floats, Places

DRAWS = 20_000
MOST = 1_000
CELLS = 2_000_000
"""16 MB for each of the few arrays that are held at once."""


@dataclass(frozen=True, kw_only=True)
class Draws:
    """The sum of each group, drawn: rows are draws, columns groups.

    alone, pooled, pools    uncertain activities drawn each on its own, those pooled, and into how many pools
    """

    by_group: Floats
    alone: int
    pooled: int
    pools: int

    @property
    def total(self) -> Floats:
        """The whole sum, drawn."""
        total: Floats = self.by_group.sum(axis=1)
        return total


def draw(model: Model, *, draws: int = DRAWS, seed: int = 0, most: int = MOST, cells: int = CELLS) -> Draws:
    """Draw the sum of a model, group by group."""
    small, alone, pooled = pool(model, most=most)
    wide = len(small.activities.variances) + len(small.factors.variances)
    generator = np.random.Generator(np.random.PCG64(seed))
    by_group = np.empty((draws, max(len(small.groups), 1)))
    block = max(1, min(draws, cells // max(wide, len(small.kg), 1)))
    for begin in range(0, draws, block):
        rows = min(block, draws - begin)
        # Row by row, so that the stream does not depend on the size of a block.
        normal = generator.standard_normal((rows, wide))
        count = len(small.activities.variances)
        a = _multipliers(normal[:, :count], small.activities.variances)
        f = _multipliers(normal[:, count:], small.factors.variances)
        by_group[begin : begin + rows] = _sums(small, a, f)
    pools = int((small.activities.variances[alone:] > 0).sum())
    return Draws(by_group=by_group, alone=alone, pooled=pooled, pools=pools)


def pool(model: Model, *, most: int) -> tuple[Model, int, int]:
    """The model with at most `most` activities of their own; how many these are, and how many went into pools.

    A pool holds the activities that meet the same factors. Its variance is exact where each of them splits over these
    factors alike, as activities of one unit do.
    """
    count = len(model.activities.variances)
    lost, _ = removed(model)
    uncertain = np.flatnonzero(model.activities.variances > 0)
    alone = np.sort(uncertain[np.lexsort((uncertain, -lost[uncertain]))[:most]])
    signature = np.zeros(count, dtype=np.uint64)
    hashes = np.random.Generator(np.random.PCG64(1)).integers(1, 2**63, len(model.factors.variances), dtype=np.uint64)
    pairs = np.unique(np.stack([model.activity, model.factor]), axis=1)
    np.add.at(signature, pairs[0], hashes[pairs[1]])
    rest = np.ones(count, dtype=bool)
    rest[alone] = False
    found, number = np.unique(signature[rest], return_inverse=True)
    to = np.empty(count, dtype=np.int64)
    to[alone] = np.arange(len(alone))
    to[rest] = len(alone) + number
    kg = np.bincount(model.activity, model.kg, minlength=count)
    squares = np.bincount(to, model.activities.spread * kg**2)
    sums = np.bincount(to, kg)
    spread = np.divide(squares, sums**2, out=np.zeros_like(sums), where=sums != 0)
    names = tuple(model.activities.names[place] for place in alone) + tuple(f"pool {n + 1}" for n in range(len(found)))
    data = Data(names=names, variances=np.log1p(spread), stated=np.ones(len(names), dtype=bool))
    merged = _merged(model, to[model.activity], data)
    return merged, len(alone), len(uncertain) - len(alone)


def _merged(model: Model, activity: Places, data: Data) -> Model:
    """The pairs by their new activities, each pair and group once."""
    keys = np.stack([activity, model.factor, model.group])
    unique, number = np.unique(keys, axis=1, return_inverse=True)
    return Model(
        activities=data,
        factors=model.factors,
        groups=model.groups,
        activity=unique[0],
        factor=unique[1],
        group=unique[2],
        kg=np.bincount(number.ravel(), model.kg, minlength=unique.shape[1]).astype(np.float64),
    )


def _multipliers(normal: Floats, variances: Floats) -> Floats:
    """Lognormals with mean 1."""
    multipliers: Floats = np.exp(normal * np.sqrt(variances) - variances / 2)
    return multipliers


def _sums(model: Model, a: Floats, f: Floats) -> Floats:
    """Each group's sum in each row."""
    sums = np.zeros((len(a), max(len(model.groups), 1)))
    cells = model.group * len(model.factors.variances) + model.factor
    order = np.argsort(cells, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(cells[order]) != 0)).tolist() if len(order) else []
    for begin, end in zip(starts, [*starts[1:], len(order)], strict=True):
        pairs = order[begin:end]
        group, factor = int(model.group[pairs[0]]), int(model.factor[pairs[0]])
        sums[:, group] += (a[:, model.activity[pairs]] * model.kg[pairs]).sum(axis=1) * f[:, factor]
    return sums
