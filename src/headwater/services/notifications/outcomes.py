"""How an attempt to tell a channel ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it.

    status  what the receiver has answered: of HTTP, or of SMTP
    error   why it has not got there, without anything secret; None where it has
    passes  whether what is wrong may pass by itself, so that it is tried again
    after   seconds that the receiver asks to be left alone
    """

    status: int | None = None
    error: str | None = None
    passes: bool = True
    after: float | None = None

    @property
    def is_sent(self) -> bool:
        """Whether the receiver has it."""
        return self.error is None
