"""The same records read by two versions of a mapping: which of them come out otherwise."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from headwater.engine.duck import engines
from headwater.pipeline.hash_columns import first_bytes
from headwater.services.logic import compile_logic

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from headwater.connectors.csv_file import RawChunk
    from headwater.pipeline.seen import Hashes, SeenKeys
    from headwater.pipeline.transform import ChunkTransform, Transformed
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic

HASH_BYTES = 16
"""How much of a row's hash is compared: two that differ are alike in it by chance never."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Records that stand and would be read otherwise: with other values, or not be loaded at all.

    Other values has one, too, whose key another record would have that was refused until now and counts before it.
    """

    changed: int = 0
    refused: int = 0

    @property
    def moved(self) -> int:
        """Both."""
        return self.changed + self.refused


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """Records of a chunk that would be loaded: numbers in the chunk (ascending), rows by hash, keys by hash; aligned.

    Where versions order the records of a key there may be several of it: the last is the one that stands in the end.
    """

    record_nos: npt.NDArray[np.int32]
    rows: npt.NDArray[np.void]
    keys: Hashes

    @classmethod
    def of(cls, done: Transformed) -> Self:
        """What became of a chunk."""
        numbers = done.records["record_no"].to_numpy()
        rows = first_bytes(done.records["row_hash"], HASH_BYTES)[np.argsort(numbers)]
        return cls(record_nos=done.standing.record_nos, rows=rows, keys=done.standing.key_hashes)

    def of_places(self, places: npt.NDArray[np.intp]) -> Loaded:
        """Those at some places."""
        return Loaded(record_nos=self.record_nos[places], rows=self.rows[places], keys=self.keys[places])

    def once_each(self) -> Loaded:
        """Of each key the last record."""
        _, from_end = np.unique(self.keys[::-1], return_index=True)
        return self.of_places(np.sort(self.keys.size - 1 - from_end))

    def moved_to(self, now: Loaded) -> tuple[Hashes, Hashes]:
        """Keys of the records that have another row now, and of those that would not be loaded."""
        places = np.searchsorted(now.record_nos, self.record_nos)
        places[places == now.record_nos.size] = 0
        is_there = np.zeros(self.keys.size, np.bool_)
        if now.record_nos.size:
            is_there = now.record_nos[places] == self.record_nos
        is_other = is_there.copy()
        is_other[is_there] = now.rows[places[is_there]] != self.rows[is_there]
        return self.keys[is_other], self.keys[~is_there]

    def overtaken_by(self, now: Loaded) -> Hashes:
        """Keys that have another row there, of whichever record. Of both each key is there once."""
        keys, here, there = np.intersect1d(self.keys, now.keys, assume_unique=True, return_indices=True)
        found: Hashes = keys[self.rows[here] != now.rows[there]]
        return found


class KeysSeen:
    """Hashes of keys in a few sorted arrays, each more than twice as long as the next: a key is soon looked up among
    all, and no array is sorted anew for each chunk.
    """

    def __init__(self) -> None:
        self._sorted: list[Hashes] = []

    def among(self, keys: Hashes) -> npt.NDArray[np.bool_]:
        """For each whether it was added."""
        found = np.zeros(keys.size, np.bool_)
        for each in self._sorted:
            places = np.searchsorted(each, keys)
            places[places == each.size] = 0
            found |= each[places] == keys
        return found

    def add(self, keys: Hashes) -> None:
        """These are seen from now on."""
        while self._sorted and self._sorted[-1].size <= 2 * keys.size:
            keys = np.concatenate([self._sorted.pop(), keys])
        if keys.size:
            self._sorted.append(np.sort(keys))


class Counting:
    """Of each key the reading that was added first counts, and only where a row with that key stands.

    So does what another version would load first: a record that was refused until now takes the place of one of its run
    that has its key and was added later. One of an earlier run it would update, as what its source corrected does.
    """

    def __init__(self, standing: SeenKeys, *, versions: int) -> None:
        self._standing = standing
        self._seen = KeysSeen()
        self._changed = [0] * versions
        self._refused = [0] * versions
        self._newly: list[dict[int, bytes]] = [{} for _ in range(versions)]

    def begin_run(self) -> None:
        """What is added from now on was read by another run."""
        self._newly = [{} for _ in self._newly]

    def add(self, before: Loaded, others: Sequence[Loaded]) -> None:
        """A chunk as it is read now, and as each of the others would."""
        once = before.once_each()
        new = once.of_places(np.flatnonzero(~self._seen.among(once.keys)))
        self._seen.add(new.keys)
        for number, other in enumerate(others):
            changed, refused = new.moved_to(other)
            now = other.once_each()
            overtaken = [new.overtaken_by(now), self._overtaken(new, number)]
            changed = np.setdiff1d(np.concatenate([changed, *overtaken]), refused)
            self._changed[number] += self._that_stand(changed)
            self._refused[number] += self._that_stand(refused)
            self._note_newly(now, number)

    def effects(self) -> tuple[Effect, ...]:
        """Of each of the others."""
        counted = zip(self._changed, self._refused, strict=True)
        return tuple(Effect(changed=changed, refused=refused) for changed, refused in counted)

    def _overtaken(self, new: Loaded, number: int) -> Hashes:
        """Keys that a record has already that another version loads and this one does not, with another row."""
        newly = self._newly[number]
        if not newly:
            return new.keys[:0]
        rows = zip(new.keys.tolist(), new.rows.tolist(), strict=True)
        return np.array([key for key, row in rows if newly.get(key, row) != row], np.uint64)

    def _note_newly(self, now: Loaded, number: int) -> None:
        """`now`: once each; what this version has read of the same chunk is seen by now."""
        of_others = now.of_places(np.flatnonzero(~self._seen.among(now.keys)))
        for key, row in zip(of_others.keys.tolist(), of_others.rows.tolist(), strict=True):
            self._newly[number].setdefault(key, row)

    def _that_stand(self, keys: Hashes) -> int:
        # Where nothing moves nobody asks, and no key is fetched.
        return int(np.count_nonzero(self._standing.among(keys))) if keys.size else 0


class Versions:
    """Versions of a mapping, compiled for the columns that were asked for last; what is compiled for others is let go.

    A context. All share the memory that one run may take.
    """

    def __init__(self, installation: Installation, logics: Sequence[Logic], source_id: bytes) -> None:
        """`logics` differ in their mapping alone."""
        self._installation = installation
        self._logics = [replace(logic, factor_set=None) for logic in logics]
        self._source_id = source_id
        self._engines = ExitStack()
        self._columns: tuple[str, ...] | None = None
        self._compiled: list[ChunkTransform] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._engines.close()

    def for_columns(self, columns: Sequence[str]) -> Self:
        """Misuse where a mapping does not fit these."""
        if tuple(columns) != self._columns:
            self._columns = None
            self._compile(columns)
            self._columns = tuple(columns)
        return self

    def read(self, raw: RawChunk) -> list[Loaded]:
        """What each version makes of a chunk."""
        return [Loaded.of(each.run(raw.table, raw.record_nos, first_record=1)) for each in self._compiled]

    def _compile(self, columns: Sequence[str]) -> None:
        self._engines.close()
        memory = f"{self._installation.settings.memory_limit // 2**20}MiB"
        ducks = self._engines.enter_context(engines(len(self._logics), memory_limit=memory))
        self._compiled = [
            compile_logic(self._installation, duck, logic, columns=columns, source_id=self._source_id)[0]
            for duck, logic in zip(ducks, self._logics, strict=True)
        ]
