"""A file taken in: kept as a blob, brought to its text where it is none itself, and planned, in one pass over it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from headwater.connectors.csv_file import CsvConfig, Layout, Planner
from headwater.connectors.csv_file.records import Dialect
from headwater.connectors.files import FileConfig, write_text_of
from headwater.connectors.nested import NestedConfig
from headwater.connectors.text_table import Part
from headwater.connectors.text_table.shape import Shape, Unpivot
from headwater.connectors.workbook import WorkbookConfig
from headwater.services.kept_files import clear_file
from headwater.store.cited_blobs import size_is_known
from headwater.values.text_format import OWN_FORMAT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headwater.connectors.csv_file import Plan
    from headwater.connectors.inspection import Inspection
    from headwater.mapping import Mapping as MappingDocument
    from headwater.services.installation import Installation
    from headwater.store.blobs import Blob

TEXTS_ONLY = frozenset({"csv", "xml"})
"""Formats without numbers of their own."""


@dataclass(frozen=True, kw_only=True)
class TakenIn:
    """A file of which every byte is kept. `text` is the blob that spans point into: `raw` itself where that is UTF-8.

    reading  what decides how the text was made of the file; with it, it can be made again
    """

    name: str
    raw: Blob
    text: Blob
    encoding: str
    reading: FileConfig
    plan: Plan


def config_of(mapping: MappingDocument) -> FileConfig:
    """What a mapping says about how its source is written."""
    source = mapping.source
    turned = source.unpivot
    return FileConfig(
        format=source.format,
        member=source.member,
        csv=CsvConfig(
            encoding=source.encoding,
            delimiter=source.delimiter,
            quote=source.quote,
            comment=source.comment,
            preamble=source.header - 1 if source.header and source.preamble is None else source.preamble,
        ),
        workbook=WorkbookConfig(
            sheets=source.sheets, header=source.header, header_rows=source.header_rows, units_row=source.units_row
        ),
        nested=NestedConfig(records=source.records, encoding=source.encoding),
        shape=Shape(
            fill_down=source.fill_down,
            unpivot=Unpivot(columns=turned.patterns, name=turned.name, value=turned.value, unit=turned.unit)
            if turned
            else None,
            add=source.add,
        ),
        decimal=mapping.locale.decimal,
    )


def take_in(installation: Installation, path: Path, found: Inspection[FileConfig], *, chunk_size: int) -> TakenIn:
    """Keep and plan a file as it was inspected."""
    config, tenant_id = found.config, installation.tenant_id
    planner = Planner(config.text, chunk_size, name=found.name)
    parts: tuple[Part, ...] = ()
    if config.stands_for_itself:
        with installation.database.connect(tenant_id) as connection:
            perhaps_held = size_is_known(connection, tenant_id, found.size)
        raw = text = installation.blobs.put_file(tenant_id, path, on_block=planner.feed, perhaps_held=perhaps_held)
    else:
        raw = installation.blobs.put_file(tenant_id, path)
        with installation.blobs.writer(tenant_id) as writer:

            def both(block: bytes) -> None:
                planner.feed(block)
                writer.write(block)

            with clear_file(installation, raw.sha256) as kept:
                parts = write_text_of(kept, config, both, name=found.name)
        text = writer.blob
    return TakenIn(
        name=found.name,
        raw=raw,
        text=text,
        encoding=found.encoding,
        reading=config,
        plan=replace(planner.finish(), parts=parts),
    )


def layout_as_json(taken: TakenIn) -> dict[str, Any]:
    """A layout as it is stored with a run, with the file's name, and what the text was made by where it is not the file
    itself.
    """
    body = asdict(taken.plan)
    layout = {field.name: body[field.name] for field in fields(Layout)} | {"file": taken.name}
    return layout if taken.raw == taken.text else layout | {"reading": taken.reading.as_json()}


def file_of(layout: Mapping[str, Any]) -> str | None:
    """The name under which a run took its file, as it keeps it; None of runs that kept none. The blob bears the name
    that its first run gave it, and the same bytes may have come under another since.
    """
    return layout.get("file")


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
        parts=tuple(Part(**{**part, "columns": tuple(part["columns"])}) for part in body.get("parts", ())),
        unwanted=tuple(body.get("unwanted", ())),
    )


def decimal_written(layout: Mapping[str, Any]) -> str | None:
    """The sign that numbers of a source have before their decimals in the texts of a run; None where its cells are
    texts at the source, too, so that any mapping may read them as they are.

    A table's numbers are written as the mapping says by which it was read, and so are those of a workbook, of JSON or
    of Parquet; those of records as a contract has them.
    """
    if "selection" in layout:
        return str(layout["decimal"])
    if "records" in layout:
        return OWN_FORMAT.decimal
    reading = reading_from_json(dict(layout))
    return None if reading is None or reading.format in TEXTS_ONLY else reading.decimal


def reading_from_json(body: dict[str, Any]) -> FileConfig | None:
    """How the text was made, as it was stored; None where the file is its own text."""
    return FileConfig.from_json(body["reading"]) if "reading" in body else None
