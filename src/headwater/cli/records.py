"""`headwater records`: records of any contract listed, exported, deleted, restored, destroyed; subjects erased."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson, Between
from headwater.cli.printing import fitting, print_facts, print_json, print_table, text_of
from headwater.cli.session import installation
from headwater.documents.counted import counted
from headwater.documents.delimiters import delimiter_of
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.services.records import Form

FORMS: dict[str, Form] = {".csv": "csv", ".parquet": "parquet", ".arrows": "arrow"}
"""Format by the ending of the file; .arrows is that of Arrow's streams."""
app = typer.Typer(no_args_is_help=True, help="Records of any contract: list, export, delete, restore, destroy, erase.")

Contract = Annotated[str, typer.Argument(help="Their contract, like activity or activity@1.", show_default=False)]
Keys = Annotated[
    list[str], typer.Argument(help="Their keys; | between the fields of one.", show_default=False, metavar="KEY...")
]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit chain.", show_default=False)]
Filters = Annotated[
    list[str] | None,
    typer.Option("--filter", help="field:operator:value, of `in` field:in:one|other; may be said several times."),
]
Sort = Annotated[str | None, typer.Option(help="Fields with a comma between; - before one turns it.")]
Clear = Annotated[bool, typer.Option("--clear", help="Personal data in clear, which the audit chain notes.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many to show.")]


