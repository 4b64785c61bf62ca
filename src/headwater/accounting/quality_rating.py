"""Data quality carried and aggregated: pedigree scores, weighted by the emissions that rest on them.

    rating = Σ kg × score / Σ kg      over the lines that have a pedigree; 2 places, half up; 1 is best, 5 worst

Lines without a pedigree are not part of the mean: how much of the total they are is said beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from headwater.accounting.uncertainty.pedigree import INDICATORS, scores
from headwater.accounting.units import rounded

if TYPE_CHECKING:
    import pyarrow as pa

PLACES = 2


@dataclass(frozen=True, kw_only=True)
class Rating:
    """Of a group of lines. `overall` is the mean of the five indicators; both are absent where no line is rated.

    kg, rated_kg    the group's total, and what of it has a pedigree
    """

    group: tuple[Any, ...]
    kg: Decimal
    rated_kg: Decimal
    indicators: Mapping[str, Decimal] | None
    overall: Decimal | None


def rate(lines: pa.Table, pedigree: str, *, by: Sequence[str] = ()) -> list[Rating]:
    """The rating of lines, and of each group of them, the whole first. pedigree: the column of scores."""
    columns = list(dict.fromkeys([*by, pedigree]))
    cells = lines.select([*columns, "co2e_kg"]).group_by(columns, use_threads=False).aggregate([("co2e_kg", "sum")])
    groups: dict[tuple[Any, ...], list[tuple[str | None, Decimal]]] = {(): []}
    for cell in cells.to_pylist():
        entry = (cell[pedigree], cell["co2e_kg_sum"] or Decimal(0))
        groups[()].append(entry)
        if by:
            groups.setdefault(tuple(cell[name] for name in by), []).append(entry)
    ordered = sorted(groups, key=lambda group: [(value is None, str(value)) for value in group])
    return [_rating(group, groups[group]) for group in ordered]


def _rating(group: tuple[Any, ...], entries: Sequence[tuple[str | None, Decimal]]) -> Rating:
    rated = [(scores(code), Fraction(kg)) for code, kg in entries if code is not None]
    weight = sum((kg for _, kg in rated), Fraction(0))
    means = (
        {name: sum((kg * each[name] for each, kg in rated), Fraction(0)) / weight for name in INDICATORS}
        if weight
        else None
    )
    return Rating(
        group=group,
        kg=sum((kg for _, kg in entries), Decimal(0)),
        rated_kg=sum((kg for code, kg in entries if code is not None), Decimal(0)),
        indicators={name: rounded(mean, PLACES) for name, mean in means.items()} if means else None,
        overall=rounded(sum(means.values(), Fraction(0)) / len(means), PLACES) if means else None,
    )
