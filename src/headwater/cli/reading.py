"""The options that say how a file is to be read, for every command that looks at one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from headwater.connectors.files import FileConfig

Format = Annotated[
    str | None,
    typer.Option(
        "--format", help="Take it as csv, xlsx, xls, ods, json, jsonl, geojson, xml or parquet.", show_default="found"
    ),
]
Member = Annotated[
    str | None, typer.Option(help="Which file of an archive, by name or pattern.", show_default="the only one")
]
Encoding = Annotated[
    str | None, typer.Option(help="Take it as this encoding, like utf-8 or cp1252.", show_default="found")
]
Delimiter = Annotated[str | None, typer.Option(help="Take this sign between fields.", show_default="found")]
Preamble = Annotated[int | None, typer.Option(min=0, help="Lines above the header.", show_default="found")]
Sheet = Annotated[
    list[str] | None,
    typer.Option(
        "--sheet", help="Sheet of a workbook, by name or pattern; may be given several times.", show_default="found"
    ),
]
Header = Annotated[int | None, typer.Option(min=1, help="Row or line of the header.", show_default="found")]
Records = Annotated[
    str | None, typer.Option(help="Path of the records in JSON or XML, like d/results.", show_default="found")
]


def hints(
    *,
    file_format: str | None = None,
    member: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    preamble: int | None = None,
    sheet: list[str] | None = None,
    header: int | None = None,
    records: str | None = None,
) -> FileConfig:
    """What the options say."""
    from headwater.connectors.csv_file import CsvConfig
    from headwater.connectors.files import FileConfig
    from headwater.connectors.nested import NestedConfig
    from headwater.connectors.workbook import WorkbookConfig

    return FileConfig(
        format=file_format,
        member=member,
        csv=CsvConfig(
            encoding=encoding,
            delimiter=delimiter,
            preamble=header - 1 if header is not None and preamble is None else preamble,
        ),
        workbook=WorkbookConfig(sheets=tuple(sheet) if sheet else None, header=header),
        nested=NestedConfig(records=records, encoding=encoding),
    )
