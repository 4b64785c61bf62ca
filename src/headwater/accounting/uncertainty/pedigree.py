"""Scores of data quality as spread: five indicators, each 1 (best) to 5, each with a variance laid down in a table.

    GSD² = exp √(Σ ln² U)        U: the factor of each indicator, whose ratio to the figure bounds 95 % of it
    variance = Σ (ln U / 2)²     of the figure's logarithm: the same sentence, for adding up

pedigree.csv            a factor or a variance for each table, indicator and score
pedigree_sources.csv    who laid the table down
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Mapping

INDICATORS = ("technology", "time", "geography", "completeness", "reliability")
"""In the order of the digits of a pedigree, as in `21113`."""

TABLE = "ecoinvent_3"
"""The table that is taken unless another is named: it has a figure for every score."""


@dataclass(frozen=True, kw_only=True)
class PedigreeTable:
    """`variances` of the logarithm by indicator and score; `source` says who laid them down."""

    name: str
    source: str
    note: str
    variances: Mapping[tuple[str, int], float]

    def variance(self, pedigree: str) -> float:
        """Of the logarithm of a figure with these scores."""
        return math.fsum(self._one(indicator, score, pedigree) for indicator, score in scores(pedigree).items())

    def _one(self, indicator: str, score: int, pedigree: str) -> float:
        found = self.variances.get((indicator, score))
        if found is None:
            raise Misuse(
                f"the table has no figure for the score {score} of {indicator}",
                where=f"pedigree table {self.name}",
                value=pedigree,
                valid=f"scores 1 to {max(known for name, known in self.variances if name == indicator)}",
                remedy=f"Take another table ({', '.join(sorted(set(tables()) - {self.name}))}), or score anew.",
            )
        return found


def scores(pedigree: str) -> dict[str, int]:
    """The digits of a pedigree by indicator. Misuse: it is none."""
    if len(pedigree) != len(INDICATORS) or not set(pedigree) <= set("12345"):
        raise Misuse(
            "this is no pedigree",
            value=pedigree,
            valid=f"five digits from 1 (best) to 5: {', '.join(INDICATORS)}",
        )
    return dict(zip(INDICATORS, map(int, pedigree), strict=True))


def pedigree_table(name: str = TABLE) -> PedigreeTable:
    """A table by its name. Misuse naming those there are."""
    if name not in tables():
        raise Misuse(
            "there is no such pedigree table", where="pedigree table", value=name, valid=", ".join(sorted(tables()))
        )
    return tables()[name]


@cache
def tables() -> Mapping[str, PedigreeTable]:
    """Every table that is brought along, by name."""
    variances: dict[str, dict[tuple[str, int], float]] = {}
    for row in _rows("pedigree.csv"):
        variance = float(row["variance"]) if row["variance"] else (math.log(float(row["factor"])) / 2) ** 2
        variances.setdefault(row["table"], {})[row["indicator"], int(row["score"])] = variance
    return {
        row["table"]: PedigreeTable(
            name=row["table"], source=row["source"], note=row["note"], variances=variances[row["table"]]
        )
        for row in _rows("pedigree_sources.csv")
    }


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
