"""Records that two versions of a mapping read: which come out otherwise, and which keys were seen."""

from __future__ import annotations

import numpy as np

from headwater.pipeline.seen import SeenKeys
from headwater.services.quarantine.two_versions import Counting, Effect, KeysSeen, Loaded


def loaded(*records: tuple[int, str, int]) -> Loaded:
    """Each with its number, its row and its key."""
    numbers, rows, keys = zip(*records, strict=True) if records else ((), (), ())
    return Loaded(
        record_nos=np.array(numbers, np.int32),
        rows=np.array([row.encode().ljust(16) for row in rows], "V16"),
        keys=np.array(keys, np.uint64),
    )


def moved(before: Loaded, now: Loaded) -> tuple[list[int], list[int]]:
    changed, refused = before.moved_to(now)
    return changed.tolist(), refused.tolist()


def test_what_has_another_row_is_changed_and_what_is_not_there_is_refused() -> None:
    before = loaded((0, "a", 10), (2, "b", 12), (3, "c", 13), (7, "d", 17))
    now = loaded((0, "a", 10), (1, "x", 11), (3, "C", 13))
    assert moved(before, now) == ([13], [12, 17])
    assert moved(before, before) == ([], [])
    assert moved(before, loaded()) == ([], [10, 12, 13, 17])
    assert moved(loaded(), now) == ([], [])


def test_of_a_key_the_last_record_of_a_chunk_counts() -> None:
    once = loaded((0, "a", 10), (2, "b", 11), (3, "c", 10)).once_each()
    assert (once.record_nos.tolist(), once.keys.tolist()) == ([2, 3], [11, 10])


def test_keys_that_were_added_are_seen_however_they_came() -> None:
    seen, keys = KeysSeen(), np.random.default_rng(1).permutation(np.arange(0, 2000, 2, dtype=np.uint64))
    for part in np.array_split(keys, 37):
        assert not seen.among(part).any()
        seen.add(part)
    assert seen.among(keys).all()
    assert not seen.among(keys + np.uint64(1)).any()
    seen.add(keys[:0])
    assert not seen.among(keys[:0]).size


def test_a_key_counts_once_and_where_a_row_stands() -> None:
    before, now = loaded((0, "a", 10), (1, "b", 11)), loaded((0, "A", 10))
    with SeenKeys(lambda: iter([np.array([10, 11, 12], np.uint64)])) as standing:
        counting = Counting(standing, versions=2)
        counting.add(before, [now, before])
        counting.add(before, [now, now])
        counting.add(loaded((0, "c", 12), (1, "d", 13)), [loaded(), loaded()])
        assert counting.effects() == (Effect(changed=1, refused=2), Effect(changed=0, refused=1))


def test_a_record_refused_until_now_overtakes_what_comes_after_it_in_its_run() -> None:
    nothing, first, later = loaded(), loaded((0, "a", 10), (1, "b", 11)), loaded((0, "A", 10), (1, "b", 11))
    with SeenKeys(lambda: iter([np.array([10, 11], np.uint64)])) as standing:
        for begun_again, changed in ((False, 1), (True, 0)):
            counting = Counting(standing, versions=2)
            counting.begin_run()
            counting.add(nothing, [first, nothing])
            if begun_again:
                counting.begin_run()
            counting.add(later, [later, later])
            counting.add(nothing, [first, first])  # what comes after takes no place
            assert counting.effects() == (Effect(changed=changed), Effect())


def test_of_a_chunk_the_last_version_counts_whichever_record_has_it() -> None:
    with SeenKeys(lambda: iter([np.array([10], np.uint64)])) as standing:
        counting = Counting(standing, versions=3)
        others = [((0, "a", 10), (1, "b", 10)), ((0, "a", 10), (1, "a", 10)), ((1, "b", 10),)]
        counting.add(loaded((0, "a", 10)), [loaded(*each) for each in others])
        assert counting.effects() == (Effect(changed=1), Effect(), Effect(refused=1))


def test_where_nothing_moves_no_key_is_fetched() -> None:
    asked: list[int] = []

    def keys() -> object:
        asked.append(1)
        return iter(())

    before = loaded((0, "a", 10))
    with SeenKeys(keys) as standing:  # type: ignore[arg-type]
        counting = Counting(standing, versions=1)
        counting.add(before, [before])
        assert not asked
        counting.add(loaded((0, "b", 11)), [loaded()])
    assert asked
