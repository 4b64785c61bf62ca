"""Tables as a database's catalogue describes them, with all that a statement about them needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import pyarrow as pa

from headwater.connectors.protocol import Column, ForeignKey, Selection, Table
from headwater.connectors.telling_change import counts_changes, tells_change, tells_entry
from headwater.errors import Misuse

Family = Literal["zoned", "time", "date", "integer", "other"]
"""What a cursor of this type is: a moment, a time of no zone, a day, a counter; "other" can be none."""

TIMES = frozenset({"zoned", "time", "date"})


@dataclass(frozen=True, kw_only=True)
class Field:
    """A column, and how statements speak of it.

    column   as the protocol has it
    select   the expression that `read` selects
    order    the expression by which rows are compared and ordered; the same on every server and in every session
    cast     the type that a bound is cast to, as the database's own catalogue writes it
    shape    what is still to be done to a batch's column, as the kind of connector names it; "" for nothing
    made_of  of a type that somebody made of another, as a domain, that other; "" for all others
    """

    column: Column
    select: str
    order: str
    cast: str
    family: Family = "other"
    shape: str = ""
    made_of: str = ""

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name


@dataclass(frozen=True, kw_only=True)
class SqlTable:
    """A table and how statements speak of it.

    source           the quoted name that stands after FROM
    key              of the primary key, or of the narrowest unique index whose columns are never null
    is_key_enforced  whether no two rows can have one key; warehouses believe what is declared
    """

    name: str
    source: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    rows: int | None = None
    comment: str = ""
    is_key_enforced: bool = True

    def field(self, name: str, what: str) -> Field:
        """A column by name. Misuse where there is none, naming those there are."""
        for field in self.fields:
            if field.name == name:
                return field
        raise Misuse(
            f"the {what} {name!r} is no column that can be read",
            where=self.name,
            valid=", ".join(field.name for field in self.fields),
        )

    def chosen(self, selection: Selection) -> tuple[Field, ...]:
        """The columns a selection reads, in its order."""
        if not selection.columns:
            return self.fields
        return tuple(self.field(name, "column") for name in selection.columns)

    def key_of(self, selection: Selection) -> tuple[Field, ...]:
        """The columns that order the rows; () where neither selection nor source names any."""
        return tuple(self.field(name, "key column") for name in selection.key or self.key)

    def cursor_of(self, selection: Selection) -> Field | None:
        """The column that tells what changed. Misuse for one of a type that cannot."""
        if selection.cursor is None:
            return None
        field = self.field(selection.cursor, "cursor")
        if field.family == "other":
            raise Misuse(
                f"the column {field.name!r} is of type {field.column.type} and cannot be a cursor",
                where=self.name,
                valid="a time, a date or a whole number: "
                + (
                    ", ".join(column.name for column in self.fields if column.family != "other")
                    or "this table has none"
                ),
            )
        return field

    def described(self) -> Table:
        """The table as the protocol has it."""
        return Table(
            name=self.name,
            columns=tuple(field.column for field in self.fields),
            key=self.key,
            cursors=cursors(self.fields),
            times=times(self.fields),
            rows=self.rows,
            comment=self.comment,
        )


def foreign_keys(rows: Sequence[Sequence[str | None]]) -> dict[str, list[ForeignKey]]:
    """By table its foreign keys. Rows are a column each: table, constraint, column, table and column meant."""
    found: dict[str, list[ForeignKey]] = {}
    for (table, _), group in groupby(rows, key=lambda row: (str(row[0]), row[1])):
        parts = [tuple(map(str, row)) for row in group]
        columns, to = tuple(row[2] for row in parts), tuple(row[4] for row in parts)
        found.setdefault(table, []).append(ForeignKey(columns=columns, table=parts[0][3], to=to))
    return found


def cursors(fields: Sequence[Field]) -> tuple[str, ...]:
    """Columns that tell what changed: times before counters; never null first."""
    ranked = [
        (field.family == "integer", field.column.nullable, place, field.name)
        for place, field in enumerate(fields)
        if _is_cursor(field)
    ]
    return tuple(name for *_, name in sorted(ranked))


def times(fields: Sequence[Field]) -> tuple[str, ...]:
    """Other columns that hold times: those of an entry first; never null first."""
    ranked = [
        (not tells_entry(field.name), field.column.nullable, place, field.name)
        for place, field in enumerate(fields)
        if field.family in TIMES and not _is_cursor(field)
    ]
    return tuple(name for *_, name in sorted(ranked))


def _is_cursor(field: Field) -> bool:
    if field.shape == "rowversion":
        return True
    if field.family in TIMES:
        return tells_change(field.name)
    return field.family == "integer" and counts_changes(field.name)


def schema(fields: Sequence[Field]) -> pa.Schema:
    """How `read` gives these columns."""
    return pa.schema([field.column.field for field in fields])
