"""One way to ask for a list: filters `field:operator:value`, a sort `-field,field`, and a cursor for the next page.

What can be asked is what the list's own columns are: nothing else reaches the database. A cursor holds what the last
row of a page held, and which question it belongs to; held against another question it is refused.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_args
from uuid import UUID

from headwater.errors import Misuse
from headwater.store import listing
from headwater.store.listing import COUNTED, Choice, Column, Condition, Operator, Order, Within
from headwater.values import OWN_FORMAT, kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headwater.services.installation import Installation

MOST = 1_000
USUAL = 100
MOST_FILTERS = 20
OPERATORS: tuple[str, ...] = get_args(Operator)
_TEXTS = frozenset({"text", 'text COLLATE "C"'})
_ANY_TYPE = ("eq", "ne", "in", "null")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A list there is.

    columns  what is shown, by name; `filters` those that can be asked by and sorted by, where these are fewer
    order    how it is sorted where nothing is said; `key` tells every row apart
    sealed   those that hold ciphertexts, and what that of a value begins with: they are asked by exact value only
    """

    what: str
    table: str
    columns: Mapping[str, Column]
    order: Sequence[Order]
    key: Sequence[str]
    filters: frozenset[str] | None = None
    sealed: Mapping[str, Callable[[str], str]] = field(default_factory=dict)

    def can_ask(self, name: str) -> bool:
        """Whether rows are filtered and sorted by a column."""
        return name in self.columns and (self.filters is None or name in self.filters)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a list."""

    filters: Sequence[str] = ()
    sort: str | None = None
    cursor: str | None = None
    limit: int = USUAL
    count: bool = False


@dataclass(frozen=True, kw_only=True)
class Page:
    """Rows, the cursor of the next page, and how many there are in all, where that was asked.

    total: None where it was not asked; `at_least` where there are more than are counted
    """

    items: list[dict[str, Any]]
    next_cursor: str | None
    total: int | None = None
    at_least: bool = False


def ask(
    installation: Installation,
    listed: Listed,
    question: Question,
    *,
    also: Sequence[Condition] = (),
    within: Within | None = None,
    allowed: Sequence[Condition] = (),
) -> Page:
    """A page of a list. `also` and `within` are part of what is asked, in words of the list's own.

    allowed: which rows whoever asks may see at all; a page is gone on with though that has changed meanwhile.
    """
    choice = choice_of(listed, question, also=[*also, *allowed], within=within)
    if installation.units is not None and "unit_id" in listed.columns:
        choice = replace(choice, units=sorted(installation.units))
    mark = _mark(installation.tenant_id, listed, question, also, within)
    after = None if question.cursor is None else _place(question.cursor, mark, choice.order)
    with installation.database.asking(installation.tenant_id) as connection:
        rows = listing.page(connection, installation.tenant_id, choice, after=after, limit=question.limit + 1)
        total = listing.count(connection, installation.tenant_id, choice) if question.count else None
    more = len(rows) > question.limit
    rows = rows[: question.limit]
    return Page(
        items=rows,
        next_cursor=cursor_of(mark, listing.texts_of(rows[-1], choice.order)) if more else None,
        total=None if total is None else min(total, COUNTED),
        at_least=total is not None and total > COUNTED,
    )


def choice_of(
    listed: Listed, question: Question, *, also: Sequence[Condition] = (), within: Within | None = None
) -> Choice:
    """What is asked, checked against what there is."""
    if len(question.filters) > MOST_FILTERS:
        raise Misuse("there are too many filters", where="filter", value=len(question.filters), valid=str(MOST_FILTERS))
    return Choice(
        table=listed.table,
        columns=list(listed.columns.values()),
        conditions=[*also, *(_condition(listed, text) for text in question.filters)],
        order=_order(listed, question.sort),
        within=within,
    )


def _condition(listed: Listed, text: str) -> Condition:
    name, colon, rest = text.partition(":")
    operator, second, value = rest.partition(":")
    if not colon or not second or operator not in OPERATORS:
        raise Misuse(
            "this is not a filter",
            where="filter",
            value=text,
            valid=f"field:operator:value, the operator one of {', '.join(OPERATORS)}",
        )
    if name in listed.sealed:
        if operator != "eq":
            raise Misuse(
                "what is personal is asked by its exact value", where=f"filter {name}", value=operator, valid="eq"
            )
        return Condition(column=listed.columns[name], operator="starts", value=listed.sealed[name](value))
    column = _column(listed, name, "filter")
    is_text = column.type in _TEXTS
    if operator in {"contains", "starts"} and not is_text:
        raise Misuse(
            f"{operator} is asked of texts only", where=f"filter {name}", value=operator, valid=", ".join(_ANY_TYPE)
        )
    if operator in {"lt", "lte", "gt", "gte"} and column.type in {"uuid", "boolean", "bytea", "jsonb"}:
        raise Misuse("this field has no order", where=f"filter {name}", value=operator, valid=", ".join(_ANY_TYPE))
    if operator == "null":
        if value not in {"true", "false"}:
            raise Misuse("null is true or false", where=f"filter {name}", value=value, valid="true, false")
        return Condition(column=column, operator="null", value=value == "true")
    if operator == "in":
        return Condition(column=column, operator="in", value=[_fit(column, each) for each in value.split("|")])
    return Condition(column=column, operator=operator, value=_fit(column, value))  # type: ignore[arg-type]  # one of OPERATORS


def _fit(column: Column, value: str) -> str:
    """A value that PostgreSQL will take for the column's type; Misuse for any other."""
    base = column.type.partition("(")[0]
    if column.type in _TEXTS:
        if "\x00" in value or not _is_text(value):
            raise Misuse(
                "a text has no such sign",
                where=f"filter {column.name}",
                value=ascii(value),
                valid="whole signs of Unicode but U+0000",
            )
        return value
    if base == "uuid":
        return _uuid(value, column.name)
    if base == "bytea":
        try:
            return "\\x" + bytes.fromhex(value).hex()
        except ValueError:
            raise Misuse("not a hash", where=f"filter {column.name}", value=value, valid="hexadecimal digits") from None
    kinds = {"numeric": "decimal", "bigint": "integer", "integer": "integer", "date": "date", "boolean": "boolean",
             "timestamptz": "timestamp", "timestamp with time zone": "timestamp"}  # fmt: skip
    of = kind(kinds[base], precision=38, scale=18) if base in kinds else None
    parsed = of.parse(value, OWN_FORMAT) if of else None
    if of is None or parsed is None or parsed.value is None:
        valid = of.valid(OWN_FORMAT) if of else "a field that can be asked by"
        raise Misuse("the value is not of the field's type", where=f"filter {column.name}", value=value, valid=valid)
    if base == "integer" and abs(int(str(parsed.value))) >= 2**31:
        raise Misuse(
            "the number is too large",
            where=f"filter {column.name}",
            value=value,
            valid=f"-{2**31 - 1:,} to {2**31 - 1:,}",
        )
    return of.canonical(parsed.value)


