"""Lists of rows: filtered, sorted, and read on from a place by what the last row held, never by counting rows off.

Names of tables and columns come from the caller's list of what there is; values travel as parameters. NULL comes last
in either direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from psycopg import sql
from psycopg.rows import dict_row

from headwater.store.failures import translated
from headwater.store.queries import named_queries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    import psycopg

QUERIES = named_queries("listing")
FETCH = 20_000
COUNTED = 100_000
"""So many rows are counted, and no more."""

Operator = Literal["eq", "ne", "lt", "lte", "gt", "gte", "in", "contains", "starts", "null"]
_COMPARISONS = {"eq": "=", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a list. `type` is that of PostgreSQL, to which values are cast."""

    name: str
    type: str
    nullable: bool = True

    @property
    def cast(self) -> str:
        """The type without a collation: a value takes that of the column it is compared with."""
        return self.type.partition(" COLLATE")[0]


class Within(Protocol):
    """A further condition over the table, which is called `q`."""

    def condition(self, tenant_id: UUID) -> tuple[sql.Composed, dict[str, Any]]:
        """As SQL, and its values."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What a row must be: `value` is a list of texts for `in`, a boolean for `null`, else a text."""

    column: Column
    operator: Operator
    value: Any


@dataclass(frozen=True, kw_only=True)
class Order:
    """One step of a sort."""

    column: Column
    descending: bool = False


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which rows of a table, in which order. The last steps of the order tell every row apart and are never null."""

    table: str
    columns: Sequence[Column]
    conditions: Sequence[Condition] = ()
    order: Sequence[Order] = ()
    within: Within | None = None
    units: Sequence[UUID] | None = None  # of a table of records: only those of these units


def page(
    connection: psycopg.Connection[Any], tenant_id: UUID, choice: Choice, *, after: Sequence[Any] | None, limit: int
) -> list[dict[str, Any]]:
    """The first rows after the one that holds `after` in the columns of the order, as texts of PostgreSQL's or None."""
    which, values = _which(tenant_id, choice, unit_by_unit=True)
    if after is not None:
        place, more = _after(choice.order, after)
        which, values = sql.SQL("{} AND {}").format(which, place), values | more
    statement = _statement("page" if choice.units is None else "page_of_units", choice, which)
    with translated("list rows"), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, {**values, "limit": limit}).fetchall()


def count(connection: psycopg.Connection[Any], tenant_id: UUID, choice: Choice) -> int:
    """How many rows are chosen; COUNTED + 1 where there are more than are counted."""
    which, values = _which(tenant_id, choice)
    statement = _statement("count", choice, which)
    with translated("count rows"):
        row = connection.execute(statement, {**values, "bound": COUNTED + 1}).fetchone()
    return int(row[0]) if row else 0


def batches(connection: psycopg.Connection[Any], tenant_id: UUID, choice: Choice) -> Iterator[Sequence[Sequence[Any]]]:
    """Every row chosen, so many at a time; the transaction stays open meanwhile."""
    which, values = _which(tenant_id, choice)
    with translated("export rows"), connection.cursor(name="exported") as cursor:
        cursor.itersize = FETCH
        cursor.execute(_statement("each", choice, which), values)
        while rows := cursor.fetchmany(FETCH):
            yield rows


def csv_blocks(
    connection: psycopg.Connection[Any], tenant_id: UUID, choice: Choice, *, delimiter: str = ","
) -> Iterator[bytes]:
    """Every row chosen as CSV with a header, block by block."""
    which, values = _which(tenant_id, choice)
    statement = _statement("copy", choice, which, delimiter=sql.Literal(delimiter))
    with translated("export rows"), connection.cursor() as cursor, cursor.copy(statement, values) as copy:
        for block in copy:
            yield bytes(block)


def _statement(name: str, choice: Choice, which: sql.Composable, **more: sql.Composable) -> sql.Composed:
    listed = sql.SQL(", ").join
    return sql.SQL(QUERIES[name]).format(
        columns=listed([sql.Identifier(column.name) for column in choice.columns]),
        table=sql.Identifier(choice.table),
        which=which,
        order=listed([_ordered(step) for step in choice.order]),
        **more,
    )


