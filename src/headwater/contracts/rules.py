"""The rules that fields imply, each with a stable id, and the findings that tell a person which rule a record broke."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from headwater.contracts.document import FieldSpec, RuleSpec
from headwater.values import OWN_FORMAT, Outcome, TextFormat, explain

# Which failures of a text break which rule; all others break "type".
OUTCOMES: dict[str, frozenset[Outcome]] = {
    "decimals": frozenset({Outcome.TOO_MANY_DECIMALS}),
    "digits": frozenset({Outcome.NUMBER_TOO_LARGE}),
    "ambiguous": frozenset(
        {Outcome.AMBIGUOUS_NUMBER, Outcome.AMBIGUOUS_DATE, Outcome.AMBIGUOUS_TIME, Outcome.NO_TIME_ZONE}
    ),
}
OUTCOMES["type"] = frozenset(o for o in Outcome if o.is_failure) - frozenset().union(*OUTCOMES.values())

# Which of these a text of the type can break at all.
BREAKABLE = {
    "text": ("type",),
    "code": ("type",),
    "boolean": ("type",),
    "decimal": ("type", "decimals", "digits", "ambiguous"),
    "integer": ("type", "decimals", "digits", "ambiguous"),
    "date": ("type", "ambiguous"),
    "timestamp": ("type", "ambiguous"),
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One rule broken by one record; `value` is the text as it was read, None where there was none."""

    rule_id: str
    field: str
    value: str | None
    message: str
    valid: str
    repair: str
    severity: str


def make_finding(rule: RuleSpec, field: FieldSpec, value: str | None, outcome: Outcome, fmt: TextFormat) -> Finding:
    """The finding in its most telling words: a text that was refused is explained by what is wrong with it."""
    message, valid, repair = rule.message, rule.valid, rule.repair
    if rule.kind in OUTCOMES:
        words = explain(outcome, field.kind, fmt)
        message, valid, repair = words.message, words.valid, words.repair
    return Finding(
        rule_id=rule.id,
        field=field.name,
        value=value,
        message=message,
        valid=valid,
        repair=repair,
        severity=rule.severity,
    )


def field_rules(contract: str, field: FieldSpec) -> Iterator[RuleSpec]:
    """The rules one field implies on one record, in bit order."""
    stated = {
        "required": field.required,
        "enum": bool(field.enum),
        "range": field.minimum is not None or field.maximum is not None,
        "length": field.min_length is not None or field.max_length is not None,
        "pattern": field.pattern is not None,
    }
    for kind in (*BREAKABLE[field.type], *(kind for kind, is_stated in stated.items() if is_stated)):
        yield _implied(contract, field, kind)


def in_format(rule: RuleSpec, field: FieldSpec, fmt: TextFormat) -> RuleSpec:
    """The rule with what is valid said for a source's own way of writing, where that matters."""
    return replace(rule, valid=field.kind.valid(fmt)) if rule.kind in OUTCOMES else rule


def key_rule(contract: str, key: tuple[FieldSpec, ...]) -> RuleSpec:
    """A record whose key was read before with other content; equal content is merged and breaks nothing."""
    names = ", ".join(field.name for field in key)
    return RuleSpec(
        id=f"{contract}.key.unique",
        kind="unique",
        fields=tuple(field.name for field in key),
        dimension="uniqueness",
        severity="reject",
        message=f"Another record with the same {names} but other content was read before and stays.",
        valid=f"one record for each {names}",
        repair="Correct the key if these are two things; if they are one, keep the right record only.",
    )


def reference_rule(contract: str, field: FieldSpec) -> RuleSpec:
    """A code that the referenced contract does not hold."""
    return _implied(contract, field, "reference")


