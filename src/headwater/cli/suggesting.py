"""`headwater map suggest`: a first mapping of a file, or of a table of a connector."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import print_facts, print_json, print_table, told_of
from headwater.cli.reading import Delimiter, Encoding, Format, Header, Member, Preamble, Records, Sheet, hints
from headwater.cli.session import installation, read_settings
from headwater.documents.counted import counted
from headwater.errors import Misuse

if TYPE_CHECKING:
    from headwater.connectors.files import FileConfig
    from headwater.mapping.suggest import SuggestedField
    from headwater.services.suggestions import Suggested

File = Annotated[
    Path | None, typer.Argument(help="The file to map.", show_default="none, with --connector and --table")
]
ConnectorName = Annotated[
    str | None, typer.Option("--connector", help="In place of a file: the connector to ask.", show_default=False)
]
TableName = Annotated[
    str | None,
    typer.Option("--table", "-t", help="Its table or file, as `connectors discover` calls it.", show_default=False),
]
Contract = Annotated[
    str | None,
    typer.Option("--contract", "-c", help="A contract: activity or activity@1.", show_default="the one that fits"),
]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Write the mapping here.", show_default="not written")]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]


def suggest(
    file: File = None,
    *,
    connector: ConnectorName = None,
    table: TableName = None,
    contract: Contract = None,
    out: Out = None,
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
    """Suggest a first mapping of a file, or of a table of a connector.

    Each field gets the column that fits it best by name, unit, type and values, with confidence and reason; no column
    is used twice. What is not sure stays open, and is said: a wrong column is worse than none. Without --contract
    every contract is tried. Nothing is loaded, and for a file no database is needed.

    \b
    Examples:
      headwater map suggest meters.csv
      headwater map suggest meters.csv --contract activity --out meters.yaml
      headwater map suggest meters.csv --contract activity --json
      headwater map suggest --connector plant --table public.meter_reading --contract activity --out readings.yaml
    """
    from headwater.services.suggestions import write_new

    said = hints(
        file_format=file_format, member=member, encoding=encoding, delimiter=delimiter, preamble=preamble, sheet=sheet,
        header=header, records=records,
    )  # fmt: skip
    found = _found(file, connector, table, contract, hinted=said, out=out)
    if out is not None:
        write_new(out, found.yaml, force=force)
    if as_json:
        print_json({**found.as_json(), "written": str(out) if out else None})
        return
    _tell(found)
    typer.echo(_next_step(found, file, out))


def _found(
    file: Path | None,
    connector: str | None,
    table: str | None,
    contract: str | None,
    *,
    hinted: FileConfig,
    out: Path | None,
) -> Suggested:
    from headwater.services.connectors.suggesting import suggest_for
    from headwater.services.suggestions import mapping_name, suggest_mapping

    if file is not None and connector is None and table is None:
        read_settings()
        return suggest_mapping(file, contract, hinted, name=_name(out) or mapping_name(file.name))
    if file is not None or connector is None or table is None:
        raise _not_together(file, connector)
    with installation() as opened:
        return suggest_for(opened, connector, table, contract, hinted, name=_name(out) or mapping_name(table))


def _name(out: Path | None) -> str | None:
    from headwater.services.suggestions import mapping_name

    return mapping_name(out.name.removesuffix(".yaml")) if out else None


def _not_together(file: Path | None, connector: str | None) -> Misuse:
    valid = "a file, or --connector and --table"
    if file is not None:
        return Misuse("either a file or a table of a connector is mapped", where=str(file), valid=valid)
    if connector is not None:
        return Misuse(
            "a table must be said",
            where="--table",
            remedy=f"Those there are: headwater connectors discover {connector}",
        )
    return Misuse("what is to be mapped must be said", where="map suggest", valid=valid)


def _next_step(found: Suggested, file: Path | None, out: Path | None) -> str:
    what = shlex.join(word for name, value in found.source.items() for word in _words(name, value, file))
    contract = found.suggestion.contract
    if out is None:
        return f"Write it with: headwater map suggest {what} --contract {contract} --out MAPPING.yaml"
    mapping = shlex.quote(str(out))
    then = f"headwater map preview {what} --mapping {mapping}"
    if "connector" in found.source:
        connector, table = found.source["connector"], found.source.get("table")
        said = shlex.join([connector, *(["--table", table] if table else [])])
        then = f"headwater connectors sync {said} --mapping {mapping} --dry-run"
    return f"Written: {out}. Fill what is open, then: {then}"


def _words(name: str, value: str, file: Path | None) -> list[str]:
    """Of what was looked at, as this command takes it."""
    if file is not None:
        return [str(file)]
    return ["--connector", value] if name == "connector" else ["--table", value]


def _tell(found: Suggested) -> None:
    suggestion = found.suggestion
    what = "table" if "table" in found.source else "file"
    others = ", ".join(f"{each.contract} {each.fit:.0%}" for each in found.others[:4])
    print_facts(
        [
            ("contract", f"{suggestion.contract}, {suggestion.title}"),
            ("looked at", counted(found.records, "record")),
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
            f"{told_of(len(shown), len(suggestion.fields), 'field')}; for the others there is nothing in the {what}."
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
