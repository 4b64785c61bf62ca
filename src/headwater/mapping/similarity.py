"""How alike a column and a field are: by name, by kind and unit, by the values themselves."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from rapidfuzz import fuzz

from headwater.documents.strict_yaml import parse_yaml
from headwater.mapping.naming import named_by_unit, unit_of, without_unit, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headwater.contracts.document import Document, FieldSpec
    from headwater.mapping.profile import ColumnProfile

EMPTY_WORDS = frozenset({"of", "the", "in", "for", "and", "a", "an", "de", "du", "der", "die", "das", "la", "el", "le"})
TELLING = (
    frozenset({"1", "2", "3"}),
    frozenset({"co2", "ch4", "n2o", "n20", "co2e", "hfc", "hfcs", "pfc", "pfcs", "sf6", "nf3", "hfe", "biogenic"}),
    frozenset({"start", "from", "begin", "end", "to", "until"}),
    frozenset({"latitude", "lat", "longitude", "lon", "long", "lng"}),
    frozenset({"net", "gross"}),
    frozenset({"location", "market"}),
    frozenset({"direct", "indirect"}),
)
"""Words that tell apart columns which are alike otherwise: where only one side has such a word, they differ."""

OTHER_FIGURE = frozenset((
    "intensity", "share", "percent", "percentage", "ratio", "change", "reduction", "target", "previous", "prior",
    "baseline", "base", "average", "mean", "per", "population", "rank", "score", "rate", "growth", "index",
    "budget", "forecast", "planned", "limit", "threshold", "comment", "explanation", "reason", "reported", "parent",
    "outside", "excluding",
))  # fmt: skip
"""Words that make another figure of the one named beside them."""


MOST_OF_IT = 0.8
SLIP_OF_THE_PEN = 0.85
SHORTEST_MISSPELT = 5
"""Letters: of shorter words one letter makes another word."""

NAMED_BY_UNIT = 0.75
"""How much it says for a quantity that a column is called Litres or kWh."""

_TAKE_UNITS = frozenset({"cost", "price", "amount", "quantity"})

ALIKE = 84
"""Out of 100: as many letters in common, in order."""


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How sure it is that a column fills a field, from 0 to 1, and why; what speaks against it is told too."""

    confidence: float
    why: tuple[str, ...]


def likeness(column: ColumnProfile, field: FieldSpec, document: Document) -> Likeness:
    """Of one column and one field."""
    by_name, told = _name(column, field, document)
    why = [told] if told else []
    score = by_name
    for judge in (_kind, _year, _unit, _values, _key):
        factor, gain, said = judge(column, field, document)
        score = score * factor + (1 - score) * gain if score or gain >= 0.5 else 0.0
        why += [said] if said else []
    return Likeness(confidence=round(min(score, 0.99), 3), why=tuple(why))


@functools.cache
def _synonyms() -> Mapping[str, tuple[str, ...]]:
    source = resources.files("headwater.mapping").joinpath("synonyms.yaml")
    body = parse_yaml(source.read_text(encoding="utf-8"), where="synonyms.yaml")
    if not isinstance(body, dict):
        return {}
    return {str(key): tuple(str(each) for each in names) for key, names in body.items()}


