"""Keys that several files of one dry run hold: each is one record, that of the file which would be loaded last."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


@dataclass(frozen=True, kw_only=True)
class KeysInTwo:
    """How many keys two files have in common."""

    files: tuple[str, str]
    keys: int

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


class KeysTried:
    """Hashes of the keys of each file that was tried, in order."""

    def __init__(self) -> None:
        self._files: list[str] = []
        self._keys: list[npt.NDArray[np.uint64]] = []

    def add(self, file: str, chunks: Sequence[npt.NDArray[np.uint64]]) -> None:
        """The keys of one more file, chunk by chunk."""
        self._files.append(file)
        self._keys.append(np.unique(np.concatenate([*chunks, np.empty(0, np.uint64)])))

    def in_two(self) -> list[KeysInTwo]:
        """Files with keys in common, a key with the file before it that has it last; those with the most first."""
        if len(self._files) < 2:
            return []
        keys = np.concatenate(self._keys)
        files = np.repeat(np.arange(len(self._files)), [len(each) for each in self._keys])
        order = np.argsort(keys, kind="stable")
        again = np.flatnonzero(keys[order][1:] == keys[order][:-1])
        pairs = zip(files[order][again].tolist(), files[order][again + 1].tolist(), strict=True)
        counted = sorted(Counter(pairs).items(), key=lambda found: (-found[1], found[0]))
        return [KeysInTwo(files=(self._files[one], self._files[other]), keys=n) for (one, other), n in counted]
