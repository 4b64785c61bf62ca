"""Contracts as people look at them: which there are, what one asks for, what changed, and its forms for other tools."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwater.contracts import Document, table_ddl
from headwater.contracts.difference import Advice, Change, advise, diff
from headwater.contracts.json_schema import json_schema
from headwater.contracts.odcs import odcs_yaml
from headwater.errors import Misuse, NotFound
from headwater.services.installation import documents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FORMS: dict[str, Callable[[Document], str]] = {
    "json-schema": lambda document: json.dumps(json_schema(document), indent=2, ensure_ascii=False) + "\n",
    "odcs": odcs_yaml,
    "ddl": lambda document: table_ddl(document) + "\n",
}
"""What a contract can be exported as."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What leads from one version to another, and the version that these changes ask for."""

    old: Document
    new: Document
    changes: tuple[Change, ...]
    advice: Advice


def list_contracts() -> Sequence[Document]:
    """Every version of every contract of this installation, by name."""
    return sorted(documents(), key=lambda document: (document.name, _numbers(document)))


def find_contract(reference: str) -> Document:
    """The contract `name`, `name@major` or `name@version`: the newest that fits. Misuse naming those there are."""
    name, _, version = reference.strip().partition("@")
    wanted = version.split(".") if version else []
    known = list_contracts()
    fitting = [
        document for document in known if document.name == name and document.version.split(".")[: len(wanted)] == wanted
    ]
    if not fitting:
        raise NotFound(
            "there is no such contract",
            where="contract",
            value=reference,
            valid=", ".join(document.reference for document in known),
        )
    return max(fitting, key=_numbers)


def loadable(document: Document, *, where: str) -> Document:
    """The contract, if files are loaded into it; Misuse saying what to import instead where it is calculated."""
    if document.calculated_from is not None:
        raise Misuse(
            f"{document.name} is calculated from {document.calculated_from} and never loaded from a file: import "
            f"records of {document.calculated_from} instead",
            where=where,
            value=document.name,
            valid=document.calculated_from,
        )
    return document


def compare(old: str, new: str) -> Difference:
    """What changed from one version to another."""
    before, after = find_contract(old), find_contract(new)
    return Difference(old=before, new=after, changes=diff(before, after), advice=advise(before, after))


def export_contract(reference: str, form: str) -> str:
    """A contract in one of FORMS."""
    return FORMS[form](find_contract(reference))


def _numbers(document: Document) -> tuple[int, ...]:
    return tuple(int(part) for part in document.version.split("."))
