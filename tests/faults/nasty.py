"""A file in which everything happens that can happen to a record, and a second version of it.

At 100 records a chunk its trouble lies across chunks: a record equal to one many chunks before, another with a key that
stands already, the same bad bytes again and again. The second version leaves most chunks as they are, changes a few
records of some, shifts others, and goes on with new ones, among them keys that an untouched chunk has read. Every
fourth chunk is without trouble, for those take other ways: a plain insert, or only the records not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.river import ACTIVITY_COLUMNS, factors

CHUNK_SIZE = 100


@dataclass(frozen=True, kw_only=True)
class Size:
    """How long the versions are, and where they differ.

    first                          records of the first version
    untouched, shifted, thinned    where the second begins to differ, each time otherwise
    second                         so many numbers the second version counts through
    """

    first: int
    untouched: int
    shifted: int
    thinned: int
    second: int

    @property
    def chunks(self) -> int:
        """At least so many the second version has."""
        return self.second // CHUNK_SIZE - 5


FULL = Size(first=15_000, untouched=13_000, shifted=14_000, thinned=14_500, second=20_500)
SAMPLE = Size(first=3_000, untouched=2_600, shifted=2_800, thinned=2_900, second=4_100)
"""Where a few instants are tried only: the same troubles and changes in a fifth of the chunks."""

FACTORS = factors(
    [
        {"factor_id": "f-de"},
        {"factor_id": "f-at", "region": "AT", "co2e_kg_per_unit": "0.1234567891", "method": "market_based"},
    ]
)


def first_version(size: Size) -> bytes:
    """The file as it came first."""
    return _file(_record(number) for number in range(size.first))


def second_version(size: Size) -> bytes:
    """The same source later."""
    return _file(_second(size))


def _second(size: Size) -> Iterator[str]:
    for number in range(size.second):
        if number == size.shifted:
            yield from (_line(f"inserted-{extra}") for extra in range(13))
        if number == size.thinned:
            yield from (_line(f"inserted-{extra}") for extra in range(13, 73))
        if size.thinned <= number < size.first and number % 2:
            continue
        change = _CHANGES.get(number % 100) if size.untouched <= number < size.first else None
        yield change(number) if change else _record(number)


def _record(number: int) -> str:
    if number // CHUNK_SIZE % 4 == 3:
        return _ordinary(number)
    earlier = number * 7919 % (number + 1) // 400 * 400  # an ordinary record of some chunk before, or of this one
    trouble = _TROUBLES.get(number % 100)
    return trouble(number, earlier) if trouble else _ordinary(number)


def _key(number: int) -> str:
    return f"a-{number:06}"


def _ordinary(number: int) -> str:
    return _line(_key(number), quantity=str(number), region="AT" if number % 3 else "DE")


_TROUBLES: dict[int, Callable[[int, int], str]] = {
    3: lambda number, _: _line(_key(number), quantity="x"),
    11: lambda number, _: _line(_key(number), quantity='"1,000.5"', unit="MWh"),
    17: lambda *_: _line("always-the-same", quantity="many"),
    18: lambda *_: _line("always-the-same", quantity="many"),
    29: lambda _, earlier: _ordinary(earlier),
    41: lambda _, earlier: _line(_key(earlier), quantity="999"),
    53: lambda number, _: f"{_key(number)},electricity,DE",
    61: lambda *_: "",
    67: lambda number, _: _line(_key(number), note=f'"two\nlines, and ""quotes"" {number}"'),
    71: lambda number, _: _line(_key(number), period_start="1985-01-01"),
    83: lambda number, _: _line(_key(number), period_start="2024-13-01", unit=""),
    89: lambda number, _: _line(_key(number), region="FR"),
    90: lambda number, _: _line(_key(number - 1), region="FR"),
}

_CHANGES: dict[int, Callable[[int], str]] = {
    3: lambda number: _line(_key(number), quantity="3"),
    5: lambda number: _line(_key(number), quantity="5.5"),
    7: lambda number: _line(_key(number), quantity="bad now"),
    9: lambda number: _line(_key(number), region="FR"),
}


def _line(key: str, **cells: str) -> str:
    usual = {
        "activity_type": "electricity",
        "region": "DE",
        "period_start": "2024-01-01",
        "quantity": "1",
        "unit": "kWh",
    }
    record = {**usual, "activity_id": key, **cells}
    return ",".join(record.get(column, "") for column in ACTIVITY_COLUMNS)


def _file(records: Iterator[str]) -> bytes:
    return "\n".join([",".join(ACTIVITY_COLUMNS), *records, ""]).encode()
