"""How many of something, in the words for one or for many."""

from __future__ import annotations


def counted(count: int, one: str, many: str | None = None) -> str:
    """As in 1 record, 1,200 records. `many` is `one` with an s unless it is said, as where a verb goes with it."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
