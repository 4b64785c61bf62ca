"""The commands that were promised are there, each with examples that name real commands; `--help` stays light."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from headwater.cli.main import app

PROMISED = {
    "audit list",
    "demo", "serve", "inspect", "map suggest", "map preview", "recipe init",
    "import", "run", "runs list", "runs show", "runs resume", "quarantine list", "quarantine show",
    "quarantine export", "quarantine resubmit", "quarantine fix", "quarantine dismiss", "quarantine expire",
    "quarantine mirror", "records list", "records delete", "records restore", "records deleted", "records destroy",
    "records erase-subject", "records export",
    "records admit", "datasets list", "datasets offer", "datasets withdraw", "datasets accept", "datasets take",
    "datasets publish", "datasets retract",
    "contracts list", "contracts show",
    "contracts diff", "contracts template", "contracts export",
    "factors import", "factors list", "factors show", "factors conflicts",
    "factors licences", "factors export", "inventory calculate", "inventory list", "inventory show", "inventory lines",
    "inventory choices", "inventory publish", "inventory discard", "inventory export", "inventory uncertainty",
    "indicators compute",
    "indicators list", "indicators show", "meters calendar", "meters fill", "replay export emission",
    "replay export run", "replay export inventory", "replay check", "compare", "trace", "verify", "report", "health",
    "db status",
    "db upgrade", "connectors kinds", "connectors add", "connectors change", "connectors list", "connectors show",
    "connectors remove", "connectors validate", "connectors discover", "connectors sample", "connectors profile",
    "connectors fetch", "connectors plan",
    "connectors sync", "connectors status", "connectors state", "connectors retry-failed", "connectors credentials set",
    "connectors credentials list", "connectors credentials remove", "connectors credentials rotate",
    "jobs cancel", "jobs list", "jobs retry", "jobs show", "notifications channels add",
    "notifications channels edit", "notifications channels list", "notifications channels new-secret",
    "notifications channels remove", "notifications channels show", "notifications channels test", "notifications list",
    "notifications retry", "organisations add", "organisations list",
    "organisations show", "people change", "people end-sessions", "people erase", "people first-admin",
    "people grants give", "people grants revoke", "people invite",
    "people keys encrypt-files", "people keys encrypt-records", "people keys rotate",
    "people list",
    "people reset-link", "people resume", "people roles give", "people roles take", "people sessions",
    "people show", "people suspend",
    "schedules add", "schedules change", "schedules history", "schedules list", "schedules pause", "schedules remove",
    "schedules resume", "schedules run-now", "schedules show", "schedules updates",
    "tokens create", "tokens list", "tokens revoke", "units add", "units archive", "units assign", "units list",
    "units move", "units rename", "units restore", "units sources", "worker",
}  # fmt: skip
LISTINGS = {name for name in PROMISED if name.endswith(("list", "show"))} | {
    "map suggest", "map preview", "recipe init",
    "import", "run", "inspect", "trace", "verify", "runs resume", "quarantine resubmit", "contracts diff", "db status",
}  # fmt: skip


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


FOUND = dict(commands(get_command(app)))


def test_every_command_promised_is_there_and_no_other() -> None:
    assert {name.replace("trace emission", "trace") for name in FOUND} == PROMISED


@pytest.mark.parametrize("name", sorted(FOUND))
def test_help_has_examples_whose_commands_and_options_exist(name: str) -> None:
    text = FOUND[name].help or ""
    examples = re.findall(r"^ *(?:[A-Z_]+=\S+ )?headwater (.+?)(?: {3,}.*)?$", text, re.MULTILINE)
    assert any(example.startswith(name) for example in examples)
    for example in examples:
        words = shlex.split(example.split(" > ")[0])
        known = next(other for other in sorted(FOUND, key=len, reverse=True) if example.startswith(other))
        options = {option for parameter in FOUND[known].params for option in parameter.opts}
        assert {word for word in words if word.startswith("-") and word != "-"} <= options, example


@pytest.mark.parametrize("name", sorted(LISTINGS & set(FOUND)))
def test_every_listing_takes_json(name: str) -> None:
    assert any("--json" in parameter.opts for parameter in FOUND[name].params)


def test_the_same_option_has_the_same_name_everywhere() -> None:
    """Files are written with --out, pages beside what is printed with --html."""
    options = {option: name for name in FOUND for parameter in FOUND[name].params for option in parameter.opts}
    assert not {"--output", "--page", "--file", "--write"} & options.keys()
    short = {name for name in FOUND for parameter in FOUND[name].params if "-o" in parameter.opts}
    assert short <= {name for name in FOUND for parameter in FOUND[name].params if "--out" in parameter.opts}


def test_help_brings_no_heavy_library_along() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from headwater.cli.main import app; "
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"duckdb", "pyarrow", "numpy", "psycopg", "sqlglot", "pydantic", "structlog"} & set(done.stdout.split())
