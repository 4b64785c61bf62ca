"""How lists are asked and answered, the same for every resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from headwater.errors import Conflict, NotFound
from headwater.services.listing import MOST, USUAL, Question

if TYPE_CHECKING:
    from headwater.services.listing import Page as Found


class Page(BaseModel):
    """Some of a list, and how to read on."""

    items: list[dict[str, Any]]
    next_cursor: str | None = Field(description="Send it as `cursor`, with the same filters and sort; null at the end.")
    total: int | None = Field(default=None, description="How many there are in all, where `count` asked for it.")
    at_least: bool = Field(default=False, description="Whether there are more than `total`, which is not counted on.")


def question(
    filter: Annotated[  # noqa: A002 - what it is called in an address
        list[str] | None, Query(description="`field:operator:value`; may be given several times, all must hold.")
    ] = None,
    sort: Annotated[str | None, Query(description="Fields with a comma between them; `-` before one turns it.")] = None,
    cursor: Annotated[str | None, Query(max_length=4000, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="Rows a page.")] = USUAL,
    *,
    count: Annotated[bool, Query(description="Say how many there are in all.")] = False,
) -> Question:
    """What an address asks of a list."""
    return Question(filters=filter or (), sort=sort, cursor=cursor, limit=limit, count=count)


Asked = Annotated[Question, Depends(question)]


def page_of(found: Found) -> Page:
    """A page as it is answered."""
    return Page(items=found.items, next_cursor=found.next_cursor, total=found.total, at_least=found.at_least)


def etag(version: object) -> str:
    """A version as ETag has it."""
    return f'"{version}"'


def match(if_match: str | None, version: object, *, mine: object, theirs: object) -> None:
    """Conflict (412) with both versions, where the one that the caller looked at is not the one that stands."""
    if if_match is None or if_match.strip() == "*":
        return
    if etag(version) in [part.strip().removeprefix("W/") for part in if_match.split(",")]:
        return
    error = Conflict(
        "it was changed since you looked",
        where="If-Match",
        value=if_match,
        valid=etag(version),
        remedy="Compare `mine` with `theirs`, and send the change again with the ETag that stands.",
    )
    error.mine, error.theirs = mine, theirs
    raise error


def only_known(value: str, known: object, *, what: str) -> str:
    """A name that is there; NotFound for any other."""
    if value not in known:  # type: ignore[operator]  # any collection
        raise NotFound(f"there is no such {what}", where=what, value=value)
    return value
