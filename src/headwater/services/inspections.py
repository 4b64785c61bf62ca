"""A file looked at before anything is loaded: what it is, and which mappings could read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.connectors.csv_file import CsvConfig, inspect_file
from headwater.connectors.inspection import Inspection
from headwater.errors import HeadwaterError
from headwater.mapping import Mapping, compile_mapping, read_mapping
from headwater.services.installation import installed_packs

if TYPE_CHECKING:
    from pathlib import Path

    from headwater.contracts import Document


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """What a file is; `mappings` are those brought by packs for which every column they need is there."""

    file: Inspection[CsvConfig]
    mappings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**self.file.as_json(), "mappings": list(self.mappings)}


def inspect(path: Path, hints: CsvConfig) -> Inspected:
    """Inspect a file; what `hints` say is taken as said. InputRefused, in words, for what cannot be read."""
    found = inspect_file(path, hints)
    return Inspected(file=found, mappings=_fitting(found))


def _fitting(found: Inspection[CsvConfig]) -> tuple[str, ...]:
    fitting = []
    for pack in installed_packs():
        documents = {(document.name, document.major): document for document in pack.documents()}
        for entry in sorted(pack.mappings.iterdir(), key=lambda entry: entry.name) if pack.mappings.is_dir() else ():
            if not entry.name.endswith(".yaml"):
                continue
            mapping = read_mapping(entry.read_text(encoding="utf-8"), where=entry.name)
            document = documents.get((mapping.contract_name, mapping.contract_major))
            if document is not None and _reads(mapping, document, found):
                fitting.append(mapping.mapping)
    return tuple(fitting)


def _reads(mapping: Mapping, document: Document, found: Inspection[CsvConfig]) -> bool:
    delimiter = mapping.source.delimiter
    if delimiter is not None and delimiter != found.config.delimiter:
        return False
    try:
        compile_mapping(mapping, document, found.columns)
    except HeadwaterError:
        return False
    return True
