"""What reading a word of the field gives where the word says too little: a finding, never a guess."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class InDoubt:
    """A text that means nothing known, or may mean several; `candidates` are codes or symbols, likeliest first."""

    text: str
    candidates: tuple[str, ...]
    message: str
    valid: str
    repair: str
    rule_id: str
