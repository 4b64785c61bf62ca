"""A first mapping of a source onto a contract: what fits, how sure that is and why, and what stays open.

A wrong column is worse than an open field: what is below `ACCEPTED`, or has a rival as good, stays open and is told.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from headwater.mapping.assignment import assign
from headwater.mapping.naming import unit_in_name
from headwater.mapping.similarity import Likeness, likeness

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headwater.contracts.document import Document, FieldSpec
    from headwater.mapping.profile import ColumnProfile, Profile

ACCEPTED = 0.7
WORTH_TELLING = 0.35
RIVAL = 0.04
"""Two columns whose confidence differs by less fit a field alike."""

FITS = 0.15
"""Below it hardly a required field or a column is accounted for, and what was found may be chance."""

SHOWN = 3
YEARS_MAKE_A_TABLE = 3
_YEAR = re.compile(r"(?:FY|CY|Y)?[ _-]?((?:19|20)[0-9]{2})(?:\.0)?(?: ?\[YR[0-9]{4}\])?", re.IGNORECASE)
_MARKED_YEAR = re.compile(
    rf"{_YEAR.pattern}\s*(?:[*†‡§+~^#¹²³⁴⁵]{{1,3}}|\([^()]{{1,30}}\)|\[[^\[\]]{{1,12}}\]|[A-Z])", re.IGNORECASE
)
"""A year with the mark of a footnote, or a word of how sure it is: 2021*, 2021 (provisional), 2021p."""

_FIGURES = frozenset({"number", "integer", "blank"})
UNPIVOTED_NAME, UNPIVOTED_VALUE = "year", "value"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A column that could fill a field."""

    column: str
    confidence: float
    why: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SuggestedField:
    """What would fill a field; neither column nor constant where it stays open, with the columns worth a look.

    numbers  of a figure that is required and stays open, the columns of numbers that no field takes, whatever they are
             called: one of them, or each, may be the figure
    """

    field: str
    required: bool
    confidence: float
    why: tuple[str, ...]
    column: str | None = None
    constant: str | None = None
    perhaps: tuple[Candidate, ...] = ()
    numbers: tuple[Candidate, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether nothing is suggested."""
        return self.column is None and self.constant is None


@dataclass(frozen=True, kw_only=True)
class Unpivoted:
    """Columns that are better read as records: one for each year.

    beside  columns named by a year too that are left as they are: no figures, in a unit of their own, a year again
    """

    columns: tuple[str, ...]
    beside: tuple[str, ...] = ()
    name: str = UNPIVOTED_NAME
    value: str = UNPIVOTED_VALUE


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A first mapping onto `contract` (name@major).

    fields   every field of the contract, in its order
    unused   columns that no field takes
    fit      0 to 1: how much of the contract's required fields and of the columns is accounted for; ranks contracts
    """

    contract: str
    title: str
    fields: tuple[SuggestedField, ...]
    unused: tuple[str, ...]
    unpivot: Unpivoted | None
    profile: Profile
    fit: float

    @property
    def found(self) -> tuple[SuggestedField, ...]:
        """The fields for which there is a suggestion."""
        return tuple(each for each in self.fields if not each.is_open)

    @property
    def fits(self) -> bool:
        """Whether the contract is one for such a file at all."""
        return self.fit >= FITS

    @property
    def required_open(self) -> tuple[str, ...]:
        """Fields without which the mapping does not compile."""
        return tuple(each.field for each in self.fields if each.is_open and each.required)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        body = {name: value for name, value in asdict(self).items() if name != "profile"}
        return {**body, "required_open": list(self.required_open), "profile": self.profile.as_json()}


def suggest(profile: Profile, document: Document) -> Suggestion:
    """The first mapping of a source with this profile."""
    unpivot = years_as_columns(profile)
    seen = _unpivoted(profile, unpivot) if unpivot else profile
    alike = [[likeness(column, field, document) for column in seen.columns] for field in document.fields]
    scores = [[max(0.0, each.confidence - WORTH_TELLING) for each in row] for row in alike]
    chosen = assign(scores)
    taken = set(chosen.values())
    fields = []
    for place, (field, row) in enumerate(zip(document.fields, alike, strict=True)):
        fields.append(_field(field, row, chosen.get(place), seen.columns, taken))
    fields = _with_numbers(_with_units(fields, document, seen), document, seen)
    used = {each.column for each in fields if each.column is not None}
    return Suggestion(
        contract=f"{document.name}@{document.major}",
        title=document.title,
        fields=tuple(fields),
        unused=tuple(column.name for column in seen.columns if column.name not in used),
        unpivot=unpivot,
        profile=seen,
        fit=_fit(fields, seen),
    )


def rank(profile: Profile, documents: Sequence[Document]) -> list[Suggestion]:
    """Suggestions for several contracts, the one that fits best first."""
    found = [suggest(profile, document) for document in documents]
    return sorted(found, key=lambda each: (-each.fit, each.contract))


def years_as_columns(profile: Profile) -> Unpivoted | None:
    """Columns whose names are years, where they hold figures and are at least three."""
    years = {column.name: found[1] for column in profile.columns if (found := _YEAR.fullmatch(column.name.strip()))}
    if any(profile.by_name[name].kind not in _FIGURES for name in years):
        return None
    beside = []
    for column in profile.columns:
        marked = _MARKED_YEAR.fullmatch(column.name.strip())
        if marked is None or column.name in years:
            continue
        if column.kind in _FIGURES and marked[1] not in years.values() and unit_in_name(column.name) is None:
            years[column.name] = marked[1]
        else:
            beside.append(column.name)
    if len(years) < YEARS_MAKE_A_TABLE:
        return None
    columns = tuple(column.name for column in profile.columns if column.name in years)
    taken = {column.name.casefold() for column in profile.columns if column.name not in years}
    name = next(each for each in (UNPIVOTED_NAME, "column year", "column name") if each not in taken)
    value = next(each for each in (UNPIVOTED_VALUE, "figure", "column value") if each not in taken)
    return Unpivoted(columns=columns, beside=tuple(beside), name=name, value=value)


def _unpivoted(profile: Profile, unpivot: Unpivoted) -> Profile:
    """The profile as it is once the columns are records."""
    turned = [column for column in profile.columns if column.name in unpivot.columns]
    kept = [column for column in profile.columns if column.name not in unpivot.columns]
    filled = [column for column in turned if column.kind != "blank"] or turned
    records = sum(column.records for column in turned)
    numbers = [number for column in filled for number in (column.low, column.high) if number is not None]
    year = replace(
        turned[0], name=unpivot.name, kind="integer", share=1.0, records=records, filled=records, distinct=len(turned),
        unit=None, absent={}, examples=unpivot.columns[:5], words=(), is_year=True, low=None, high=None,
    )  # fmt: skip
    value = replace(
        filled[0], name=unpivot.value, records=records, filled=sum(column.filled for column in turned),
        kind="number" if any(column.kind == "number" for column in filled) else filled[0].kind,
        distinct=sum(column.distinct for column in turned), words=(), is_year=False,
        absent={word: count for column in turned for word, count in column.absent.items()},
        low=min(numbers, default=None), high=max(numbers, default=None),
    )  # fmt: skip
    return replace(profile, columns=(*kept, year, value))


def _field(
    field: FieldSpec,
    row: Sequence[Likeness],
    chosen: int | None,
    columns: Sequence[ColumnProfile],
    taken: set[int],
) -> SuggestedField:
    needed = field.required and field.default is None
    order = sorted(range(len(row)), key=lambda place: -row[place].confidence)
    candidates = [
        Candidate(column=columns[place].name, confidence=row[place].confidence, why=row[place].why)
        for place in order
        if row[place].confidence >= WORTH_TELLING and (place not in taken or place == chosen)
    ][:SHOWN]
    nothing = SuggestedField(field=field.name, required=needed, confidence=0.0, why=(), perhaps=tuple(candidates))
    if chosen is None or row[chosen].confidence < ACCEPTED:
        return nothing
    rivals = [
        columns[place].name
        for place in order
        if place not in taken and row[chosen].confidence - row[place].confidence < RIVAL
    ]
    if rivals:
        told = ", ".join([columns[chosen].name, *rivals][:SHOWN])
        return replace(nothing, why=(f"several columns fit alike: {told}",))
    return SuggestedField(
        field=field.name,
        required=needed,
        confidence=row[chosen].confidence,
        why=row[chosen].why,
        column=columns[chosen].name,
    )


def _with_units(fields: list[SuggestedField], document: Document, profile: Profile) -> list[SuggestedField]:
    """The unit of a quantity and the currency of a cost, where the header says them and no column does."""
    by_name = {each.field: each for each in fields}
    for field, of in (("unit", "quantity"), ("currency", "cost")):
        wanted, holder = by_name.get(field), by_name.get(of)
        if wanted is None or holder is None or not wanted.is_open or holder.column is None:
            continue
        unit = profile.by_name[holder.column].unit
        pattern = document.by_name[field].pattern
        if unit is None or (pattern is not None and not re.fullmatch(pattern, unit)):
            continue
        by_name[field] = replace(
            wanted, constant=unit, confidence=0.9, why=(f"the header of {holder.column!r} says so",), perhaps=()
        )
    return [by_name[each.field] for each in fields]


def _with_numbers(fields: list[SuggestedField], document: Document, profile: Profile) -> list[SuggestedField]:
    """For open figures, the columns of numbers that are left over; those that say a unit first."""
    used = {each.column for each in fields}
    left = [
        column
        for column in profile.columns
        if _holds_numbers(column) and not column.is_year and column.name not in used
    ]
    told = [
        Candidate(column=column.name, confidence=0.0, why=tuple(_of_numbers(column)))
        for column in sorted(left, key=lambda column: (column.unit is None, column.kind == "integer"))
    ]
    return [
        replace(
            each, numbers=tuple(found for found in told if found.column not in {one.column for one in each.perhaps})
        )
        if each.is_open and each.required and document.by_name[each.field].type == "decimal"
        else each
        for each in fields
    ]


def _holds_numbers(column: ColumnProfile) -> bool:
    return column.kind in {"number", "integer"} or (column.odd is not None and column.odd.kind == "number")


def _of_numbers(column: ColumnProfile) -> Iterator[str]:
    if column.odd is not None:
        yield str(column.odd)
    if column.unit is not None:
        yield f"in {column.unit}"
    if column.low is not None and column.high is not None:
        yield f"{column.low:g} to {column.high:g}"


def _fit(fields: Sequence[SuggestedField], profile: Profile) -> float:
    """Required fields weigh as much as columns: each side's share, by confidence."""
    required = [each for each in fields if each.required]
    met = sum(each.confidence for each in required) / len(required) if required else 0.0
    columns = [column for column in profile.columns if column.kind != "blank"]
    taken = sum(each.confidence for each in fields if each.column is not None) / len(columns) if columns else 0.0
    return round((met + taken) / 2, 3)
