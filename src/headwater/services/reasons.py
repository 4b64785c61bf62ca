"""Why somebody deletes or erases, in their own words: the audit chain keeps them for good."""

from __future__ import annotations

from headwater.errors import Misuse

LONGEST = 500


def reason_said(text: str) -> str:
    """The words without blanks at their ends; Misuse where nothing is said, or what nobody can read."""
    reason = text.strip()
    if not 1 <= len(reason) <= LONGEST or not reason.isprintable():
        valid = f"1 to {LONGEST} printable signs"
        raise Misuse("a reason must be said", where="reason", value=reason[:80], valid=valid)
    return reason
