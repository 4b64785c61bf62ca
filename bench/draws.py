"""Random numbers that depend on a seed, a name and a row's number alone, whatever was drawn before."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]


class Draws:
    """Random numbers for a range of rows: for each name an independent stream of 64-bit words (SplitMix64)."""

    def __init__(self, seed: int, start: int, stop: int) -> None:
        self._rows: Words = np.arange(start, stop, dtype=np.uint64)
        self._seed = seed

    def words(self, name: str) -> Words:
        """64 random bits a row."""
        digest = hashlib.sha256(f"{self._seed}/{name}".encode()).digest()
        offset = np.uint64(int.from_bytes(digest[:8], "little"))
        with np.errstate(over="ignore"):
            z = self._rows * np.uint64(0x9E3779B97F4A7C15) + offset
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))

    def below(self, name: str, bound: int) -> npt.NDArray[np.int64]:
        """An integer from 0 to `bound` - 1 a row."""
        return (self.words(name) % np.uint64(bound)).astype(np.int64)

    def chance(self, name: str, share: float) -> Mask:
        """True for about `share` of the rows."""
        return self.words(name) < np.uint64(min(int(share * 2.0**64), 2**64 - 1))
