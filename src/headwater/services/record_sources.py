"""Records of a contract as the source of another run: as they stand when it is planned, with those they refer to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from headwater.connectors.csv_file import CsvConfig
from headwater.connectors.files import inspect_file
from headwater.errors import InputRefused, Misuse
from headwater.mapping import compile_mapping
from headwater.mapping.compile import columns_named, columns_read
from headwater.services.access.policy import Right
from headwater.services.drift import find_drift, kinds_of
from headwater.services.folders import SourceFile
from headwater.services.imports import logic_of, plan_run, source_id, source_name
from headwater.services.sources import config_of, take_in
from headwater.store.stored_rows import write_records

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from headwater.contracts import Document
    from headwater.contracts.document import FieldSpec
    from headwater.mapping import Mapping as MappingDocument
    from headwater.pipeline.recipe import Recipe
    from headwater.services.installation import Installation

AS_WRITTEN = CsvConfig(encoding="utf-8", delimiter=",", quote='"', comment="", preamble=0, line_end="\n", unnamed=0)


@dataclass(frozen=True, kw_only=True)
class _Records:
    """What is read: a contract's records, and by field those that they hold the key of."""

    name: str
    document: Document
    followed: Mapping[str, Document]

    @property
    def columns(self) -> dict[str, tuple[str | None, FieldSpec]]:
        """Every column that there is."""
        own: dict[str, tuple[str | None, FieldSpec]] = {spec.name: (None, spec) for spec in self.document.fields}
        return own | {
            f"{field}.{spec.name}": (field, spec) for field, other in self.followed.items() for spec in other.fields
        }

    def read_by(self, mapping: MappingDocument) -> dict[str, tuple[str | None, FieldSpec]]:
        """Those that the mapping reads, and those that tell the records: no more is taken over than is needed. All,
        where it has variants, or names one that is not there and will be refused for it.
        """
        columns = self.columns
        named = set(columns_named(mapping))
        if mapping.when or not named <= columns.keys():
            return columns
        told = {spec.name for spec in self.document.key} | self.followed.keys()
        return {name: column for name, column in columns.items() if name in named | told}

    def as_json(self) -> dict[str, Any]:
        """As it is kept with the run."""
        followed = {field: [other.name, other.major] for field, other in self.followed.items()}
        key = [spec.name for spec in self.document.key]
        return {"contract": [self.document.name, self.document.major], "key": key, "follow": followed}


def plan_records(installation: Installation, recipe: Recipe, base: Path) -> UUID:
    """Plan the run of a recipe that reads a contract's records; its id, for `carry_out`.

    The records are pinned as one file, by key, under the SHA-256 of their texts.
    """
    installation.require(Right.WRITE)
    logic = logic_of(installation, recipe, base)
    mapping = logic.mapping
    records = _records_of(installation, recipe)
    columns = records.read_by(mapping)
    compile_mapping(mapping, logic.contract, tuple(columns))
    with TemporaryDirectory(prefix="headwater-") as folder:
        path = Path(folder) / f"{records.name}.csv"
        with path.open("wb") as file, installation.database.connect(installation.tenant_id) as connection:
            write_records(connection, file, records.document, records.followed, columns)
        found = inspect_file(path, replace(config_of(mapping), format="csv", csv=AS_WRITTEN))
        taken = take_in(
            installation, path, found, chunk_size=recipe.load.chunk_size or installation.settings.chunk_size
        )
    if not taken.plan.records:
        raise InputRefused(
            "there are no records to read",
            where=f"recipe {recipe.recipe}, source.contract",
            value=records.name,
            remedy="Load them first.",
        )
    kinds = kinds_of(installation, taken)
    drift = find_drift(installation, recipe, mapping.mapping, kinds, columns_read(mapping, found.columns))
    name = source_name(recipe, SourceFile(path=path, name=records.name, alone=True))
    return plan_run(
        installation,
        logic,
        taken,
        source_id=source_id(mapping, name),
        source_name=name,
        noted={"kinds": list(kinds.items()), "warnings": [], "records": records.as_json()}
        | ({"drift": drift.as_json()} if drift else {}),
    )


def _records_of(installation: Installation, recipe: Recipe) -> _Records:
    said = recipe.source
    document = _contract(installation, str(said.contract))
    followed = {field: _contract(installation, name) for field, name in said.follow.items()}
    for field, other in followed.items():
        where = f"recipe {recipe.recipe}, source.follow"
        if field not in document.by_name:
            raise Misuse(
                "there is no such field", where=where, value=field, valid=", ".join(document.by_name),
            )  # fmt: skip
        key = other.key
        if len(key) != 1 or key[0].kind.duckdb_type != document.by_name[field].kind.duckdb_type:
            raise Misuse(
                "the field cannot hold the key of that contract's records",
                where=where,
                value=f"{field}: {other.name}@{other.major}",
                valid="a contract whose key is one field, of the type of this one",
            )
    return _Records(name=f"{document.name}@{document.major}", document=document, followed=followed)


def _contract(installation: Installation, reference: str) -> Document:
    name, _, major = reference.partition("@")
    return installation.contract(name, int(major))


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A record that another was made from: its contract, its key, and what was read of it."""

    contract: str
    major: int
    key: str
    cells: Mapping[str, str]


def origins_of(layout: Mapping[str, Any], cells: Mapping[str, str]) -> tuple[Origin, ...]:
    """The records that a raw record was made from, the one itself first; () where its run read a file or a source."""
    said = layout.get("records")
    if said is None:
        return ()
    name, major = said["contract"]
    of_others = tuple(f"{field}." for field in said["follow"])
    own = {column: text for column, text in cells.items() if not column.startswith(of_others)}
    found = [Origin(contract=name, major=major, key="|".join(own[column] for column in said["key"]), cells=own)]
    for field, (name, major) in sorted(said["follow"].items()):
        prefix = f"{field}."
        read = {column.removeprefix(prefix): text for column, text in cells.items() if column.startswith(prefix)}
        if own[field] and any(read.values()):
            found.append(Origin(contract=name, major=major, key=own[field], cells=read))
    return tuple(found)
