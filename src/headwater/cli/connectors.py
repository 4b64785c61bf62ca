"""`headwater connectors`: sources that are no files at hand, kept by name; asking and syncing them are beside this."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headwater.cli import connectors_asking, connectors_discovering, connectors_looking, connectors_syncing
from headwater.cli.connectors_asking import Name
from headwater.cli.imports import AsJson
from headwater.cli.printing import print_facts, print_json, print_table
from headwater.cli.session import installation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headwater.connectors.protocol import Kind

app = typer.Typer(no_args_is_help=True, help="Connectors: databases, object stores and ERPs that records come from.")

Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        help="A value of its config, as KEY=VALUE; KEY.KEY=VALUE where one stands within another.",
        show_default=False,
    ),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="Its config as a YAML or JSON file.", show_default=False)
]


@app.command()
def kinds(
    kind: Annotated[
        str | None, typer.Argument(help="One of them: tells what its config holds.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the kinds of connectors there are, plug-ins included, and what each was proven against.

    Of one kind the keys of its config are told as `--set` takes them: what each holds, whether it is needed, and what
    holds where it is left out. Items of a list stand in a file of YAML or JSON, for `--config`.

    \b
    Examples:
      headwater connectors kinds
      headwater connectors kinds mysql
    """
    from headwater.services.connectors.kinds import installed_kinds, kind_named

    if kind is not None:
        one = kind_named(kind)
        if as_json:
            print_json(_kind_as_json(one))
        else:
            _print_kind(one)
        return
    found = sorted(installed_kinds().values(), key=lambda each: each.name)
    if as_json:
        print_json([_kind_as_json(each) for each in found])
        return
    print_table(
        ["kind", "what", "proven against"],
        [(each.name, each.title, _proven(each)) for each in found],
        whole=["kind"],
    )


def _proven(kind: Kind) -> str:
    return ", ".join(kind.proven_against) or f"nothing: {kind.unproven}"


def _kind_as_json(kind: Kind) -> dict[str, Any]:
    from headwater.connectors.config_fields import schema_of

    return {
        "name": kind.name,
        "title": kind.title,
        "chunks": kind.chunks,
        "cursor": kind.cursor,
        "reads_by": kind.reads_by,
        "proven_against": kind.proven_against,
        "unproven": kind.unproven,
        "needs": kind.needs,
        "config": schema_of(kind.config),
    }


def _print_kind(kind: Kind) -> None:
    """What it is, and its config key by key; of a part that has several forms each key says of which it is."""
    from headwater.connectors.config_fields import fields_of

    needs = [("needs", kind.needs)] if kind.needs else []
    print_facts([("kind", kind.name), ("what", kind.title), ("proven against", _proven(kind)), *needs])
    print_table(
        ["key", "holds", "needed", "default", "what it is"],
        [
            (
                each.name,
                each.type,
                each.needed,
                each.default if isinstance(each.default, str) else _as_set(each.default),
                "; ".join(filter(None, [f"of kind {each.of}" if each.of else "", each.words])),
            )
            for each in fields_of(kind.config)
        ],
        title="Its config",
        whole=["key"],
    )


def _as_set(value: object) -> str:
    """A value as `--set` takes it."""
    import json

    return "" if value is None else json.dumps(value)


