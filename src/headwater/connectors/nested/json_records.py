"""The records of a JSON or JSON Lines file, one by one, each as cells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headwater.connectors.nested.cells import SEP, Cells, Flattener, column_of
from headwater.connectors.nested.config import KEYED, NestedConfig, path_of, pointer_of, steps_of
from headwater.connectors.nested.text import JsonText, one_line
from headwater.errors import InputRefused


class JsonRecords:
    """What `config` says of the file at `path`; can be gone through again and again.

    part          JSON pointer of the array, "" for the top and for JSON Lines
    first_number  0 for items of an array, 1 for lines
    header        the cells of the first row, where it is one
    """

    def __init__(self, path: Path, config: NestedConfig, name: str) -> None:
        self._path = path
        self._name = name
        self._encoding = config.encoding or ""
        self._shape = config.shape or ""
        self._steps = steps_of(config.records or "")
        self._lines = config.format == "jsonl"
        self._has_header = self._shape == "rows with header"
        self.part = pointer_of(self._steps[:-1] if self._steps[-1:] == (KEYED,) else self._steps)
        self.first_number = (1 if self._lines else 0) + self._has_header
        self.header = tuple(next(iter(self.values()))[1]) if self._has_header else ()

    def cells(self, decimal: str) -> Iterator[Cells]:
        """Each record in order; what is blank between them (a null, a blank line) too."""
        flattener = Flattener(self._shape, decimal, self.header)
        values = enumerate(self.values(), start=1 if self._lines else 0)
        if self._has_header:
            next(values)
        for number, (key, value) in values:
            try:
                yield flattener.cells(value, self.place(number), key)
            except TypeError as error:
                raise InputRefused(
                    "this record is of another kind than those before it",
                    where=self.place(number),
                    value=value,
                    valid={"rows": "an array", "values": "a single value"}.get(self._shape.split()[0], "an object"),
                    remedy="Set source.records to the array that holds the records, or mend the file.",
                ) from error

    def is_settled(self) -> bool:
        """What a record is turned into depends on no other record."""
        return True

    def column(self, path: str) -> str:
        """The header cell of a path; of rows without a header "", to be numbered."""
        return path.rpartition(SEP)[2] if self._shape.startswith("rows") else column_of(path)

    def place(self, number: int) -> str:
        """Where a record is, for people."""
        if self._lines:
            return f"{self._name}, line {number}"
        return f"{self._name}, {self.part}/{number}"

    def values(self) -> Iterator[tuple[str | None, Any]]:
        """Each record with its name in an object keyed by id."""
        text = JsonText(self._path, self._encoding, self._name)
        if self._lines:
            yield from _lines(text, self._name)
        else:
            yield from _below(text, self._steps, 0, self._name)
            text.close()


def _lines(text: JsonText, name: str) -> Iterator[tuple[str | None, Any]]:
    number = 0
    while (line := text.line()) is not None:
        number += 1
        yield None, one_line(line, f"{name}, line {number}")


def _below(text: JsonText, steps: tuple[str, ...], depth: int, name: str) -> Iterator[tuple[str | None, Any]]:
    opening = text.peek()
    if depth == len(steps):
        yield from _records(text, opening, steps, name)
        return
    step, is_found = steps[depth], False
    there: list[str] = []
    if step == KEYED and opening == "{":
        for key in text.members():
            yield key, text.value()
        return
    names = (str(index) for index in text.items()) if opening == "[" else text.members()
    if opening not in {"{", "["}:
        raise _no_such(steps[: depth + 1], [], name)
    for key in names:
        if key == step:
            is_found = True
            yield from _below(text, steps, depth + 1, name)
        else:
            there += [key][: 10 - len(there)]
            text.skip()
    if not is_found:
        raise _no_such(steps[: depth + 1], there, name)


def _records(text: JsonText, opening: str, steps: tuple[str, ...], name: str) -> Iterator[tuple[str | None, Any]]:
    if opening == "[":
        for _ in text.items():
            yield None, text.value()
    elif opening == "{":
        yield None, text.value()
    else:
        raise InputRefused(
            "there are no records: this is a single value",
            where=f"{name}, {path_of(steps)}",
            value=text.value(),
            valid="an array or an object",
            remedy="Set source.records to the array that holds the records.",
        )


def _no_such(steps: tuple[str, ...], there: list[str], name: str) -> InputRefused:
    return InputRefused(
        "the path of the records leads nowhere",
        where=name,
        value=path_of(steps),
        valid=f"at this place there are: {', '.join(there)}" if there else "there is nothing below this place",
        remedy="Correct source.records.",
    )
