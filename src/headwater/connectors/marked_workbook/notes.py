"""Notes on cells (comments, and the drawing by which a spreadsheet shows them): new parts, or added to those there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.sax.saxutils import escape

from headwater.connectors.workbook.archive import corrupt
from headwater.connectors.workbook.grid import letters

AUTHOR = "Headwater"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
MAIN_STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
COMMENTS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
DRAWING_TYPE = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_SHAPE_TYPE = (
    '<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
Cell = tuple[int, int]
"""Row from 1, column from 0."""


def comments(notes: Mapping[Cell, str], *, strict: bool) -> bytes:
    """A new part of comments."""
    main = MAIN_STRICT if strict else MAIN
    listed = "".join(_comment("", cell, text, author=0) for cell, text in sorted(notes.items()))
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<comments xmlns="{main}">'
        f"<authors><author>{AUTHOR}</author></authors><commentList>{listed}</commentList></comments>"
    ).encode()


def with_comments(data: bytes, notes: Mapping[Cell, str], name: str) -> bytes:
    """A part of comments with ours added; a cell that has one keeps it, ours below."""
    text = data.decode()
    found = re.search(r"<(\w+:)?authors\b[^>]*>", text)
    authors = re.search(r"</(?:\w+:)?authors\s*>", text)
    if found is None or authors is None:
        raise corrupt(name, "its comments have no authors")
    prefix = found[1] or ""
    number = len(re.findall(r"<(?:\w+:)?author(?=[\s/>])", text))
    text = f"{text[: authors.start()]}<{prefix}author>{AUTHOR}</{prefix}author>{text[authors.start() :]}"
    new = []
    for (row, column), note in sorted(notes.items()):
        there = re.search(
            rf"""<(?:\w+:)?comment\s[^>]*?\bref\s*=\s*["']{letters(column)}{row}["'].*?(?=</(?:\w+:)?text\s*>)""",
            text,
            re.DOTALL,
        )
        if there is None:
            new.append(_comment(prefix, (row, column), note, author=number))
        else:
            text = f"{text[: there.end()]}{_run(prefix, f'{chr(10)}{note}')}{text[there.end() :]}"
    text = re.sub(
        r"<(\w+:)?commentList\s*/>", lambda empty: f"<{empty[1] or ''}commentList></{empty[1] or ''}commentList>", text
    )
    end = re.search(r"</(?:\w+:)?commentList\s*>", text)
    if end is None:
        raise corrupt(name, "its comments have no list")
    return f"{text[: end.start()]}{''.join(new)}{text[end.start() :]}".encode()


def drawing(notes: Mapping[Cell, str]) -> bytes:
    """A new drawing with a box for each note."""
    shapes = "".join(_shape(cell, 1025 + place) for place, cell in enumerate(sorted(notes)))
    return (
        '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
        'xmlns:x="urn:schemas-microsoft-com:office:excel">'
        '<o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="1"/></o:shapelayout>'
        f"{_SHAPE_TYPE}{shapes}</xml>"
    ).encode()


def with_boxes(data: bytes, notes: Mapping[Cell, str], name: str) -> bytes:
    """A drawing with boxes for our notes added, where a cell has none."""
    text = data.decode()
    end = text.rfind("</xml")
    if end < 0:
        raise corrupt(name, "its drawing of comments has no end")
    there = set(
        zip(
            re.findall(r"<(?:\w+:)?Row>\s*(\d+)\s*<", text), re.findall(r"<(?:\w+:)?Column>\s*(\d+)\s*<", text),
            strict=False,
        )
    )  # fmt: skip
    first = max((int(number) for number in re.findall(r'id="_x0000_s(\d+)"', text)), default=1024) + 1
    new = [cell for cell in sorted(notes) if (str(cell[0] - 1), str(cell[1])) not in there]
    shapes = "".join(_shape(cell, first + place, own_names=True) for place, cell in enumerate(new))
    return f"{text[:end]}{shapes}{text[end:]}".encode()


def _comment(prefix: str, cell: Cell, text: str, *, author: int) -> str:
    row, column = cell
    inside = f"<{prefix}text>{_run(prefix, text)}</{prefix}text>"
    return f'<{prefix}comment ref="{letters(column)}{row}" authorId="{author}">{inside}</{prefix}comment>'


def _run(prefix: str, text: str) -> str:
    return f'<{prefix}r><{prefix}t xml:space="preserve">{xml_text(text)}</{prefix}t></{prefix}r>'


def _shape(cell: Cell, number: int, *, own_names: bool = False) -> str:
    row, column = cell
    names = (
        ' xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
        ' xmlns:x="urn:schemas-microsoft-com:office:excel"'
        if own_names
        else ""
    )
    return (
        f'<v:shape{names} id="_x0000_s{number}" type="#_x0000_t202" style="position:absolute;width:260pt;height:90pt;'
        'z-index:1;visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/>'
        '<v:textbox style="mso-direction-alt:auto"/><x:ClientData ObjectType="Note"><x:MoveWithCells/>'
        f"<x:SizeWithCells/><x:Anchor>{column + 1}, 15, {row - 1}, 10, {column + 5}, 15, {row + 5}, 4</x:Anchor>"
        f"<x:AutoFill>False</x:AutoFill><x:Row>{row - 1}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
    )


def xml_text(text: str) -> str:
    """A text as XML holds it; characters that XML cannot hold are written as spreadsheets write them."""
    safe = re.sub("_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
    return escape(_CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", safe)).replace("\r", "_x000D_")
