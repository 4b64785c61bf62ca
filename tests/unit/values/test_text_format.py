"""A format that contradicts itself is refused in words that name the setting."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.errors import Misuse
from headwater.values import DEFAULT_ABSENT, Outcome, TextFormat


@pytest.mark.parametrize(
    ("where", "declared"),
    [
        ("locale.decimal", {"decimal": ";"}),
        ("locale.group", {"group": "_"}),
        ("locale.group", {"decimal": ","}),
        ("locale.date_order", {"date_order": "YDM"}),
        ("locale.time_zone", {"time_zone": "Europe/Nowhere"}),
        ("locale.time_zone", {"time_zone": "../etc/passwd"}),
        ("locale.true", {"true_words": ()}),
        ("locale.true", {"true_words": ("x",), "false_words": ("X",)}),
        ("locale", {"absent": {"": Outcome.NOT_REPORTED}}),
        ("locale", {"absent": {" x": Outcome.NOT_REPORTED}}),
        ("locale", {"absent": {"x\x00": Outcome.NOT_REPORTED}}),
        ("absent.x", {"absent": {"x": Outcome.VALUE}}),
        ("absent.x", {"absent": {"x": Outcome.NOT_A_NUMBER}}),
    ],
    ids=str,
)
def test_refused(where: str, declared: dict[str, Any]) -> None:
    with pytest.raises(Misuse) as caught:
        TextFormat(**declared)
    assert caught.value.where == where


def test_a_format_does_not_change_with_the_mapping_it_was_made_from() -> None:
    words = {"x": Outcome.NOT_REPORTED}
    fmt = TextFormat(absent=words)
    words["y"] = Outcome.NOT_REPORTED
    assert set(fmt.absent) == {"x"}


def test_formats_can_be_keys() -> None:
    assert len({TextFormat(), TextFormat(), TextFormat(absent={"x": Outcome.BLANK})}) == 2


def test_default_words_say_why_there_is_no_value() -> None:
    assert set(DEFAULT_ABSENT.values()) == {Outcome.NOT_APPLICABLE, Outcome.NOT_REPORTED}
    assert all(word == word.lower().strip() for word in DEFAULT_ABSENT)
