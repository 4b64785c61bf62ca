"""Check: a connector that has its source count brings what the source counts."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

from headwater.connectors.protocol import Selection, SourceChunk, Tally
from headwater.testing.case import Case
from headwater.testing.checking import Check, require
from headwater.testing.exactness import VALUES
from headwater.testing.opening import by_another_process, numbered, opened, planned, selection

SUMMED = ("integer", "decimal")
"""The sorts of numbers that are exact, and of which a source that counts gives the sum."""
ALL_DIGITS = 100
"""More than a sum of what is tried has; Python rounds to 28 where nothing is said."""


def tallied(case: Case) -> None:
    """Chunk by chunk the source counts as many rows as it gives, and sums whole numbers and decimals to the digit."""
    with opened(case) as connector:
        if not hasattr(connector, "read_tallied"):
            return
    rows = numbered(57)
    case.make(rows)
    asked = [selection(case)] + ([selection(case, cursor=True)] if case.kind.cursor else [])
    for each in asked:
        told = _told(case, each, case.columns)
        total = sum(tally.rows for tally, _ in told)
        require(total == len(rows), f"{len(rows)} rows are there, and the source counts {total}")
        for tally, count in told:
            require(tally.rows == count, f"a chunk of {count} rows is counted by the source as {tally.rows}")
    for sort in SUMMED:
        if sort not in case.lacks:
            _summed(case, sort)


def _summed(case: Case, sort: str) -> None:
    values = [value for name, value in VALUES[sort].items() if f"{sort}: {name}" not in case.lacks]
    made = case.make_values(sort, [*values, None])
    asked = Selection(table=made, key=("id",), columns=("id", "value")) if isinstance(made, str) else made
    name = next(column.name for column in planned(case, asked).columns if column.name != asked.key[0])
    found = [tally.columns.get(name) for tally, _ in _told(case, asked, (name,))]
    told = [each for each in found if each is not None and each.sum is not None]
    if (need := _sum_of(sort)) in case.lacks and not told:
        return
    require(
        len(told) == len(found),
        f"{sort}: the source gives no sum; declare lacks[{need!r}] with the reason where it makes no exact one",
    )
    count = sum(each.values for each in told)
    with localcontext(prec=ALL_DIGITS):
        total = sum((each.sum for each in told if each.sum is not None), Decimal(0))
        meant = sum(map(Decimal, values), Decimal(0))
    require(count == len(values), f"{sort}: {len(values)} values beside a NULL are counted as {count}")
    require(total == meant, f"{sort}: the source tells the sum {total} of values whose sum is {meant}")


def _sum_of(sort: str) -> str:
    return f"{sort}: sum"


def _told(case: Case, asked: Selection, columns: tuple[str, ...]) -> list[tuple[Tally, int]]:
    """Of each chunk what the source says, and how many rows came."""
    plan = planned(case, asked)
    with opened(case) as connector:
        return [_of_chunk(connector, asked, chunk, columns) for chunk in plan.chunks]


def _of_chunk(connector: Any, asked: Selection, chunk: SourceChunk, columns: tuple[str, ...]) -> tuple[Tally, int]:
    with connector.read_tallied(asked, by_another_process(chunk), columns) as (stream, tally):
        count = sum(batch.num_rows for batch in stream)
        return tally(), count


PARTS = tuple(map(_sum_of, SUMMED))
"""What is declared in `lacks` of a source that counts and makes no exact sum of a sort."""

CHECKS = (
    Check(
        name="tally",
        what="Where a source counts for itself, it counts the rows that are read and sums their numbers to the digit;"
        " of what it does not sum exactly `integer: sum` or `decimal: sum` is declared.",
        run=tallied,
    ),
)
