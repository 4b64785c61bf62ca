"""One HTML page that needs nothing else: its style sheet stands in it, and its policy allows that and nothing more."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from headwater import __version__
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

FOLDER = "report_page"


def rendered(template: str, filters: Mapping[str, Callable[..., Any]] | None = None, **values: Any) -> str:
    """A page from its template."""
    style = with_colours(resources.files(__package__).joinpath(FOLDER, "report.css").read_text(encoding="utf-8"))
    environment = Environment(
        loader=PackageLoader(__package__, FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters or {}
    content = f"\n{style}"  # the hash covers what stands between the tags, to the byte
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return environment.get_template(template).render(**values, style=content, style_hash=digest, version=__version__)


def with_colours(style: str) -> str:
    """A style sheet, after the colours that all pages have."""
    return resources.files(__package__).joinpath(FOLDER, "colours.css").read_text(encoding="utf-8") + f"\n{style}"


def write_text(text: str, path: Path) -> Path:
    """Write a page to a file. Misuse: there is no such folder."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Misuse(
            f"the page cannot be written: {error.strerror}", where=str(path), valid="a file in a folder that exists"
        ) from error
    return path
