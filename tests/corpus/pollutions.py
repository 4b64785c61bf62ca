"""Polluted CSV files made here, each with the right answer: columns and cells as texts, or the words of a refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

Row = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The table that a file holds.

    ragged   records, as they stand, with another number of fields than the header: quarantined, never read otherwise
    skipped  reason -> how many records are set aside and counted; None where it does not matter here
    """

    columns: Row
    rows: tuple[Row, ...]
    ragged: tuple[str, ...] = ()
    skipped: dict[str, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Pollution:
    """One kind of pollution.

    answer   the right table; None where there is none
    refused  words that the refusal holds where nothing is said about the file; "" where it is to be loaded so
    hints    what a mapping says about the source, with which the answer is to be loaded; with none, a refusal is final
    says     words that a warning holds
    """

    name: str
    data: bytes
    answer: Answer | None = None
    refused: str = ""
    hints: dict[str, Any] = field(default_factory=dict)
    says: str = ""


COLUMNS: Row = ("site", "kWh", "note")
ROWS: tuple[Row, ...] = (("Athens", "1520", "meter A"), ("Berlin", "98.5", ""), ("Cork", "7", "by hand"))
PLAIN = Answer(columns=COLUMNS, rows=ROWS)


def written(*rows: Row, delimiter: str = ",", end: str = "\n") -> str:
    """Lines of fields, no quotes."""
    return "".join(delimiter.join(row) + end for row in rows)


TEXT = written(COLUMNS, *ROWS)


def loaded(name: str, text: str | bytes, answer: Answer = PLAIN, *, says: str = "", **hints: Any) -> Pollution:
    """To be loaded as it is; with hints where only they make it a table."""
    return Pollution(name=name, data=_bytes(text), answer=answer, says=says, hints=hints)


def refused(name: str, text: str | bytes, words: str, answer: Answer | None = None, **hints: Any) -> Pollution:
    """To be refused in these words; the answer is what a person sees in it, and with hints what is loaded."""
    return Pollution(name=name, data=_bytes(text), refused=words, answer=answer, hints=hints)


def table(columns: str, *rows: str, ragged: tuple[str, ...] = (), **skipped: int) -> Answer:
    """A table whose names and cells hold no vertical bar."""
    return Answer(
        columns=tuple(columns.split("|")),
        rows=tuple(tuple(row.split("|")) for row in rows),
        ragged=ragged,
        skipped=skipped or None,
    )


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


@cache
def pollutions() -> tuple[Pollution, ...]:
    """All of them, by name each once."""
    from tests.corpus import cells, delimiters, encodings, headers, quotes, shapes  # noqa: PLC0415  (they import this)

    return tuple(
        pollution for kinds in (delimiters, quotes, encodings, headers, shapes, cells) for pollution in kinds.POLLUTIONS
    )