def _is_text(value: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in value)  # halves of signs, as JSON may hold


def _uuid(value: str, name: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        raise Misuse("not an id", where=f"filter {name}", value=value, valid="a UUID") from None


def _column(listed: Listed, name: str, where: str) -> Column:
    if not listed.can_ask(name):
        known = ", ".join(each for each in listed.columns if listed.can_ask(each))
        raise Misuse(f"{listed.what} have no such field", where=where, value=name, valid=known)
    return listed.columns[name]


def _order(listed: Listed, sort: str | None) -> list[Order]:
    """What is said, then the key, so that every row has its place."""
    steps = list(listed.order)
    if sort:
        named = [part.strip() for part in sort.split(",")]
        steps = [
            Order(column=_column(listed, part.lstrip("-"), "sort"), descending=part.startswith("-")) for part in named
        ]
        if len({step.column.name for step in steps}) != len(steps):
            raise Misuse("a field is named twice", where="sort", value=sort, valid="each field once")
    there = {step.column.name for step in steps}
    down = bool(steps) and all(step.descending for step in steps)
    return [*steps, *(Order(column=listed.columns[name], descending=down) for name in listed.key if name not in there)]


def _mark(tenant_id: UUID, listed: Listed, question: Question, also: Sequence[Condition], within: Within | None) -> str:
    own = [(each.column.name, each.operator, each.value) for each in also]
    _, values = ((), {}) if within is None else within.condition(tenant_id)
    return mark_of(tenant_id, [listed.table, sorted(question.filters), question.sort, own, values])


def mark_of(tenant_id: UUID, asked: Sequence[object]) -> str:
    """What a cursor carries of the question that it goes on with, so that it is held against no other."""
    said = json.dumps([*asked, tenant_id], default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def cursor_of(mark: str, place: Sequence[str | None]) -> str:
    """The cursor of what comes after a place: what the last row of a page holds in the columns of the order."""
    return base64.urlsafe_b64encode(json.dumps([mark, place]).encode()).decode().rstrip("=")


def place_of(cursor: str, mark: str) -> Sequence[Any]:
    """The place of a cursor; Misuse where it is none of this question."""
    try:
        of, place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, RecursionError):
        of, place = None, []
    if of != mark or not isinstance(place, list):
        raise no_cursor(cursor)
    return place


def id_of_place(cursor: str, mark: str) -> str:
    """The same where a list is by an id alone."""
    place = place_of(cursor, mark)
    if len(place) != 1 or not isinstance(place[0], str):
        raise no_cursor(cursor)
    return place[0]


def no_cursor(cursor: str) -> Misuse:
    """What is said of a cursor that is none of this list."""
    return Misuse(
        "this is no cursor of this list",
        where="cursor",
        value=cursor,
        valid="next_cursor of a page, with the same filters and the same sort",
    )


def _place(cursor: str, mark: str, order: Sequence[Order]) -> list[str | None]:
    try:
        return [_placed(step, each) for step, each in zip(order, place_of(cursor, mark), strict=True)]
    except (ValueError, TypeError, Misuse):
        raise no_cursor(cursor) from None


def _placed(step: Order, value: object) -> str | None:
    if value is None and step.column.nullable:
        return None
    if not isinstance(value, str):
        raise TypeError
    if step.column.type == "bytea":
        value = value.removeprefix("\\x")
    return _fit(step.column, value)


def by_name(columns: Sequence[Column]) -> dict[str, Column]:
    """Columns as a list holds them."""
    return {column.name: column for column in columns}
