"""The options that say how a file is to be read, for every command that looks at one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from headwater.connectors.csv_file import CsvConfig

Encoding = Annotated[
    str | None, typer.Option(help="Take it as this encoding, like utf-8 or cp1252.", show_default="found")
]
Delimiter = Annotated[str | None, typer.Option(help="Take this sign between fields.", show_default="found")]
Preamble = Annotated[int | None, typer.Option(min=0, help="Lines above the header.", show_default="found")]


def hints(*, encoding: str | None, delimiter: str | None, preamble: int | None) -> CsvConfig:
    """What the options say."""
    from headwater.connectors.csv_file import CsvConfig

    return CsvConfig(encoding=encoding, delimiter=delimiter, preamble=preamble)
