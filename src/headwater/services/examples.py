"""A record of each contract as somebody would type it: the contract's own, or one that is made of its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.contracts import enforce_row
from headwater.services.installation import installed_packs
from headwater.values import OWN_FORMAT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.contracts import Document, FieldSpec

_OF_KIND = {
    "text": "as in the source",
    "code": "A-1",
    "decimal": "1",
    "integer": "1",
    "timestamp": "2024-01-31T12:00:00Z",
    "boolean": "true",
}


def example_of(document: Document) -> Mapping[str, str]:
    """Texts by field, in the form of `mapping.form`; of a contract that brings none, of those that can be told."""
    for pack in installed_packs():
        for contract in pack.contracts:
            if (contract.contract_name, contract.contract_version) == (document.name, document.version):
                return contract.example or made_of(document)
    return made_of(document)


def made_of(document: Document) -> Mapping[str, str]:
    """The required fields by their kinds, dates one after the other; what the contract would refuse is left out."""
    needed = [spec for spec in document.fields if (spec.required or spec.key) and spec.default is None]
    texts = {spec.name: _text(spec, place) for place, spec in enumerate(needed)}
    while True:
        findings = enforce_row(document, texts, OWN_FORMAT).findings
        blamed = {finding.field for finding in findings if finding.severity == "reject"} & texts.keys()
        if not blamed:
            return texts
        texts = {name: text for name, text in texts.items() if name not in blamed}


def _text(spec: FieldSpec, place: int) -> str:
    if spec.enum:
        return spec.enum[0]
    if spec.type == "date":
        return f"{2024 + place // 12}-{place % 12 + 1:02}-01"
    if spec.minimum is not None and spec.type in {"decimal", "integer"}:
        return spec.minimum
    if spec.maximum is not None and spec.type in {"decimal", "integer"}:
        return spec.maximum
    return _OF_KIND[spec.type]
