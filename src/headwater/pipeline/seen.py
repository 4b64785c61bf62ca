"""Which keys a run has read so far: asked only when a record would replace one of an older run."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Self

import numpy as np

from headwater.errors import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

    import numpy.typing as npt

    Hashes = npt.NDArray[np.uint64]


class SeenKeys:
    """Key hashes of the chunks a run has committed, sorted chunk by chunk in a temp file.

    Nothing is kept until the first question: a first load never asks. In the file and not in memory, so that the size
    of the source does not matter.
    """

    def __init__(self, committed: Callable[[], Iterator[Hashes]]) -> None:
        self._committed = committed
        # Without a buffer, which would try once more to write on closing what found no room.
        self._file = tempfile.TemporaryFile(prefix="headwater-keys-", buffering=0)  # noqa: SIM115  closed by __exit__
        self._ends: list[int] = []
        self._asked = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, hashes: Callable[[], Hashes]) -> None:
        """A chunk was committed; its hashes are fetched only where somebody has asked before."""
        if self._asked:
            self._append(hashes())

    def forget(self) -> None:
        """What was committed is not sure any more; the next question reads it again."""
        self._asked = False

    def among(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """For each hash whether a committed chunk of this run has read it."""
        if not self._asked:
            self._file.seek(0)
            self._file.truncate()
            self._ends.clear()
            for chunk in self._committed():
                self._append(chunk)
            self._asked = True
        found = np.zeros(hashes.size, np.bool_)
        for chunk in self._chunks():
            places = np.searchsorted(chunk, hashes)
            places[places == chunk.size] = 0
            found |= chunk[places] == hashes
        return found

    def _append(self, hashes: Hashes) -> None:
        if hashes.size == 0:
            return
        # Not by tofile(), which loses without a word what the disk does not take.
        left = memoryview(np.sort(hashes).tobytes())
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise Stopped(
                f"the keys that the run has read cannot be kept: {error.strerror}",
                where=tempfile.gettempdir(),
                remedy="Free space there, or let TMPDIR name a folder that has some, then resume.",
            ) from error
        self._ends.append((self._ends[-1] if self._ends else 0) + hashes.size)

    def _chunks(self) -> Iterable[Hashes]:
        if not self._ends:
            return
        everything = np.memmap(self._file, np.uint64, mode="r", shape=(self._ends[-1],))
        for start, end in zip([0, *self._ends], self._ends, strict=False):
            yield everything[start:end]
