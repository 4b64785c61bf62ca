"""`headwater connectors`: sources that are no files at hand, and what is read of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headwater.cli import exits
from headwater.cli.carrying import carry_out_and_tell
from headwater.cli.imports import AsJson
from headwater.cli.many import tell_each
from headwater.cli.printing import print_facts, print_json, print_table
from headwater.cli.session import installation

if TYPE_CHECKING:
    from headwater.pipeline.recipe import Recipe
    from headwater.services.installation import Installation

app = typer.Typer(no_args_is_help=True, help="Connectors: databases, object stores and ERPs that records come from.")

Name = Annotated[str, typer.Argument(help="Name of the connector.", show_default=False)]
Settings = Annotated[
    list[str] | None, typer.Option("--set", "-s", help="A value of its config, as KEY=VALUE.", show_default=False)
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="Its config as a YAML or JSON file.", show_default=False)
]
TableName = Annotated[str, typer.Option("--table", "-t", help="The table, as `discover` calls it.", show_default=False)]


@app.command()
def kinds(as_json: AsJson = False) -> None:
    """List the kinds of connectors there are, plug-ins included, and what each was proven against.

    \b
    Examples:
      headwater connectors kinds
    """
    from headwater.services.connectors.kinds import installed_kinds

    found = sorted(installed_kinds().values(), key=lambda kind: kind.name)
    if as_json:
        print_json(
            [
                {
                    "name": kind.name,
                    "title": kind.title,
                    "chunks": kind.chunks,
                    "cursor": kind.cursor,
                    "proven_against": kind.proven_against,
                    "unproven": kind.unproven,
                    "needs": kind.needs,
                    "config": kind.config.model_json_schema(),
                }
                for kind in found
            ]
        )
        return
    print_table(
        ["kind", "what", "proven against"],
        [(kind.name, kind.title, ", ".join(kind.proven_against) or f"nothing: {kind.unproven}") for kind in found],
        whole=["kind"],
    )


@app.command()
def add(
    name: Name,
    *,
    kind: Annotated[str, typer.Option("--kind", "-k", help="Its kind, see `headwater connectors kinds`.")],
    config: ConfigFile = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Keep a source under a name. Secrets are not written here: a config refers to them.

    \b
    Examples:
      headwater connectors add erp --kind odata --config erp.yaml
      headwater connectors add lab --kind sqlite --set path=lab.db
    """
    from headwater.services.connectors.keeping import add as keep
    from headwater.services.connectors.viewing import connector_as_json

    with installation() as opened:
        stored = keep(opened, name, kind, _config(config, settings))
    if as_json:
        print_json(connector_as_json(stored))
    else:
        typer.echo(f"{name} is kept. See whether it can be reached: headwater connectors validate {name}")


@app.command()
def change(name: Name, *, config: ConfigFile = None, settings: Settings = None, as_json: AsJson = False) -> None:
    """Put other values into the config of a connector; those not named stay.

    \b
    Examples:
      headwater connectors change crm --set host=db2.example.org
    """
    from headwater.services.connectors.keeping import change as keep
    from headwater.services.connectors.viewing import connector_as_json

    with installation() as opened:
        stored = keep(opened, name, _config(config, settings))
    if as_json:
        print_json(connector_as_json(stored))
    else:
        typer.echo(f"{name} is changed.")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List connectors.

    \b
    Examples:
      headwater connectors list --json
    """
    from headwater.services.connectors.viewing import all_connectors, connector_as_json

    with installation() as opened:
        found = all_connectors(opened)
    if as_json:
        print_json([connector_as_json(each) for each in found])
        return
    print_table(
        ["connector", "kind", "since"], [(each.name, each.kind, each.created_at) for each in found], whole=["connector"]
    )


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show the config of a connector; secrets are never shown, they stand there as references.

    \b
    Examples:
      headwater connectors show crm
    """
    from headwater.services.connectors.keeping import find
    from headwater.services.connectors.viewing import connector_as_json

    with installation() as opened:
        stored = find(opened, name)
    if as_json:
        print_json(connector_as_json(stored))
        return
    print_facts([("connector", stored.name), ("kind", stored.kind), *stored.config.items()])


@app.command()
def remove(name: Name) -> None:
    """Let go of a connector. What came through it stays, and so do its runs.

    \b
    Examples:
      headwater connectors remove crm
    """
    from headwater.services.connectors.keeping import remove as let_go

    with installation() as opened:
        let_go(opened, name)
    typer.echo(f"{name} is removed; what came through it stays.")


@app.command()
def validate(
    name: Name,
    table: Annotated[str | None, typer.Option("--table", "-t", help="Also whether this table may be read.")] = None,
    as_json: AsJson = False,
) -> None:
    """See whether a source can be reached and read, and if not, what stands in the way.

    \b
    Examples:
      headwater connectors validate crm
      headwater connectors validate crm --table public.meters

    \b
    Exit codes: 0 all well, 1 something stands in the way, 2 usage.
    """
    from dataclasses import asdict

    from headwater.services.connectors.viewing import validate as ask

    with installation() as opened:
        problems = ask(opened, name, table)
    if as_json:
        print_json({"connector": name, "problems": [asdict(each) for each in problems]})
    elif problems:
        print_table(
            ["cause", "what", "where", "valid", "what to do"],
            [(each.cause, each.what, each.where, each.valid, each.remedy) for each in problems],
            whole=["cause"],
        )
    else:
        typer.echo(f"{name} can be reached and read.")
    if problems:
        raise typer.Exit(exits.ERROR)


