"""What an author says about a field or a row beside its Python type; the compiler refuses any other metadata.

    quantity: Annotated[Decimal, Number(minimum="0", description="How much was used, in `unit`.")]
    cost: Annotated[Decimal | None, Number(scale=2, description="What was paid.")] = None

A field without `None` in its type is required. A default other than None stands in for a blank and is recorded as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Field:
    """What every kind of field may say."""

    type_name: ClassVar[str]

    description: str
    key: bool = False  # part of the business key
    unit: str | None = None
    personal: bool = False  # is or may hold personal data
    citation: str | None = None  # the rule, standard or source that asks for the field
    since: str | None = None  # the minor version that added the field, such as 1.1.0; absent for those of x.0.0


@dataclass(frozen=True, kw_only=True)
class Text(Field):
    """Free text; lengths in characters (code points)."""

    type_name = "text"

    min_length: int | None = None
    max_length: int | None = None


@dataclass(frozen=True, kw_only=True)
class Code(Text):
    """An identifier or a word from a list. `reference` is "<contract>.<field>" and holds codes of another contract."""

    type_name = "code"

    enum: tuple[str, ...] = ()
    pattern: str | None = None  # matches the whole value; see `pattern.py` for what is allowed
    reference: str | None = None


@dataclass(frozen=True, kw_only=True)
class Number(Field):
    """An exact decimal of `precision` digits, `scale` of them after the point. Bounds are inclusive, as text."""

    type_name = "decimal"

    precision: int = 18
    scale: int = 6
    minimum: str | None = None
    maximum: str | None = None


@dataclass(frozen=True, kw_only=True)
class Integer(Field):
    """A whole number."""

    type_name = "integer"

    minimum: str | None = None
    maximum: str | None = None
    enum: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Date(Field):
    """A calendar date. Bounds are inclusive, as YYYY-MM-DD."""

    type_name = "date"

    minimum: str | None = None
    maximum: str | None = None


@dataclass(frozen=True, kw_only=True)
class Timestamp(Field):
    """An instant; its text needs an offset, or the source a declared time zone."""

    type_name = "timestamp"


@dataclass(frozen=True, kw_only=True)
class Boolean(Field):
    """True or false."""

    type_name = "boolean"


def record(**texts: str) -> Mapping[str, str]:
    """A record as somebody would type it, field → text: the `example` that a template shows."""
    return MappingProxyType(texts)


@dataclass(frozen=True, kw_only=True)
class RowRule:
    """A condition across the fields of one record, broken where the expression is false, not where it is unknown."""

    id: str  # "<contract>.<field or subject>.<rule>", never changed once published
    expression: str  # SQL over field names; see `expression.py` for what is allowed
    fields: tuple[str, ...]  # the fields to look at, the first one to blame
    message: str
    valid: str
    repair: str
    dimension: str = "consistency"
    severity: str = "reject"
    citation: str | None = None
