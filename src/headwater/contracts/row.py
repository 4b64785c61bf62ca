"""Enforcement on single records in Python: the twin of `bulk.py`, for instances, repairs, replays and tests."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

from headwater.contracts.document import Document, FieldSpec, RuleSpec
from headwater.contracts.row_text import row_text
from headwater.contracts.rules import OUTCOMES, Finding, make_finding
from headwater.errors import Misuse
from headwater.values import OWN_FORMAT, Outcome, Parsed, TextFormat

ABSENT_WORDS = {
    Outcome.NOT_APPLICABLE: "not_applicable",
    Outcome.NOT_REPORTED: "not_reported",
    Outcome.DEFAULTED: "default",
}


Holds = Callable[[Document, RuleSpec, Mapping[str, Any]], bool | None]
"""Whether the condition of a row rule holds for a record's values; None where it is unknown."""


@dataclass(frozen=True, kw_only=True)
class RowResult:
    """What became of one record. `absent` says why values are missing or whether a default stands in for them."""

    values: Mapping[str, Any]
    absent: str | None
    findings: tuple[Finding, ...]

    @property
    def rejected(self) -> bool:
        """Whether the record goes to quarantine."""
        return any(finding.severity == "reject" for finding in self.findings)


def enforce_row(
    document: Document,
    record: Mapping[str, object],
    fmt: TextFormat,
    references: Mapping[str, Collection[object]] | None = None,
    *,
    holds: Holds | None = None,
) -> RowResult:
    """Read one record, field → text or Python value, and tell every rule it breaks, in the document's order.

    Text is read under `fmt`, other values by their exact text. `references` maps "<contract>.<field>" to the codes
    that exist; without it references are not checked. A name that is no field is Misuse; a missing one is blank.
    `holds` decides about row rules in place of their expressions, where nothing is there to parse these.
    """
    unknown = record.keys() - document.by_name.keys()
    if unknown:
        raise Misuse(
            "no such field", where=document.reference, value=sorted(unknown), valid=", ".join(document.by_name)
        )
    texts = {name: _text(record.get(name)) for name in document.by_name}
    formats = {name: fmt if isinstance(record.get(name), str) else OWN_FORMAT for name in texts}
    parsed = {field.name: _parse(field, texts[field.name], formats[field.name]) for field in document.fields}
    values = {name: each.value for name, each in parsed.items()}
    findings = []
    for rule in document.rules:
        if _breaks(document, rule, parsed, references, holds or _holds):
            field = document.by_name[rule.fields[0]]
            outcome = parsed[field.name].outcome
            findings.append(make_finding(rule, field, texts[field.name], outcome, formats[field.name]))
    return RowResult(values=values, absent=_absent(parsed), findings=tuple(findings))


def enforce_rows(
    document: Document,
    records: Sequence[Mapping[str, object]],
    fmt: TextFormat,
    references: Mapping[str, Collection[object]] | None = None,
) -> tuple[RowResult, ...]:
    """The same for records in source order, and the key besides: of those not refused otherwise the first one stays."""
    rule = next(rule for rule in document.set_rules if rule.kind == "unique")
    first: dict[tuple[object, ...], str] = {}
    results = []
    for record in records:
        result = enforce_row(document, record, fmt, references)
        if not result.rejected:
            key = tuple(result.values[name] for name in rule.fields)
            text = canonical_record(document, result)
            if first.setdefault(key, text) != text:
                field = document.by_name[rule.fields[0]]
                raw = _text(record.get(field.name))
                finding = make_finding(rule, field, raw, Outcome.VALUE, fmt)
                result = replace(result, findings=(*result.findings, finding))
        results.append(result)
    return tuple(results)


def canonical_record(document: Document, result: RowResult) -> str:
    """The text that is hashed. Twin of `Enforcement.row_text`."""
    values = {
        field.name: None if result.values[field.name] is None else field.kind.canonical(result.values[field.name])
        for field in document.fields
    }
    return row_text(document, values, result.absent)


def _text(value: object) -> str | None:
    """The exact text of a Python value, to be read in the default format."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, datetime.date):  # datetime is one
        return value.isoformat()
    raise Misuse(
        "no field holds values of this type",
        value=f"{type(value).__name__} {value!r}",
        valid="text, int, float, Decimal, bool, date, datetime, None",
    )


def _parse(field: FieldSpec, text: str | None, fmt: TextFormat) -> Parsed:
    parsed = field.kind.parse(text, fmt)
    if parsed.outcome is Outcome.BLANK and field.default is not None:
        return Parsed(field.kind.parse(field.default, OWN_FORMAT).value, Outcome.DEFAULTED)
    return parsed


def _absent(parsed: Mapping[str, Parsed]) -> str | None:
    words = [f"{name}={ABSENT_WORDS[each.outcome]}" for name, each in parsed.items() if each.outcome in ABSENT_WORDS]
    return ";".join(words) or None


def _breaks(
    document: Document,
    rule: RuleSpec,
    parsed: Mapping[str, Parsed],
    references: Mapping[str, Collection[object]] | None,
    holds: Holds,
) -> bool:
    field = document.by_name[rule.fields[0]]
    each = parsed[field.name]
    if rule.kind in OUTCOMES:
        return each.outcome in OUTCOMES[rule.kind]
    if rule.kind == "required":
        return each.outcome.is_absent
    if rule.kind == "row":
        if any(parsed[name].outcome.is_failure for name in rule.fields):
            return False
        return holds(document, rule, {name: each.value for name, each in parsed.items()}) is False
    if rule.kind == "unique" or each.value is None:
        return False
    if rule.kind == "reference":
        return references is not None and each.value not in _codes(references, str(field.reference))
    return _field_breaks(rule.kind, field, each.value)


def _field_breaks(kind: str, field: FieldSpec, value: Any) -> bool:
    if kind == "enum":
        return field.kind.canonical(value) not in field.enum
    if kind == "range":
        low, high = _bounds(field)
        return (low is not None and value < low) or (high is not None and value > high)
    if kind == "length":
        return (field.min_length is not None and len(value) < field.min_length) or (
            field.max_length is not None and len(value) > field.max_length
        )
    return re.fullmatch(str(field.pattern), value, re.ASCII) is None


@lru_cache(maxsize=1024)
def _bounds(field: FieldSpec) -> tuple[Any, Any]:
    low, high = (field.kind.parse(text, OWN_FORMAT).value for text in (field.minimum, field.maximum))
    return low, high


def _holds(document: Document, rule: RuleSpec, values: Mapping[str, Any]) -> bool | None:
    # Imported where it is needed: an exported replay carries this module and has no parser of SQL.
    from headwater.contracts.expression import condition_holds  # noqa: PLC0415

    return condition_holds(document, str(rule.expression), values)


def _codes(references: Mapping[str, Collection[object]], name: str) -> Collection[object]:
    if name not in references:
        raise Misuse("no codes given for a reference", value=name, valid=", ".join(references) or "none given")
    return references[name]
