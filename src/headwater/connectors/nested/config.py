"""What can be said about a JSON or XML file; all that is not said is found by inspection."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from headwater.errors import Misuse

FORMATS = ("json", "jsonl", "geojson", "xml")
SHAPES = ("objects", "rows", "rows with header", "values", "fixtures", "features", "elements")
TOP = "/"
KEYED = "*"


@dataclass(frozen=True, kw_only=True)
class NestedConfig:
    """How a file is nested. None means not said: `inspect_nested` finds it and returns a config without None.

    format    json, jsonl, geojson or xml
    records   where the records are: names from the top, joined with "/" (d/results; a number counts items of an array
              from 0; "~1" is a "/" in a name, "~0" a "~"); "/" is the top itself; a last "*" stands for the members of
              an object, whose names become the column `_key`; for XML the elements from the root on (root/rows/row)
    encoding  a Python codec name
    shape     what a record is, found by inspection: one of `SHAPES`
    """

    format: str | None = None
    records: str | None = None
    encoding: str | None = None
    shape: str | None = None

    def __post_init__(self) -> None:
        _check_one_of("format", self.format, FORMATS)
        _check_one_of("shape", self.shape, SHAPES)
        if self.records is not None:
            self._check_records(self.records)
        if self.encoding is not None:
            _check_encoding(self.encoding)

    def _check_records(self, records: str) -> None:
        steps = steps_of(records)
        if any(not step for step in steps) or KEYED in steps[:-1]:
            raise Misuse(
                "no such path",
                where="source.records",
                value=records,
                valid='names joined with "/" (d/results); "*" only as the last of them; "/" for the top',
            )
        if self.format == "jsonl" and records != TOP:
            raise Misuse(
                "in JSON Lines every line is a record",
                where="source.records",
                value=records,
                remedy="Leave source.records out, or set source.format to json.",
            )


def steps_of(records: str) -> tuple[str, ...]:
    """The names that lead to the records; () for the top."""
    inner = records.removeprefix("/")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in inner.split("/")) if inner else ()


def path_of(steps: tuple[str, ...]) -> str:
    """The reverse of `steps_of`."""
    return "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps) or TOP


def pointer_of(steps: tuple[str, ...]) -> str:
    """A JSON pointer (RFC 6901): "" for the top, "/d/results"."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def _check_one_of(name: str, value: str | None, valid: tuple[str, ...]) -> None:
    if value is not None and value not in valid:
        raise Misuse(f"no such {name}", where=f"source.{name}", value=value, valid=", ".join(valid))


def _check_encoding(name: str) -> None:
    try:
        "".encode(codecs.lookup(name).name)
    except (LookupError, ValueError) as error:
        raise Misuse(
            "no such text encoding",
            where="source.encoding",
            value=name,
            valid="a codec name such as utf-8, cp1252, iso-8859-1, utf-16",
        ) from error
