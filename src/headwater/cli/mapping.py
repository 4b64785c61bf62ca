"""`headwater map`: a mapping suggested, and what it would do to a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import print_facts, print_json, print_table
from headwater.cli.session import installation, read_settings
from headwater.cli.suggesting import suggest
from headwater.documents.counted import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.services.trials.previews import Preview

app = typer.Typer(no_args_is_help=True, help="Mappings: from a file's columns to a contract's fields.")
app.command()(suggest)


@app.command()
def preview(
    file: Annotated[Path, typer.Argument(help="The file.", show_default=False)],
    mapping: Annotated[
        str, typer.Option("--mapping", "-m", help="Path of a mapping, or the name of one that a pack brings.")
    ],
    rows: Annotated[int, typer.Option(min=1, max=1_000, help="Records to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show what a mapping would do to a file.

    The first records as they would land, with their findings; counts over the first 2,000; and the tCO2e at stake, of
    records that would be loaded and of those that would be refused. Activities are calculated with the factors of the
    database, and codes that refer to other contracts are looked up there, where one is set up. Nothing is loaded.

    \b
    Examples:
      headwater map preview meters.csv --mapping meters.yaml
      headwater map preview electricity_2024.csv --mapping laboratory_electricity --rows 5
      headwater map preview meters.csv --mapping meters.yaml --json
    """
    from headwater.services.trials.previews import preview as look

    settings = read_settings()
    if settings.database_url is None and not (settings.data_dir / "postgres").exists():
        found = look(file, mapping, rows=rows)
    else:
        with installation() as opened:
            found = look(file, mapping, rows=rows, installation=opened)
    if as_json:
        print_json(found.as_json())
        return
    _tell_preview(found)


def _tell_preview(found: Preview) -> None:
    def counts(of: Mapping[str, int]) -> str:
        return "\n".join(f"{count:,} {what}" for what, count in of.items()) or "none"

    print_facts(
        [
            ("mapping", f"{found.mapping} to {found.contract}"),
            ("looked at", f"{'all' if found.is_whole else 'the first'} {counted(found.read, 'record')}"),
            ("loaded", f"{found.loaded:,}" + (f", {found.merged:,} merged" if found.merged else "")),
            ("skipped", counts(found.skipped)),
            ("refused", f"{found.refused_records:,}"),
            *([("because", counts(found.refused))] if found.refused else []),
            ("noticed", counts(found.noticed)),
            ("columns not used", ", ".join(found.unused) or "none"),
            *([("not looked up", f"codes of {', '.join(found.unchecked)}")] if found.unchecked else []),
        ]
    )
    used = list(found.rows[0].fields) if found.rows else []
    used = [name for name in used if any(row.fields[name] is not None for row in found.rows)]
    print_table(
        ["line", "state", *used],
        [(f"{row.part} {row.number}".strip(), row.state, *(row.fields[name] for name in used)) for row in found.rows],
        title="As they would land",
        whole=["line"],
    )
    told = [(f"{row.part} {row.number}".strip(), each) for row in found.rows for each in row.findings]
    if told:
        print_table(["line", "finding"], told, title="Findings on these", whole=["line"])
    if found.stakes:
        print_table(
            ["figure", "loaded t", "refused t", "refused, not known"],
            [(each.figure, f"{each.loaded:,.3f}", f"{each.refused:,.3f}", each.untold) for each in found.stakes],
            title="CO2e at stake",
            numbers=["loaded t", "refused t", "refused, not known"],
        )
    typer.echo("Nothing was loaded.")
