"""Names that were meant, perhaps, by one that is not there."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN = 3


def did_you_mean(word: str, valid: Iterable[str], *, alike: float = 0.6) -> str | None:
    """A sentence that asks for what is most like `word`, the likest first; None where nothing is. `alike` is 0 to 1."""
    near = difflib.get_close_matches(word, list(valid), n=SHOWN, cutoff=alike)
    return f"Did you mean {' or '.join(near)}?" if near else None
