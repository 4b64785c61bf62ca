"""Statements with their parameters: what a chunk's locator says, as a condition.

A locator is JSON, with bounds as exact texts; None is open:

    {"by": "whole"}
    {"by": "key_range", "key": ["site", "id"], "types": ["text", "bigint"], "from": ["7", "1200"], "to": null}
    {"by": "time_window", "cursor": "changed", "types": ["date"], "from": "2026-01-01", "to": "…"}
    {"by": "counter", "cursor": "version", "types": ["bigint"], "from": "4711", "to": null}
    {"by": "blank", "columns": ["changed"]}     no value in one of them: rows no range can hold
    {"by": "blank", "columns": ["changed"], "endless": true}    the same where that can only be a time without end
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headwater.connectors.protocol import Selection
from headwater.connectors.sql.dialect import Dialect
from headwater.connectors.sql.tables import Field, SqlTable
from headwater.errors import InputRefused, Misuse


@dataclass(frozen=True)
class Statement:
    """SQL, and the values of its parameters in the order they stand in it; `decimal` as `Selection` has it."""

    sql: str
    values: tuple[Any, ...] = ()
    decimal: str = "."


@dataclass
class Bounds:
    """Collects the parameters of one statement."""

    dialect: Dialect
    values: list[Any] = field(default_factory=list)

    def bound(self, column: Field, text: str) -> str:
        """A parameter of the column's type."""
        self.values.append(self.dialect.value(column, text))
        return self.dialect.typed(column, self.dialect.placeholder(len(self.values)))

    def compared(self, columns: Sequence[Field], sign: str, texts: Sequence[str]) -> str:
        """Rows on one side of a bound: `sign` is < or >= (of several columns) or <= (of one)."""
        if len(columns) == 1:
            return f"{columns[0].order} {sign} {self.bound(columns[0], texts[0])}"
        if self.dialect.rows_compared:
            left = ", ".join(column.order for column in columns)
            right = ", ".join(self.bound(column, text) for column, text in zip(columns, texts, strict=True))
            return f"({left}) {sign} ({right})"
        return self._written_out(columns, sign, texts)

    def _written_out(self, columns: Sequence[Field], sign: str, texts: Sequence[str]) -> str:
        """(a, b) >= (x, y) as a >= x AND (a > x OR b >= y): the first part is what an index is good for."""
        if len(columns) == 1:
            return f"{columns[0].order} {sign} {self.bound(columns[0], texts[0])}"
        first, strict = columns[0].order, sign[0]
        loose = f"{first} {strict}= {self.bound(columns[0], texts[0])}"
        beyond = f"{first} {strict} {self.bound(columns[0], texts[0])}"
        return f"({loose} AND ({beyond} OR {self._written_out(columns[1:], sign, texts[1:])}))"


def present(dialect: Dialect, columns: Sequence[Field]) -> list[str]:
    """Conditions by which each column has a value that a range can hold."""
    return [f"NOT ({dialect.blank(column)})" for column in columns if dialect.may_be_blank(column)]


def where(conditions: Sequence[str]) -> str:
    """The clause of these conditions, all of which are to hold."""
    return " WHERE " + " AND ".join(conditions) if conditions else ""


def condition(bounds: Bounds, table: SqlTable, locator: Mapping[str, Any]) -> list[str]:
    """What a chunk's rows fulfil. Misuse for a locator that no plan made."""
    by = locator.get("by")
    if by == "whole":
        return []
    if by == "blank":
        columns = [table.field(name, "column") for name in locator["columns"]]
        return ["(" + " OR ".join(bounds.dialect.blank(column) for column in columns) + ")"]
    if by == "key_range":
        columns = [table.field(name, "key column") for name in locator["key"]]
        low, high = locator["from"], locator["to"]
    elif by in {"time_window", "counter"}:
        columns = [table.field(locator["cursor"], "cursor")]
        low, high = ([text] if text is not None else None for text in (locator["from"], locator["to"]))
    else:
        raise Misuse("this is no locator of a chunk", where=table.name, value=by, valid="what a plan gave")
    _check_types(table, columns, locator)
    conditions = present(bounds.dialect, columns)
    if low is not None:
        conditions.append(bounds.compared(columns, ">=", low))
    if high is not None:
        conditions.append(bounds.compared(columns, "<", high))
    return conditions


def _check_types(table: SqlTable, columns: Sequence[Field], locator: Mapping[str, Any]) -> None:
    """By another type rows stand in another order: ranges of the one and the other leave rows out and repeat some."""
    now = [column.cast for column in columns]
    planned = locator.get("types", now)
    if planned != now:
        raise InputRefused(
            "the type of a column that the table is cut by has changed since the plan",
            where=f"{table.name}, {', '.join(column.name for column in columns)}",
            value=", ".join(now),
            valid=", ".join(planned),
            remedy="Sync again: the table is cut anew when a sync is planned.",
        )


def reading(dialect: Dialect, table: SqlTable, selection: Selection, locator: Mapping[str, Any]) -> Statement:
    """The statement that reads a chunk: one statement, so that all of it is of one moment."""
    bounds = Bounds(dialect)
    return Statement(
        _select(dialect, table, selection) + where(condition(bounds, table, locator)) + _ordered(table, selection),
        tuple(bounds.values),
        selection.decimal,
    )


def sampling(dialect: Dialect, table: SqlTable, rows: int) -> Statement:
    """The statement that reads the first rows."""
    selection = Selection(table=table.name)
    order = _ordered(table, selection) if table.key else ""
    return Statement(dialect.limited(_select(dialect, table, selection) + order, rows))


def _select(dialect: Dialect, table: SqlTable, selection: Selection) -> str:
    fields = table.chosen(selection)
    listed = ", ".join(f"{field.select} AS {dialect.quoted(field.name)}" for field in fields)
    return f"SELECT {listed} FROM {table.source}"


def _ordered(table: SqlTable, selection: Selection) -> str:
    """By the key; where that may not tell all rows apart, by every column besides: the order is always the same."""
    key = table.key_of(selection)
    order = [field.order for field in key]
    if not table.is_key_enforced or not table.key or not set(table.key) <= {field.name for field in key}:
        order += [field.select for field in table.chosen(selection) if field.order not in order]
    return " ORDER BY " + ", ".join(order)
