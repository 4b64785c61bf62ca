"""Every failure is told in whole sentences: what is wrong, what is valid, how to mend it."""

from __future__ import annotations

import pytest

from headwater.values import FIRST_FAILURE, TYPE_NAMES, Outcome, TextFormat, explain, kind

FAILURES = [outcome for outcome in Outcome if outcome.is_failure]


def test_failures_begin_where_stored_numbers_say() -> None:
    assert [outcome for outcome in Outcome if outcome >= FIRST_FAILURE] == FAILURES
    assert not any(outcome.is_absent for outcome in FAILURES)


@pytest.mark.parametrize("outcome", FAILURES, ids=lambda outcome: outcome.name)
def test_every_failure_is_explained(outcome: Outcome) -> None:
    explanation = explain(outcome, kind("decimal"), TextFormat())
    for part in (explanation.message, explanation.valid, explanation.repair):
        assert part[0].isupper()
        assert part.endswith(".")


@pytest.mark.parametrize("type_name", TYPE_NAMES)
@pytest.mark.parametrize(
    "fmt",
    [TextFormat(), TextFormat(decimal=",", group=None, date_order="MDY", time_zone="Asia/Kolkata")],
    ids=["", "us"],
)
def test_every_kind_says_what_is_valid(type_name: str, fmt: TextFormat) -> None:
    assert kind(type_name).valid(fmt).endswith(".")


def test_what_is_valid_names_what_is_declared() -> None:
    fmt = TextFormat(decimal=",", group=".", date_order="DMY", time_zone="Europe/Berlin", true_words=("ja",))
    assert kind("decimal", precision=12, scale=2).valid(fmt) == (
        'A number of at most 10 digits, "," and at most 2 decimals and "." between thousands.'
    )
    assert "31/03/2024" in kind("date").valid(fmt)
    assert "Europe/Berlin" in kind("timestamp").valid(fmt)
    assert "ja" in kind("boolean").valid(fmt)
