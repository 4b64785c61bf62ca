"""JSON as the source writes it: numbers keep their digits, a name comes once, and nothing is nested beyond reason."""

from __future__ import annotations

import json
from typing import Any

from headwater.connectors.nested.text import MAX_DEPTH, Number
from headwater.errors import InputRefused

Record = dict[str, Any]


class _Unfit(Exception):
    pass


def _object(pairs: list[tuple[str, Any]]) -> Record:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Unfit("a name comes twice in one object")
    return made


def _constant(word: str) -> Any:
    raise _Unfit(f"{word} is no number of JSON")


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Number, parse_int=Number, parse_constant=_constant, strict=True
)


def parsed(body: bytes, where: str) -> Any:
    """The value; numbers are `Number`, which is text. InputRefused for what is no JSON: cut off, a page for people."""
    try:
        text = body.decode("utf-8-sig")
        value = _decoder.decode(text)
    except UnicodeDecodeError as error:
        raise InputRefused("the answer is no text in UTF-8", where=where, valid="JSON in UTF-8") from error
    except json.JSONDecodeError as error:
        raise InputRefused(
            f"the answer is no JSON: {error.msg}",
            where=f"{where}, line {error.lineno} column {error.colno}",
            valid="JSON",
            remedy="See that url leads to the service and not to a page for people (a login, a proxy).",
        ) from None  # the library's error holds the whole answer
    except _Unfit as error:
        raise InputRefused(f"the answer is not read: {error}", where=where, valid="JSON (RFC 8259)") from None
    except RecursionError:
        raise _too_deep(where) from None
    _check_depth(value, where)
    return value


def _check_depth(value: Any, where: str) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            item
            for outer in level
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise _too_deep(where)


def _too_deep(where: str) -> InputRefused:
    return InputRefused("the answer is nested too deeply", where=where, valid=f"at most {MAX_DEPTH} levels")


def below(value: Any, steps: tuple[str, ...]) -> Any:
    """What the names lead to; None where there is nothing."""
    for step in steps:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def records(value: Any, steps: tuple[str, ...], where: str) -> list[Record]:
    """The array of objects that the names lead to."""
    found = below(value, steps)
    there = ", ".join(map(repr, list(value)[:10])) if isinstance(value, dict) else f"a {_kind(value)}"
    if not isinstance(found, list):
        raise InputRefused(
            "the answer does not hold the records where they should be",
            where=where,
            value="/" + "/".join(steps),
            valid=f"an array; at the top there is: {there}",
        )
    for record in found:
        if not isinstance(record, dict):
            raise InputRefused("a record is no object", where=where, value=record, valid='{"name": value, …}')
    return found


def _kind(value: Any) -> str:
    return {list: "list", str: "text", Number: "number", bool: "boolean"}.get(type(value), "null")


def whole_number(value: Any) -> int | None:
    """A count, as number or as text; None where there is none."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19 else None
