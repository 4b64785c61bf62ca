"""When a full load may be swept: what is in no chunk is in the source no longer only if it was not moved meanwhile."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from headwater.mapping import read_mapping
from headwater.services.full_loads import _last_was_read_last, rows_move
from headwater.services.installation import documents
from tests.synced import MAPPING


def minute(number: int) -> datetime.datetime:
    return datetime.datetime(2026, 1, 1, 0, number, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("minutes", "is_so"),
    [
        ([1, 2, 3], True),
        ([1, 4, 3], False),  # the second was a gap, filled later
        ([1, 4, 5], True),  # the last was one too, and was read after it
    ],
)
def test_a_gap_filled_after_the_last_chunk_is_found(minutes: list[int], *, is_so: bool) -> None:
    chunks = [SimpleNamespace(committed_at=minute(number)) for number in minutes]
    assert _last_was_read_last(cast("Any", chunks)) is is_so


@pytest.mark.parametrize(
    ("selection", "do_move"),
    [
        ({"cursor": "changed_at", "key": ["reading_id"]}, True),
        ({"cursor": None, "key": ["reading_id"]}, False),  # the record's key is that of the source
        ({"cursor": None, "key": ["row_no"]}, True),  # deleted and inserted again, it has another
        ({"cursor": None, "key": ["reading_id", "row_no"]}, True),
        ({"cursor": None, "key": []}, True),
        (None, False),  # a file
    ],
)
def test_rows_move_by_a_cursor_and_with_a_key_that_is_not_theirs(
    selection: dict[str, object] | None, *, do_move: bool
) -> None:
    mapping = read_mapping(yaml.safe_dump(MAPPING), where="here")
    (contract,) = [each for each in documents() if each.reference.startswith("activity@1")]
    columns = ["reading_id", "row_no", "site", "month", "kwh", "changed_at"]
    layout = {"columns": columns} | ({"selection": selection} if selection else {})
    assert rows_move(cast("Any", SimpleNamespace(layout=layout)), mapping, contract) is do_move