@functools.cache
def _phrases(contract: str, field: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """What a field is called, its own name first; each with its words."""
    known = _synonyms()
    named = known.get(f"{contract}.{field}", known.get(field, ()))
    own = without_unit(field.replace("_", " "))
    return tuple((phrase, _tokens(phrase)) for phrase in dict.fromkeys([field.replace("_", " "), own, *named]))


@functools.lru_cache(maxsize=10_000)
def _tokens(name: str) -> frozenset[str]:
    apart = [part for word in words(name) for part in re.sub(r"^(scope)(\d)$", r"\1 \2", word).split()]
    return frozenset(_singular(word) for word in apart if word not in EMPTY_WORDS)


def _singular(word: str) -> str:
    word = {"baseline": "base"}.get(word, word)
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _name(column: ColumnProfile, field: FieldSpec, document: Document) -> tuple[float, str]:
    """Of the names: equal, of the same words, or one within the other."""
    whole, bare = _tokens(column.name), _tokens(without_unit(column.name))
    best, told = 0.0, ""
    for place, (phrase, phrase_tokens) in enumerate(_phrases(document.name, field.name)):
        if not phrase_tokens:
            continue
        score = max(_of_words(given, phrase_tokens) for given in (whole, bare) if given) if whole or bare else 0.0
        score = max(score, SLIP_OF_THE_PEN if _misspelt(bare or whole, phrase_tokens) else 0.0)
        score -= 0.02 if place > 1 else 0.0
        if score < MOST_OF_IT and words(without_unit(column.name))[-len(words(phrase)) :] == words(phrase):
            # The last words of a header say what it is: a GHGRP facility id is one, a facility zip is no facility.
            score *= 1.1
        if (whole ^ phrase_tokens) & OTHER_FIGURE:
            score *= 0.6
        if score > best:
            best, told = score, phrase
    if best < 0.3:
        return 0.0, ""
    return best, f"named like “{told}”" if best < 0.9 else f"named “{told}”"


def _misspelt(given: frozenset[str], wanted: frozenset[str]) -> bool:
    """Whether the words are the same but for one that is spelled a little otherwise: `faciliy`, `organisation`."""
    odd, missing = given - wanted, wanted - given
    if len(odd) != 1 or len(missing) != 1:
        return False
    (one,), (other,) = odd, missing
    return min(len(one), len(other)) >= SHORTEST_MISSPELT and fuzz.ratio(one, other) >= ALIKE


def _of_words(given: frozenset[str], wanted: frozenset[str]) -> float:
    if given == wanted:
        return 0.97
    common = given & wanted
    if not common:
        return 0.0
    odd = given ^ wanted
    share = len(common) / len(given | wanted)
    score = 0.95 * share**0.8 if common in (given, wanted) else 0.8 * share
    if any(odd & telling for telling in TELLING):
        score *= 0.4
    return score


Judgement = tuple[float, float, str]
"""A factor on what was found so far, a gain towards certainty, and why."""

AGREES: Judgement = (1.0, 0.0, "")


def _kind(column: ColumnProfile, field: FieldSpec, _: Document) -> Judgement:
    """Whether the texts are of the field's type."""
    if column.kind == "blank":
        return 0.73, 0.0, "no text in the sample"
    kinds = {
        "decimal": {"number": 1.0, "integer": 1.0},
        "integer": {"integer": 1.0, "number": 0.5},
        "date": {"date": 1.0, "timestamp": 0.65, "integer": 0.5},
        "timestamp": {"timestamp": 1.0, "date": 0.9},
        "boolean": {"boolean": 1.0, "integer": 0.5},
        "code": {"number": 0.7, "date": 0.5, "timestamp": 0.4},
        "text": {"number": 0.4, "integer": 0.6, "date": 0.4, "timestamp": 0.4, "boolean": 0.6},
    }.get(field.type, {})
    if column.odd is not None and (of_most := kinds.get(column.odd.kind)) and field.type not in {"code", "text"}:
        # A few cells that are wrong are mended in quarantine; they make no other column of it.
        return of_most * (1 + column.odd.share) / 2, 0.1 if of_most == 1.0 else 0.0, str(column.odd)
    usual = 1.0 if field.type in {"code", "text"} else 0.0
    fits = kinds.get(column.kind, usual)
    if fits == 1.0:
        is_telling = field.type not in {"code", "text"}
        return 1.0, 0.1 if is_telling else 0.0, f"holds {_told(column.kind)}" if is_telling else ""
    if field.type == "date" and column.kind == "integer" and not column.is_year:
        fits = 0.1
    return max(fits, 0.05), 0.0, f"holds {_told(column.kind)}, the field is a {field.type}"


def _told(kind: str) -> str:
    return {"integer": "whole numbers", "code": "codes", "boolean": "yes and no"}.get(kind, f"{kind}s")


def _year(column: ColumnProfile, field: FieldSpec, _: Document) -> Judgement:
    """Whether years meet years."""
    wants = "year" in field.name.split("_") and field.type == "integer"
    if wants and not column.is_year:
        return (0.9, 0.0, "") if column.kind == "blank" else (0.3, 0.0, "does not hold years")
    if wants:
        return 1.0, 0.3, "holds years"
    if column.is_year and field.type in {"decimal", "integer", "text"}:
        return 0.3, 0.0, "holds years"
    return AGREES


def _unit(column: ColumnProfile, field: FieldSpec, _: Document) -> Judgement:
    """Whether the unit in the header is the field's."""
    unit, wanted = column.unit, field.unit
    if unit is None or field.type not in {"decimal", "integer"}:
        return AGREES if unit is None or field.type != "date" else (0.5, 0.0, f"is in {unit}")
    if wanted is None:
        return _measured(column, field, unit)
    gas = " CO2e" if "co2e" in field.name else ""
    if unit in {wanted, wanted + gas}:
        return 1.0, 0.3, f"in {unit}"
    return 0.4, 0.0, f"is in {unit}, the field in {wanted}"


def _measured(column: ColumnProfile, field: FieldSpec, unit: str) -> Judgement:
    """Whether a unit is one of the field, where the field takes any: of money a cost's, all others a quantity's."""
    is_money = _is_money(unit)
    if ("/" in unit and field.name == "quantity") or (
        field.name in _TAKE_UNITS and is_money == (field.name == "quantity")
    ):
        return 0.3 if "/" in unit else 0.4, 0.0, f"is in {unit}"
    if field.name == "quantity" and column.kind in {"number", "integer"} and unit != "%" and named_by_unit(column.name):
        return 1.0, NAMED_BY_UNIT, f"named by its unit, {unit}"
    return (1.0, 0.3, f"in {unit}") if field.name in {"quantity", "cost"} else AGREES


def _is_money(unit: str) -> bool:
    return len(unit) == 3 and unit.isupper()


def _values(column: ColumnProfile, field: FieldSpec, _: Document) -> Judgement:
    """Whether the texts are ones the field takes."""
    if not column.words and not column.examples:
        return AGREES
    texts = column.words or tuple(example.lower() for example in column.examples)
    if field.enum:
        share = _share(texts, {word.lower() for word in field.enum}.__contains__)
        if share >= 0.9:
            return 1.0, 0.4 if len(texts) > 1 else 0.2, "its words are those of the field"
        return 0.5 + share / 4, 0.0, f"{share:.0%} of its words are those of the field"
    if field.type in {"code", "text"} and (field.name in {"unit", "units"} or field.name.endswith("_unit")):
        share = _share(texts, _is_unit)
        if share >= 0.8:
            return 1.0, 0.75, "holds units"
        return 0.85, 0.0, "" if share else "holds no known unit"
    if field.pattern:
        wanted = re.compile(field.pattern)
        share = _share(column.examples, lambda text: wanted.fullmatch(text) is not None)
        return (
            (1.0, 0.1, "its texts have the field's form") if share == 1 else (0.3, 0.0, "its texts have another form")
        )
    if field.max_length is not None and any(len(text) > field.max_length for text in column.examples):
        return 0.5, 0.0, f"texts longer than {field.max_length} characters"
    low, high = field.minimum, field.maximum
    if field.type in {"decimal", "integer"} and column.low is not None and column.high is not None:
        below = low is not None and column.low < float(low)
        above = high is not None and column.high > float(high)
        if below or above:
            return 0.6, 0.0, f"values outside {low or '…'} to {high or '…'}"
    return AGREES


def _is_unit(text: str) -> bool:
    """Whether it is a unit; a currency is one of a cost, not of a quantity."""
    unit = unit_of(text)
    return unit is not None and not _is_money(unit)


def _share(texts: Sequence[str], holds: Callable[[str], object]) -> float:
    return sum(1 for text in texts if holds(text)) / len(texts) if texts else 0.0


def _key(column: ColumnProfile, field: FieldSpec, document: Document) -> Judgement:
    """Whether the one field that names a record has a text, and another one, in each."""
    if not field.key or not column.filled:
        return AGREES
    if column.blanks > 0.2:
        return 0.6, 0.0, f"{column.blanks:.0%} blank"
    if len(document.key) > 1:
        return AGREES
    if column.distinct == column.filled:
        return 1.0, 0.3, "another in every record"
    return 0.5, 0.0, "the same in several records"
