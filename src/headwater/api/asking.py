"""How lists are asked and answered, and how changes are said, the same for every resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from headwater.errors import Misuse
from headwater.services.answers.kinds import Page
from headwater.services.listing import MOST, USUAL, Question

if TYPE_CHECKING:
    from headwater.services.listing import Page as Found


Cursor = Annotated[str | None, Query(max_length=4000, description="`next_cursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="Rows a page.")]
"""Of lists that have an order of their own."""


async def question(
    filter: Annotated[  # noqa: A002 - what it is called in an address
        list[str] | None, Query(description="`field:operator:value`; may be given several times, all must hold.")
    ] = None,
    sort: Annotated[str | None, Query(description="Fields with a comma between them; `-` before one turns it.")] = None,
    cursor: Cursor = None,
    limit: Limit = USUAL,
    *,
    count: Annotated[bool, Query(description="Say how many there are in all.")] = False,
) -> Question:
    """What an address asks of a list. It is awaited for nothing, but a plain function FastAPI would run in a thread."""
    return Question(filters=filter or (), sort=sort, cursor=cursor, limit=limit, count=count)


Asked = Annotated[Question, Depends(question)]


def _without_null(schema: dict[str, Any], model: type[Change]) -> None:
    """Tell of no null where none is taken."""
    for name, told in schema["properties"].items():
        if name not in model.may_be_null and "anyOf" in told:
            kinds = [each for each in told.pop("anyOf") if each != {"type": "null"}]
            told.update(kinds[0] if len(kinds) == 1 else {"anyOf": kinds})
            del told["default"]


class Change(BaseModel):
    """What is to be another; what is left out stays. Null would say neither, and is taken of `may_be_null` only."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_null)
    may_be_null: ClassVar[frozenset[str]] = frozenset()

    @field_validator("*", mode="before")
    @classmethod
    def _is_said(cls, value: Any, field: ValidationInfo) -> Any:
        if value is None and field.field_name not in cls.may_be_null:
            raise ValueError("it may not be null: what is left out stays as it is")
        return value


def page_of(found: Found) -> Page[Any]:
    """A page as it is answered."""
    return Page(items=found.items, next_cursor=found.next_cursor, total=found.total, at_least=found.at_least)


def etag(version: object) -> str:
    """A version as ETag has it."""
    return f'"{version}"'


def expected_version(if_match: str | None) -> int | None:
    """The version that If-Match names; None where any will do."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Misuse("this is no ETag of ours", where="If-Match", value=if_match, valid="the ETag of the thing, or *")
    return int(text)


def expected_hash(if_match: str | None) -> str | None:
    """The same where a version is a hash."""
    if if_match is None or if_match.strip() == "*":
        return None
    return if_match.strip().removeprefix("W/").strip('"')
