"""The highest version of a record stands where its source declares one, with its figures, whatever came first."""

from __future__ import annotations

from decimal import Decimal

import pytest

from headwater.errors import Misuse
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.integration.test_mending import edited, exported, resubmitted, states
from tests.river import River, activities, factors

ROWS = [
    {"activity_id": "a", "quantity": "1", "period_end": "2024-03-01"},
    {"activity_id": "a", "quantity": "2", "period_end": "2024-03-02", "region": "FR"},
    {"activity_id": "b", "quantity": "5", "period_end": "2024-03-02"},
    {"activity_id": "a", "quantity": "3", "period_end": "2024-03-04"},
    {"activity_id": "a", "quantity": "4", "period_end": "2024-03-03"},
    {"activity_id": "b", "quantity": "5", "period_end": "2024-03-03"},
]


@pytest.mark.parametrize("chunk_size", [1, 4, 100])
def test_figures_follow_the_versions_of_their_activity(river: River, chunk_size: int) -> None:
    river.load(factors([{"factor_id": "f1"}]), name="factors.csv", mapping="factor_form")
    _, ledger = river.load(activities(ROWS), chunk_size=chunk_size, version="period_end")

    assert (ledger.read, ledger.mapped, ledger.inserted, ledger.updated) == (6, 5, 2, 3)
    assert ledger.skipped == {"older_version": 1}
    rows = river.rows("SELECT activity_id, quantity, co2e_kg FROM activity_v1 JOIN emission_v1 USING (activity_id)")
    assert sorted(tuple(row.values()) for row in rows) == [("a", 3, Decimal("1.5")), ("b", 5, Decimal("2.5"))]
    past = river.rows("SELECT activity_id, quantity FROM activity_v1_history ORDER BY 1, 2")
    assert [tuple(row.values()) for row in past] == [("a", 1), ("a", 2), ("b", 5)]
    past = river.rows("SELECT activity_id, co2e_kg, operation FROM emission_v1_history")
    assert [tuple(row.values()) for row in past] == [("a", Decimal("0.5"), "delete")]
    stands = {"inserted": 3, "updated": 0, "unchanged": 1, "deleted": 1, "kept": 0, "missing": None}
    assert ledger.calculation == {name: count for name, count in stands.items() if count is not None}
    found = verify(river.installation, progress=SilentProgress())
    assert found.ok, found.differences


def test_a_late_run_does_not_bring_an_older_version_back(river: River) -> None:
    river.load(activities(ROWS[:4]), name="new.csv", version="period_end")
    _, ledger = river.load(activities(ROWS[:1]), name="old.csv", version="period_end")

    assert ledger.skipped == {"older_version": 1}
    (row,) = river.rows("SELECT quantity FROM activity_v1 WHERE activity_id = 'a'")
    assert row["quantity"] == 3


def test_a_mended_record_that_was_overtaken_says_so_and_stays_open(river: River) -> None:
    content = activities([{"activity_id": "a", "quantity": "x", "period_end": "2024-03-01"}, ROWS[3]])
    river.load(content, version="period_end")
    _, ledger = resubmitted(river, edited(exported(river), {"a": {"quantity": "1"}}))

    assert (ledger.skipped, ledger.quarantined) == ({}, 1)
    assert list(states(river).values()) == ["open"]
    (repair,) = river.rows("SELECT findings FROM quarantine_repairs")
    assert repair["findings"][0]["rule"] == "activity.version.older"
    assert "record 2 of activities.csv" in repair["findings"][0]["message"]
    assert verify(river.installation, progress=SilentProgress()).ok


def test_a_field_that_orders_nothing_is_refused(river: River) -> None:
    with pytest.raises(Misuse, match=r"load\.version.*'unit'.*period_end") as refused:
        river.load(activities(ROWS), version="unit")
    assert "quantity" in (refused.value.valid or "")
