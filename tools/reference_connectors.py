"""The reference page of the suite for connectors, made from its checks."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.testing import exactness
from headwater.testing.checking import Check
from headwater.testing.suite import FILE_CHECKS, TABLE_CHECKS


def checks_page(note: str) -> str:
    """Every check with its rule and the names by which a source declares that it has no such thing."""
    lines = [
        "# What a connector must do",
        "",
        note,
        "The checks of `headwater.testing`, each one test. A source that has no such thing says so in `lacks`, by the",
        "name in the last column and with the reason; the check is then reported as not applicable. How to run them:",
        "[write a connector](../how-to/write-a-connector.md). A source that declares no keys says so as `key`.",
        "",
        "## A source of tables",
        "",
        *_table(TABLE_CHECKS),
        "",
        "### Values that are tried",
        "",
        "A value that the source's type cannot hold is declared alone, as `date: year 1`.",
        "",
        "| sort | values |",
        "|---|---|",
        *(f"| {sort} | {', '.join(values)} |" for sort, values in exactness.VALUES.items()),
        "",
        "## A store of files",
        "",
        *_table(FILE_CHECKS),
    ]
    return "\n".join(lines) + "\n"


def _table(checks: Sequence[Check]) -> list[str]:
    rows = [f"| {c.name} | {c.what.strip()} | {', '.join(f'`{need}`' for need in c.needs)} |" for c in checks]
    return ["| check | what must hold | declared by |", "|---|---|---|", *rows]
