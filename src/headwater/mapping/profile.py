"""What a sample's texts look like: for each column its kind, blanks and notation keys; for all, decimal sign and dates.

Every distinct text of a column is looked at once, all patterns over all of them at a time. Nothing here decides how a
record is read: a mapping declares that, and what a sample leaves in doubt is said to be in doubt.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from headwater.documents.counted import counted
from headwater.mapping import shapes
from headwater.mapping.naming import unit_in_name

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ("number", "integer", "date", "timestamp", "boolean", "code", "text", "blank")
SURE = 0.8
"""From this confidence on a convention is taken as found; below it the sample leaves it in doubt."""

MOST = 0.8
"""The share of a column's texts that must be of one kind for the column to be of it."""

MOSTLY = 0.5
"""From this share on a column of texts is told to hold numbers or dates but for some cells."""

EXAMPLES = 5


@dataclass(frozen=True, kw_only=True)
class Convention:
    """How values are written: `value` with 0 to 1 confidence, and the texts that decide it or leave it in doubt."""

    value: str | None
    confidence: float
    because: str
    examples: tuple[str, ...] = ()

    @property
    def is_sure(self) -> bool:
        """Whether the sample decides it."""
        return self.value is not None and self.confidence >= SURE


@dataclass(frozen=True, kw_only=True)
class OddCells:
    """Cells of a column that are not of the kind that most are of; the first of them, and in which record it stands."""

    kind: str
    count: int
    filled: int
    first: str
    record: int

    @property
    def share(self) -> float:
        """Of the cells, how many are of the kind."""
        return 1 - self.count / self.filled

    def __str__(self) -> str:
        kind = "date" if self.kind in shapes.DAYS else "number"
        told = f"is no {kind}" if self.count == 1 else f"are no {kind}s"
        of = counted(self.filled, "cell")
        return f"{self.count:,} of {of} {told}, the first {self.first!r} in record {self.record:,}"


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """One column of the sample.

    share       of the texts that are of its kind, those with a notation key left out
    filled      records with a text
    distinct    different texts
    unit        as its name, or a row of units, says
    absent      words that stand for "no value" -> how often
    examples    the most frequent texts
    words       the distinct texts, lower case, where there are at most 60: what tables of values are compared with
    is_year     whole numbers that are years
    low, high   of the numbers, as far as they can be read
    odd         of a column that holds numbers or dates but for some cells, those; it may be of texts therefore
    """

    name: str
    kind: str
    share: float
    records: int
    filled: int
    distinct: int
    unit: str | None
    absent: Mapping[str, int]
    examples: tuple[str, ...]
    words: tuple[str, ...]
    is_year: bool = False
    low: float | None = None
    high: float | None = None
    odd: OddCells | None = None

    @property
    def blanks(self) -> float:
        """Share of the records without a text."""
        return (self.records - self.filled) / self.records if self.records else 0.0


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A sample of a source. `group` is None where no number is grouped; `date_order` where no date needs one."""

    records: int
    columns: tuple[ColumnProfile, ...]
    decimal: Convention
    group: str | None
    date_order: Convention

    @property
    def by_name(self) -> dict[str, ColumnProfile]:
        """The columns by name."""
        return {column.name: column for column in self.columns}

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        body = asdict(self)
        for column, told in zip(self.columns, body["columns"], strict=True):
            told["blanks"] = round(column.blanks, 4)
            told.pop("words")
        return body


def profile(rows: pa.Table, units: Mapping[str, str] | None = None) -> Profile:
    """Of a table of texts; `units` holds what a row of units says of a column."""
    evidence = shapes.Evidence()
    columns = [_column(name, rows[name], evidence, (units or {}).get(name)) for name in rows.column_names]
    return Profile(
        records=rows.num_rows,
        columns=tuple(columns),
        decimal=_decimal(evidence),
        group=evidence.group(),
        date_order=_date_order(evidence),
    )


def _column(name: str, texts: Any, evidence: shapes.Evidence, unit: str | None) -> ColumnProfile:
    trimmed = pc.utf8_trim_whitespace(pc.fill_null(texts, ""))
    counted = pc.value_counts(trimmed)
    distinct = counted.field("values")
    counts = dict(zip(distinct.to_pylist(), counted.field("counts").to_pylist(), strict=True))
    blank = counts.pop("", 0)
    filled = len(texts) - blank
    unit = unit or unit_in_name(name)
    if not counts:
        return ColumnProfile(
            name=name, kind="blank", share=1.0, records=len(texts), filled=0, distinct=0, unit=unit,
            absent={}, examples=(), words=(),
        )  # fmt: skip
    found = shapes.classified(list(counts))
    absent = _absent(counts, found)
    told = {text: count for text, count in counts.items() if text not in absent}
    kind, share = _kind(told, found)
    odd = _odd(trimmed, told, found)
    if (odd.kind if odd is not None else kind) in shapes.NUMBERS:
        evidence.add_numbers([text for text in told if found[text] in shapes.NUMBERS])
    elif kind in {"date", "timestamp"}:
        evidence.add_dates([text for text in told if found[text] in shapes.DAYS])
    numbers = [value for value in map(shapes.roughly, told) if value is not None] if kind in shapes.NUMERIC else []
    common = sorted(told, key=lambda text: (-told[text], text))
    return ColumnProfile(
        name=name,
        kind=kind,
        share=round(share, 4),
        records=len(texts),
        filled=filled,
        distinct=len(counts),
        unit=unit,
        absent=absent,
        examples=tuple(common[:EXAMPLES]),
        words=tuple(text.lower() for text in common) if len(common) <= 60 else (),
        is_year=kind == "integer" and bool(numbers) and all(1850 <= number <= 2100 for number in numbers),
        low=min(numbers, default=None),
        high=max(numbers, default=None),
        odd=odd,
    )


def _odd(texts: Any, told: Mapping[str, int], found: Mapping[str, str]) -> OddCells | None:
    """What keeps a column from being of numbers or dates throughout; None where nothing does, or too much."""
    total = sum(told.values())
    for kind, family in (("number", shapes.NUMBERS), ("date", shapes.DAYS)):
        odd = {text: count for text, count in told.items() if found[text] not in family}
        if odd and 1 - sum(odd.values()) / total >= MOSTLY:
            places = {text: pc.index(texts, text).as_py() for text in odd}
            first = min(odd, key=places.__getitem__)
            return OddCells(kind=kind, count=sum(odd.values()), filled=total, first=first, record=places[first] + 1)
    return None


def _kind(told: Mapping[str, int], found: Mapping[str, str]) -> tuple[str, float]:
    """The kind that most records are of, and their share; a text where none is."""
    total = sum(told.values())
    if not total:
        return "blank", 1.0
    of_kind: Counter[str] = Counter()
    for text, count in told.items():
        of_kind[found[text]] += count
    whole, numbers = of_kind["integer"], of_kind["integer"] + of_kind["number"]
    days, moments = of_kind["date"] + of_kind["timestamp"], of_kind["timestamp"]
    for kind, count in (
        ("boolean", of_kind["boolean"]),
        ("integer", whole if whole == numbers else 0),
        ("number", numbers),
        ("timestamp", days if moments else 0),
        ("date", days),
        ("code", of_kind["code"] + of_kind["integer"] if of_kind["code"] else 0),
    ):
        if count / total >= MOST:
            return kind, count / total
    return "text", 1.0


def _absent(counts: Mapping[str, int], found: Mapping[str, str]) -> dict[str, int]:
    """Notation keys: known ones, and numbers such as -9999 that no other value is near. In a column of texts only those
    that cannot be a name or a code: NA is Namibia, C may be a class.
    """
    values = {text: count for text, count in counts.items() if found[text] != "key"}
    measured = [text for text in values if found[text] in shapes.NUMBERS or found[text] in shapes.DAYS]
    is_measured = bool(measured) and len(measured) >= MOST * len(values)
    keys = {
        text: count
        for text, count in counts.items()
        if found[text] == "key" and (is_measured or not values or shapes.is_plain_key(text))
    }
    if is_measured:
        rest = [
            number for text in measured if not shapes.is_sentinel(text) and (number := shapes.roughly(text)) is not None
        ]
        if rest and min(rest) >= -90:
            keys |= {text: values[text] for text in measured if shapes.is_sentinel(text)}
    return keys


def _decimal(evidence: shapes.Evidence) -> Convention:
    point, comma, doubtful = evidence.point, evidence.comma, evidence.either
    if point and comma:
        sign, more, less = (".", point, comma) if len(point) >= len(comma) else (",", comma, point)
        share = len(more) / (len(more) + len(less))
        because = f"{len(more):,} texts say so, {len(less):,} say the other"
        return Convention(value=sign, confidence=round(share**2, 2), because=because, examples=(more[0], less[0]))
    if point or comma:
        sign, texts = (".", point) if point else (",", comma)
        return Convention(
            value=sign, confidence=1.0, because=f"{len(texts):,} different texts can be read so only",
            examples=tuple(texts[:3]),
        )  # fmt: skip
    if doubtful:
        return Convention(
            value=None,
            confidence=0.5,
            because="each could be a thousand or three decimals",
            examples=tuple(doubtful[:3]),
        )
    return Convention(value=None, confidence=1.0, because="no number has decimals")


def _date_order(evidence: shapes.Evidence) -> Convention:
    first, second, doubtful = evidence.day_first, evidence.month_first, evidence.either_first
    if first and second:
        return Convention(
            value=None, confidence=0.3, because="some dates have the day first, others the month",
            examples=(first[0], second[0]),
        )  # fmt: skip
    if first or second:
        order, texts = ("DMY", first) if first else ("MDY", second)
        return Convention(
            value=order, confidence=1.0, because=f"{len(texts):,} different dates can be read so only",
            examples=tuple(texts[:3]),
        )  # fmt: skip
    if doubtful:
        return Convention(
            value=None, confidence=0.5, because="day and month of each could be swapped", examples=tuple(doubtful[:3])
        )
    if evidence.year_first:
        return Convention(
            value="YMD", confidence=1.0, because="the year stands first", examples=tuple(evidence.year_first[:3])
        )
    return Convention(value=None, confidence=1.0, because="there are no dates")
