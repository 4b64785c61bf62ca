"""Which columns of a source may hold personal data: those that any mapping has ever filled such a field from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwater.contracts import Document
from headwater.engine.expressions import columns_in
from headwater.mapping import read_mapping
from headwater.store import connectors
from headwater.store.documents import get_contract, get_document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headwater.mapping import Mapping
    from headwater.services.installation import Installation


@dataclass(frozen=True, kw_only=True)
class PersonalColumns:
    """Names of columns, in whatever case, and the mappings that were asked, `name version`."""

    names: frozenset[str]
    mappings: tuple[str, ...]

    def __contains__(self, column: str) -> bool:
        """Whether it is one of them, or a part of one or made of one where the source nests its columns."""
        folded = column.casefold()
        return any(
            folded == name or folded.startswith(f"{name}.") or name.startswith(f"{folded}.") for name in self.names
        )


def personal_columns(installation: Installation, connector: str, mapping: str | None, base: Path) -> PersonalColumns:
    """By every mapping that read anything through a connector of this name, and the one that is named, if any.

    All of them count, of whatever table and however old: that a newer one leaves a column out proves nothing.
    """
    names: set[str] = set()
    asked: dict[str, None] = {}
    for document, contract in _known(installation, connector, mapping, base):
        # A field that a newer version of the contract calls personal was personal before.
        newer = [each for pack in installation.packs for each in pack.documents() if each.name == contract.name]
        tagged = {spec.name for version in (contract, *newer) for spec in version.fields if spec.personal}
        names.update(_columns_filling(document, tagged))
        asked[f"{document.mapping} {document.version}"] = None
    return PersonalColumns(names=frozenset(names), mappings=tuple(asked))


def _known(
    installation: Installation, connector: str, mapping: str | None, base: Path
) -> Iterator[tuple[Mapping, Document]]:
    if mapping is not None:
        found = installation.mapping(mapping, base)
        yield found, installation.contract(found.contract_name, found.contract_major)
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        for mapping_hash, contract_hash in connectors.mappings_read_by(connection, tenant_id, connector):
            stored = get_document(connection, tenant_id, mapping_hash)
            document = read_mapping(stored.body, where=f"mapping {stored.name} {stored.version}")
            yield document, Document.from_json(get_contract(connection, contract_hash).body)


def _columns_filling(mapping: Mapping, fields: set[str]) -> Iterator[str]:
    """Every name of every column that fills one of these fields, in all variants of the source."""
    place = f"mapping {mapping.mapping} {mapping.version}"
    rules = [*mapping.fields.items(), *(item for variant in mapping.when for item in variant.fields.items())]
    for name, rule in rules:
        if name not in fields or rule is None:
            continue
        named = rule.names if rule.expression is None else columns_in(rule.expression, where=place)
        yield from (column.casefold() for column in named)
