"""What makes a reading of a sample doubtful: refused where it would likely be wrong, said where a person should look.

Nothing here changes how a file is read. What a mapping says about its source is not doubted.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from headwater.connectors.csv_file.records import Dialect, Place, cut
from headwater.connectors.csv_file.sample import Row, is_figure, is_year
from headwater.documents.counted import counted
from headwater.errors import InputRefused

_MARKUP = re.compile(r"\s*<[a-zA-Z!?][^<>]*>\s*<")
_NOTATION = re.compile(r"\s*(\{\s*[\"}]|\[\s*[{\[\"])")
# Line ends for some programs, text for others: none of them ends a record here.
_ODD_LINE_ENDS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_ODD_DELIMITERS = ":!=§¦¬¤·•\x01\x1e\x1f"
_CURLY = "“”„‟«»"
_TOTALS = re.compile(
    r"(((grand|sub|overall)[ -]?)?total|sum|summe|gesamt|insgesamt|somme|totaux|suma|totale|totaal)(?!\w)",
    re.IGNORECASE,
)
_NO_VALUE = {
    "",
    "-",
    "–",
    "—",
    "..",
    "x",
    "c",
    "na",
    "n/a",
    "nd",
    "n.d.",
    "n.a.",
    "no",
    "ne",
    "ie",
    "nan",
    "null",
    "none",
}
_MOJIBAKE = re.compile("[ÂÃÅÄÐÑâ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]{1,2}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SHARE = 0.9


def refuse_other_notations(sample: str, name: str) -> None:
    """Raise InputRefused where the text is markup or JSON."""
    kind = "markup (HTML or XML)" if _MARKUP.match(sample) else "JSON" if _NOTATION.match(sample) else None
    if kind:
        raise InputRefused(
            f"this is {kind}, not a delimited text",
            where=name,
            value=sample[:40],
            valid="lines of fields with a delimiter between them",
            remedy="Fetch the table as CSV. If it is a delimited text, set source.delimiter.",
        ).settled_by("source.delimiter")


def refuse_one_line(sample: str, rows: list[Row], name: str) -> None:
    """Raise InputRefused where a text of one line holds what ends lines elsewhere."""
    found = _ODD_LINE_ENDS.search(sample.strip("\ufeff \t\r\n\x1a"))
    if len(rows) == 1 and found:
        raise InputRefused(
            "the whole text is one line, with line ends of another kind in it",
            where=f"{name}, line 1",
            value=f"U+{ord(found[0]):04X}",
            valid="lines that end with LF, CRLF or CR",
            remedy="Save the file again with common line ends, or set source.delimiter if it is right as it is.",
        ).settled_by("source.delimiter")


def refuse_one_column(rows: list[Row], name: str) -> None:
    """Raise InputRefused where something other than a known delimiter seems to divide the records."""
    texts = [row.cells[0] for row in rows if row.cells and row.cells[0].strip()]
    if len(texts) < 2:
        return
    what = _by_odd_delimiter(texts) or _by_spaces(texts)
    if what:
        raise InputRefused(
            f"the records seem to be divided by {what}",
            where=name,
            value=texts[0][:80],
            valid="comma, semicolon, tab, vertical bar; others where they are said",
            remedy="Set source.delimiter if it is one ASCII sign (any delimiter, such as a comma, if this is one "
            "column), or save the file again with commas.",
        ).settled_by("source.delimiter")


def _by_odd_delimiter(texts: list[str]) -> str | None:
    for sign in _ODD_DELIMITERS:
        counts = {text.count(sign) for text in texts}
        if len(counts) == 1 and 0 not in counts:
            if all(sign * 2 in text for text in texts):
                return f"{sign * 2!r}, two signs"
            return repr(sign)
    return None


def _by_spaces(texts: list[str]) -> str | None:
    """Columns set apart by spaces: in the same places in every line, or figures below words."""
    if all("  " in text.strip() for text in texts):
        starts = [{found.end() for found in re.finditer(r"\s+(?=\S)", text.rstrip())} for text in texts]
        if set.intersection(*starts):
            return "spaces (columns of fixed width)"
    split = [text.split() for text in texts]
    if len({len(cells) for cells in split}) == 1 and len(split[0]) > 1:
        header, *below = split
        figures = sum(all(is_figure(cells[place]) for cells in below) for place in range(len(header)))
        if figures >= (1 if len(header) > 2 else 2) and not any(map(is_figure, header)):
            return "spaces"
    return None


def refuse_long_delimiter(rows: list[Row], delimiter: str, name: str) -> None:
    """Raise InputRefused where the delimiter seems to be more than one sign: `||`, `~|~`."""
    divided = [row.cells for row in rows if len(row.cells) > 1]
    if len(divided) < 2:
        return
    doubled = any(map(any, divided)) and all(
        len(cells) % 2 and len(cells) > 2 and not any(cells[1::2]) for cells in divided
    )
    before, after = (_same_sign(divided, last=last) for last in (True, False))
    if doubled or before or after:
        raise InputRefused(
            "the delimiter seems to have more than one sign",
            where=f"{name}, line {rows[0].line + 1}",
            value=delimiter * 2 if doubled else f"{before}{delimiter}{after}",
            valid="one ASCII sign between fields",
            remedy="Save the file again with one sign as delimiter, or set source.delimiter if it is one sign already.",
        ).settled_by("source.delimiter")


def _same_sign(divided: list[list[str]], *, last: bool) -> str:
    """The sign that stands at every delimiter on the same side of it."""
    signs = {cell[-1:] if last else cell[:1] for cells in divided for cell in (cells[:-1] if last else cells[1:])}
    sign = signs.pop() if len(signs) == 1 else ""
    unusual = sign and not sign.isalnum() and not sign.isspace() and sign not in "\"'()[].-+%$€£_“”"
    return sign if unusual else ""


def refuse_curly_quotes(rows: list[Row], name: str) -> None:
    """Raise InputRefused where curly quotes were meant to hold fields together."""
    header = next((row for row in rows if any(row.cells)), None)
    for row in rows:
        opened = [cell for cell in row.cells if cell[:1] in _CURLY and cell[:1] and cell[-1:] not in _CURLY]
        wrapped = [cell for cell in row.cells if len(cell) > 1 and cell[0] in _CURLY and cell[-1] in _CURLY]
        if (opened and any(cell[-1:] in _CURLY and cell[:1] not in _CURLY for cell in row.cells if cell)) or (
            row is header and wrapped
        ):
            raise InputRefused(
                "curly quotes stand around fields",
                where=f"{name}, line {row.line + 1}",
                value=(opened or wrapped)[0][:80],
                valid='straight quotes (") around fields that hold a delimiter',
                remedy="Replace the curly quotes by straight ones, or set source.quote to '' if they belong to "
                "the texts.",
            ).settled_by("source.quote")


def refuse_short_header(rows: list[Row], header: int, name: str) -> None:
    """Raise InputRefused where the line above the supposed header looks like the true one with names missing."""
    if header == 0:
        return
    above, supposed = rows[header - 1], rows[header]
    names = [cell for cell in above.cells if cell.strip()]
    if len(names) < 2 or len(above.cells) >= len(supposed.cells) or any(map(is_figure, names)):
        return
    below = [row.cells for row in rows[header + 1 :] if len(row.cells) == len(supposed.cells)]
    if any(
        _is_figures([cells[place] for cells in below]) and not is_figure(cell) and cell.strip()
        for place, cell in enumerate(supposed.cells)
    ):
        return
    raise InputRefused(
        f"the records have {counted(len(supposed.cells), 'field')}, and the line above them has "
        f"{counted(len(above.cells), 'name')}",
        where=f"{name}, line {above.line + 1}",
        value=", ".join(above.cells)[:80],
        valid="a name for every field of the records",
        remedy="Look for decimal commas or commas in texts that are not in quotes, or for a name that is missing. "
        "If the header is right below this line, set source.preamble to the number of lines above it.",
    ).settled_by("source.preamble")


def refuse_tables_above(rows: list[Row], header: int, name: str) -> None:
    """Raise InputRefused where what stands above the header is a table too."""
    block: list[Row] = []
    for row in [*rows[:header], Row(cells=[], line=0)]:
        if block and len(row.cells) != len(block[0].cells):
            if _is_table(block):
                raise _several_tables(block[0], rows[header], name)
            block = []
        if len(row.cells) > 1 and any(row.cells):
            block.append(row)


def _is_table(block: list[Row]) -> bool:
    """Whether lines with as many fields each are more than titles: names above figures, or three full columns."""
    head, *below = (row.cells for row in block)
    if not below or any(map(is_figure, head)):
        return False
    if len(head) > 2 and all(all(cell.strip() for cell in cells) for cells in [head, *below]):
        return True
    return len(below) > 1 and any(
        head[place].strip() and all(is_figure(cells[place]) for cells in below) for place in range(len(head))
    )


def refuse_tables_below(rows: list[Row], header: int, name: str) -> None:
    """Raise InputRefused where a line below a blank one heads another table of as many columns."""
    names, records = rows[header].cells, rows[header + 1 :]
    fitting = [row.cells for row in records if len(row.cells) == len(names) and any(row.cells)]
    filled = [sum(bool(cells[place].strip()) for cells in fitting) for place in range(len(names))]
    figures = [sum(is_figure(cells[place]) for cells in fitting) for place in range(len(names))]
    for before, row in pairwise(records):
        if any(cell.strip() for cell in before.cells) or len(row.cells) != len(names) or _is_header(row, names):
            continue
        if any(cell.strip().lower() in _NO_VALUE for cell in row.cells) or _TOTALS.match(row.cells[0].strip()):
            continue
        # This row has a word in each column: the others alone are to be figures.
        of_figures = [place for place in range(len(names)) if figures[place] >= _SHARE * (filled[place] - 1) > 0]
        if of_figures and not any(is_figure(row.cells[place]) or is_year(row.cells[place]) for place in of_figures):
            raise _several_tables(rows[header], row, name)


def _is_header(row: Row, names: list[str]) -> bool:
    return [cell.removeprefix("\ufeff") for cell in row.cells] == names


def _is_figures(cells: list[str]) -> bool:
    """Whether all but a tenth of what is not blank are figures."""
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and sum(map(is_figure, filled)) >= _SHARE * len(filled)


def _several_tables(first: Row, second: Row, name: str) -> InputRefused:
    return InputRefused(
        f"there seem to be several tables in this file, one from line {first.line + 1} and one from line "
        f"{second.line + 1}",
        where=f"{name}, line {second.line + 1}",
        value=", ".join(second.cells)[:80],
        valid="one header and the records that belong to it",
        remedy="Split the file, one table a file; or set source.preamble to the number of lines above the header, and "
        "all below it is read as one table.",
    ).settled_by("source.preamble")


def refuse_stray_quotes(sample: str, dialect: Dialect, name: str) -> None:
    """Raise InputRefused for quotes in wrong places: they, and not what they lead to, are the reason to be told."""
    cut(sample.encode("utf-8", "surrogatepass"), dialect, Place(name=name, byte=0, line=1), final=False)


def _words_over_figures(rows: list[Row], header: int) -> tuple[Row, list[str]] | None:
    """The first record where it has words and those below it have figures: the record and its words."""
    names, records = rows[header].cells, [row for row in rows[header + 1 :] if any(cell.strip() for cell in row.cells)]
    below = [row.cells for row in records[1:] if len(row.cells) == len(names)]
    if not below or len(records[0].cells) != len(names):
        return None
    figures = [place for place in range(len(names)) if _is_figures([cells[place] for cells in below])]
    words = [records[0].cells[place].strip() for place in figures]
    if not words or any(is_figure(cell) or is_year(cell) or cell.lower() in _NO_VALUE for cell in words):
        return None
    return records[0], words


def refuse_second_header(rows: list[Row], header: int, name: str) -> None:
    """Raise InputRefused where the first record is as likely the header: full, and several words above figures."""
    found = _words_over_figures(rows, header)
    if found is None or len(set(found[1])) < 2 or not all(cell.strip() for cell in found[0].cells):
        return
    line = found[0].line + 1
    raise InputRefused(
        f"line {line} may be the header, a second line of it, a row of units, or a record: it has words where the "
        "records below it have figures",
        where=f"{name}, line {line}",
        value=", ".join(found[0].cells)[:80],
        valid="one line of names, right above the records",
        remedy=f"Set source.preamble: {line - 1} if it is the header, {rows[header].line} if the line above it is.",
    ).settled_by("source.preamble")


def about_records(rows: list[Row], header: int) -> list[str]:
    """What a person would look at before trusting the records of the sample."""
    names, records = rows[header].cells, [row for row in rows[header + 1 :] if any(cell.strip() for cell in row.cells)]
    warnings = []
    found = _words_over_figures(rows, header)
    if found:
        warnings.append(
            f"line {found[0].line + 1} has words where the records below it have figures: it may be a row of "
            "units, or a second line of the header; it is read as a record"
        )
    totals = [row for row in records if _TOTALS.match(next(cell for cell in row.cells if cell.strip()).strip())]
    if totals:
        told = f"line {totals[0].line + 1} begins with a word for totals"
        warnings.append(f"{told}; such records are loaded unless the mapping skips them")
    repeated = [row for row in records if len(names) > 1 and _is_header(row, names)]
    if repeated:
        warnings.append(f"the header stands again on line {repeated[0].line + 1}; it is skipped there")
    return warnings


def about_characters(rows: list[Row]) -> list[str]:
    """What texts hold that no one typed."""
    warnings: list[str] = []
    for row in rows:
        text = "\n".join(row.cells)
        if not text.isascii() and (found := _MOJIBAKE.search(text)) and not warnings:
            meant = _repaired(found[0])
            if meant:
                warnings.append(
                    f"line {row.line + 1} holds {found[0]!r}, likely {meant!r} stored in a wrong encoding before; "
                    "texts are read as they stand"
                )
    signs = sorted({sign for row in rows for cell in row.cells for sign in _CONTROL.findall(cell)})
    if signs:
        warnings.append("texts hold control characters: " + ", ".join(f"U+{ord(sign):04X}" for sign in signs[:5]))
    return warnings


def _repaired(text: str) -> str | None:
    """What mojibake was before; None where it is none."""
    for encoding in ("cp1252", "latin-1"):
        for length in (3, 2):
            try:
                meant = text[:length].encode(encoding).decode()
            except UnicodeError:
                continue
            if len(meant) == 1 and unicodedata.category(meant)[0] in "LSPN":
                return meant
    return None
