"""A run that breaks off between two chunks, as if its process were gone."""

from __future__ import annotations

from headwater.telemetry import SilentProgress


class BrokenOff(Exception):
    """The process is gone."""


class Until(SilentProgress):
    """Breaks off when so many chunks are done."""

    def __init__(self, chunks: int) -> None:
        self._left = chunks

    def advance(self, units: int) -> None:
        """A chunk is done."""
        del units
        self._left -= 1
        if self._left == 0:
            raise BrokenOff
