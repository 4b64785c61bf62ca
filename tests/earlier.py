"""Contracts as their first release was published: what they were before minor versions added to them."""

from __future__ import annotations

from dataclasses import replace

from headwater.contracts import Document
from headwater.contracts.document import FieldSpec, RuleSpec
from headwater.contracts.rules import field_rules

GWP_SETS = ("AR4", "AR5", "AR6", "not_stated")
SAID = {
    "emission_factor": "The IPCC report whose warming potentials the CO2e rests on.",
    "emission": "The set of warming potentials behind the CO2e.",
    "energy_instrument": "The IPCC report whose warming potentials the CO2e rests on.",
}
"""What `gwp_set` said while it was a list of words."""


def first_release(document: Document) -> Document:
    """The document of x.0.0, exactly: without the fields that came later and the rules that speak of them."""
    names = {field.name for field in document.first}
    rules = tuple(rule for rule in document.rules if names.issuperset(rule.fields))
    first = replace(document, version=f"{document.major}.0.0", fields=document.first, rules=rules)
    return _listed(first) if document.name in SAID else first


def _listed(document: Document) -> Document:
    """With the sets of warming potentials as a list of words, which they were."""
    now = document.by_name["gwp_set"]
    before = replace(now, enum=GWP_SETS, pattern=None, description=SAID[document.name])
    return replace(
        document,
        fields=tuple(before if field is now else field for field in document.fields),
        rules=tuple(_rule(document.name, before) if _is_pattern(rule) else rule for rule in document.rules),
    )


def _is_pattern(rule: RuleSpec) -> bool:
    return rule.kind == "pattern" and rule.fields == ("gwp_set",)


def _rule(contract: str, field: FieldSpec) -> RuleSpec:
    return next(rule for rule in field_rules(contract, field) if rule.kind == "enum")
