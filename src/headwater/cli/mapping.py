"""`headwater map`: a mapping suggested, and what it would do to a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import print_facts, print_json, print_table, told_of
from headwater.cli.reading import Delimiter, Encoding, Format, Header, Member, Preamble, Records, Sheet, hints
from headwater.cli.session import installation, read_settings
from headwater.documents.counted import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.mapping.suggest import SuggestedField
    from headwater.services.previews import Preview
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
    file_format: Format = None,
    member: Member = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    preamble: Preamble = None,
    sheet: Sheet = None,
    header: Header = None,
    records: Records = None,
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
        hints(
            file_format=file_format,
            member=member,
            encoding=encoding,
            delimiter=delimiter,
            preamble=preamble,
            sheet=sheet,
            header=header,
            records=records,
        ),
        name=mapping_name(out.name.removesuffix(".yaml") if out else file.name),
    )
    if out is not None:
        write_new(out, found.yaml, force=force)
    if as_json:
        print_json({**found.as_json(), "written": str(out) if out else None})
        return
    _tell(found)
    typer.echo(_next_step(found, file, out))


def _next_step(found: Suggested, file: Path, out: Path | None) -> str:
    if out is not None:
        return f"Written: {out}. Fill what is open, then: headwater map preview {file} --mapping {out}"
    return f"Write it with: headwater map suggest {file} --contract {found.suggestion.contract} --out MAPPING.yaml"


def _tell(found: Suggested) -> None:
    suggestion = found.suggestion
    others = ", ".join(f"{each.contract} {each.fit:.0%}" for each in found.others[:4])
    print_facts(
        [
            ("contract", f"{suggestion.contract}, {suggestion.title}"),
            ("looked at", counted(found.sample.rows.num_rows, "record")),
            *([("fit", f"{suggestion.fit:.0%}; others: {others}")] if others else []),
            *([("mind", "no contract fits well: what is found may be chance")] if not suggestion.fits else []),
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
            f"{told_of(len(shown), len(suggestion.fields), 'field')}; for the others there is nothing in the file."
        )
    if suggestion.unused:
        typer.echo(f"Columns that no field takes: {', '.join(suggestion.unused)}")


def _unpivot(found: Suggested) -> str:
    turned = found.suggestion.unpivot
    return (
        f"{counted(len(turned.columns), 'column is a year', 'columns are years')}, turned into records: {turned.name},"
        f" {turned.value}"
        if turned
        else ""
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
    from headwater.services.previews import preview as look

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
