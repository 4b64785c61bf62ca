"""Named SQL: statements are kept in `sql/<concept>.sql`, where a database person can review them, and used by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

from headwater.errors import Misuse

_HEADING = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*)\n", re.MULTILINE)


@cache
def named_queries(concept: str) -> Mapping[str, str]:
    """Statements of `sql/<concept>.sql` by name."""
    text = resources.files("headwater.store").joinpath("sql", f"{concept}.sql").read_text(encoding="utf-8")
    return MappingProxyType(parse_queries(text, where=f"sql/{concept}.sql"))


def parse_queries(text: str, *, where: str) -> dict[str, str]:
    """Cut a file at its `-- name: x` headings. Every statement has a name of its own and begins with a sentence."""
    found: dict[str, str] = {}
    headings = list(_HEADING.finditer(text))
    for heading, following in zip(headings, [*headings[1:], None], strict=True):
        name = heading["name"]
        body = text[heading.end() : following.start() if following else len(text)].strip()
        sentence, _, statement = body.partition("\n")
        if name in found or not sentence.startswith("-- ") or not statement.strip():
            raise Misuse(
                "a named statement is wrong",
                where=where,
                value=name,
                valid="a name used once, then a comment line that says what it does, then the statement",
            )
        found[name] = body.rstrip(";")
    return found
