"""How null is written where an empty text may stand beside it."""

from __future__ import annotations

NULL = "∅"
EXPLAINED = f"{NULL}: null at its source, where an empty cell is an empty text. Both are blank to a mapping."
