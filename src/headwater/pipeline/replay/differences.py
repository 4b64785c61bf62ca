"""What does not agree: named by table, key and column, with what is stored and what it should be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

ROW = ""
"""In place of a column: the whole row is missing, or is one that nothing explains."""
ABSENT = "(not there)"
PRESENT = "(there)"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One value that is not what it should be. `column` is `ROW` where a row is missing or is too many."""

    table: str
    key: str
    column: str
    stored: str | None
    expected: str | None
    why: str

    def __str__(self) -> str:
        place = f"{self.table}, {self.key}" + (f", {self.column}" if self.column else "")
        return f"{place}: stored {self.stored!r}, expected {self.expected!r} ({self.why})"


@dataclass(kw_only=True)
class Differences:
    """The first `limit` differences in full, and how many there are in all, by table."""

    limit: int
    shown: list[Difference] = field(default_factory=list)
    by_table: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """All of them, shown or not."""
        return self.by_table.total()

    @property
    def room(self) -> int:
        """How many more are kept in full."""
        return max(0, self.limit - len(self.shown))

    def add(self, difference: Difference) -> None:
        """Keep one, or count it only."""
        if self.room:
            self.shown.append(difference)
        self.by_table[difference.table] += 1

    def count(self, table: str, number: int) -> None:
        """So many more that are not kept in full."""
        if number > 0:
            self.by_table[table] += number

    def compare(self, table: str, key: str, column: str, *, stored: object, expected: object, why: str) -> bool:
        """Whether two values agree; where not, the difference is kept."""
        if stored == expected and type(stored) is type(expected):
            return True
        self.add(
            Difference(table=table, key=key, column=column, stored=_text(stored), expected=_text(expected), why=why)
        )
        return False

    def missing(self, table: str, key: str, why: str) -> None:
        """A row that should be there."""
        self.add(Difference(table=table, key=key, column=ROW, stored=ABSENT, expected=PRESENT, why=why))

    def unexplained(self, table: str, key: str, why: str) -> None:
        """A row that should not be there."""
        self.add(Difference(table=table, key=key, column=ROW, stored=PRESENT, expected=ABSENT, why=why))


def _text(value: object) -> str | None:
    if value is None:
        return None
    return value.hex() if isinstance(value, bytes) else str(value)
