"""A record corrected by hand takes the place of the version that it was made from, and of no other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from headwater.errors import Conflict
from headwater.pipeline import run
from headwater.services import deletions, records
from headwater.services.entered_records import correct, enter
from headwater.services.imports import resume
from headwater.services.verification import verify
from headwater.store.load import ChangedMeanwhile
from headwater.telemetry import SilentProgress
from tests.integration.jobs.test_order_of_locks import holding, waiting
from tests.river import activities

if TYPE_CHECKING:
    from tests.river import River

pytestmark = pytest.mark.server
ACTIVITY = "activity@1"


def test_what_came_since_it_was_looked_at_is_not_replaced(river: River) -> None:
    """As where an import brings the record between the look at it and the load of its correction."""
    ours = river.installation
    river.load(activities([{"activity_id": "a", "supplier": "first"}]), name="meters.csv")
    looked_at = records.show_record(ours, ACTIVITY, "a")
    river.load(activities([{"activity_id": "a", "supplier": "second"}]), name="meters.csv")
    stands = records.show_record(ours, ACTIVITY, "a")
    corrected = {**looked_at.values, "quantity": "77"}
    with pytest.raises(ChangedMeanwhile):
        enter(ours, ACTIVITY, [corrected], corrects=looked_at.version)
    assert records.show_record(ours, ACTIVITY, "a") == stands
    assert river.rows("SELECT state FROM runs ORDER BY started_at DESC LIMIT 1") == [{"state": "failed"}]
    assert river.rows("SELECT FROM quarantine") == []
    (refused,) = river.rows("SELECT run_id FROM runs ORDER BY started_at DESC LIMIT 1")
    with pytest.raises(ChangedMeanwhile):
        resume(ours, str(refused["run_id"]), progress=SilentProgress())
    assert records.show_record(ours, ACTIVITY, "a") == stands, "whoever goes on with it later changes nothing either"

    with pytest.raises(Conflict) as late:
        correct(ours, ACTIVITY, "a", {"quantity": "77"}, expected=looked_at.version)
    assert (late.value.mine, late.value.theirs) == ({"quantity": "77"}, stands.values)
    done = correct(ours, ACTIVITY, "a", {"quantity": "77"}, expected=stands.version)
    assert (done["record"].values["supplier"], done["record"].values["quantity"]) == ("second", "77.000000")

    deletions.delete(ours, ACTIVITY, ["a"], reason="counted twice")
    with pytest.raises(ChangedMeanwhile):
        enter(ours, ACTIVITY, [corrected], corrects=done["record"].version)
    assert river.rows("SELECT FROM activity_v1") == []
    assert verify(ours, progress=SilentProgress()).ok


def test_a_correction_and_an_import_of_the_same_rows_wait_for_one_another_in_turn(
    river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The import holds the chunk that both records came with, and is about to replace them. Whoever held the record and
    waited for the chunk would end one of the two: tried again, it is seen by nobody; here nothing is tried again.
    """
    monkeypatch.setattr(run, "RETRY_AFTER_SECONDS", ())
    river.load(activities([{"activity_id": name, "supplier": "first"} for name in ("a", "b")]), name="meters.csv")
    with ThreadPoolExecutor(2) as beside:
        with holding(river, "SELECT FROM activity_v1 WHERE activity_id = 'a' FOR UPDATE"):
            again = activities([{"activity_id": name, "supplier": "second"} for name in ("a", "b")])
            loads = beside.submit(river.load, again, name="meters.csv")
            waiting(river)
            corrects = beside.submit(correct, river.installation, ACTIVITY, "b", {"quantity": "77"}, expected=None)
            waiting(river, 2)
        assert loads.result()[1].updated == 2
        stands = corrects.result()["record"].values
    assert (stands["supplier"], stands["quantity"]) == ("second", "77.000000")
    assert verify(river.installation, progress=SilentProgress()).ok
