"""A page of charts and tables that needs nothing else: for indicators, calendars of meters, uncertainty."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from headwater import __version__
from headwater.errors import Misuse

if TYPE_CHECKING:
    from pathlib import Path

    from headwater.services.charts import Drawing

FOLDER = "report_page"


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
    try:
        path.write_text(render(page), encoding="utf-8")
    except OSError as error:
        raise Misuse(
            f"the page cannot be written: {error.strerror}", where=str(path), valid="a file in a folder that exists"
        ) from error
    return path


def render(page: Page) -> str:
    """The page as HTML. Its policy allows its own style sheet, by hash, and nothing else."""
    style = resources.files(__package__).joinpath(FOLDER, "report.css").read_text(encoding="utf-8")
    environment = Environment(
        loader=PackageLoader(__package__, FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    content = f"\n{style}"
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return environment.get_template("figures.html.j2").render(
        page=page, style=content, style_hash=digest, version=__version__, made=made
    )
