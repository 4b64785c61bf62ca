"""What values are told as where their texts have a form, and the one shape of pages."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from pydantic import WithJsonSchema
from typing_extensions import TypedDict  # pydantic reads that of Python from 3.12 on only

T = TypeVar("T")
Id = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
Hash = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})]
"""SHA-256 in hexadecimal digits."""
Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
Exact = Annotated[str, WithJsonSchema({"type": "string", "format": "decimal"})]
"""A decimal as text, so that it stays exact."""
Value = Annotated[Any, WithJsonSchema({"anyOf": [{"type": each} for each in ("string", "integer", "boolean", "null")]})]
"""Of a field of a contract; decimals and dates as texts."""
FreeObject = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "additionalProperties": True})]
"""What others decide the fields of: a contract, the kind of a connector, an action."""


class Page(TypedDict, Generic[T]):
    """Some of a list, and how to read on.

    items        in the order that was asked for
    next_cursor  send it as `cursor`, with the same filters and sort; null at the end
    total        how many there are in all, where `count` asked for it
    at_least     whether there are more than `total`, which is not counted on
    """

    items: list[T]
    next_cursor: str | None
    total: int | None
    at_least: bool


def of_a_contract(kind: type[T]) -> type[T]:
    """Marks a shape that has the fields of a contract besides, whose values are canonical texts."""
    kind.__other_fields__ = {"anyOf": [{"type": "string"}, {"type": "null"}]}  # type: ignore[attr-defined]  # for documents
    return kind
