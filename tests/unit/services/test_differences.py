"""Beside differing sums stands what they may come of: what the run counted, or else the usual causes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from headwater.services.connectors.differences import explained

RUN = UUID(int=1)


def told(*, difference: str = "-1", gaps: int = 0, **counts: int) -> tuple[str, ...]:
    body: dict[str, Any] = {"stands": 9, "rows_of_source": 9, **counts}
    fields = {"quantity": {"column": "kwh", "read": "1", "stands": "2", "difference": difference}}
    return explained(RUN, {**body, "fields": fields}, gaps=gaps)


def test_equal_sums_need_no_word() -> None:
    assert told(difference="0.000000000000", quarantined=3) == ()
    assert explained(RUN, {}, gaps=0) == ()


def test_each_count_of_the_run_is_told_with_where_to_look() -> None:
    refused, skipped, merged, gap, more = told(quarantined=1, skipped=2, merged=1200, gaps=1, rows_of_source=12)
    assert refused.startswith("1 record was refused")
    assert refused.endswith(f"headwater quarantine list --run {RUN}")
    assert skipped.startswith("2 records were skipped")
    assert merged.startswith("1,200 records were merged")
    assert gap.startswith("1 chunk is not loaded")
    assert gap.endswith(f"headwater runs resume {RUN}")
    assert more.startswith("3 records were standing here")
    assert "--full" in more
    (fewer,) = told(rows_of_source=7)
    assert fewer.startswith("2 records were loaded or found unchanged, and not standing each for itself: read twice")
    (fewer,) = told(rows_of_sync=7)
    assert "read twice in this run" in fewer


def test_where_the_run_counted_nothing_the_usual_causes_are_told() -> None:
    (line,) = told()
    assert "rounded" in line
    assert line.endswith(f"headwater runs show {RUN}")
