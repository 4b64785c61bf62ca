"""What a file is, as one HTML page that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from headwater import __version__
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headwater.services.inspections import Inspected

FOLDER = "report_page"


def write_page(found: Inspected, path: Path) -> Path:
    """Write the page of an inspection."""
    try:
        path.write_text(render_page(found), encoding="utf-8")
    except OSError as error:
        raise Misuse(
            f"the page cannot be written: {error.strerror}", where=str(path), valid="a file in a folder that exists"
        ) from error
    return path


def render_page(found: Inspected) -> str:
    """The page. Its policy allows its own style sheet, by hash, and nothing else."""
    style = resources.files(__package__).joinpath(FOLDER, "report.css").read_text(encoding="utf-8")
    environment = Environment(
        loader=PackageLoader(__package__, FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": _count, "share": share_of}
    content = f"\n{style}"
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return environment.get_template("inspection.html.j2").render(
        file=found.file, profile=found.profile, mappings=found.mappings, facts=how_it_is_written(found),
        where=where_word(found), style=content, style_hash=digest, version=__version__,
    )  # fmt: skip


def how_it_is_written(found: Inspected) -> Sequence[tuple[str, str]]:
    """What there is to say of the form, which differs by format."""
    file, config = found.file, found.file.config
    facts: list[tuple[str, str]] = [("format", file.format)]
    if file.member is not None:
        facts.append(("inside", f"{file.member}; {len(file.members):,} files in the archive"))
    if file.encoding:
        facts.append(("encoding", file.encoding))
    if file.format == "csv":
        facts.append(("delimiter", {"\t": "tab"}.get(config.csv.delimiter or "", config.csv.delimiter or "")))
    read = [sheet.name for sheet in file.sheets if sheet.is_read]
    if read:
        facts.append(("sheets read", ", ".join(read)))
    hidden = [f"{sheet.name} ({sheet.state})" for sheet in file.sheets if sheet.state != "visible"]
    if hidden:
        facts.append(("sheets hidden", ", ".join(hidden)))
    header = f"{where_word(found).lower()} {file.header_line:,}" if file.header_line else "names in every record"
    facts.append(("header", f"{header}, {len(file.columns):,} columns"))
    if config.nested.records and file.format in {"json", "geojson", "xml"}:
        facts.append(("records", config.nested.records))
    if file.units:
        facts.append(("units", ", ".join(f"{column}: {unit}" for column, unit in file.units)))
    return facts


def where_word(found: Inspected) -> str:
    """What records are counted in."""
    return "Line" if found.file.format in {"csv", "jsonl"} else "Row" if found.file.sheets else "Record"


def _count(number: int) -> str:
    return f"{number:,}"


def share_of(part: float) -> str:
    """In per cent; what is not quite none or all is not shown as such."""
    if 0 < part < 0.005:
        return "<1%"
    return ">99%" if 0.995 < part < 1 else f"{part:.0%}"