def _ordered(step: Order) -> sql.Composed:
    # NULLS LAST is what an ascending index has; it is said only where it is not so by itself.
    words = " DESC" + (" NULLS LAST" if step.column.nullable else "") if step.descending else ""
    return sql.SQL("{}{}").format(sql.Identifier(step.column.name), sql.SQL(words))


def _which(tenant_id: UUID, choice: Choice, *, unit_by_unit: bool = False) -> tuple[sql.Composable, dict[str, Any]]:
    """As a condition. Where it is asked unit by unit the query itself says which one."""
    parts: list[sql.Composable] = [sql.SQL("q.tenant_id = %(tenant_id)s")]
    values: dict[str, Any] = {"tenant_id": tenant_id}
    for number, condition in enumerate(choice.conditions):
        name = f"value_{number}"
        parts.append(_condition(condition, name))
        values[name] = _pattern(condition)
    if choice.within is not None:
        condition_of, more = choice.within.condition(tenant_id)
        parts.append(sql.SQL("({})").format(condition_of))
        values |= more
    if choice.units is not None:
        values["units"] = list(choice.units)
        if not unit_by_unit:
            parts.append(sql.SQL("q.unit_id = ANY(%(units)s::uuid[])"))
    return sql.SQL(" AND ").join(parts), values


def _pattern(condition: Condition) -> Any:
    if condition.operator not in {"contains", "starts"}:
        return condition.value
    escaped = str(condition.value).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%" if condition.operator == "contains" else f"{escaped}%"


def _condition(condition: Condition, name: str) -> sql.Composable:
    column, value = sql.Identifier(condition.column.name), sql.Placeholder(name)
    cast = sql.SQL(condition.column.cast)
    match condition.operator:
        case "null":
            return sql.SQL("({} IS NULL) = {}").format(column, value)
        case "in":
            return sql.SQL("{} = ANY({}::text[]::{}[])").format(column, value, cast)
        case "contains" | "starts":
            return sql.SQL("{} LIKE {}").format(column, value)
    sign = sql.SQL(_COMPARISONS[condition.operator])
    return sql.SQL("{} {} {}::text::{}").format(column, sign, value, cast)


def _after(order: Sequence[Order], after: Sequence[Any]) -> tuple[sql.Composable, dict[str, Any]]:
    """The rows behind a place, as a condition."""
    values = {f"after_{number}": value for number, value in enumerate(after)}
    places = [
        sql.SQL("{}::text::{}").format(sql.Placeholder(f"after_{number}"), sql.SQL(step.column.cast))
        for number, step in enumerate(order)
    ]
    one_way = len({step.descending for step in order}) == 1
    if one_way and not any(step.column.nullable for step in order):  # as one comparison an index serves it
        names = sql.SQL(", ").join(sql.Identifier(step.column.name) for step in order)
        sign = sql.SQL("<" if order[0].descending else ">")
        return sql.SQL("({}) {} ({})").format(names, sign, sql.SQL(", ").join(places)), values
    alternatives: list[sql.Composable] = []
    equal: list[sql.Composable] = []
    for step, place, value in zip(order, places, after, strict=True):
        column = sql.Identifier(step.column.name)
        if value is not None:
            beyond = sql.SQL("{} {} {}").format(column, sql.SQL("<" if step.descending else ">"), place)
            if step.column.nullable:
                beyond = sql.SQL("({} OR {} IS NULL)").format(beyond, column)
            alternatives.append(sql.SQL(" AND ").join([*equal, beyond]))
            equal.append(sql.SQL("{} = {}").format(column, place))
        else:
            equal.append(sql.SQL("{} IS NULL").format(column))
    joined = sql.SQL(" OR ").join(sql.SQL("({})").format(each) for each in alternatives)
    return sql.SQL("({})").format(joined if alternatives else sql.SQL("false")), values


def texts_of(row: Mapping[str, Any], order: Sequence[Order]) -> list[str | None]:
    """What a row holds in the columns of an order, as texts that PostgreSQL reads back as the same."""
    return [_text(row[step.column.name]) for step in order]


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes | memoryview):
        return "\\x" + bytes(value).hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
