"""What docstrings say of fields, one a line: the name, blanks, a sentence. Schemas tell it with each field."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FIELDS = re.compile(r"([a-z]\w*(?:, [a-z]\w*)*)(:| ) *(\S.*)")
"""How a line of a docstring begins that tells of a field, or of several: `rate   records a second`."""


def with_fields_told(part: dict[str, Any], kind: type) -> dict[str, Any]:
    """The schema of a class with what its docstring, or that of one that it goes on from, says of each field."""
    fields = part["properties"]
    for each in _with_bases(kind):
        for name, sentence in _paragraphs(each, fields.keys())[1].items():
            fields[name].setdefault("description", sentence)
    return {**part, "description": "\n\n".join(_paragraphs(kind, fields.keys())[0])}


def _with_bases(kind: type) -> Iterator[type]:
    yield kind
    for base in getattr(kind, "__orig_bases__", kind.__bases__):  # a typed dictionary keeps its bases there alone
        if isinstance(base, type) and base is not object:
            yield from _with_bases(base)


def _paragraphs(kind: type, names: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Those of a docstring that are of the whole, and what the others say of fields."""
    whole: list[str] = []
    of_fields: dict[str, str] = {}
    for paragraph in inspect.cleandoc(kind.__doc__ or "").split("\n\n"):
        found = _fields_told(paragraph, names)
        of_fields |= found
        whole += [] if found else [_in_json(paragraph)]
    return whole, of_fields


def _fields_told(paragraph: str, names: Iterable[str]) -> dict[str, str]:
    """Field → sentence; nothing where the paragraph is about something else."""
    found: dict[str, str] = {}
    for line in re.sub(r"\n +", " ", paragraph).split("\n"):
        told = _FIELDS.fullmatch(line)
        if told is None or not set(told[1].split(", ")) <= set(names):
            return {}
        found |= dict.fromkeys(told[1].split(", "), _in_json(told[3]))
    return found


def _in_json(text: str) -> str:
    """What is said of a value of Python, said of JSON; in one line."""
    return re.sub(r"\bNone\b", "null", " ".join(text.split()))
