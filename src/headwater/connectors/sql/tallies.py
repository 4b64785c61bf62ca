"""What a database says of a chunk itself: how many rows, and of columns of numbers how many values and their sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from headwater.connectors.protocol import ColumnTally, Tally
from headwater.connectors.sql.dialect import Dialect
from headwater.connectors.sql.statements import Bounds, Statement, condition, where
from headwater.connectors.sql.tables import Field, SqlTable
from headwater.errors import InputRefused


def tally_of(
    dialect: Dialect,
    table: SqlTable,
    fields: Sequence[Field],
    locator: Mapping[str, Any],
    fetch: Callable[[Statement], Sequence[Sequence[str | None]]],
    *,
    at_once: bool,
) -> Tally:
    """Ask for all of it by one statement, under the very condition by which the chunk is read."""
    sums = {field.name: total for field in fields if (total := dialect.sum(field)) is not None}
    asked = [dialect.count()]
    for name, total in sums.items():
        asked += [f"count({dialect.quoted(name)})", total]
    bounds = Bounds(dialect)
    conditions = where(condition(bounds, table, locator))
    found = fetch(Statement(f"SELECT {', '.join(asked)} FROM {table.source}{conditions}", tuple(bounds.values)))
    try:
        ((rows, *told),) = found
        columns = {
            name: _column(values, total) for name, values, total in zip(sums, told[::2], told[1::2], strict=True)
        }
        return Tally(rows=int(str(rows)), columns=columns, at_once=at_once)
    except (ValueError, ArithmeticError):
        raise InputRefused(
            "the database counts and sums by what is no number", where=table.name, value=found, remedy=NO_NUMBERS
        ) from None


NO_NUMBERS = "This is a fault of the connector or of the database: tell the connector's author"


def _column(values: str | None, total: str | None) -> ColumnTally:
    count = int(str(values))
    if total is None:  # the sum of nothing is null, and so is one that the database cannot make
        return ColumnTally(values=count, sum=None if count else Decimal(0))
    made = Decimal(total)
    return ColumnTally(values=count, sum=made if made.is_finite() else None)
