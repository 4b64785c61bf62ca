"""Mappings by name: those that packs bring, and those that an organisation has kept, which stand before them."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from headwater.errors import Conflict, NotFound
from headwater.mapping import read_mapping
from headwater.services.access.policy import Right
from headwater.services.contract_forms import form_of, names_a_form
from headwater.services.contracts_view import loadable
from headwater.services.factors.factor_sets import FACTORS
from headwater.services.installation import shipped_mappings
from headwater.store import audit, documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.mapping import Mapping
    from headwater.services.answers.contracts import MappingListed, MappingShown
    from headwater.services.installation import Installation
    from headwater.store.documents import StoredDocument

KIND = "mapping"
Origin = Literal["shipped", "kept", "contract"]


def list_mappings(installation: Installation) -> list[MappingListed]:
    """Every mapping there is, by name and version."""
    installation.require(Right.READ)
    shipped = [
        _told(read_mapping(entry.read_text(encoding="utf-8"), where=name), "shipped")
        for name, entry in shipped_mappings(installation.packs).items()
    ]
    kept = [_told(read_mapping(each.body, where=each.name), "kept") for each in _kept(installation)]
    known = {(each["name"], each["version"]) for each in shipped}
    both = shipped + [each for each in kept if (each["name"], each["version"]) not in known]
    return sorted(both, key=lambda each: (each["name"], _numbers(each["version"])))


def show_mapping(installation: Installation, name: str) -> MappingShown:
    """The newest version of a mapping, kept ones before shipped ones of the same version; of a name such as activity@1
    the mapping of files in the form of that contract.
    """
    installation.require(Right.READ)
    text, origin = _text(installation, name)
    mapping = read_mapping(text, where=name)
    return {
        **_told(mapping, origin), "text": text, "document": mapping.model_dump(mode="json", exclude_none=True),
    }  # fmt: skip


def keep_mapping(installation: Installation, text: str) -> MappingListed:
    """Keep a mapping; Conflict where its version is kept already and says something else."""
    installation.require(Right.TRANSFORM)
    mapping = read_mapping(text, where="mapping")
    loadable(installation.contract(mapping.contract_name, mapping.contract_major), where=f"mapping {mapping.mapping}")
    body = mapping.to_json()
    with installation.database.connect(installation.tenant_id) as connection:
        found = [
            each for each in documents.all_documents(connection, installation.tenant_id)
            if (each.kind, each.name, each.version) == (KIND, mapping.mapping, mapping.version)
        ]  # fmt: skip
        if any(each.body != body for each in found):
            raise Conflict(
                "this version of the mapping is kept already and says something else",
                where="mapping",
                value=f"{mapping.mapping} {mapping.version}",
                remedy="Give the changed mapping a higher version.",
            )
        if not found:
            digest = documents.put_document(
                connection, installation.tenant_id, kind=KIND, name=mapping.mapping, version=mapping.version, body=body
            )
            audit.append(
                connection,
                installation.tenant_id,
                action="mapping.kept",
                resource=f"mapping/{mapping.mapping}",
                payload={"version": mapping.version, "hash": digest.hex()},
            )
    return _told(mapping, "kept")


@contextmanager
def mapping_file(installation: Installation, name: str) -> Iterator[Path]:
    """A mapping of this name as a file, for recipes, which name mappings by path. Never a path of the server's."""
    text, _ = _text(installation, name)
    with TemporaryDirectory(prefix="headwater-") as folder:
        path = Path(folder) / "mapping.yaml"
        path.write_text(text, encoding="utf-8")
        yield path


def text_of(installation: Installation, name: str) -> str:
    """The document of the newest version of a mapping."""
    return _text(installation, name)[0]


def known(installation: Installation, name: str) -> str:
    """The name, where there is a mapping of it; NotFound otherwise."""
    _text(installation, name)
    return name


def require_for(installation: Installation, name: str) -> None:
    """Forbidden for who may not change factors, where a mapping is of these. NotFound where there is no such one."""
    mapping = read_mapping(text_of(installation, name), where=name)
    if (mapping.contract_name, mapping.contract_major) == FACTORS:
        installation.require(Right.TRANSFORM, on="factors")


def _text(installation: Installation, name: str) -> tuple[str, Origin]:
    if names_a_form(name):
        documents = (document for pack in installation.packs for document in pack.documents())
        return form_of(documents, name).to_json(), "contract"
    shipped = shipped_mappings(installation.packs)
    found = [(_numbers(each.version), 1, each.body) for each in _kept(installation) if each.name == name]
    if name in shipped:
        text = shipped[name].read_text(encoding="utf-8")
        found.append((_numbers(read_mapping(text, where=name).version), 2, text))
    if not found:
        raise NotFound(
            "there is no such mapping", where="mapping", value=name, remedy="GET /api/v1/mappings lists them."
        )
    _, origin, text = max(found)
    return text, "shipped" if origin == 2 else "kept"


def _kept(installation: Installation) -> list[StoredDocument]:
    with installation.database.connect(installation.tenant_id) as connection:
        return [each for each in documents.all_documents(connection, installation.tenant_id) if each.kind == KIND]


def _told(mapping: Mapping, origin: Origin) -> MappingListed:
    return {"name": mapping.mapping, "version": mapping.version, "contract": mapping.contract, "origin": origin}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