@app.command()
def discover(name: Name, as_json: AsJson = False) -> None:
    """List the tables of a source with their columns, keys and cursors, or the files of a store.

    \b
    Examples:
      headwater connectors discover crm
      headwater connectors discover crm --json
    """
    from headwater.connectors.protocol import Table
    from headwater.services.connectors.viewing import discover as ask

    with installation() as opened:
        found = ask(opened, name)
    if as_json:
        print_json([_discovered(each) for each in found])
        return
    tables = [each for each in found if isinstance(each, Table)]
    if tables or not found:
        print_table(
            ["table", "rows, about", "columns", "key", "cursors"],
            [
                (each.name, each.rows, len(each.columns), ", ".join(each.key), ", ".join(each.cursors))
                for each in tables
            ],
            numbers=["rows, about", "columns"],
            whole=["table"],
        )
        return
    files = [each for each in found if not isinstance(each, Table)]
    print_table(
        ["file", "bytes", "modified", "version"],
        [(each.name, each.size, each.modified, each.version) for each in files],
        numbers=["bytes"],
    )


@app.command()
def sample(
    name: Name,
    table: TableName,
    rows: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the first rows of a table.

    \b
    Examples:
      headwater connectors sample crm --table public.meters
    """
    from headwater.services.connectors.viewing import sample as ask

    with installation() as opened:
        found = ask(opened, name, table, rows=rows)
    if as_json:
        print_json(found.to_pylist())
    else:
        print_table(found.column_names, [tuple(row.values()) for row in found.to_pylist()])


@app.command()
def plan(
    name: Name,
    *,
    table: TableName,
    cursor: Annotated[str | None, typer.Option(help="The column that tells what changed.")] = None,
    since: Annotated[str | None, typer.Option(help="Only what changed after this cursor.")] = None,
    chunk_size: Annotated[int | None, typer.Option(min=1, max=1_000_000, help="Rows a chunk.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the chunks that a sync would read, without reading any.

    \b
    Examples:
      headwater connectors plan crm --table public.meters --cursor changed_at
    """
    from dataclasses import asdict

    from headwater.connectors.protocol import Selection
    from headwater.services.connectors.viewing import plan as ask

    selection = Selection(table=table, cursor=cursor, since=since, chunk_rows=chunk_size)
    with installation() as opened:
        found = ask(opened, name, selection)
    if as_json:
        print_json({"chunks": [asdict(each) for each in found.chunks], "key": found.key, "upto": found.upto})
        return
    print_table(
        ["chunk", "rows, about", "where", "cursor to"],
        [(each.chunk_no, each.rows, _place(each.locator), each.cursor_to) for each in found.chunks],
        numbers=["chunk", "rows, about"],
    )


@app.command()
def sync(
    name: Name,
    *,
    mapping: Annotated[
        str, typer.Option("--mapping", "-m", help="Path of a mapping, or the name of one brought along.")
    ],
    table: Annotated[str | None, typer.Option("--table", "-t", help="The table; of a store of files none.")] = None,
    cursor: Annotated[str | None, typer.Option(help="Read what changed since last time, by this column.")] = None,
    lag: Annotated[int, typer.Option(min=0, help="How far behind the cursor to read again, in seconds.")] = 0,
    full: Annotated[bool, typer.Option("--full", help="Read all, and delete what the source no longer holds.")] = False,
    chunk_size: Annotated[int | None, typer.Option(min=1, max=1_000_000, help="Rows a transaction.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring in what a source holds, or what changed there since last time.

    The same as a recipe with `source.connector`, which `headwater run` carries out and which says more: columns, key,
    drift, factors. Killed at any moment it goes on with: headwater runs resume RUN.

    \b
    Examples:
      headwater connectors sync crm --table public.meters --mapping meters.yaml
      headwater connectors sync crm --table public.meters --mapping meters.yaml --cursor changed_at --lag 900
      headwater connectors sync bucket --mapping bills.yaml

    \b
    Exit codes: 0 all loaded, 1 error, 2 usage, 3 loaded with rows open in quarantine, 4 partial success.
    """
    from headwater.pipeline.recipe import FactorChoice, Load, Recipe, RecipeSource

    recipe = Recipe(
        recipe="sync",
        source=RecipeSource(connector=name, table=table, cursor=cursor, lag=lag),
        mapping=mapping,
        load=Load(strategy="full" if full else "delta", chunk_size=chunk_size),
        factors=FactorChoice(),
    )
    with installation() as opened:
        sync_and_tell(opened, recipe, Path.cwd(), as_json=as_json)


def sync_and_tell(opened: Installation, recipe: Recipe, base: Path, *, as_json: bool) -> None:
    """Carry out a recipe that reads through a connector."""
    from headwater.services.connectors.keeping import find
    from headwater.services.connectors.keeping import opened as source_of
    from headwater.services.connectors.planning import plan_sync
    from headwater.services.connectors.syncing import files_of_store, sync_files
    from headwater.services.connectors.viewing import is_store
    from headwater.telemetry import progress

    stored = find(opened, str(recipe.source.connector))
    with source_of(opened, stored) as source:
        if is_store(source):
            store: Any = source
            files = files_of_store(opened, stored, store)
            ended = sync_files(opened, stored, store, files, recipe=recipe, base=base, progress=progress())
            tell_each(ended, len(files), as_json=as_json)
    carry_out_and_tell(opened, lambda: plan_sync(opened, recipe, base), as_json=as_json)


@app.command()
def status(name: Name, as_json: AsJson = False) -> None:
    """Show how a connector stands: its circuit, its latest syncs, columns that changed at the source.

    \b
    Examples:
      headwater connectors status crm
    """
    from headwater.services.connectors.viewing import status as ask

    with installation() as opened:
        found = ask(opened, name)
    if as_json:
        print_json(found.as_json())
        return
    circuit = found.circuit
    print_facts(
        [
            ("connector", f"{found.connector.name}, {found.connector.kind}"),
            ("circuit", circuit.state.replace("_", "-")),
            *([("last error", circuit.last_error)] if circuit.last_error else []),
        ]
    )
    print_table(
        ["run", "source", "state", "started", "rows, about"],
        [(each["run_id"], each["source_name"], each["state"], each["started_at"], each["records_planned"])
         for each in found.syncs],
        title="Latest syncs", numbers=["rows, about"], whole=["run"],
    )  # fmt: skip
    changes = [
        (each["seen_at"], each["table_name"], change) for each in found.schema_changes for change in each["changes"]
    ]
    if changes:
        print_table(
            ["seen", "table", "change", "before", "after"],
            [(seen, table, change["kind"], change["before"], change["after"]) for seen, table, change in changes],
            title="Columns that changed",
        )


@app.command()
def state(name: Name, as_json: AsJson = False) -> None:
    """Show how far each source was read through a connector: its checkpoint, and gaps.

    \b
    Examples:
      headwater connectors state crm --json
    """
    from headwater.services.connectors.viewing import status as ask

    with installation() as opened:
        found = ask(opened, name)
    if as_json:
        print_json(list(found.states))
        return
    print_table(
        ["source", "chunks in", "gaps", "cursor", "last row", "window", "when"],
        [
            (
                each["source_name"],
                each["last_chunk_no"],
                ", ".join(map(str, each["gaps"])),
                each["last_cursor"],
                each["last_row_id"],
                " to ".join(filter(None, (each["last_window_start"], each["last_window_end"]))),
                each["updated_at"],
            )
            for each in found.states
        ],
        numbers=["chunks in"],
    )


@app.command("retry-failed")
def retry_failed(name: Name, as_json: AsJson = False) -> None:
    """Read again the chunks that failed in the last sync, and only those.

    \b
    Examples:
      headwater connectors retry-failed crm

    \b
    Exit codes: 0 all loaded, 1 error, 2 usage, 3 loaded with rows open in quarantine, 4 partial success.
    """
    from headwater.services.connectors.viewing import status as ask

    with installation() as opened:
        unfinished = [each for each in ask(opened, name).syncs if each["state"] in {"partial_success", "failed"}]
        if not unfinished:
            typer.echo("nothing to do: no chunk has failed", err=as_json)
            if as_json:
                print_json({"connector": name, "retried": 0})
            return
        carry_out_and_tell(opened, lambda: unfinished[0]["run_id"], as_json=as_json)


def _config(path: Path | None, settings: list[str] | None) -> dict[str, Any]:
    """Values of a file, and those said one by one, which go before them."""
    import json

    from headwater.errors import Misuse
    from headwater.mapping.strict_yaml import parse_yaml

    values: dict[str, Any] = {}
    if path is not None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Misuse("the config cannot be read", where=str(path), valid="a YAML or JSON file") from error
        read = parse_yaml(text, where=str(path))
        if not isinstance(read, dict):
            raise Misuse("the config has no keys", where=str(path), valid="a YAML or JSON file with keys and values")
        values |= read
    for each in settings or ():
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise Misuse("a value is said as KEY=VALUE", where="--set", value=key, valid="--set host=db.example.org")
        values[key] = json.loads(value) if value in {"true", "false"} or value.isdecimal() else value
    return values


def _discovered(found: Any) -> dict[str, Any]:
    from dataclasses import asdict

    from headwater.connectors.protocol import Table

    if not isinstance(found, Table):
        return asdict(found)
    columns = [
        {"name": each.name, "type": each.type, "arrow": str(each.arrow), "nullable": each.nullable}
        for each in found.columns
    ]
    return {
        "table": found.name, "columns": columns, "key": found.key, "cursors": found.cursors, "rows": found.rows,
        "comment": found.comment,
    }  # fmt: skip


def _place(locator: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in locator.items() if value is not None)
