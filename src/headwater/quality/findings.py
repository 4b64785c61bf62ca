"""Findings in bulk: the bitmask of a failing row expanded into rule, field, raw value and words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.contracts.bulk import BITS, literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.contracts.bulk import Enforcement
    from headwater.contracts.document import RuleSpec


def findings_sql(enforcement: Enforcement, unmapped: Sequence[str], *, severity: str) -> str:
    """A list of structs (rule, field, value, message, valid, mend) for one row, of the rules of one severity in order.

    Reads `mask_<n>`, `mask_unmapped` (bit k for the k-th field of `unmapped`, all of them rejecting) and `<field>__text`.
    """
    entries = [
        _entry(f"mask_{position // BITS}", position % BITS, rule)
        for position, rule in enumerate(enforcement.rules)
        if rule.severity == severity
    ]
    if severity == "reject":
        entries += [_unmapped(bit, field) for bit, field in enumerate(unmapped)]
    if not entries:
        return "[]"
    return f"list_filter([{', '.join(entries)}], lambda finding: finding IS NOT NULL)"


def _entry(mask: str, bit: int, rule: RuleSpec) -> str:
    return _struct(
        mask, bit, rule.id, ", ".join(rule.fields), _value(rule.fields), rule.message, rule.valid, rule.repair
    )


def _unmapped(bit: int, field: str) -> str:
    return _struct(
        "mask_unmapped",
        bit,
        f"mapping.{field}.values",
        field,
        text_column(field),
        "The mapping's table of values does not list this text.",
        "a text in the mapping's table of values",
        f"Correct the text, or add it to the values of {field} in the mapping.",
    )


def _struct(mask: str, bit: int, rule: str, field: str, value: str, *words: str) -> str:
    message, valid, mend = (literal(text) for text in words)
    return (
        f"CASE WHEN {mask} & {1 << bit} <> 0 THEN {{'rule': {literal(rule)}, 'field': {literal(field)}, "
        f"'value': {value}, 'message': {message}, 'valid': {valid}, 'mend': {mend}}} END"
    )


def _value(fields: Sequence[str]) -> str:
    """The raw text of the field; of several fields each with its name."""
    if len(fields) == 1:
        return text_column(fields[0])
    named = [f"{literal(f'{field} = ')} || coalesce({text_column(field)}, '')" for field in fields]
    return " || ', ' || ".join(named)


def text_column(field: str) -> str:
    """The column that carries the field's text as it was mapped."""
    return f'"{field}__text"'
