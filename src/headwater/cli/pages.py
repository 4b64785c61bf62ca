"""What was found, shown in the ways that all such commands have: a page, JSON, or tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from headwater.cli.printing import print_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headwater.services.reports.figure_page import Page


def present(
    *,
    page: Callable[[], Page],
    html: Path | None,
    body: Callable[[], Any],
    as_json: bool,
    tables: Callable[[], None],
) -> None:
    """Write the page where one is asked for, and print JSON or tables."""
    if html is not None:
        from headwater.services.reports.figure_page import write_page

        write_page(page(), html)
    if as_json:
        print_json(body())
        return
    tables()
    if html is not None:
        typer.echo(f"written to {html}")