@app.command("list")
def list_(
    contract: Contract,
    *,
    filters: Filters = None,
    sort: Sort = None,
    limit: Limit = 20,
    clear: Clear = False,
    columns: Annotated[
        str | None, typer.Option("--columns", help="Which fields to show, with commas.", show_default="as many as fit")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List records as they stand, by key. What is personal is masked unless --clear is said; then it can be asked by,
    too, by its exact value.

    \b
    Examples:
      headwater records list activity
      headwater records list activity --filter quantity:gt:1000 --sort quantity --limit 5
      headwater records list activity --columns activity_id,quantity,unit
      headwater records list erp.worker --clear --filter "name:eq:Ann Lee"
    """
    from headwater.services.listing import Question
    from headwater.services.records import list_records

    with installation() as opened:
        question = Question(filters=filters or (), sort=sort, limit=limit, count=True)
        page = list_records(opened, contract, question, clear=clear)
    if as_json:
        print_json(vars(page))
        return
    names = list(page.items[0]["values"]) if page.items else []
    filled = [name for name in names if any(item["values"][name] is not None for item in page.items)]
    rows = [[text_of(item["values"][name]) for name in filled] for item in page.items]
    shown = fitting(filled, rows) if columns is None else _chosen(columns, names)
    print_table(shown, [[item["values"][name] for name in shown] for item in page.items])
    if columns is None and len(shown) < len(filled):
        more = counted(len(filled) - len(shown), "more field", "more fields")
        typer.echo(f"{more}: say --columns {','.join(filled[len(shown) :][:3])},… or --json")
    there = f"{page.total:,} or more records" if page.at_least else counted(page.total or 0, "record")
    typer.echo(f"{len(page.items):,} of {there}")


@app.command()
def export(
    contract: Contract,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write: .csv, .parquet or .arrows.", show_default="CONTRACT.csv"),
    ] = None,
    filters: Filters = None,
    sort: Sort = None,
    clear: Clear = False,
    delimiter: Between = ",",
    as_json: AsJson = False,
) -> None:
    """Write records as they stand to a file, all of them, with all their fields. What is personal is masked unless
    --clear is said.

    \b
    Examples:
      headwater records export activity
      headwater records export activity --out 2024.parquet --filter period_start:gte:2024-01-01
      headwater records export activity --out activity.csv --delimiter ";"
    """
    from headwater.services.listing import Question
    from headwater.services.records import export as blocks_of
    from headwater.services.whole_files import written_whole

    file = out or Path(f"{contract.partition('@')[0]}.csv")
    form = FORMS.get(file.suffix.lower())
    if form is None:
        raise Misuse("its ending names no format that is written", where="--out", value=file, valid=", ".join(FORMS))
    question = Question(filters=filters or (), sort=sort)
    with installation() as opened, written_whole(file) as part, part.open("wb") as written:
        for block in blocks_of(opened, contract, question, form, delimiter=delimiter_of(delimiter), clear=clear):
            written.write(block)
    size = file.stat().st_size
    if as_json:
        print_json({"file": str(file), "format": form, "bytes": size})
    else:
        typer.echo(f"{file}: {counted(size, 'byte')}")


def _chosen(columns: str, names: Sequence[str]) -> list[str]:
    """Fields that are named; Misuse for one that there is not."""
    chosen = [name.strip() for name in columns.split(",") if name.strip()]
    for name in chosen:
        if names and name not in names:
            raise Misuse("there is no such field", where="--columns", value=name, valid=", ".join(names))
    return chosen


@app.command()
def delete(contract: Contract, keys: Keys, reason: Reason, as_json: AsJson = False) -> None:
    """Delete records: they leave lists and figures, and no import brings them back. Their past is kept.

    All of them or none. `headwater records restore` takes it back.

    \b
    Examples:
      headwater records delete activity meter-7-2024-01 --reason "counted twice"
    """
    from headwater.services import deletions

    with installation() as opened:
        done = deletions.delete(opened, contract, keys, reason=reason)
    if as_json:
        print_json(done.as_json())
        return
    typer.echo(f"deleted: {_told(done.rows)}")


@app.command()
def restore(
    contract: Contract,
    keys: Keys,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit chain.")] = "restored",
    as_json: AsJson = False,
) -> None:
    """Put deleted records back exactly as they were, with their figures. All of them or none.

    \b
    Examples:
      headwater records restore activity meter-7-2024-01
    """
    from headwater.services import deletions

    with installation() as opened:
        done = deletions.restore(opened, contract, keys, reason=reason)
    if as_json:
        print_json(done.as_json())
        return
    typer.echo(f"restored: {_told(done.rows)}")


@app.command()
def deleted(contract: Contract, filters: Filters = None, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List records that are deleted or destroyed, the latest first, with who, when and why.

    \b
    Examples:
      headwater records deleted activity
    """
    from headwater.services.deletions import deleted_records
    from headwater.services.listing import Question

    with installation() as opened:
        page = deleted_records(opened, contract, Question(filters=filters or (), limit=limit, count=True))
    if as_json:
        print_json(vars(page))
        return
    columns = ["record_key", "destroyed", "deleted_at", "deleted_by", "reason"]
    print_table(columns, [[item[column] for column in columns] for item in page.items])
    typer.echo(f"{len(page.items):,} of {page.total:,}{' or more' if page.at_least else ''} deleted records")


@app.command()
def destroy(
    contract: Contract,
    keys: Keys,
    reason: Annotated[
        str | None, typer.Option(help="Why; kept in the audit chain.", show_default="needed to do it")
    ] = None,
    confirm: Annotated[
        str | None, typer.Option(help="The confirmation that was shown; without, nothing is changed.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Destroy records with all that hangs on them: figures, older versions, findings. There is no way back.

    Without --confirm it is only told what hangs on them, and which confirmation to give. Refused where a published
    inventory stands on one. The raw file and what was refused stay: they are what the source said. No import brings
    the records back until `headwater records admit` lets them in.

    \b
    Examples:
      headwater records destroy activity meter-7-2024-01
      headwater records destroy activity meter-7-2024-01 --reason "not ours to keep" --confirm 3f2a…
    """
    from headwater.errors import Misuse
    from headwater.services import deletions

    with installation() as opened:
        if confirm is None:
            hanging = deletions.hanging_on(opened, contract, keys)
            if as_json:
                print_json(hanging.as_json())
                return
            print_facts(
                [
                    ("rows that stand", _told(hanging.standing)),
                    ("older versions", _told(hanging.versions)),
                    ("findings", hanging.findings),
                    ("refused records they were mended from", hanging.refused),
                    ("lines of drafts", _told(hanging.drafts)),
                    ("lines of published inventories", _told(hanging.published)),
                    ("confirmation", hanging.confirmation),
                ]
            )
            typer.echo("Nothing was changed; --confirm with the confirmation destroys them.")
            return
        if reason is None:
            raise Misuse("a reason must be said", where="--reason", remedy="Say why the records must go.")
        done = deletions.destroy(opened, contract, keys, reason=reason, confirmation=confirm)
    if as_json:
        print_json(done.as_json())
        return
    typer.echo(f"destroyed: {_told(done.rows)}")


@app.command()
def admit(contract: Contract, keys: Keys, reason: Reason, as_json: AsJson = False) -> None:
    """Let destroyed records come in again when a source brings them. Nothing is brought back by this.

    \b
    Examples:
      headwater records admit activity meter-7-2024-01 --reason "the supplier sent the right one"
    """
    from headwater.services import deletions

    with installation() as opened:
        count = deletions.admit(opened, contract, keys, reason=reason)
    if as_json:
        print_json({"admitted": count})
        return
    typer.echo(f"admitted: {count:,}; the next import of a source that has them brings them in")


@app.command()
def erase_subject(
    contract: Contract,
    subject: Annotated[
        str, typer.Argument(help="What the subject fields say, or a personal key; | between parts.", show_default=False)
    ],
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Erase whom records are about: nobody reads what is personal of them any more. There is no way back.

    In all contracts that know them by fields of the same names. Their rows and figures stay, and say nothing of them;
    what was refused of them opens no more. Files that speak of them are replaced by copies that do not.

    \b
    Examples:
      headwater records erase-subject erp.worker hr/4711 --reason "asked for"
    """
    from headwater.services.access import erasing

    with installation() as opened:
        done = erasing.erase_subject(opened, contract, subject, reason=reason)
    if as_json:
        print_json(done.as_json())
        return
    subject = done.subject_id or "(erased before)"
    print_facts([("subject", subject), ("rows", _told(done.rows)), ("refused records", done.refused)])
    if done.unknown:
        typer.echo(f"{done.unknown:,} refused records say of nobody whose they are: look at them by hand.")
    for file in done.files:
        why = f", as {file.why}" if file.why else ""
        typer.echo(f"{file.became}: {file.name} ({file.sha256}), records of theirs: {file.records:,}{why}")


def _told(rows: object) -> str:
    counts = dict(rows) if isinstance(rows, dict) else {}
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"
