"""The assignment problem: fields to columns, each at most once, with the most confidence in all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_FAR = float("inf")


def assign(scores: Sequence[Sequence[float]]) -> dict[int, int]:
    """Row -> column with the greatest sum of scores; a pair of score 0 or less is none.

    The Hungarian method with potentials, a shortest path for each row: rows² × columns steps.
    """
    rows = len(scores)
    if not rows:
        return {}
    # A column of its own for each row lets it stay open.
    width = len(scores[0]) + rows
    row_costs = [[-max(score, 0.0) for score in row] + [0.0] * rows for row in scores]
    of_row, of_column = [0.0] * (rows + 1), [0.0] * (width + 1)
    taken_by = [0] * (width + 1)
    for row in range(1, rows + 1):
        way = _shortest_path(row, row_costs, of_row, of_column, taken_by)
        column = way[-1]
        while column:
            previous = way[column]
            taken_by[column] = taken_by[previous]
            column = previous
    found = {taken_by[column] - 1: column - 1 for column in range(1, width + 1) if taken_by[column]}
    return {row: column for row, column in found.items() if column < len(scores[0]) and scores[row][column] > 0}


def _shortest_path(
    row: int, costs: Sequence[Sequence[float]], of_row: list[float], of_column: list[float], taken_by: list[int]
) -> list[int]:
    """The way by which a row gets a column, as the column before each; the last entry is the column it ends at."""
    width = len(of_column) - 1
    taken_by[0] = row
    least, before, seen = [_FAR] * (width + 1), [0] * (width + 1), [False] * (width + 1)
    column = 0
    while taken_by[column]:
        seen[column] = True
        owner, delta, following = taken_by[column], _FAR, 0
        for other in range(1, width + 1):
            if seen[other]:
                continue
            cost = costs[owner - 1][other - 1] - of_row[owner] - of_column[other]
            if cost < least[other]:
                least[other], before[other] = cost, column
            if least[other] < delta:
                delta, following = least[other], other
        for other in range(width + 1):
            if seen[other]:
                of_row[taken_by[other]] += delta
                of_column[other] -= delta
            else:
                least[other] -= delta
        column = following
    return [*before, column]
