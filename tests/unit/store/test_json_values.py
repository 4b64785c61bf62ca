from __future__ import annotations

import json

import pytest

from headwater.store.json_values import kept


@pytest.mark.parametrize(
    ("value", "as_kept"),
    [
        ({"a\0": ["b\ud800", 1, 1.5, None, True]}, {"a\ufffd": ["b\ufffd", 1, 1.5, None, True]}),
        (float("inf"), "inf"),
        ({"n": (float("nan"), -float("inf"))}, {"n": ["nan", "-inf"]}),
        ("whole \U0001f600", "whole \U0001f600"),
    ],
)
def test_what_json_of_a_database_does_not_take_is_said_otherwise(value: object, as_kept: object) -> None:
    assert kept(value) == as_kept
    json.dumps(kept(value), allow_nan=False).encode()
