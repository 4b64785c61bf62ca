from __future__ import annotations

from headwater.services.verification import Verification, verify
from headwater.telemetry import SilentProgress
from tests.river import River, activities, factors


def checked(river: River, **options: str) -> Verification:
    return verify(river.installation, progress=SilentProgress(), **options)


def loaded(river: River) -> None:
    """Every kind of evidence there is: updates, deletions, merges, conflicts, refusals, warnings, reuse."""
    river.load(factors([{"factor_id": "f1"}, {"factor_id": "f2", "region": "FR"}]), name="factors.csv", mapping="factor_form")
    first = [
        {"activity_id": "a", "quantity": "1,000.5"},
        {"activity_id": "b", "quantity": "x"},
        {"activity_id": "c", "quantity": "2000000000", "note": "line\nbreak", "cost": "n/a"},
        {"activity_id": "a", "quantity": "1,000.5"},
        {"activity_id": "d", "region": "GB"},
        {"activity_id": "d", "region": "DE"},
        {"activity_id": "e", "region": "FR"},
        {"activity_id": "b", "quantity": "x"},
    ]
    river.load(activities(first), chunk_size=3)
    river.load(activities(first), chunk_size=3)
    second = [*first[:2], {"activity_id": "c", "quantity": "7"}, *first[3:6], {"activity_id": "e", "region": "GB"}, *first[7:]]
    river.load(activities(second) + "too,few\n", chunk_size=3)


def test_what_nobody_touched_is_verified(river: River) -> None:
    loaded(river)
    found = checked(river)
    assert found.differences == ()
    assert found.ok, found
    assert found.checked["runs"] == 4
