"""Industries by NACE Rev. 2 and ISIC Rev. 4: codes brought to one form and checked against the structure of both.

Sections (A to U) and divisions (two digits) are the same in both: they are what both classifications share by design
(Regulation (EC) No 1893/2006; United Nations, ISIC Rev. 4, 2008). Groups have a third digit, classes a fourth; NACE
writes a point (`35.11`), ISIC none (`3511`). Below divisions the two differ, so whether a class exists is said by the
table that the user loads (`read_industries`): code and title, as Eurostat and the UN publish them.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from headwater.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Classification = Literal["NACE Rev. 2", "ISIC Rev. 4"]

# The first and last division of each section; every number in between is a division.
_SECTIONS = {
    "A": (1, 3), "B": (5, 9), "C": (10, 33), "D": (35, 35), "E": (36, 39), "F": (41, 43), "G": (45, 47), "H": (49, 53),
    "I": (55, 56), "J": (58, 63), "K": (64, 66), "L": (68, 68), "M": (69, 75), "N": (77, 82), "O": (84, 84),
    "P": (85, 85), "Q": (86, 88), "R": (90, 93), "S": (94, 96), "T": (97, 98), "U": (99, 99),
}  # fmt: skip
_SECTION_OF = {f"{number:02}": name for name, (first, last) in _SECTIONS.items() for number in range(first, last + 1)}
_CODE = re.compile(r"([A-U])?[ .]?(?:([0-9]{2})(?:\.?([0-9])(?:\.?([0-9]))?)?)?")
_LEVELS = ("section", "division", "group", "class")
FORM = "a section (A to U), a division (35), a group (35.1, 351) or a class (35.11, 3511), with or without its section"


@dataclass(frozen=True, kw_only=True)
class Industry:
    """A place in a classification. `code` is in the classification's own form; `title` where a table says it."""

    classification: Classification
    code: str
    level: str
    section: str
    division: str | None
    title: str | None = None


def read_industry(text: str, classification: Classification, titles: Mapping[str, str] | None = None) -> Industry:
    """Read a code, in any of the forms in use. titles: of `read_industries`; where given, the code must stand there.

    InputRefused: no code, a section that is not its division's, no such division, a code not in the table.
    A leading zero lost to a spreadsheet is not put back: 111 may be 01.11 or 11.1.
    """
    word = text.strip()
    found = _CODE.fullmatch(word.removeprefix("NACE ").removeprefix("ISIC ").strip())
    if found is None or not any(found.groups()):
        raise _refused("no industry code", word, classification)
    letter, division, group, last = found.groups()
    section = letter if division is None else _SECTION_OF.get(division)
    if section is None:
        raise _refused(f"there is no division {division}", word, classification)
    if letter is not None and letter != section:
        raise _refused(f"division {division} belongs to section {section}, not {letter}", word, classification)
    point = "." if classification == "NACE Rev. 2" and group else ""
    code = section if division is None else f"{division}{point}{group or ''}{last or ''}"
    if titles is not None and code not in titles:
        raise _refused("the code does not stand in the table loaded", word, classification)
    return Industry(
        classification=classification,
        code=code,
        level=_LEVELS[sum(part is not None for part in (division, group, last))],
        section=section,
        division=division,
        title=None if titles is None else titles[code],
    )


def read_industries(path: Path, classification: Classification) -> dict[str, str]:
    """Read a table of codes and titles: a CSV file with the columns code and title; every code is checked."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputRefused("the table of industries cannot be read", where=path.name, value=error) from error
    titles: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        code, title = row.get("code"), row.get("title")
        where = f"{path.name}, record {number}"
        if not code or not title:
            raise InputRefused("a record without code or title", where=where, valid="the columns code and title")
        own = read_industry(code, classification).code
        if titles.setdefault(own, title.strip()) != title.strip():
            raise InputRefused("a code with two titles", where=where, value=code, remedy="Keep one of them.")
    return titles


def _refused(what: str, word: str, classification: str) -> InputRefused:
    return InputRefused(
        what,
        where=classification,
        value=word,
        valid=FORM,
        remedy="Write the code as text, with its leading zero, or load the table that has it.",
    )
