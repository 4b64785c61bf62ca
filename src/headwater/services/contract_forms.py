"""Files in the form of a contract: the mapping that its name stands for, and the workbook that says what it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headwater.connectors.files import FileConfig, inspect_file
from headwater.errors import InputRefused, Misuse, NotFound
from headwater.mapping.form import form_mapping

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from headwater.contracts import Document
    from headwater.mapping import Mapping

_REFERENCE = re.compile(r"[a-z][a-z0-9_.]{0,62}@\d{1,5}(?:\.\d{1,5}\.\d{1,5})?")

CALCULATED_WITH = frozenset(
    {
        "country_indicator", "emission_factor", "energy_instrument", "erp.ledger_account", "erp.purchase_category",
        "industry_code", "warming_potential",
    }
)  # fmt: skip
"""Contracts whose records other records are calculated or classified with: a wrong one moves figures everywhere."""


def is_rested_on(documents: Iterable[Document], reference: str) -> bool:
    """Whether other records rest on those of a contract: they are calculated with them, or refer to them."""
    name = reference.partition("@")[0]
    referred = {
        str(field.reference).partition(".")[0]
        for document in documents
        if document.calculated_from is None
        for field in document.fields
        if field.reference is not None
    }
    return name in CALCULATED_WITH | referred


def names_a_form(reference: str) -> bool:
    """Whether what is said for a mapping names a contract and its version, as activity@1 or activity@1.2.0."""
    return _REFERENCE.fullmatch(reference) is not None


def form_of(documents: Iterable[Document], reference: str) -> Mapping:
    """The mapping of files that were made for this version of a contract; without a minor version the newest.

    NotFound where there is no such contract among `documents`, Misuse where it is of a version that is not known yet.
    """
    name, _, version = reference.partition("@")
    major = int(version.partition(".")[0])
    known = list(documents)
    fitting = [document for document in known if (document.name, document.major) == (name, major)]
    if not fitting:
        raise NotFound(
            "there is no such contract",
            where="mapping",
            value=reference,
            valid=", ".join(sorted({f"{document.name}@{document.major}" for document in known})),
        )
    document = max(fitting, key=lambda each: _numbers(each.version))
    if "." not in version:
        version = document.version
    if _numbers(version) > _numbers(document.version):
        raise Misuse(
            "the file was made for a version of the contract that is not known here",
            where="mapping",
            value=reference,
            valid=f"up to {document.reference}",
            remedy="Upgrade Headwater, or fill in a workbook of this installation.",
        )
    return form_mapping(document, version)


def contract_named_by(path: Path) -> str:
    """The contract that a workbook to fill in was made for; Misuse for any other file."""
    try:
        named = inspect_file(path, FileConfig()).contract if path.is_file() else None
    except InputRefused:
        named = None
    if named is None:
        raise Misuse(
            "a mapping is needed",
            where="--mapping",
            valid="the path of a mapping, the name of one that a pack brings, or a contract, as activity@1, where the "
            "columns are named as its fields; only a workbook of headwater contracts template names its own",
            remedy=f"headwater map suggest {path} drafts one.",
        )
    return named


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
