"""What a source holds: its tables, their columns as its own catalogue has them, or the files of a store."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headwater.cli import exits
from headwater.cli.connectors_asking import Name
from headwater.cli.imports import AsJson
from headwater.cli.printing import print_json, print_table
from headwater.cli.session import installation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.connectors.protocol import Column, RemoteFile, Table

FEW = 3


def discover(
    name: Name,
    *,
    table: Annotated[
        str | None, typer.Option("--table", "-t", help="This table alone, with its columns and their types.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the tables of a source with their keys and cursors, the columns of one of them, or the files of a store.

    Types are told in the source's own words. Cursors are columns that tell what changed. Other times are dates of the
    business and of entries: rows changed later keep them, so that a sync by one passes over such a change.

    \b
    Examples:
      headwater connectors discover crm
      headwater connectors discover crm --table public.meters
      headwater connectors discover crm --json

    \b
    Exit codes: 0 found, 1 nothing is found or the source does not answer, 2 usage, or a login or name that is refused.
    """
    from headwater.connectors.protocol import RemoteFile, Table
    from headwater.services.connectors.viewing import discover as ask
    from headwater.services.connectors.viewing import discovered_table

    with installation() as opened:
        found = [discovered_table(opened, name, table)] if table else ask(opened, name)
        if not found and not as_json:
            _tell_why(opened, name)
    if as_json:
        print_json([_as_json(each) for each in found])
    if not found:
        raise typer.Exit(exits.ERROR)
    if as_json:
        return
    if tables := [each for each in found if isinstance(each, Table)]:
        _tell_columns(name, tables[0]) if table else _tell_tables(name, tables)
        return
    _tell_files([each for each in found if isinstance(each, RemoteFile)])


def _tell_why(opened: Any, name: str) -> None:
    from headwater.errors import Misuse
    from headwater.services.connectors.viewing import validate

    problems = validate(opened, name, None)
    told = [Misuse(each.what, where=each.where, valid=each.valid, remedy=each.remedy) for each in problems]
    typer.echo("\n".join(map(str, told)) or "There is no table that this login may read.")


def _tell_tables(name: str, tables: Sequence[Table]) -> None:
    from headwater.services.connectors.kept_samples import TABLES_AT_ONCE

    print_table(
        ["table", "rows, about", "columns", "key", "cursors", "other times"],
        [
            (
                each.name,
                "not known" if each.rows is None else each.rows,
                len(each.columns),
                ", ".join(each.key),
                ", ".join(each.cursors),
                _few(each.times),
            )
            for each in tables
        ],
        numbers=["rows, about", "columns"],
        whole=["table"],
    )
    one = shlex.quote(tables[0].name)
    typer.echo(f"The columns of one and their types: headwater connectors discover {name} --table {one}")
    if len(tables) > TABLES_AT_ONCE:
        typer.echo(
            f"Of more than {TABLES_AT_ONCE} tables no rows are kept at once; of one they are by the same command."
        )


def _tell_columns(name: str, table: Table) -> None:
    print_table(
        ["column", "type", "may be null", "part"],
        [(each.name, each.type, each.nullable, _part(table, each)) for each in table.columns],
        title=table.name,
        whole=["column"],
    )
    if table.comment:
        typer.echo(table.comment)
    typer.echo(f"Begin a mapping with: headwater map suggest --connector {name} --table {shlex.quote(table.name)}")


def _part(table: Table, column: Column) -> str:
    """What the column is to the table."""
    name, parts = column.name, []
    if name in table.key:
        place = f", {table.key.index(name) + 1} of {len(table.key)}" if len(table.key) > 1 else ""
        parts.append(f"key{place}")
    if name in table.cursors:
        parts.append("cursor")
    if name in table.times:
        parts.append("other time")
    meant = ((key.table, key.to[key.columns.index(name)]) for key in table.references if name in key.columns)
    parts += [f"references {other} ({there})" for other, there in meant]
    return "; ".join(parts)


def _tell_files(files: Sequence[RemoteFile]) -> None:
    print_table(
        ["file", "bytes", "modified", "version"],
        [(each.name, each.size, each.modified, each.version) for each in files],
        numbers=["bytes"],
    )


def _as_json(found: Table | RemoteFile) -> dict[str, Any]:
    from dataclasses import asdict

    from headwater.connectors.protocol import RemoteFile

    if isinstance(found, RemoteFile):
        return asdict(found)
    columns = [
        {"name": each.name, "type": each.type, "arrow": str(each.arrow), "nullable": each.nullable}
        for each in found.columns
    ]
    return {
        "table": found.name, "columns": columns, "key": found.key, "cursors": found.cursors,
        "times": found.times, "rows": found.rows, "comment": found.comment,
        "references": [asdict(each) for each in found.references],
    }  # fmt: skip


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:FEW]) + (f" and {len(names) - FEW:,} more" if len(names) > FEW else "")
