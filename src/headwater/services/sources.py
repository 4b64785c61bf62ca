"""A file taken in: inspected, kept as a blob, brought to UTF-8 where it is not, and planned, in one pass over it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from headwater.connectors.csv_file import CsvConfig, Layout, Planner, inspect_file, is_utf8, to_utf8
from headwater.connectors.csv_file.records import Dialect
from headwater.errors import Misuse
from headwater.store.cited_blobs import size_is_known

if TYPE_CHECKING:
    from pathlib import Path

    from headwater.connectors.csv_file import Plan
    from headwater.mapping import Mapping
    from headwater.services.installation import Installation
    from headwater.store.blobs import Blob


@dataclass(frozen=True, kw_only=True)
class TakenIn:
    """A file of which every byte is kept. `text` is the blob that spans point into: `raw` itself where it is UTF-8."""

    name: str
    raw: Blob
    text: Blob
    encoding: str
    plan: Plan


def config_of(mapping: Mapping) -> CsvConfig:
    """What a mapping says about how its source is written."""
    source = mapping.source
    return CsvConfig(
        encoding=source.encoding,
        delimiter=source.delimiter,
        quote=source.quote,
        comment=source.comment,
        preamble=source.preamble,
    )


def take_in(installation: Installation, path: Path, config: CsvConfig, *, chunk_size: int) -> TakenIn:
    """Keep and plan a file. InputRefused where it is no delimited text or a guess would not be sure enough."""
    if not path.is_file():
        raise Misuse("there is no such file", where=str(path), remedy="Look at the path; a folder is not a source yet.")
    found = inspect_file(path, config)
    planner = Planner(found.config, chunk_size, name=path.name)
    tenant_id = installation.tenant_id
    if is_utf8(found.encoding):
        with installation.database.connect(tenant_id) as connection:
            perhaps_held = size_is_known(connection, tenant_id, found.size)
        raw = text = installation.blobs.put_file(tenant_id, path, on_block=planner.feed, perhaps_held=perhaps_held)
    else:
        raw = installation.blobs.put_file(tenant_id, path)
        with installation.blobs.writer(tenant_id) as writer:
            to_utf8(path, found.encoding, _Both(writer, planner))
        text = writer.blob
    return TakenIn(name=path.name, raw=raw, text=text, encoding=found.encoding, plan=planner.finish())


class _Both:
    """Writes go to the blob and to the plan."""

    def __init__(self, writer: Any, planner: Planner) -> None:
        self._writer = writer
        self._planner = planner

    def write(self, block: bytes) -> int:
        """Take a block."""
        self._planner.feed(block)
        written: int = self._writer.write(block)
        return written


def layout_as_json(layout: Layout) -> dict[str, Any]:
    """A layout as it is stored with a run."""
    body = asdict(layout)
    return {field.name: body[field.name] for field in fields(Layout)}


def layout_from_json(body: dict[str, Any]) -> Layout:
    """A layout as it was stored. What else a run keeps beside it (`mends`: see `pipeline.mending`) is left out."""
    return Layout(
        columns=tuple(body["columns"]),
        header=tuple(body["header"]),
        preamble=tuple(body["preamble"]),
        header_line=body["header_line"],
        data_byte=body["data_byte"],
        data_line=body["data_line"],
        dialect=Dialect(**body["dialect"]),
    )
