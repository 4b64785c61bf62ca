"""`headwater map`: a mapping suggested, and what it would do to a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import print_facts, print_json, print_table, told_of
from headwater.cli.reading import Delimiter, Encoding, Preamble, hints
from headwater.cli.session import read_settings

if TYPE_CHECKING:
    from headwater.mapping.suggest import SuggestedField
    from headwater.services.suggestions import Suggested

app = typer.Typer(no_args_is_help=True, help="Mappings: from a file's columns to a contract's fields.")

Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]


@app.command()
def suggest(
    file: Annotated[Path, typer.Argument(help="The file to map.", show_default=False)],
    *,
    contract: Annotated[
        str | None,
        typer.Option("--contract", "-c", help="A contract: activity or activity@1.", show_default="the one that fits"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the mapping here.", show_default="not written")
    ] = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    preamble: Preamble = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Suggest a first mapping of a file.

    Each field gets the column that fits it best by name, unit, type and values, with confidence and reason; no column
    is used twice. What is not sure stays open, and is said: a wrong column is worse than none. Without --contract
    every contract is tried. Nothing is loaded, and no database is needed.

    \b
    Examples:
      headwater map suggest meters.csv
      headwater map suggest meters.csv --contract activity --out meters.yaml
      headwater map suggest meters.csv --contract activity --json
    """
    from headwater.services.suggestions import mapping_name, suggest_mapping, write_new

    read_settings()
    found = suggest_mapping(
        file,
        contract,
        hints(encoding=encoding, delimiter=delimiter, preamble=preamble),
        name=mapping_name(out.name.removesuffix(".yaml") if out else file.name),
    )
    if out is not None:
        write_new(out, found.yaml, force=force)
    if as_json:
        print_json({**found.as_json(), "written": str(out) if out else None})
        return
    _tell(found)
    if out is not None:
        typer.echo(f"Written: {out}. Fill what is open, then: headwater map preview {file} --mapping {out}")
    else:
        typer.echo(
            f"Write it with: headwater map suggest {file} --contract {found.suggestion.contract} --out MAPPING.yaml"
        )


def _tell(found: Suggested) -> None:
    suggestion = found.suggestion
    others = ", ".join(f"{each.contract} {each.fit:.0%}" for each in found.others[:4])
    print_facts(
        [
            ("contract", f"{suggestion.contract}, {suggestion.title}"),
            ("looked at", f"{found.sample.rows.num_rows:,} records"),
            *([("fit", f"{suggestion.fit:.0%}; others: {others}")] if others else []),
            *([("unpivot", _unpivot(found))] if suggestion.unpivot else []),
            ("required, open", ", ".join(suggestion.required_open) or "none"),
        ]
    )
    shown = [field for field in suggestion.fields if not field.is_open or field.required or field.perhaps]
    print_table(
        ["field", "column", "confidence", "why"],
        [
            (field.field, _origin(field), "" if field.is_open else f"{field.confidence:.0%}", _why(field))
            for field in shown
        ],
        title="Fields",
        numbers=["confidence"],
        whole=["field"],
    )
    left = len(suggestion.fields) - len(shown)
    if left:
        typer.echo(
            f"{told_of(len(shown), len(suggestion.fields), 'fields')}; for the others there is nothing in the file."
        )
    if suggestion.unused:
        typer.echo(f"Columns that no field takes: {', '.join(suggestion.unused)}")


def _unpivot(found: Suggested) -> str:
    turned = found.suggestion.unpivot
    return (
        f"{len(turned.columns)} columns are years and become records: {turned.name}, {turned.value}" if turned else ""
    )


def _origin(field: SuggestedField) -> str:
    if field.column is not None:
        return field.column
    return (
        f"constant {field.constant}"
        if field.constant is not None
        else "open" + (", required" if field.required else "")
    )


def _why(field: SuggestedField) -> str:
    perhaps = "perhaps " + ", ".join(f"{each.column} {each.confidence:.0%}" for each in field.perhaps)
    return "; ".join([*field.why, *([perhaps] if field.perhaps else [])])
