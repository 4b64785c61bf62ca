"""Styles of cells with a fill of ours: each a copy of the cell's own, so that nothing but the colour is another."""

from __future__ import annotations

import re

from headwater.connectors.workbook.archive import corrupt

COLOUR = "FFFFC7CE"
"""The light red by which spreadsheets show what is bad."""
EMPTY = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    b'<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    b'<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    b'</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    b'<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    b'<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>'
    b'<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_LIST = r"<(?P<prefix>\w+:)?{name}\b[^>]*?(?:/>|>(?P<items>.*?)</(?:\w+:)?{name}\s*>)"
_STYLE = re.compile(r"<(?:\w+:)?xf\b[^>]*?/>|<(?:\w+:)?xf\b[^>]*?>.*?</(?:\w+:)?xf\s*>", re.DOTALL)
_COUNT = re.compile(r'(\scount\s*=\s*)(?:"\d*"|\'\d*\')')


class Styles:
    """The list of styles of a workbook, to which marked copies are added."""

    def __init__(self, data: bytes, name: str) -> None:
        self._text = data.decode()
        self._name = name
        cells = self._list("cellXfs")
        self._styles = _STYLE.findall(cells["items"] or "") if cells else []
        fills = self._list("fills")
        if cells is None or fills is None or not self._styles:
            raise corrupt(name, "its styles have no list of cells' styles or of fills")
        self._fill = len(re.findall(r"</(?:\w+:)?fill\s*>|<(?:\w+:)?fill\s*/>", fills["items"] or ""))
        self._marked: dict[int, int] = {}

    def marked(self, style: int) -> int:
        """The index of a style's copy with our fill."""
        if style not in self._marked:
            self._marked[style] = len(self._styles)
            own = self._styles[style if 0 <= style < len(self._styles) else 0]
            opening = re.match(r"<[^>]*?(?=/?>)", own)
            if opening is None:
                raise corrupt(self._name, "a style of its cells has no beginning")
            changed = re.sub(r"""\s(?:fillId|applyFill)\s*=\s*(?:"[^"]*"|'[^']*')""", "", opening[0])
            self._styles.append(f'{changed} fillId="{self._fill}" applyFill="1"{own[opening.end() :]}')
        return self._marked[style]

    def data(self) -> bytes:
        """The part with what was added."""
        if not self._marked:
            return self._text.encode()
        fills = self._list("fills")
        prefix = (fills and fills["prefix"]) or ""
        fill = (
            f'<{prefix}fill><{prefix}patternFill patternType="solid"><{prefix}fgColor rgb="{COLOUR}"/>'
            f'<{prefix}bgColor indexed="64"/></{prefix}patternFill></{prefix}fill>'
        )
        added = "".join(self._styles[-len(self._marked) :])
        text = self._with(self._text, "fills", fill, self._fill + 1)
        return self._with(text, "cellXfs", added, len(self._styles)).encode()

    def _list(self, name: str) -> re.Match[str] | None:
        return re.search(_LIST.format(name=name), self._text, re.DOTALL)

    @staticmethod
    def _with(text: str, name: str, added: str, count: int) -> str:
        found = re.search(_LIST.format(name=name), text, re.DOTALL)
        if found is None:
            raise AssertionError("the list was there when the styles were read")
        end = found.end("items")
        start = found.start("items")
        opening = _COUNT.sub(rf'\g<1>"{count}"', text[found.start() : start])
        return text[: found.start()] + opening + text[start:end] + added + text[end:]
