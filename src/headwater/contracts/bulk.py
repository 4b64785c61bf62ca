"""Enforcement in bulk: SQL pieces over columns for DuckDB, the twin of `row.py`.

The pieces build on each other, one level of query each:

    <field>__text (VARCHAR)  →  <field>__reading  →  <field>__outcome, <field>  →  masks, absent, row text

A mask is 0 for a record without faults. The price of a rule on the millions of records without faults is one cheap
comparison, the guard; the exact rule is worked out where some guard speaks up. A guard may be too eager, never too lax.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from headwater.contracts.document import Document, FieldSpec, RuleSpec
from headwater.contracts.expression import compile_expression
from headwater.contracts.row import ABSENT_WORDS
from headwater.contracts.row_text import row_text_sql
from headwater.contracts.rules import BREAKABLE, OUTCOMES, in_format
from headwater.values import Outcome, TextFormat
from headwater.values.outcome import FIRST_FAILURE

BITS = 62  # of a BIGINT mask that are used

# Types for which `n/a` and the like are known even if the source declares no such words.
_KNOW_ABSENCE = frozenset({"decimal", "integer", "date", "timestamp", "boolean"})


@dataclass(frozen=True, kw_only=True)
class Enforcement:
    """SQL expressions of one contract under one format."""

    readings: dict[str, str]  # <field>__reading → VARCHAR over <field>__text
    outcomes: dict[str, str]  # <field>__outcome → UTINYINT over <field>__reading
    values: dict[str, str]  # <field> → its type, over <field>__reading
    absent: str  # VARCHAR over the outcomes: "cost=not_reported;sector=default", NULL when there is nothing to say
    masks: tuple[str, ...]  # BIGINT over outcomes and values: rule k is bit k % 62 of mask k // 62
    rules: tuple[RuleSpec, ...]  # in bit order, saying what is valid in this format
    reject: tuple[int, ...]  # for each mask, the bits that send the record to quarantine
    row_text: str  # VARCHAR over the fields and a column "absent": what the row hash is the SHA-256 of

    def broken(self, masks: tuple[int, ...]) -> tuple[RuleSpec, ...]:
        """The rules whose bits are set, in order."""
        return tuple(rule for bit, rule in enumerate(self.rules) if masks[bit // BITS] >> bit % BITS & 1)


@lru_cache(maxsize=64)
def enforcement(document: Document, fmt: TextFormat) -> Enforcement:
    """The pieces for records whose text is written as `fmt` says; kept, for every run asks for them several times."""
    rules = document.row_rules
    groups = [tuple(range(start, min(start + BITS, len(rules)))) for start in range(0, len(rules), BITS)]
    guards: list[list[str]] = [[] for _ in groups]
    for place, group in enumerate(groups):
        guards[place] = _guards(document, tuple(rules[bit] for bit in group))
    masks = tuple(_mask(document, [rules[bit] for bit in group], guards[place]) for place, group in enumerate(groups))
    return Enforcement(
        readings={
            reading_column(field): field.kind.reading_sql(quoted(text_column(field)), fmt) for field in document.fields
        },
        outcomes={outcome_column(field): _outcome(field) for field in document.fields},
        values={field.name: _value(field, fmt) for field in document.fields},
        absent=_absent(document, fmt),
        masks=masks,
        rules=tuple(in_format(rule, document.by_name[rule.fields[0]], fmt) for rule in rules),
        reject=tuple(sum(1 << bit % BITS for bit in group if rules[bit].severity == "reject") for group in groups),
        row_text=row_text_sql(document, lambda field: field.kind.canonical_sql(quoted(field.name))),
    )


def quoted(name: str) -> str:
    """A field's name as an SQL identifier; names hold nothing that needs escaping."""
    return f'"{name}"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def outcome_column(field: FieldSpec) -> str:
    """Where the field's outcome stands."""
    return f"{field.name}__outcome"


def reading_column(field: FieldSpec) -> str:
    """Where the field's reading stands."""
    return f"{field.name}__reading"


def text_column(field: FieldSpec) -> str:
    """Where the field's mapped text stands."""
    return f"{field.name}__text"


def typed(text: str, field: FieldSpec) -> str:
    """Canonical text as an SQL constant of the field's type."""
    return f"CAST({literal(text)} AS {field.kind.duckdb_type})"


def _outcome(field: FieldSpec) -> str:
    outcome = field.kind.outcome_sql(quoted(reading_column(field)))
    if field.default is None:
        return outcome
    blank, defaulted = int(Outcome.BLANK), int(Outcome.DEFAULTED)
    return f"coalesce(nullif({outcome}, {blank}), {defaulted}::UTINYINT)"


def _value(field: FieldSpec, fmt: TextFormat) -> str:
    reading = quoted(reading_column(field))
    value = field.kind.value_sql(reading, fmt)
    if field.default is None:
        return value
    # Not every blank is NULL here: a source may declare a word that means blank.
    blank = f"{field.kind.outcome_sql(reading)} = {int(Outcome.BLANK)}"
    return f"CASE WHEN {blank} THEN {typed(field.default, field)} ELSE {value} END"


