"""A file looked at before anything is loaded: what it is, what its columns hold, and which mappings could read it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.connectors.files import FileConfig, inspect_file
from headwater.errors import HeadwaterError, Misuse
from headwater.mapping import Mapping, compile_mapping, read_mapping
from headwater.mapping.profile import profile
from headwater.services.installation import installed_packs
from headwater.services.samples import take_sample
from headwater.services.sources import config_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headwater.connectors.inspection import Inspection
    from headwater.contracts import Document
    from headwater.mapping.profile import Profile
    from headwater.services.samples import Sample


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """What a file is; `mappings` are those brought by packs for which every column they need is there, after the
    contract that a workbook to fill in was made for.
    """

    file: Inspection[FileConfig]
    profile: Profile
    mappings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**self.file.as_json(), "profile": self.profile.as_json(), "mappings": list(self.mappings)}


def inspect(path: Path, hints: FileConfig) -> Inspected:
    """Inspect a file; what `hints` say is taken as said. InputRefused, in words, for what cannot be read."""
    refuse_folder(path)
    sample = take_sample(path, hints)
    found = sample.inspection
    return Inspected(
        file=found, profile=profiled(sample), mappings=(*filter(None, [found.contract]), *fitting(path, found))
    )


def refuse_folder(path: Path) -> None:
    """Misuse where it is a folder: only a file is looked at alone."""
    if path.is_dir():
        raise Misuse(
            "this is a folder",
            where=str(path),
            valid="one file",
            remedy=f"Look at all its files with: headwater recipe init {shlex.quote(str(path))}",
        )


def profiled(sample: Sample) -> Profile:
    """What the columns of a sample hold."""
    return profile(sample.rows, dict(sample.inspection.units))


def fitting(path: Path, found: Inspection[FileConfig]) -> tuple[str, ...]:
    """Mappings that packs bring and that compile for this file; the one that reads most of its columns first, so that
    a column such as the unit is not passed over by one made for files without it.
    """
    read = {mapping.mapping: _columns_read(mapping, document, path, found) for mapping, document in _shipped()}
    return tuple(sorted((name for name, count in read.items() if count), key=lambda name: (-read[name], name)))


def _shipped() -> Iterator[tuple[Mapping, Document]]:
    for pack in installed_packs():
        documents = {(document.name, document.major): document for document in pack.documents()}
        for entry in sorted(pack.mappings.iterdir(), key=lambda entry: entry.name) if pack.mappings.is_dir() else ():
            if not entry.name.endswith(".yaml"):
                continue
            mapping = read_mapping(entry.read_text(encoding="utf-8"), where=entry.name)
            document = documents.get((mapping.contract_name, mapping.contract_major))
            if document is not None:
                yield mapping, document


def _columns_read(mapping: Mapping, document: Document, path: Path, found: Inspection[FileConfig]) -> int:
    """How many of the file's columns the mapping reads; 0 where it does not fit."""
    source = mapping.source
    if source.format not in {None, found.format}:
        return 0
    if source.delimiter is not None and source.delimiter != found.config.csv.delimiter:
        return 0
    hints = config_of(mapping)
    is_read_otherwise = hints.shape or source.sheets or source.header or source.records
    try:
        columns = inspect_file(path, hints).columns if is_read_otherwise else found.columns
        return len(compile_mapping(mapping, document, columns).used_columns)
    except HeadwaterError:
        return 0
