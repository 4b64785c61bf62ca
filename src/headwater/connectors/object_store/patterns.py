"""Which files a pattern means, alike in folders and object stores.

    *     any characters of one name          data/*.csv
    **    any folders, none included          **/*.xlsx, archive/**
    ?     one character
    [ab]  one of these, [!ab] none of these; [*] is a star itself

Names that begin with a dot or `~$` (hidden files, the locks of spreadsheets) are meant only where the pattern says so.
"""

from __future__ import annotations

import re

from headwater.errors import Misuse

_HIDDEN = r"(?!\.|~\$)"
_ANY = rf"{_HIDDEN}[^/]+"
_WILD = frozenset("*?[")


class Pattern:
    """A pattern that can be asked. Misuse where it can mean nothing."""

    def __init__(self, text: str) -> None:
        parts = text.split("/")
        if any(part in {"", ".", ".."} for part in parts):
            raise Misuse(
                "the pattern of files can mean nothing",
                where="pattern",
                value=text,
                valid="names separated by single slashes, without . and .., as in reports/**/*.csv",
            )
        self._regex = re.compile("".join(_part(part, last=n == len(parts) - 1) for n, part in enumerate(parts)))
        fixed = 0
        while fixed < len(parts) - 1 and not _WILD & set(parts[fixed]):
            fixed += 1
        self.folder = "/".join(parts[:fixed])
        """The folder that all files meant are in; "" for the top."""

    def means(self, name: str) -> bool:
        """Whether a file, named from the top with slashes, is meant."""
        return self._regex.fullmatch(name) is not None


def _part(part: str, *, last: bool) -> str:
    if part == "**":
        return rf"(?:{_ANY}/)*{_ANY}" if last else rf"(?:{_ANY}/)*"
    made = _HIDDEN if part[0] in "*?" else ""
    place = 0
    while place < len(part):
        sign, place = part[place], place + 1
        closing = part.find("]", place + 1 + part.startswith("!", place)) if sign == "[" else -1
        if closing > 0:
            inside, place = part[place:closing], closing + 1
            negated = inside.startswith("!")
            made += f"[{'^/' if negated else ''}{_escaped(inside[negated:])}]"
        else:
            made += {"*": "[^/]*", "?": "[^/]"}.get(sign, re.escape(sign))
    return made if last else made + "/"


def _escaped(inside: str) -> str:
    """What stands in brackets, so that only its hyphens between two signs mean a range."""
    return re.sub(r"([\\\[\]^&|~])", r"\\\1", inside)
