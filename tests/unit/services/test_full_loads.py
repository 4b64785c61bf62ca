"""When the last window of a plan by a cursor was read last, so that what is in no chunk is in the source no longer."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from headwater.services.full_loads import _last_was_read_last


def minute(number: int) -> datetime.datetime:
    return datetime.datetime(2026, 1, 1, 0, number, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("cursor", "minutes", "is_so"),
    [
        ("changed_at", [1, 2, 3], True),
        ("changed_at", [1, 4, 3], False),  # the second was a gap, filled later
        ("changed_at", [1, 4, 5], True),  # the last was one too, and was read after it
        (None, [1, 4, 3], True),  # rows do not move between ranges of a key
    ],
)
def test_a_gap_filled_after_the_last_window_is_found(cursor: str | None, minutes: list[int], *, is_so: bool) -> None:
    run = SimpleNamespace(layout={"selection": {"cursor": cursor}})
    chunks = [SimpleNamespace(committed_at=minute(number)) for number in minutes]
    assert _last_was_read_last(cast("Any", run), cast("Any", chunks)) is is_so


def test_a_file_has_no_windows() -> None:
    chunks = [SimpleNamespace(committed_at=minute(number)) for number in (2, 1)]
    assert _last_was_read_last(cast("Any", SimpleNamespace(layout={})), cast("Any", chunks))
