"""What a full load deletes: what its source no longer holds, and no other source holds either."""

from __future__ import annotations

import pytest

from headwater.services.verification import verify
from headwater.store import stored_rows
from headwater.telemetry import SilentProgress
from tests.river import River, activities


def loaded(river: River, name: str, keys: str, *, strategy: str = "full") -> list[str]:
    river.load(activities([{"activity_id": key} for key in keys]), name=name, strategy=strategy, chunk_size=2)
    return [row["activity_id"] for row in river.rows("SELECT activity_id FROM activity_v1 ORDER BY 1")]


def is_proved(river: River) -> bool:
    found = verify(river.installation, progress=SilentProgress())
    assert found.ok, found.differences
    return found.ok


@pytest.mark.parametrize("strategy", ["delta", "full"])
def test_a_row_that_another_source_holds_too_stays(river: River, strategy: str) -> None:
    assert loaded(river, "one.csv", "abc") == ["a", "b", "c"]
    assert loaded(river, "two.csv", "bcd", strategy=strategy) == ["a", "b", "c", "d"]

    assert loaded(river, "one.csv", "ac") == ["a", "b", "c", "d"]
    assert is_proved(river)


def test_a_row_that_no_source_holds_any_more_goes_with_the_one_that_brought_it(river: River) -> None:
    loaded(river, "one.csv", "abc")
    loaded(river, "two.csv", "bcd")
    loaded(river, "one.csv", "ac")

    assert loaded(river, "two.csv", "cd") == ["a", "b", "c", "d"]  # the row is of the other source
    assert loaded(river, "one.csv", "ac") == ["a", "c", "d"]
    assert is_proved(river)


def test_what_a_source_has_read_only_as_an_older_version_is_held(river: River) -> None:
    rows = [{"activity_id": key, "period_end": "2024-03-02"} for key in "ab"]
    river.load(activities(rows), strategy="full", version="period_end")
    _, ledger = river.load(
        activities([{"activity_id": "a", "period_end": "2024-03-01"}]), strategy="full", version="period_end"
    )

    assert ledger.skipped == {"older_version": 1}
    (row,) = river.rows("SELECT activity_id, period_end::text FROM activity_v1")
    assert row == {"activity_id": "a", "period_end": "2024-03-02"}
    assert is_proved(river)


def test_a_sweep_goes_batch_by_batch(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [{"activity_id": f"key {number:03}"} for number in range(60)]
    river.load(activities(many), strategy="full")
    with monkeypatch.context() as narrow:
        narrow.setattr(stored_rows, "BLOCK_BYTES", 64)
        river.load(activities(many[:1]), strategy="full")

    (entry,) = river.rows("SELECT payload FROM audit_entries WHERE action = 'run.swept'")
    assert entry["payload"] == '{"records":59,"results":0}'
    assert len(river.rows("SELECT FROM activity_v1")) == 1
    assert is_proved(river)
