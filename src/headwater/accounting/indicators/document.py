"""Documents of indicators: a name, what it is made of, and the unit and places in which it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from headwater.accounting.indicators.expression import names_in
from headwater.accounting.indicators.value import PERCENT
from headwater.accounting.units import Measure
from headwater.documents.wrong_document import sentences
from headwater.errors import HeadwaterError, Misuse

_NAME = r"^[a-z][a-z0-9_]{0,62}$"
_SOURCE = r"^[a-z][a-z0-9_]{0,62}(@[1-9][0-9]?)?$"
_PATTERNS = {
    _NAME: "a name of small letters, digits and _, a letter first, of at most 63 characters,",
    _SOURCE: "emissions, activities, or a contract with its major version, such as activity@1,",
}
Name = Annotated[str, StringConstraints(pattern=_NAME)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
SourceName = Annotated[str, StringConstraints(pattern=_SOURCE)]
Step = Literal["year", "month"]


class _Part(BaseModel):
    """Frozen, and closed to keys nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class _OfRows(_Part):
    """What is taken from rows."""

    of: SourceName = Field(
        description="`emissions`, `activities`, or a contract with its major version: `organisation_fact@1`."
    )
    where: Words | None = Field(default=None, description="Which rows count: a condition over the source's fields.")
    missing: Literal["refuse", "leave_out"] = Field(
        default="refuse",
        description="Rows that count and have no value: `refuse` makes the whole not available, `leave_out` takes the"
        " others and tells how many were left out.",
    )
    when_none: Literal["not_available", "zero"] = Field(
        default="not_available",
        description="Where there are rows and none of them meets `where`. `zero` is for shares, of which none is 0.",
    )


class Sum(_OfRows):
    """The sum of a field."""

    field: Name = Field(description="The field added up.")
    unit: Words | None = Field(default=None, description="Its unit, where neither contract nor row says it.")
    state: bool = Field(
        default=False,
        description="A state at a time, such as headcount: added up over sites, never over periods.",
    )


class WeightedAverage(_OfRows):
    """Σ value × weight / Σ weight."""

    value: Name = Field(description="The field averaged.")
    weight: Name = Field(description="The field it is weighted by.")
    value_unit: Words | None = Field(default=None, description="Of the value, where neither contract nor row says it.")
    weight_unit: Words | None = Field(
        default=None, description="Of the weight, where neither contract nor row says it."
    )


class Ratio(_Part):
    """One indicator by another."""

    of: Name = Field(description="The dividend.")
    per: Name = Field(description="The divisor; 0 makes the ratio not available.")


class Case(_Part):
    """One choice of a conditional."""

    when: Words = Field(description="A condition over indicators: `available(metered) AND metered > estimated`.")
    then: Words = Field(description="An expression over indicators.")


class Conditional(_Part):
    """The first case that holds."""

    cases: Annotated[tuple[Case, ...], Field(min_length=1, max_length=50)] = Field(description="In order.")
    otherwise: Words | None = Field(default=None, description="Where none holds; left out: not available.")


class Rolling(_Part):
    """Over the last few periods, each of which must be there."""

    of: Name = Field(description="The indicator.")
    over: int = Field(ge=2, le=120, description="How many periods.")
    step: Step = Field(default="year", description="What a period is.")
    take: Literal["sum", "mean"] = Field(default="mean", description="What is made of them.")


class YearOnYear(_Part):
    """Against the year before."""

    of: Name = Field(description="The indicator.")
    take: Literal["change", "difference", "ratio"] = Field(
        default="change", description="(this − before) / before, this − before, or this / before."
    )


class Cumulative(_Part):
    """Added up from the first period on, as long as no period is missing."""

    of: Name = Field(description="The indicator.")
    step: Step = Field(default="year", description="What a period is.")


class AgainstYear(_Part):
    """Against one year."""

    of: Name = Field(description="The indicator.")
    year: Annotated[int, Field(ge=1900, le=2100)] | Literal["first"] = Field(
        description="The year; `first` is the first there is, and is told."
    )
    take: Literal["reduction", "change", "difference", "ratio"] = Field(
        default="reduction", description="(base − this) / base, (this − base) / base, this − base, or this / base."
    )