# For a text that cannot be read, or not in one way: what is wrong with it, and the failure whose repair helps most.
_UNREADABLE = {
    "text": ("{name} contains a control character.", Outcome.CONTROL_CHARACTER),
    "code": ("{name} contains a line break, a tab, or a character that cannot be seen.", Outcome.NOT_A_CODE),
    "decimal": ("{name} is not a number.", Outcome.NOT_A_NUMBER),
    "integer": ("{name} is not a number.", Outcome.NOT_A_NUMBER),
    "date": ("{name} is not a date, not a day of the calendar, or has a time of day.", Outcome.NOT_A_DATE),
    "timestamp": ("{name} is not a point in time, or one that clocks skipped.", Outcome.NOT_A_TIMESTAMP),
    "boolean": ("{name} is neither a word for true nor one for false.", Outcome.NOT_A_BOOLEAN),
}
_NUMBER_SIGNS = "The signs between the digits of {name} do not fit the declared way of writing numbers."
_UNCLEAR = {
    "decimal": (_NUMBER_SIGNS, Outcome.AMBIGUOUS_NUMBER),
    "integer": (_NUMBER_SIGNS, Outcome.AMBIGUOUS_NUMBER),
    "date": ("{name} can be read as more than one date: its order or century is not stated.", Outcome.AMBIGUOUS_DATE),
    "timestamp": ("{name} has no time zone, or occurs twice in the declared one.", Outcome.NO_TIME_ZONE),
}
_TOO_PRECISE = (
    "{name} has more decimals than the field keeps, and is never rounded silently.",
    Outcome.TOO_MANY_DECIMALS,
)
_TOO_LARGE = ("{name} has more digits before the decimal sign than the field holds.", Outcome.NUMBER_TOO_LARGE)

# Kind of rule → dimension, message, repair.
_WORDS = {
    "required": ("completeness", "{name} has no value.", "Give it a value."),
    "enum": (
        "validity",
        "{name} is not one of its words.",
        "Use one of the words, spelt the same, or map the source's own word to it.",
    ),
    "range": ("accuracy", "{name} is out of range.", "Check the figure, its sign and its unit."),
    "length": (
        "validity",
        "{name} is shorter or longer than it may be.",
        "Check that the right column is mapped and that no cells have run together.",
    ),
    "pattern": ("validity", "{name} is not written as it must be.", "Correct it, or map the source's form to it."),
    "reference": (
        "consistency",
        "{name} names nothing in {reference}.",
        "Correct it, or load the missing record first.",
    ),
}


def _implied(contract: str, field: FieldSpec, kind: str) -> RuleSpec:
    dimension, message, repair = _words(field, kind)
    return RuleSpec(
        id=f"{contract}.{field.name}.{kind}",
        kind=kind,
        fields=(field.name,),
        dimension=dimension,
        severity="reject",
        message=message.format(**vars(field)),
        valid=_valid(field, kind),
        repair=repair,
        citation=field.citation,
    )


def _words(field: FieldSpec, kind: str) -> tuple[str, str, str]:
    """Dimension, message and repair; repairs of texts are those that `values` gives."""
    if kind not in OUTCOMES:
        return _WORDS[kind]
    told = {"type": _UNREADABLE, "ambiguous": _UNCLEAR}.get(kind)
    message, outcome = told[field.type] if told else {"decimals": _TOO_PRECISE, "digits": _TOO_LARGE}[kind]
    dimension = "accuracy" if kind == "digits" else "validity"
    return dimension, message, explain(outcome, field.kind, OWN_FORMAT).repair


def _valid(field: FieldSpec, kind: str) -> str:
    if kind == "enum":
        return ", ".join(field.enum)
    if kind == "range":
        return _between(field.minimum, field.maximum, field.unit)
    if kind == "length":
        return _between(field.min_length, field.max_length, "characters")
    if kind == "pattern":
        return f"text that matches {field.pattern} from end to end"
    if kind == "reference":
        return f"a code of {field.reference}"
    return f"a value of type {field.type}"


def _between(low: object, high: object, unit: str | None) -> str:
    words = f"{low} to {high}" if low is not None and high is not None else f"at least {low}"
    if low is None:
        words = f"at most {high}"
    return f"{words} {unit}" if unit else words
