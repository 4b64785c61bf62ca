"""Records that versions of a mapping read: which of those that stand each moves; and what a newer run has read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pytest

from headwater.connectors.csv_file import RawChunk
from headwater.engine.duck import engine
from headwater.services.quarantine.newest_rows import HashesSeen, NewestRows, told_by_key
from headwater.services.quarantine.two_versions import Effect, Readings

Record = tuple[int, str | None, int] | tuple[int, str | None, int, int]
"""Number, row, key and version; a record without a row is read, and another of its chunk stands before it."""


def read(*records: Record) -> pa.Table:
    rows = [None if each[1] is None else ord(each[1]) for each in records]
    return pa.table(
        {
            "record_no": pa.array([each[0] for each in records], pa.int32()),
            "key": pa.array([None if each[1] is None else each[2] for each in records], pa.uint64()),
            "row": pa.array(rows, pa.uint64()),
            "version": pa.array([each[3] if len(each) == 4 else None for each in records], pa.int32()),
        }
    )


@pytest.fixture
def readings() -> Iterator[Readings]:
    with engine() as duck:
        yield Readings(duck, others=2, version="INTEGER")


def effects(readings: Readings, *standing: tuple[int, str | None]) -> tuple[Effect, ...]:
    """Where rows of these keys stand, each with the text of its version."""

    def stand() -> Iterable[pa.Table]:
        keys, versions = zip(*standing, strict=True)
        yield pa.table({"key": pa.array(keys, pa.uint64()), "version": pa.array(versions, pa.string())})

    return readings.effects(stand)


def test_a_key_counts_once_and_where_a_row_stands(readings: Readings) -> None:
    before = read((0, "a", 10), (1, "b", 11))
    readings.begin_run()
    readings.add(2, before, [read((0, "A", 10)), before])
    readings.add(2, before, [before, before])
    readings.add(2, read((0, "c", 12), (1, "d", 13)), [read(), read((0, "C", 12))])
    assert effects(readings, (10, None), (11, None), (12, None)) == (Effect(changed=1, refused=1), Effect(changed=1))


@pytest.mark.parametrize(("first", "last"), [(1, 2), (2, 1)])
def test_the_highest_version_counts_wherever_it_stands(readings: Readings, first: int, last: int) -> None:
    one, other = read((0, "a", 10, first)), read((0, "b", 10, last))
    readings.begin_run()
    readings.add(1, one, [read((0, "A", 10, first)), one])
    readings.add(1, other, [other, read()])
    found = effects(readings, (10, str(max(first, last))))
    # Of the lower version it is no matter how it is read; without the higher one it would replace nothing.
    assert found == ((Effect(changed=1), Effect()) if first > last else (Effect(), Effect(refused=1)))


def test_a_version_that_was_loaded_from_elsewhere_is_replaced_by_a_higher_one_only(readings: Readings) -> None:
    readings.begin_run()
    readings.add(1, read((0, "a", 10, 3)), [read((0, "A", 10, 4)), read((0, "A", 10, 5))])
    assert effects(readings, (10, "5")) == (Effect(), Effect(changed=1))


def test_a_record_refused_until_now_overtakes_what_comes_after_it_in_its_run() -> None:
    nothing, first, later = read(), read((0, "a", 10), (1, "b", 11)), read((0, "A", 10), (1, "b", 11))
    for begun_again, changed in ((False, 1), (True, 0)):
        with engine() as duck:
            readings = Readings(duck, others=2, version=None)
            readings.begin_run()
            readings.add(2, nothing, [first, nothing])
            if begun_again:
                readings.begin_run()
            readings.add(2, later, [later, later])
            readings.add(2, nothing, [first, first])  # what comes after takes no place
            assert effects(readings, (10, None), (11, None)) == (Effect(changed=changed), Effect())


def test_what_takes_the_place_of_a_record_that_would_be_refused_changes_the_row(readings: Readings) -> None:
    readings.begin_run()
    readings.add(2, read((0, "a", 10), (1, None, 10)), [read((1, "b", 10)), read((1, "a", 10))])
    assert effects(readings, (10, None)) == (Effect(changed=1), Effect())


def test_a_record_that_is_read_as_an_older_version_or_under_another_key_is_not_refused(readings: Readings) -> None:
    before = read((0, "a", 10, 5), (1, "b", 11, 5))
    readings.begin_run()
    readings.add(2, before, [read((0, "A", 10, 4), (1, "B", 12, 5)), read((0, None, 10), (1, "b", 11, 5))])
    assert effects(readings, (10, "5"), (11, "5")) == (Effect(changed=2), Effect(changed=1))


def test_where_nothing_moves_no_key_is_fetched(readings: Readings) -> None:
    before = read((0, "a", 10), (1, None, 11))
    readings.begin_run()
    readings.add(2, before, [before, before])
    assert readings.effects(lambda: pytest.fail("nobody asks")) == (Effect(), Effect())


def test_hashes_that_were_added_are_seen_however_they_came() -> None:
    seen, hashes = HashesSeen(), np.random.default_rng(1).permutation(np.arange(0, 2000, 2, dtype=np.uint64))
    for part in np.array_split(hashes, 37):
        assert not seen.among(part).any()
        seen.add(part)
    assert seen.among(hashes).all()
    assert not seen.among(hashes + np.uint64(1)).any()
    seen.add(hashes[:0])
    assert not seen.among(hashes[:0]).size


def test_what_a_newer_run_has_read_is_left_out_and_a_blank_in_a_key_tells_nothing() -> None:
    newest = NewestRows()

    def left(*rows: tuple[str, str]) -> list[int]:
        cells = [list(column) for column in zip(*rows, strict=True)]
        raw = RawChunk(
            table=pa.table({"a": cells[0], "b": cells[1]}), record_nos=np.arange(3, 3 + len(rows), dtype=np.int32),
            lines=np.zeros(len(rows), np.int64), ragged=(), skipped={}, sha256=b"",
        )  # fmt: skip
        with engine() as duck:
            numbers: list[int] = newest.of({".": raw}, told_by_key(duck, raw, ("a", "b")))["."].record_nos.tolist()
        return numbers

    newest.begin_run()
    assert left(("1", "x"), ("1", ""), ("1", "x")) == [3, 4, 5]
    assert left(("1", "x")) == [3]  # of the same run both count
    newest.begin_run()
    assert left(("1", "x"), ("1", "y"), ("1", "")) == [4, 5]
