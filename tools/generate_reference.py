"""Writes the reference pages that are made from code: settings, command line, errors, documents, contracts,
units.

python -m tools.generate_reference          write them
python -m tools.generate_reference --check  say which differ, and fail if one does
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined
from typer.main import get_command

from headwater import errors
from headwater.settings import PREFIX, Settings
from tools.reference_api import api_page
from tools.reference_connectors import checks_page, connectors_page
from tools.reference_documents import (
    contracts_page,
    inventory_page,
    inventory_schema,
    mapping_page,
    mapping_schema,
    recipe_page,
    recipe_schema,
)
from tools.reference_indicators import indicators_page, indicators_schema
from tools.reference_metrics import metrics_page
from tools.reference_rights import rights_page
from tools.reference_units import units_page

REFERENCE = Path(__file__).parents[1] / "docs/reference"
NOTE = "<!-- Made from code by `python -m tools.generate_reference`; edit the code, not this page. -->\n"


def settings_page() -> str:
    """Every setting with its variable, default, what is valid, and what it means."""
    lines = [
        "# Settings",
        "",
        NOTE,
        "Each can stand as a variable or as a key of `headwater.toml`: in the current folder, or where",
        "`HEADWATER_CONFIG` points. A variable goes before the file, the file before the default. A bad value, an",
        "unknown key or a misspelt variable is refused at start. Relative folders in the file start at the file.",
        "",
        "```toml",
        'data_dir = "/srv/headwater"',
        "chunk_size = 50000",
        'organisation = "acme"',
        "```",
        "",
        "| key | variable | default | valid |",
        "|---|---|---|---|",
    ]
    details = []
    for name, field in Settings.model_fields.items():
        extra: dict[str, Any] = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        default = extra["shown"] or ("" if field.default is PydanticUndefined else f"`{field.default}`")
        lines.append(f"| [`{name}`](#{name}) | `{PREFIX}{name.upper()}` | {default} | {extra['valid']} |")
        details += ["", f"## {name}", "", str(field.description)]
    return "\n".join([*lines, *details]) + "\n"


def errors_page() -> str:
    """The error tree as its module draws it, and where each is turned into an exit code."""
    lines = ["# Errors", "", NOTE, "```text", inspect.getdoc(errors) or "", "```", ""]
    for name, cls in inspect.getmembers(errors, inspect.isclass):
        if issubclass(cls, errors.HeadwaterError):
            lines += [f"## {name}", "", inspect.getdoc(cls) or "", ""]
    return "\n".join(lines)


def cli_page() -> str:
    """Every command with its arguments, options and help, in the order `headwater --help` lists them."""
    from headwater.cli.main import app  # noqa: PLC0415 - made last: until then there is nothing to import

    return "\n".join(["# Command line", "", NOTE, *_command(get_command(app), "headwater", depth=2)]).rstrip() + "\n"


def _command(command: Any, path: str, *, depth: int) -> Iterator[str]:
    """A command's section and those of its sub-commands; typed loosely, as typer's own copy of click is private."""
    context = command.make_context(path, [], resilient_parsing=True)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    yield from (
        f"{'#' * depth} {path}",
        "",
        "\n\n".join(map(_paragraph, inspect.cleandoc(command.help or "").split("\n\n"))),
        "",
    )
    yield from ("```text", usage, "```", "")
    records = [(p.param_type_name, p.get_help_record(context)) for p in command.get_params(context)]
    for kind, title in (("argument", "Arguments"), ("option", "Options")):
        rows = [record for of, record in records if of == kind and record and record[0] != "--help"]
        if rows:
            yield from (f"| {title} | |", "|---|---|")
            yield from (f"| `{name.replace('|', '/')}` | {' '.join(text.split())} |" for name, text in rows)
            yield ""
    for name in getattr(command, "commands", {}):
        yield from _command(command.commands[name], f"{path} {name}", depth=min(depth + 1, 4))


def _paragraph(text: str) -> str:
    """A paragraph of a help text. A backspace marks one whose lines are kept; the indented ones are commands."""
    if not text.startswith("\b\n"):
        return text
    head, *lines = text.removeprefix("\b\n").splitlines()
    return "\n".join([head, "", "```sh", *(line.strip() for line in lines), "```"]) if lines else head


def pages() -> dict[str, Callable[[], str]]:
    """The pages that can be made from the code that is there."""
    found: dict[str, Callable[[], str]] = {
        "settings.md": settings_page,
        "errors.md": errors_page,
        "mapping.md": lambda: mapping_page(NOTE),
        "mapping.schema.json": mapping_schema,
        "recipe.md": lambda: recipe_page(NOTE),
        "recipe.schema.json": recipe_schema,
        "inventory.md": lambda: inventory_page(NOTE),
        "inventory.schema.json": inventory_schema,
        "indicators.md": lambda: indicators_page(NOTE),
        "indicators.schema.json": indicators_schema,
        "contracts.md": lambda: contracts_page(NOTE),
        "units.md": lambda: units_page(NOTE),
        "access.md": lambda: rights_page(NOTE),
        "api.md": lambda: api_page(NOTE),
        "metrics.md": lambda: metrics_page(NOTE),
        "connectors.md": lambda: connectors_page(NOTE),
        "connector-checks.md": lambda: checks_page(NOTE),
    }
    if importlib.util.find_spec("headwater.cli") and importlib.util.find_spec("headwater.cli.main"):
        found["cli.md"] = cli_page
    return found


def main() -> int:
    """Write the pages, or compare them."""
    check = "--check" in sys.argv[1:]
    stale = 0
    for name, page in pages().items():
        path, text = REFERENCE / name, page()
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        print(f"{'differs from code' if check else 'written'}: {path.relative_to(Path.cwd())}")
        if not check:
            path.write_text(text, encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
