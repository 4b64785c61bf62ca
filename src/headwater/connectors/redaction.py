"""Files as they came, written again without somebody's records, in the forms in which that can be done."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, BinaryIO

from headwater.connectors.csv_file import is_utf8
from headwater.connectors.files import CSV, PARQUET, WORKBOOKS
from headwater.connectors.marked_workbook.plain import as_xlsx
from headwater.connectors.parquet_file.redact import write_without
from headwater.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from headwater.connectors.files import FileConfig

_BLOCK = 1024 * 1024


def obstacle(config: FileConfig) -> str | None:
    """Why a file as it came cannot be written again; None where it can."""
    if config.member is not None:
        return "it is packed"
    if config.shape.unpivot or config.shape.fill_down or (config.shape and config.format == CSV):
        # A column's name, or a cell above that filled theirs, may be what tells whom a record is about.
        return "it was reshaped when it was read"
    if config.format in {*WORKBOOKS, PARQUET} or (config.is_delimited and not is_utf8(config.csv.encoding or "utf-8")):
        return None
    return f"a file of format {config.format} is not written again"


def write_redacted(
    path: Path,
    config: FileConfig,
    out: BinaryIO,
    *,
    name: str,
    rows: Mapping[str, Mapping[int, Collection[str]]],
    text: Path,
) -> None:
    """Write the file without what `rows` says: part of the file -> row there -> columns. `text` is its redacted text.

    - A workbook becomes an XLSX of values: nothing is left of comments, formulas, names, properties and texts that no
      cell shows. The rows are blank as a whole.
    - Of Parquet the cells hold nothing.
    - Delimited text of another encoding is its redacted text in that encoding.

    InputRefused where that cannot be done: see `obstacle`.
    """
    why = obstacle(config)
    if why is not None:
        raise InputRefused(why, where=name)
    if config.format in WORKBOOKS:
        as_xlsx(path, out, name=name, blank={sheet: list(numbers) for sheet, numbers in rows.items()})
    elif config.format == PARQUET:
        write_without(path, {row - 1: names for part in rows.values() for row, names in part.items()}, out)
    else:
        _encode(text, config.csv.encoding or "utf-8", out, name)


def _encode(text: Path, encoding: str, out: BinaryIO, name: str) -> None:
    decoder, encoder = codecs.getincrementaldecoder("utf-8")(), codecs.getincrementalencoder(encoding)()
    with text.open("rb") as file:
        try:
            while block := file.read(_BLOCK):
                out.write(encoder.encode(decoder.decode(block)))
        except UnicodeError as error:
            raise InputRefused(
                "its text cannot be written in its encoding again", where=name, value=encoding
            ) from error
        out.write(encoder.encode("", final=True))
