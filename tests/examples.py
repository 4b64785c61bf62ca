"""How many examples a property is tried on: few in `make test`, many in `make test-long`."""

from __future__ import annotations

import hypothesis

FEWEST = 5


def examples(worth: int) -> int:
    """So many as the profile gives a property of this worth, where one is worth a hundred unless it says so."""
    return max(FEWEST, worth * hypothesis.settings().max_examples // 100)
