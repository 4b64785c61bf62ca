"""A cursor that is a text: texts are compared as written, which is their order in time where all are written one way.

SQLite has no type for times, so many tables keep them in a column of texts. Whether all are ISO 8601 written one way is
asked at each plan, of the whole column: one written otherwise could stand before what was read up to, never to be read.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from headwater.connectors.sql.statements import Statement
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from headwater.connectors.protocol import Selection
    from headwater.connectors.sql import Family, Field, Session, SqlTable

_WRITTEN = re.compile(r"(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?")
_ONE_WAY = "ISO 8601, all written one way, as 2026-01-31T09:30:00Z, or days as 2026-01-31"
_DAY = len("2026-01-31")
_CLOCKS_GO_BACK = 3600
"""Seconds; more at one station in Antarctica only."""
_SHOWN = 2
_DAYS = "[0-9]" * 4 + ("-" + "[0-9]" * 2) * 2


def with_cursor(table: SqlTable, name: str | None, family: Family = "time") -> SqlTable:
    """The table with a column of no type of times or numbers taken for times or days, as a cursor."""
    fields = [
        replace(each, family=family) if (each.name, each.family) == (name, "other") else each for each in table.fields
    ]
    return replace(table, fields=tuple(fields))


def checked(session: Session, table: SqlTable, selection: Selection) -> SqlTable:
    """The same for a selection. Misuse where its texts are not times that are all written one way."""
    if selection.cursor is None or table.field(selection.cursor, "cursor").family != "other":
        return table
    field = table.field(selection.cursor, "cursor")
    # Any of them tells how all are written, where all are written one way: the column is gone through once.
    some = _first(session, table, f"{field.order} IS NOT NULL", field)
    pattern = None
    if some is not None:
        pattern = _pattern(*some)
        if pattern is None or _first(session, table, _otherwise(field), field, pattern):
            raise _told(session, table, field)
        if selection.since is not None and _pattern(selection.since) != pattern:
            raise Misuse(
                f"the cursor {field.name!r} was read up to a time that is written another way",
                where=table.name,
                value=f"{selection.since}, and now {some[0]}",
                valid=_ONE_WAY,
                remedy="Load all once more, with `load: {strategy: full}`: the next sync goes on from there.",
            )
    return with_cursor(table, selection.cursor, "date" if pattern == _DAYS else "time")


def notices(selection: Selection, upto: str | None) -> tuple[str, ...]:
    """What is to be told of a cursor that came to `upto`."""
    found = None if upto is None else _WRITTEN.fullmatch(upto)
    if found is None or found[2] or len(found[1]) == _DAY or selection.lag >= _CLOCKS_GO_BACK:
        return ()
    told = (
        f"the times of {selection.cursor} name no zone: where they are local times, what changes in the hour that"
        f" clocks go back may never be read. `lag: {_CLOCKS_GO_BACK}` reads that hour again; times in UTC need none"
    )
    return (told,)


def ways_told(session: Session, table: SqlTable, selection: Selection) -> tuple[str, ...]:
    """What is to be told of a cursor that is declared a time, and taken at its word, where it is written several ways:
    with T or a blank, in several zones, as a number. How many digits a second has changes no order to speak of.
    """
    field = None if selection.cursor is None else table.field(selection.cursor, "cursor")
    if field is None or field.family not in {"time", "date"}:
        return ()
    text = field.order
    offset = f"substr({text}, -6, 1) IN ('+', '-') AND substr({text}, -3, 1) = ':'"
    zone = f"CASE WHEN {text} LIKE '%Z' THEN 'Z' WHEN {offset} THEN substr({text}, -6) ELSE '' END"
    way = f"CASE typeof({text}) WHEN 'text' THEN substr({text}, 11, 1) || {zone} ELSE 'number' END"
    found = session.rows(
        Statement(f"SELECT max({text}) FROM {table.source} WHERE {text} IS NOT NULL GROUP BY {way} LIMIT {_SHOWN}")
    )
    if len(found) < _SHOWN:
        return ()
    one, other = sorted(str(row[0]) for row in found)
    told = (
        f"the times of {field.name} are written in several ways, as {one!r} and {other!r}, and are compared as they are"
        " written: what comes as the one may stand before what was read up to as the other, and would never be read."
        " Have a view at the source write them one way, or leave the cursor out"
    )
    return (told,)


def located(table: SqlTable, locator: Mapping[str, Any]) -> SqlTable:
    """The table as a chunk that was planned so means it."""
    return with_cursor(table, locator.get("cursor"))


def _first(
    session: Session, table: SqlTable, condition: str, field: Field, *values: str
) -> tuple[str, str | None] | None:
    """The first value found of which a condition is true, and its type; None where there is none."""
    rows = session.rows(
        Statement(f"SELECT {field.order}, typeof({field.order}) FROM {table.source} WHERE {condition} LIMIT 1", values)
    )
    return (str(rows[0][0]), rows[0][1]) if rows else None


def _otherwise(field: Field) -> str:
    """The condition of what is written otherwise than a pattern says."""
    return f"{field.order} IS NOT NULL AND (typeof({field.order}) <> 'text' OR {field.order} NOT GLOB ?)"


def _told(session: Session, table: SqlTable, field: Field) -> Misuse:
    """Why the column is no cursor: its highest value is no time, or another is not written as that is."""
    ((highest, kind),) = session.rows(
        Statement(f"SELECT max({field.order}), typeof(max({field.order})) FROM {table.source}")
    )
    pattern = _pattern(str(highest), kind)
    other = _first(session, table, _otherwise(field), field, pattern) if pattern else None
    return _refused(table, field, f"{highest}, and {other[0]}" if other else str(highest))


def _pattern(text: str, kind: str | None = "text") -> str | None:
    """What GLOB takes for a text written the same way, in the same zone; None for what is no time."""
    found = _WRITTEN.fullmatch(text) if kind == "text" else None
    if found is None:
        return None
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return re.sub(r"\d", "[0-9]", found[1]) + (found[2] or "")


def _refused(table: SqlTable, field: Field, value: str) -> Misuse:
    known = ", ".join(each.name for each in table.fields if each.family != "other")
    return Misuse(
        f"the column {field.name!r} is of type {field.column.type} and cannot be a cursor: it holds what is no time, or"
        " times that are not all written one way",
        where=table.name,
        value=value,
        valid=f"a time, a date or a whole number ({known or 'this table has none'}); or texts of times: {_ONE_WAY}",
        remedy="Have a view at the source write them so, or leave the cursor out: all rows are read, and those that are"
        " as they were change nothing.",
    )
