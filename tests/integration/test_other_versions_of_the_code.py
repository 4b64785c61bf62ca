"""Runs that another version of the code has made: verified by this one, and told; resumed ones too."""

from __future__ import annotations

import pytest

from headwater.services.imports import carry_out, plan_file
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.faults.breaking import BrokenOff, Until
from tests.river import River, activities, factors

pytestmark = pytest.mark.server


def test_a_run_of_another_version_is_computed_again_and_told(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setattr("headwater.services.logic.ENGINE_VERSION", "duckdb 1.0.0")
        river.load(factors([{"factor_id": "a"}]), name="factors.csv", mapping="factor_form")
        run_id, _ = river.load(activities([{"activity_id": "a"}, {"activity_id": "b", "quantity": "x"}]))
    today, ledger = river.load(activities([{"activity_id": "a"}, {"activity_id": "b", "quantity": "x"}]))
    assert (ledger.unchanged, ledger.quarantined) == (1, 1)
    found = verify(river.installation, progress=SilentProgress())
    assert found.differences == ()
    assert found.ok
    assert str(run_id) in found.of_other_versions
    assert str(today) not in found.of_other_versions


def test_a_run_begun_by_another_version_and_ended_by_this_one_is_verified(
    river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = river.folder / "activities.csv"
    path.write_text(activities([{"activity_id": str(number)} for number in range(4)]))
    with monkeypatch.context() as before:
        before.setattr("headwater.services.logic.ENGINE_VERSION", "duckdb 1.0.0")
        run_id = plan_file(river.installation, path, river.mapping("activity_form"), chunk_size=2)
        with pytest.raises(BrokenOff):
            carry_out(river.installation, run_id, progress=Until(1))
    carry_out(river.installation, run_id, progress=SilentProgress())
    assert river.ledger(run_id).inserted == 4
    found = verify(river.installation, progress=SilentProgress())
    assert found.differences == ()
    assert found.of_other_versions == (str(run_id),)