KINDS = (
    "sum", "weighted_average", "ratio", "conditional", "rolling", "year_on_year", "cumulative", "against_year",
    "expression",
)  # fmt: skip


class Indicator(_Part):
    """One indicator. Of the kinds (sum, weighted_average, ratio, …) exactly one is given."""

    title: Words = Field(description="What people call it.")
    description: Words | None = Field(default=None, description="What it says, and what not.")
    unit: Words | None = Field(
        default=None,
        description="In which it is shown: `tCO2e/person`, `%`. CO2e without a set means the set of the figures. Left"
        " out: as it comes.",
    )
    places: int = Field(default=3, ge=0, le=12, description="Decimals shown; rounded once, half up.")
    by: tuple[Name, ...] = Field(
        default=(), description="By what it is told apart unless asked otherwise: `scope`, `site`, `year`."
    )
    sum: Sum | None = Field(default=None, description="The sum of a field over rows.")
    weighted_average: WeightedAverage | None = Field(default=None, description="A mean weighted by a field.")
    ratio: Ratio | None = Field(default=None, description="One indicator by another.")
    conditional: Conditional | None = Field(default=None, description="The first case that holds.")
    rolling: Rolling | None = Field(default=None, description="Over the last few periods.")
    year_on_year: YearOnYear | None = Field(default=None, description="Against the year before.")
    cumulative: Cumulative | None = Field(default=None, description="Added up from the first period on.")
    against_year: AgainstYear | None = Field(default=None, description="Against one year.")
    expression: Words | None = Field(
        default=None, description="Indicators, numbers, `+ - * /`, abs, least, greatest, quantity(5, 't')."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if len(self._kinds()) != 1:
            raise ValueError(f"give exactly one of {', '.join(KINDS)}")
        return self

    @property
    def kind(self) -> str:
        """Which of `KINDS` it is."""
        return self._kinds()[0]

    def _kinds(self) -> list[str]:
        return [kind for kind in KINDS if getattr(self, kind) is not None]

    def names(self) -> tuple[str, ...]:
        """The indicators it is made of, each once."""
        return tuple(dict.fromkeys(self._names()))

    def _names(self) -> Iterator[str]:
        if self.ratio is not None:
            yield from (self.ratio.of, self.ratio.per)
        elif self.conditional is not None:
            for case in self.conditional.cases:
                yield from (*names_in(case.when, condition=True), *names_in(case.then))
            yield from names_in(self.conditional.otherwise) if self.conditional.otherwise else ()
        elif self.expression is not None:
            yield from names_in(self.expression)
        else:
            of_one = self.rolling or self.year_on_year or self.cumulative or self.against_year
            yield from (of_one.of,) if of_one is not None else ()


class Indicators(_Part):
    """A document in YAML or JSON that holds indicators by name."""

    indicators: Annotated[dict[Name, Indicator], Field(min_length=1, max_length=1_000)] = Field(
        description="Each by its name, which other indicators use."
    )


def read_indicators(body: object, *, where: str) -> dict[str, Indicator]:
    """The indicators of a document that was parsed already. Misuse naming every key that is wrong."""
    try:
        found = Indicators.model_validate(body).indicators
        for name, indicator in found.items():
            _check(name, indicator)
    except ValidationError as error:
        raise Misuse(
            "; ".join(sentences(error.errors(include_url=False), Indicators, _PATTERNS)),
            where=where,
            remedy="docs/reference/indicators.md lists every key.",
        ) from None
    except Misuse as error:
        raise Misuse(
            error.what, where=f"{where}: {error.where}", value=error.value, valid=error.valid, remedy=error.remedy
        ) from None
    return dict(found)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a document, as published."""
    schema = Indicators.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Headwater indicators"}


def _check(name: str, indicator: Indicator) -> None:
    """Expressions and units, which are read here already so that a slip is told before anything is computed."""
    units = [indicator.unit if indicator.unit != PERCENT else None]
    units += [indicator.sum.unit] if indicator.sum else []
    average = indicator.weighted_average
    units += [average.value_unit, average.weight_unit] if average else []
    try:
        indicator.names()
        for unit in units:
            if unit is not None:
                Measure.read(unit)
    except HeadwaterError as error:
        raise Misuse(
            error.what, where=f"indicators.{name}", value=error.value, valid=error.valid, remedy=error.remedy
        ) from None
