"""Tables for people, JSON for programs; both on standard output."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any

import typer

from headwater.documents.counted import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

FOLDED = 30
"""So wide a column may be before its texts are folded."""

NARROW = 16
"""Narrower than this a column of words is not made."""

GAP = 3
"""Spaces between the columns of a table."""

WIDTH = 140
"""Columns of a line where no terminal says how wide it is."""


_COPIED = re.compile(
    r"://|^\S+@\S+\.\S+$|^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$|^[0-9a-f]{40,}$"
)
"""What is copied from a table: addresses, ids and hashes."""


def print_json(document: Any) -> None:
    """One JSON document; what JSON has no form for is written as text."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str | None = None,
    numbers: Sequence[str] = (),
    whole: Sequence[str] = (),
) -> None:
    """A table whose cells fold and are never cut, those of `whole` not even that; `numbers` stand to the right.

    Ids and addresses stay whole, too, so that they can be copied. Where the terminal is too narrow for such a table,
    one row is written below the other, one column a line.
    """
    cells = [[text_of(cell) for cell in row] for row in rows]
    kept = [
        column in whole or column in numbers or any(_COPIED.search(row[place]) for row in cells)
        for place, column in enumerate(columns)
    ]
    if title:
        typer.echo(f"\n{typer.style(title, bold=True)}")
    if cells and _narrowest(columns, cells, kept) > console().width:
        for row in cells:
            print_facts(pair for pair in zip(columns, row, strict=True) if pair[1])
            typer.echo()
        return
    _print_beside(columns, cells, kept, numbers)


def _narrowest(columns: Sequence[str], cells: Sequence[Sequence[str]], kept: Sequence[bool]) -> int:
    """So wide the table must be that no word of up to `NARROW` signs, and nothing that is kept whole, is broken."""
    total = GAP * (len(columns) - 1)
    for place, name in enumerate(columns):
        texts = [name, *(row[place] for row in cells)]
        longest = max(len(line) for text in texts for line in text.split("\n"))
        total += longest if kept[place] else min(NARROW, longest)
    return total


def _print_beside(
    columns: Sequence[str], cells: Sequence[Sequence[str]], kept: Sequence[bool], numbers: Sequence[str]
) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold", no_wrap=kept[place])
    for row in cells:
        table.add_row(*map(Text, row))
    console().print(table)
    typer.echo()


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Names and values, one a line."""
    pairs = [(name, text_of(value)) for name, value in facts]
    width = max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        first, *more = value.split("\n") or [""]
        typer.echo(f"{name.ljust(width)}  {first}".rstrip())
        for line in more:
            typer.echo(f"{' ' * width}  {line}")


def text_of(value: object) -> str:
    """A cell: numbers with thousands and without exponents, times to the second, nothing as nothing."""
    import datetime
    from decimal import Decimal

    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Decimal):
        return f"{value:f}" if value else "0"
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return str(value)


def in_words(identifier: str) -> str:
    """A state as people read it; programs have the identifier."""
    return identifier.replace("_", " ")


def told_of(shown: int, total: int, one: str, many: str | None = None) -> str:
    """How many there are, and that a list is shortened. `many` is `one` with an s unless it is said."""
    told = counted(total, one, many)
    return told if shown == total else f"{shown:,} of {told} shown"


def fitting(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """As many columns, from the first, as stand beside each other without being folded to shreds; at least one."""
    left, shown = console().width, list[str]()
    for place, name in enumerate(columns):
        left -= 3 + min(FOLDED, max(len(name), *(len(row[place]) for row in rows), 0))
        if left < 0 and shown:
            break
        shown.append(name)
    return shown


def console() -> Console:
    """Standard output as rich sees it: as wide as the terminal, without colours anywhere else."""
    from rich.console import Console

    class Ours(Console):
        def on_broken_pipe(self) -> None:
            """Whoever started the program decides; see `exits`."""
            raise BrokenPipeError

    known = sys.stdout.isatty() or os.environ.get("COLUMNS")
    return Ours(file=sys.stdout, width=None if known else WIDTH, highlight=False, emoji=False)
