"""Records of a contract as the source of another run: as they stand when it is planned, with those they refer to."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from headwater.connectors.csv_file import CsvConfig
from headwater.connectors.files import inspect_file
from headwater.errors import InputRefused, Misuse
from headwater.mapping import compile_mapping
from headwater.mapping.compile import NET, NET_OF, columns_known_by, columns_read
from headwater.services.access.policy import Right
from headwater.services.changed_keys import refuse_another_key
from headwater.services.drift import find_drift, kinds_of
from headwater.services.folders import SourceFile
from headwater.services.imports import logic_of, plan_run, source_name
from headwater.services.netting import netted
from headwater.services.source_places import placed, source_id_in, unit_of_source, unit_said
from headwater.services.sources import config_of, take_in
from headwater.store.stored_rows import ROW_HASH, RecordColumn, parsed_batches, parsed_header, write_records
from headwater.values.text_format import OWN_FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    from headwater.contracts import Document
    from headwater.contracts.document import FieldSpec
    from headwater.mapping import Mapping as MappingDocument
    from headwater.pipeline.recipe import Recipe
    from headwater.services.installation import Installation

AS_WRITTEN = CsvConfig(encoding="utf-8", delimiter=",", quote='"', comment="", preamble=0, line_end="\n", unnamed=0)

KNOW_ABSENCE = {"integer", "decimal", "date", "timestamp", "boolean"}
KNOWN_WORDS = {"not_applicable": "not applicable", "not_reported": "not reported"}


@dataclass(frozen=True, kw_only=True)
class Records:
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

    def header(self, mapping: MappingDocument) -> tuple[str, ...]:
        """Every column that a mapping may name: where it has records take off others, what is left of them, too."""
        return (*self.columns, *((NET, NET_OF) if mapping.net else ()))

    def read_by(self, mapping: MappingDocument) -> dict[str, RecordColumn]:
        """Those that the mapping reads, those that its variant is known by, and those that tell the records: no more is
        taken over than is needed. The mapping was compiled for all columns, so that each that it names is there.
        """
        columns, header = self.columns, self.header(mapping)
        read = set(columns_read(mapping, header)) | set(columns_known_by(mapping, header))
        read |= {spec.name for spec in self.document.key} | self.followed.keys()
        return {
            name: RecordColumn(of=of, spec=spec, words=_words(spec, mapping))
            for name, (of, spec) in columns.items()
            if name in read
        }

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
    unit_id = unit_said(installation, recipe)
    logic = logic_of(installation, recipe, base)
    mapping = logic.mapping
    records = _records_of(installation, recipe)
    compile_mapping(mapping, logic.contract, records.header(mapping))
    _refuse_another_sign(mapping, records.header(mapping))
    columns = records.read_by(mapping)
    with TemporaryDirectory(prefix="headwater-") as folder:
        path = Path(folder) / f"{records.name}.csv"
        with path.open("wb") as file, installation.database.connect(installation.tenant_id) as connection:
            write_records(connection, file, records.document, records.followed, columns)
        if mapping.net:
            path = _netted(path, mapping, [spec.name for spec in records.document.key])
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
    kinds = {name: kind for name, kind in kinds_of(installation, taken).items() if name in columns}
    name = source_name(recipe, SourceFile(path=path, name=records.name, alone=True))
    unit = unit_of_source(installation, recipe, mapping.mapping, name)
    source = source_id_in(installation, mapping.mapping, name, unit_id)
    read = columns_read(mapping, found.columns)
    compared = find_drift(installation, recipe, mapping, kinds, read, unit=unit, source=source)
    refuse_another_key(installation, logic, found.columns, source_id=source, name=name)
    return plan_run(
        installation,
        logic,
        taken,
        source_id=source,
        source_name=name,
        noted={"warnings": [], "records": records.as_json()} | compared.noted,
        together=placed(installation, unit_id, None),
    )


def _refuse_another_sign(mapping: MappingDocument, header: Sequence[str]) -> None:
    """Misuse where the numbers of records would be read as others."""
    decimal = mapping.for_columns(header).locale.decimal
    if decimal != OWN_FORMAT.decimal:
        raise Misuse(
            "the mapping reads another sign before decimals than records of a contract are written with",
            where=f"mapping {mapping.mapping}, locale.decimal",
            value=decimal,
            valid=OWN_FORMAT.decimal,
            remedy="Take a mapping of its own for records.",
        )


def _netted(path: Path, mapping: MappingDocument, key: Sequence[str]) -> Path:
    """The file with what is left of each record once others were taken off it, under its name in a folder beside it."""
    target = path.parent / "netted" / path.name
    target.parent.mkdir()

    def tables() -> Iterator[pa.Table]:
        with path.open("rb") as file:
            for batch in parsed_batches(file):
                yield pa.Table.from_batches([batch])

    with path.open("rb") as file:
        header = [*parsed_header(file), NET, NET_OF]
    schema = pa.schema([(name, pa.string()) for name in header])
    with (
        target.open("wb") as out,
        arrow_csv.CSVWriter(out, schema, write_options=arrow_csv.WriteOptions(quoting_style="all_valid")) as writer,
        netted(mapping, key, tables) as beside,
    ):
        for table, more in zip(tables(), beside, strict=True):
            arrays = [*table.itercolumns(), *more.itercolumns()]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return target


def _words(spec: FieldSpec, mapping: MappingDocument) -> dict[str, str]:
    """State -> the word that the mapping reads it from: its own first; those that are always known are known in
    numbers, dates and booleans only, for in texts and codes they may be values.
    """
    own = {state: word for word, state in reversed(mapping.absent.items())}
    return (KNOWN_WORDS if spec.type in KNOW_ABSENCE else {}) | own


def _records_of(installation: Installation, recipe: Recipe) -> Records:
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
    return Records(name=f"{document.name}@{document.major}", document=document, followed=followed)


def _contract(installation: Installation, reference: str) -> Document:
    name, _, major = reference.partition("@")
    return installation.contract(name, int(major))


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A record that another was made from: its contract, its key, and what was read of it.

    row_hash   hexadecimal; runs of before it was kept have none
    taken_off  how much of the other this one has taken off; None where it took nothing off
    """

    contract: str
    major: int
    key: str
    cells: Mapping[str, str]
    row_hash: str | None
    taken_off: str | None = None


def origins_of(layout: Mapping[str, Any], cells: Mapping[str, str]) -> tuple[Origin, ...]:
    """The records that a raw record was made from, the one itself first; () where its run read a file or a source."""
    said = layout.get("records")
    if said is None:
        return ()
    name, major = said["contract"]
    of_others = tuple(f"{field}." for field in said["follow"])
    own = {column: text for column, text in cells.items() if not column.startswith(of_others)}
    found = [_origin((name, major), "|".join(own[column] for column in said["key"]), own)]
    for field, contract in sorted(said["follow"].items()):
        prefix = f"{field}."
        read = {column.removeprefix(prefix): text for column, text in cells.items() if column.startswith(prefix)}
        if own[field] and any(read.values()):
            found.append(_origin(contract, own[field], read))
    for key, amount, row_hash in json.loads(cells.get(NET_OF) or "[]"):
        found.append(Origin(contract=name, major=major, key=key, cells={}, row_hash=row_hash, taken_off=amount))
    return tuple(found)


def _origin(contract: Sequence[Any], key: str, cells: Mapping[str, str]) -> Origin:
    fields = {name: text for name, text in cells.items() if not name.startswith("_")}
    name, major = contract
    return Origin(contract=name, major=major, key=key, cells=fields, row_hash=cells.get(ROW_HASH) or None)
