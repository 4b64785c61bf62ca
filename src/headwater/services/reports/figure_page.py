"""A page of charts and tables that needs nothing else: for indicators, calendars of meters, uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from headwater.services.reports.pages import rendered, write_text

if TYPE_CHECKING:
    from pathlib import Path

    from headwater.services.reports.charts import Drawing


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of texts; `numbers` are the places of columns that stand to the right; `caption` says how many there are."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Section:
    """One thing that is shown: a heading, sentences, a chart where it helps, tables, and sentences below."""

    heading: str
    sentences: Sequence[str] = ()
    drawing: Drawing | None = None
    tables: Sequence[Table] = ()
    below: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Page:
    """A whole page. tiles: figure and what it is, the few that matter most."""

    title: str
    eyebrow: str
    context: str
    tiles: Sequence[tuple[str, str]] = ()
    sections: Sequence[Section]


def write_page(page: Page, path: Path) -> Path:
    """Write a page to a file."""
    return write_text(render(page), path)


def render(page: Page) -> str:
    """The page as HTML."""
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return rendered("figures.html.j2", page=page, made=made)
