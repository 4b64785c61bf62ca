"""`headwater contracts`: what a record must be."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import print_facts, print_json, print_table, told_of

if TYPE_CHECKING:
    from headwater.contracts import FieldSpec

app = typer.Typer(no_args_is_help=True, help="Contracts: what records must be.")

Reference = Annotated[
    str, typer.Argument(help="A contract: activity, activity@1 or activity@1.1.0.", show_default=False)
]


class Form(StrEnum):
    """What a contract can be exported as."""

    JSON_SCHEMA = "json-schema"
    ODCS = "odcs"
    DDL = "ddl"


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the contracts of this installation, every version.

    \b
    Examples:
      headwater contracts list
      headwater contracts list --json
    """
    from headwater.services.contracts_view import list_contracts

    known = list_contracts()
    if as_json:
        keys = ("name", "version", "title")
        print_json(
            {
                "contracts": [{key: getattr(c, key) for key in keys} | {"hash": c.hash.hex()} for c in known],
                "total": len(known),
            }
        )
        return
    print_table(
        ["contract", "fields", "rules", "title"],
        [(c.reference, len(c.fields), len(c.rules), c.title) for c in known],
        numbers=["fields", "rules"],
        whole=["contract"],
    )
    typer.echo(told_of(len(known), len(known), "contract"))


@app.command()
def show(contract: Reference, as_json: AsJson = False) -> None:
    """Show the fields and the rules of a contract.

    \b
    Examples:
      headwater contracts show activity
      headwater contracts show activity@1.1.0 --json
    """
    import json

    from headwater.services.contracts_view import find_contract

    found = find_contract(contract)
    if as_json:
        print_json(json.loads(found.to_json()) | {"hash": found.hash.hex()})
        return
    print_facts(
        [
            ("contract", found.reference),
            ("title", found.title),
            ("description", found.description),
            *([("calculated from", f"{found.calculated_from}, not from files")] if found.calculated_from else []),
            ("SHA-256", found.hash.hex()),
        ]
    )
    print_table(
        ["field", "type", "key", "required", "limits", "description"],
        [(f.name, _type(f), f.key or None, f.required or None, _limits(f), f.description) for f in found.fields],
        title="Fields",
        whole=["field", "type"],
    )
    print_table(
        ["rule", "severity", "valid", "how to mend it"],
        [(rule.id, rule.severity, rule.valid, rule.repair) for rule in found.rules],
        title="Rules",
        whole=["rule"],
    )


def _type(field: FieldSpec) -> str:
    size = f"({field.precision},{field.scale})" if field.type == "decimal" else ""
    return f"{field.type}{size}" + (f" {field.unit}" if field.unit else "")


def _limits(field: FieldSpec) -> str:
    parts = [
        " | ".join(field.enum),
        f"from {field.minimum}" if field.minimum is not None else "",
        f"to {field.maximum}" if field.maximum is not None else "",
        f"at most {field.max_length} characters" if field.max_length is not None else "",
        field.pattern or "",
        f"in {field.reference}" if field.reference else "",
    ]
    return ", ".join(part for part in parts if part)


@app.command()
def diff(old: Reference, new: Reference, as_json: AsJson = False) -> None:
    """Say what changed between two versions, what breaks, and why.

    \b
    Examples:
      headwater contracts diff facility_emission@1 facility_emission@2
    """
    from headwater.services.contracts_view import compare

    found = compare(old, new)
    if as_json:
        print_json(
            {
                "old": found.old.reference,
                "new": found.new.reference,
                "changes": [
                    {"what": c.what, "breaking": c.breaking, "level": c.level, "why": c.why} for c in found.changes
                ],
                "version_asked_for": found.advice.version,
                "version_is_enough": found.advice.enough,
            }
        )
        return
    if not found.changes:
        typer.echo(f"{found.old.reference} and {found.new.reference} ask for the same")
        return
    print_table(
        ["change", "breaks", "why"],
        [(change.what, change.breaking, change.why) for change in found.changes],
        title=f"From {found.old.reference} to {found.new.reference}",
    )
    fits = "as it has" if found.advice.enough else f"but it has {found.new.version}"
    typer.echo(f"These changes ask for version {found.advice.version} or higher, {fits}.")


@app.command()
def template(
    contract: Reference,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to write it.", show_default="CONTRACT-VERSION.xlsx")
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a workbook to fill in: a column a field, lists of what is allowed, a note and an example for every field.

    Filled in it is imported without a mapping: it says of which contract it is.

    \b
    Examples:
      headwater contracts template activity
      headwater contracts template erp.travel --out trips.xlsx
    """
    from headwater.services.contracts_view import find_contract, loadable
    from headwater.services.suggestions import write_new
    from headwater.services.templates import template as workbook

    found = loadable(find_contract(contract), where="contract")
    path = out or Path(f"{found.name}-{found.version}.xlsx")
    write_new(path, workbook(found), force=force)
    typer.echo(f"{path}: fill in its first sheet, then: headwater import {path}")


@app.command()
def export(
    contract: Reference,
    form: Annotated[Form, typer.Option("--format", "-f", help="For which tool.")] = Form.JSON_SCHEMA,
) -> None:
    """Write a contract for other tools.

    As JSON Schema 2020-12, as ODCS 3.2 YAML, or as the definition of its tables.

    \b
    Examples:
      headwater contracts export activity > activity.schema.json
      headwater contracts export activity --format odcs > activity.odcs.yaml
      headwater contracts export activity --format ddl
    """
    from headwater.services.contracts_view import export_contract

    typer.echo(export_contract(contract, form.value), nl=False)
