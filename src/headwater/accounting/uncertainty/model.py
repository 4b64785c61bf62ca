"""A total as a sum of products: kilograms × activity × factor, each datum one lognormal multiplier with mean 1.

    T = Σ kg(p) × A(p) × F(p)      p: a pair of an activity and the factor it was multiplied by

An activity that stands in several lines (use, upstream, a split of scope 2) is one datum, and so is a factor that many
activities share: lines that share a datum err together. The figure is the mean of what it may be, so the mean of T is
the total as reported.

    variance of the logarithm = ln(1 + (U / 100 z)²) + variance of the pedigree      U: 95 % half-width in per cent

The half-width is read as z = 1.96 standard deviations, after the IPCC's 2006 Guidelines, volume 1, chapter 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.accounting.uncertainty.pedigree import TABLE, pedigree_table
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headwater.accounting.uncertainty.pedigree import PedigreeTable

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]

Z = NormalDist().inv_cdf(0.975)
LARGEST_PERCENT = 10_000

_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("activity", pa.string()),
    ("factor", pa.string()),
    ("co2e_kg", pa.decimal128(38, 6)),
    ("activity_percent", pa.float64()),
    ("activity_pedigree", pa.string()),
    ("factor_percent", pa.float64()),
    ("factor_pedigree", pa.string()),
]
FIGURES_SCHEMA = pa.schema(_COLUMNS)
"""What a model is made of: a row for each line of one method and one set of warming potentials. `factor` is null where
a figure was reported; half-widths and pedigrees are null where nobody has stated them. More columns are for grouping.
"""


@dataclass(frozen=True, kw_only=True)
class Assumed:
    """What is taken for a datum that states nothing, said in the result; by default such a datum counts as certain.

    activity_percent, factor_percent    95 % half-width
    table                               which pedigree table scores are read by
    """

    activity_percent: float | None = None
    factor_percent: float | None = None
    table: str = TABLE


@dataclass(frozen=True, kw_only=True)
class Data:
    """Activities or factors: `names` sorted, `variances` of their logarithms (0: certain), whether each is `stated`."""

    names: tuple[str, ...]
    variances: Floats
    stated: NDArray[np.bool_]

    @property
    def spread(self) -> Floats:
        """The variance of each multiplier itself, whose mean is 1."""
        spread: Floats = np.expm1(self.variances)
        return spread


@dataclass(frozen=True, kw_only=True)
class Model:
    """Pairs, by the place of their activity, factor and group; `kg` is the pair's part of the total.

    The last factor has no name and is certain: it stands for figures that were reported without one.
    """

    activities: Data
    factors: Data
    groups: tuple[tuple[Any, ...], ...]
    activity: Places
    factor: Places
    group: Places
    kg: Floats

    def only(self, group: int) -> Model:
        """The pairs of one group."""
        wanted = self.group == group
        return Model(
            activities=self.activities,
            factors=self.factors,
            groups=self.groups,
            activity=self.activity[wanted],
            factor=self.factor[wanted],
            group=self.group[wanted],
            kg=self.kg[wanted],
        )


def build_model(figures: pa.Table, *, by: Sequence[str] = (), assumed: Assumed | None = None) -> Model:
    """The model of figures (`FIGURES_SCHEMA`); the order of their rows does not count. by: columns that make groups."""
    assumed = assumed or Assumed()
    table = pedigree_table(assumed.table)
    activities = _data(figures, "activity", assumed.activity_percent, table)
    factors = _data(figures, "factor", assumed.factor_percent, table)
    pairs = (
        figures.select([*dict.fromkeys(["activity", "factor", *by]), "co2e_kg"])
        .group_by(list(dict.fromkeys(["activity", "factor", *by])), use_threads=False)
        .aggregate([("co2e_kg", "sum")])
    )
    found = pairs.select(list(by)).to_pylist() if by else [{}] * pairs.num_rows
    labels = [tuple(row[name] for name in by) for row in found]
    groups = sorted(set(labels), key=_label_order)
    place = {label: number for number, label in enumerate(groups)}
    activity = _places(pairs["activity"], activities.names)
    factor = _places(pairs["factor"], factors.names)
    group = np.array([place[label] for label in labels], dtype=np.int64)
    kg = pc.cast(pairs["co2e_kg_sum"], pa.float64()).to_numpy()
    order = np.lexsort((group, factor, activity))
    return Model(
        activities=activities,
        factors=factors,
        groups=tuple(groups),
        activity=activity[order],
        factor=factor[order],
        group=group[order],
        kg=kg[order],
    )


def log_variances(
    percents: pa.ChunkedArray[Any], pedigrees: pa.ChunkedArray[Any], table: PedigreeTable, otherwise: float | None
) -> tuple[Floats, NDArray[np.bool_]]:
    """Variance of each datum's logarithm, and whether it states any spread of its own."""
    half = pc.cast(percents, pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    given = ~np.isnan(half)
    if np.any((half[given] < 0) | (half[given] > LARGEST_PERCENT)):
        wrong = half[given & ((half < 0) | (half > LARGEST_PERCENT))][0]
        raise Misuse(
            "a half-width is out of range", where="uncertainty", value=wrong, valid=f"0 to {LARGEST_PERCENT:,} per cent"
        )
    coded = pedigrees.combine_chunks().dictionary_encode()
    codes = coded.indices.to_numpy(zero_copy_only=False).astype(np.float64)
    scored = ~np.isnan(codes)
    by_code = np.array([table.variance(str(code)) for code in coded.dictionary.to_pylist()] or [0.0])
    variances = np.where(scored, by_code[np.where(scored, codes, 0).astype(np.int64)], 0.0)
    stated = given | scored
    if otherwise is not None:
        half = np.where(stated, half, otherwise)
    relative = np.nan_to_num(half, nan=0.0) / 100 / Z
    return variances + np.log1p(relative**2), stated


def _data(figures: pa.Table, kind: str, otherwise: float | None, table: PedigreeTable) -> Data:
    """Each datum once, by name; a factor's place behind the last is for figures without one."""
    columns = {name: f"{kind}_{name}" for name in ("percent", "pedigree")}
    each = (
        figures.select([kind, *columns.values()])
        .filter(pc.is_valid(figures[kind]))
        .group_by(kind, use_threads=False)
        .aggregate(
            [(column, way) for column in columns.values() for way in ("min", "max", "count")] + [([], "count_all")]
        )
        .sort_by(kind)
    )
    for column in columns.values():
        _refuse_differing(each, kind, column)
    variances, stated = log_variances(
        each[f"{columns['percent']}_max"], each[f"{columns['pedigree']}_max"], table, otherwise
    )
    return Data(
        names=tuple(map(str, each[kind].to_pylist())),
        variances=np.append(variances, 0.0),
        stated=np.append(stated, False),
    )


def _refuse_differing(each: pa.Table, kind: str, column: str) -> None:
    low: Any = each[f"{column}_min"]
    high: Any = each[f"{column}_max"]
    differ: Any = pc.fill_null(pc.not_equal(low, high), False)
    zero: Any = 0
    count: Any = each[f"{column}_count"]
    partly: Any = pc.and_(pc.greater(count, zero), pc.less(count, each["count_all"]))
    wrong = each.filter(pc.or_(differ, partly))
    if wrong.num_rows:
        raise Misuse(
            f"one {kind} stands with two different spreads",
            where=column,
            value=wrong[kind][0].as_py(),
            valid=f"one half-width and one pedigree for each {kind}",
            remedy="Lines of one inventory carry what its pinned inputs say: recalculate it.",
        )


def _places(names: pa.ChunkedArray[Any], known: Sequence[str]) -> Places:
    found: Any = pc.index_in(names, value_set=pa.array(known, pa.string()))
    whole: Any = pc.fill_null(found, len(known))
    places: Places = whole.to_numpy().astype(np.int64)
    return places


def _label_order(label: tuple[Any, ...]) -> tuple[tuple[bool, str], ...]:
    return tuple((value is None, f"{value:>12}" if isinstance(value, int) else str(value)) for value in label)
