"""How many of something, in the words for one or for many; and numbers as people write them."""

from __future__ import annotations

from decimal import Decimal


def counted(count: int, one: str, many: str | None = None) -> str:
    """As in 1 record, 1,200 records. `many` is `one` with an s unless it is said, as where a verb goes with it."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def written(number: Decimal | str) -> str:
    """A number with thousands and all its digits, without zeros that say nothing: 1,204.5, whichever of 1204.500 and
    1.2045E+3 a database gave.
    """
    text = f"{Decimal(number):,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
