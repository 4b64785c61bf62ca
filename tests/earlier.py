"""Contracts as their first release was published: what they were before minor versions added to them."""

from __future__ import annotations

from dataclasses import replace

from headwater.contracts import Document


def first_release(document: Document) -> Document:
    """The document of x.0.0, exactly: without the fields that came later and the rules that speak of them."""
    names = {field.name for field in document.first}
    rules = tuple(rule for rule in document.rules if names.issuperset(rule.fields))
    return replace(document, version=f"{document.major}.0.0", fields=document.first, rules=rules)