def _absent(document: Document, fmt: TextFormat) -> str:
    """A required field without value is refused, so that only optional ones and defaults can have something to say."""
    first, last = int(min(ABSENT_WORDS)), int(max(ABSENT_WORDS))
    speaking = [
        field
        for field in document.fields
        if field.default is not None or (not field.required and (fmt.absent or field.type in _KNOW_ABSENCE))
    ]
    if not speaking:
        return "CAST(NULL AS VARCHAR)"
    words = []
    for field in speaking:
        cases = " ".join(f"WHEN {int(o)} THEN '{field.name}={word}'" for o, word in ABSENT_WORDS.items())
        words.append(f"CASE {quoted(outcome_column(field))} {cases} END")
    anything = " OR ".join(f"{quoted(outcome_column(field))} BETWEEN {first} AND {last}" for field in speaking)
    return f"CASE WHEN {anything} THEN concat_ws(';', {', '.join(words)}) END"


def _mask(document: Document, rules: list[RuleSpec], guards: list[str]) -> str:
    bits = [f"CASE WHEN {_broken(document, rule)} THEN {1 << bit}::BIGINT ELSE 0 END" for bit, rule in enumerate(rules)]
    return f"CASE WHEN {' OR '.join(guards)} THEN {_sum(bits)} ELSE 0::BIGINT END"


def _sum(terms: list[str]) -> str:
    """Balanced: DuckDB plans a chain of forty additions twice as long as a tree of them."""
    if len(terms) == 1:
        return terms[0]
    half = len(terms) // 2
    return f"({_sum(terms[:half])} + {_sum(terms[half:])})"


def _guards(document: Document, rules: tuple[RuleSpec, ...]) -> list[str]:
    """One cheap condition for each way to break some of the rules; those of one outcome column are asked at once."""
    guards: dict[str, None] = {}
    for rule in rules:
        field = document.by_name[rule.fields[0]]
        if rule.kind in OUTCOMES or rule.kind == "required":
            guards[_outcome_guard(field)] = None
        elif rule.kind == "length":
            guards.update(dict.fromkeys(_length_guards(field)))
        else:
            guards[_condition(document, rule)] = None
    return list(guards)


def _outcome_guard(field: FieldSpec) -> str:
    outcome = quoted(outcome_column(field))
    if not field.required:
        return f"{outcome} >= {FIRST_FAILURE}"
    if field.default is None:
        return f"{outcome} <> {int(Outcome.VALUE)}"
    return f"{outcome} NOT IN ({int(Outcome.VALUE)}, {int(Outcome.DEFAULTED)})"


def _length_guards(field: FieldSpec) -> list[str]:
    """Bytes are counted faster than characters, and are never fewer."""
    value = quoted(field.name)
    guards = [] if field.max_length is None else [f"strlen({value}) > {field.max_length}"]
    return guards if field.min_length is None else [*guards, f"length({value}) < {field.min_length}"]


def _broken(document: Document, rule: RuleSpec) -> str:
    """The exact condition; what is NULL is not broken."""
    field = document.by_name[rule.fields[0]]
    outcome = quoted(outcome_column(field))
    if rule.kind == "required":
        return f"{outcome} BETWEEN {int(Outcome.BLANK)} AND {int(Outcome.NOT_REPORTED)}"
    if rule.kind == "type":
        others = [int(o) for kind in BREAKABLE[field.type] if kind != "type" for o in sorted(OUTCOMES[kind])]
        return " AND ".join([f"{outcome} >= {FIRST_FAILURE}", *(f"{outcome} <> {other}" for other in others)])
    if rule.kind in OUTCOMES:
        return "(" + " OR ".join(f"{outcome} = {int(o)}" for o in sorted(OUTCOMES[rule.kind])) + ")"
    if rule.kind == "row":
        readable = [f"{quoted(outcome_column(document.by_name[name]))} < {FIRST_FAILURE}" for name in rule.fields]
        return " AND ".join([*readable, _condition(document, rule)])
    return _condition(document, rule)


def _condition(document: Document, rule: RuleSpec) -> str:
    """What makes the rule broken, over values alone."""
    field = document.by_name[rule.fields[0]]
    value = quoted(field.name)
    if rule.kind == "row":
        return f"NOT {compile_expression(str(rule.expression), document.by_name).sql}"
    if rule.kind == "enum":
        return f"{value} NOT IN ({', '.join(typed(word, field) for word in field.enum)})"
    if rule.kind == "pattern":
        return f"NOT regexp_full_match({value}, {literal(str(field.pattern))})"
    if rule.kind == "length":
        low, high, value = field.min_length, field.max_length, f"length({value})"
        bounds = (None if low is None else str(low), None if high is None else str(high))
    else:
        bounds = tuple(None if b is None else typed(b, field) for b in (field.minimum, field.maximum))  # type: ignore[assignment]
    sides = [f"{value} {sign} {bound}" for sign, bound in zip("<>", bounds, strict=True) if bound is not None]
    return f"({' OR '.join(sides)})"