@app.command()
def add(
    name: Name,
    *,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            "-k",
            help="Its kind, see `headwater connectors kinds`; need not be said where the config says it.",
            show_default=False,
        ),
    ] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Keep a source under a name. Secrets are not written here: a config refers to them.

    A path is taken from the current folder and kept from the root, since schedules and workers start in others.

    \b
    Examples:
      headwater connectors add erp --config erp.yaml
      headwater connectors add lab --kind sqlite --set path=lab.db
      headwater connectors add sap --kind odata --config sap.yaml --set auth.kind=bearer --set auth.token_ref=env:SAP
    """
    from headwater.services.connectors.keeping import add as keep
    from headwater.services.connectors.viewing import connector_as_json

    with installation() as opened:
        values = _config(config, settings)
        of_kind = _kind(kind, values)
        paths = _paths(of_kind, values)
        stored = keep(opened, name, of_kind, values | paths)
    if as_json:
        print_json(connector_as_json(stored))
    else:
        _tell_paths(paths)
        typer.echo(f"{name} is kept. See whether it can be reached: headwater connectors validate {name}")


@app.command()
def change(name: Name, *, config: ConfigFile = None, settings: Settings = None, as_json: AsJson = False) -> None:
    """Put other values into the config of a connector; those not named stay. A path is kept from the root, as by `add`.

    \b
    Examples:
      headwater connectors change crm --set host=db2.example.org
    """
    from headwater.services.connectors.keeping import change as keep
    from headwater.services.connectors.keeping import find
    from headwater.services.connectors.viewing import connector_as_json

    with installation() as opened:
        values = _config(config, settings)
        paths = _paths(_kind(find(opened, name).kind, values), values)
        stored = keep(opened, name, values | paths)
    if as_json:
        print_json(connector_as_json(stored))
    else:
        _tell_paths(paths)
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
    print_facts([("connector", stored.name), ("kind", stored.kind), *_settings(stored.config)])


def _settings(config: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, object]]:
    """A config key by key as `--set` takes them: those within others with a point before them, numbers without signs
    for thousands, as none of them counts anything: a port is a name.
    """
    for key, value in config.items():
        if isinstance(value, dict):
            yield from _settings(value, f"{within}{key}.")
        elif isinstance(value, int) and not isinstance(value, bool):
            yield f"{within}{key}", str(value)
        else:
            yield f"{within}{key}", ", ".join(map(str, value)) if isinstance(value, list) else value


@app.command()
def remove(
    name: Name,
    *,
    force: Annotated[bool, typer.Option("--force", help="Also where schedules read through it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let go of a connector. What came through it stays, and so do its runs and the secrets it referred to.

    One that a schedule reads through is kept, and the schedules are named.

    \b
    Examples:
      headwater connectors remove crm
      headwater connectors remove crm --force
    """
    from headwater.services.connectors.keeping import remove as let_go
    from headwater.services.connectors.secrets import stored

    with installation() as opened:
        used = {each.name for each in stored(opened) if f"connector {name}" in each.used_by}
        let_go(opened, name, force=force)
        left = [each.name for each in stored(opened) if each.name in used and not each.used_by]
    if as_json:
        print_json({"removed": name, "unused_credentials": left})
        return
    typer.echo(f"{name} is removed; what came through it stays.")
    for secret in left:
        typer.echo(f"Nothing refers to its secret any more: headwater connectors credentials remove {secret}")


app.command()(connectors_asking.validate)
app.command()(connectors_discovering.discover)
app.command()(connectors_looking.sample)
app.command()(connectors_looking.fetch)
app.command()(connectors_asking.profile)
app.command()(connectors_asking.plan)
app.command()(connectors_syncing.sync)
app.command()(connectors_syncing.status)
app.command()(connectors_syncing.state)
app.command("retry-failed")(connectors_syncing.retry_failed)


def _config(path: Path | None, settings: list[str] | None) -> dict[str, Any]:
    """Values of a file, and those said one by one, which go before them."""
    import json

    from headwater.documents.reading import read_text
    from headwater.documents.strict_yaml import parse_yaml
    from headwater.errors import Misuse

    values: dict[str, Any] = {}
    if path is not None:
        read = parse_yaml(read_text(path, "config"), where=str(path))
        if not isinstance(read, dict):
            raise Misuse("the config has no keys", where=str(path), valid="a YAML or JSON file with keys and values")
        values |= read
    for each in settings or ():
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise Misuse("a value is said as KEY=VALUE", where="--set", value=key, valid="--set host=db.example.org")
        values[key] = json.loads(value) if value in {"true", "false"} or value.isdecimal() else value
    return values


def _kind(said: str | None, values: dict[str, Any]) -> str:
    """The kind as it is said, or as the config says it, which then holds it no more."""
    from headwater.errors import Misuse

    written = values.pop("kind", said)
    if written is None:
        remedy = "`headwater connectors kinds` lists them; a config says it as kind: postgresql."
        raise Misuse("a kind is needed", where="--kind", remedy=remedy)
    if said not in {None, written}:
        raise Misuse(f"the connector is of kind {said}", where="kind in the config", value=written, valid=said)
    return str(written)


def _paths(kind: str, values: Mapping[str, Any]) -> dict[str, str]:
    """What is named from the folder where the command was typed, from the root."""
    from headwater.connectors.configs import paths_from
    from headwater.services.connectors.kinds import kind_named

    return paths_from(Path.cwd(), kind_named(kind), values)


def _tell_paths(paths: Mapping[str, str]) -> None:
    for key, path in paths.items():
        typer.echo(f"{key} is kept from the root: {path}")
