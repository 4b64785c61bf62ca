"""What a file is, as one HTML page that needs nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.documents.counted import counted
from headwater.services.reports.pages import rendered, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headwater.services.inspections import Inspected


def write_page(found: Inspected, path: Path) -> Path:
    """Write the page of an inspection."""
    return write_text(render_page(found), path)


def render_page(found: Inspected) -> str:
    """The page of an inspection as HTML."""
    return rendered(
        "inspection.html.j2", {"count": _count, "share": share_of}, file=found.file, profile=found.profile,
        mappings=found.mappings, facts=how_it_is_written(found), where=where_word(found),
    )  # fmt: skip


def how_it_is_written(found: Inspected) -> Sequence[tuple[str, str]]:
    """What there is to say of the form, which differs by format."""
    file, config = found.file, found.file.config
    facts: list[tuple[str, str]] = [("format", file.format)]
    if file.member is not None:
        facts.append(("inside", f"{file.member}; {counted(len(file.members), 'file')} in the archive"))
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
    facts.append(("header", f"{header}, {counted(len(file.columns), 'column')}"))
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
