"""The reference pages of connectors: what the kinds say of themselves, and the checks of the suite."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.connectors.protocol import Kind
from headwater.services.connectors.kinds import installed_kinds
from headwater.testing import exactness
from headwater.testing.checking import Check
from headwater.testing.suite import FILE_CHECKS, TABLE_CHECKS


def kinds() -> list[Kind]:
    """The kinds that come along, by name; a plug-in that happens to be installed is none of them."""
    found = installed_kinds().values()
    return sorted(
        (kind for kind in found if kind.config.__module__.startswith("headwater.")), key=lambda kind: kind.name
    )


def connectors_page(note: str) -> str:
    """Every kind with what it reads by, what tests have run it against and what they have not."""
    rows = [
        (
            f"[`{kind.name}`](../../src/{kind.config.__module__.rpartition('.')[0].replace('.', '/')}/README.md)",
            kind.title,
            kind.reads_by + (f" (`{kind.needs}`)" if kind.needs else ""),
            ", ".join(kind.proven_against) or "nothing",
            kind.unproven,
        )
        for kind in kinds()
    ]
    lines = [
        "# Connectors, and what they are proven against",
        "",
        note,
        "Proven is what the [suite for connectors](connector-checks.md) runs against a real server of in `make test`.",
        "Each run asks the server for its version, and fails where it is not the one that stands here. The README",
        "behind each name says how it was reached, and all that was not tried. `headwater connectors kinds` tells the",
        "same, plug-ins included.",
        "",
        "| kind | what | reads by (extra) | proven against | not proven |",
        "|---|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
        "Files that folders and stores bring are read as files are, whoever brings them. What channels",
        "of notifications were tried against stands",
        "[with them](../how-to/be-told-when-something-fails.md#proven-against).",
    ]
    return "\n".join(lines) + "\n"


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
