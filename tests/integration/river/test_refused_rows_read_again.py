"""A row that a sync refused and then read again, now good, is open no more: no later sync need read it once more."""

from __future__ import annotations

import pytest

from headwater.services.imports import carry_out
from headwater.services.runs_view import show_run
from headwater.telemetry import SilentProgress
from tests.integration.river.test_keys_of_refused_records import checked, erase_files
from tests.integration.river.test_rows_read_again import BY_BILL, Meters, meters
from tests.river import never_held

__all__ = ["meters"]


def spoil(meters: Meters, number: int, kwh: str, *, changed: int) -> None:
    meters.write("UPDATE meters SET kwh = ?, changed = ? WHERE id = ?", kwh, changed, number)


def states(meters: Meters) -> dict[str, list[str]]:
    """States by kWh, one for each record."""
    rows = meters.river.rows("SELECT raw ->> 'kwh' AS kwh, state FROM quarantine ORDER BY occurrence")
    return {row["kwh"]: [each["state"] for each in rows if each["kwh"] == row["kwh"]] for row in rows}


@pytest.mark.parametrize("is_erased", [False, True], ids=["files kept", "files erased"])
def test_a_refused_row_that_a_later_chunk_of_its_run_loads_is_open_no_more(meters: Meters, *, is_erased: bool) -> None:
    """Its correction was committed late: its cursor is not above the highest that was read: no later sync reads it."""
    spoil(meters, 3, "bad", changed=3)
    run_id = meters.sync({2: lambda: meters.put(3, 300, changed=55)})
    assert meters.standing()["3"] == "300"
    assert states(meters) == {"bad": ["expired"]}
    (row,) = meters.river.rows("SELECT state_reason FROM quarantine")
    assert row["state_reason"] == f"corrected in its source, and loaded by run {run_id}"
    assert meters.ended(run_id) == "succeeded"
    assert show_run(meters.river.installation, run_id).settled == {"expired": 1}
    assert meters.proved(run_id)
    for changed in (70, 71):
        meters.put(70, changed, changed=changed)
        meters.sync()
    assert states(meters) == {"bad": ["expired"]}
    if is_erased:
        erase_files(meters.river)
        found = checked(meters.river)
        assert found.ok, (found.differences, found.not_recomputed)


def test_a_record_that_an_older_run_refused_and_this_one_again_is_open_no_more(meters: Meters) -> None:
    spoil(meters, 3, "bad", changed=3)
    meters.sync(strategy="full")
    spoil(meters, 3, "bad", changed=61)
    for number in range(61, 101):
        meters.put(number, number, changed=number)
    run_id = meters.sync({1: lambda: meters.put(3, 300, changed=100)})
    assert states(meters) == {"bad": ["expired"]}
    assert meters.proved(run_id)


def test_refused_again_it_is_open_until_it_is_loaded(meters: Meters) -> None:
    """Bad, good and bad again, all in one run; and bad twice, with the same cells and with others."""
    for number in (3, 4, 5):
        spoil(meters, number, f"bad {number}", changed=number)

    def first() -> None:
        meters.put(3, 300, changed=30)
        spoil(meters, 4, "bad 4", changed=30)
        spoil(meters, 5, "worse", changed=30)

    run_id = meters.sync({3: first, 12: lambda: spoil(meters, 3, "bad 3", changed=103)}, size=3)
    assert meters.standing()["3"] == "300"
    twice = {"bad 3": ["expired", "open"], "bad 4": ["open", "open"], "bad 5": ["open"], "worse": ["open"]}
    assert states(meters) == twice
    assert meters.ended(run_id) == "succeeded_with_quarantine"
    assert meters.proved(run_id)

    for number in (3, 4, 5):
        meters.put(number, number, changed=110)
    run_id = meters.sync()
    assert {state for each in states(meters).values() for state in each} == {"expired"}
    assert meters.proved(run_id)


def test_what_a_chunk_loads_late_leaves_open_what_a_later_one_has_refused(meters: Meters) -> None:
    spoil(meters, 3, "bad", changed=103)
    with meters.gap():
        run_id = meters.sync()
    assert meters.ended(run_id) == "partial_success"
    meters.put(3, 33, changed=3)
    carry_out(meters.river.installation, run_id, progress=SilentProgress())
    assert meters.standing()["3"] == "33"
    assert states(meters) == {"bad": ["open"]}
    assert meters.proved(run_id)


def test_what_a_run_refused_before_it_was_broken_off_is_open_no_more(meters: Meters) -> None:
    spoil(meters, 3, "bad", changed=3)
    meters.put(5, 55, changed=105)
    with meters.gap():
        run_id = meters.sync()
    assert states(meters) == {"bad": ["open"]}
    meters.put(3, 300, changed=103)
    carry_out(meters.river.installation, run_id, progress=SilentProgress())
    assert meters.standing() == meters.at_source()
    assert states(meters) == {"bad": ["expired"]}
    assert meters.proved(run_id)


def test_under_another_key_it_waits_for_a_sync_that_reads_it_once_more(meters: Meters) -> None:
    spoil(meters, 3, "bad", changed=3)
    run_id = meters.sync({2: lambda: meters.put(3, 300, changed=103)}, key=BY_BILL)
    assert states(meters) == {"bad": ["open"]}
    meters.sync(key=BY_BILL)
    assert states(meters) == {"bad": ["expired"]}
    assert meters.proved(run_id)


def test_chunks_of_versions_that_left_such_records_open_are_proved_as_they_were(meters: Meters) -> None:
    spoil(meters, 3, "bad", changed=3)
    meters.sync(strategy="full")
    spoil(meters, 3, "worse", changed=61)
    for number in range(61, 101):
        meters.put(number, number, changed=number)
    run_id = meters.sync({1: lambda: meters.put(3, 300, changed=100)})
    assert states(meters) == {"bad": ["expired"], "worse": ["expired"]}
    assert meters.proved(run_id)
    never_held(meters.river, "own_corrected")
    meters.river.change("UPDATE quarantine SET state = 'open', state_reason = NULL WHERE raw ->> 'kwh' = 'worse'")
    (found,) = checked(meters.river).differences
    assert (found.table, found.column, found.stored, found.expected) == ("chunks", "corrected", "2", "1")
