"""The mapping that a contract is of itself: a file in its form has columns that are named as its fields are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.mapping.document import FieldRule, Locale, Mapping

if TYPE_CHECKING:
    from headwater.contracts.document import Document


def form_mapping(document: Document, version: str) -> Mapping:
    """The mapping of files made for a version of the contract; `document` is that or a later one of its major version.

    The same contract and version give the same document, and the sources of all versions are the same ones.
    """
    known = _numbers(version)
    return Mapping(
        mapping=f"{document.name.replace('.', '_')}_v{document.major}_form",
        version=version,
        contract=f"{document.name}@{document.major}",
        title=f"{document.name} {document.major}: in the form of the contract",
        locale=Locale(decimal=".", group=None, date_order="YMD"),
        fields={
            spec.name: FieldRule(column=spec.name)
            for spec in document.fields
            if spec.since is None or _numbers(spec.since) <= known
        },
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
