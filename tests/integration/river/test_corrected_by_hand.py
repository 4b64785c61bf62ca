"""A record corrected by hand takes the place of the version that it was made from, and of no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headwater.errors import Conflict
from headwater.services import deletions, records
from headwater.services.entered_records import correct, enter
from headwater.services.imports import resume
from headwater.services.verification import verify
from headwater.store.load import ChangedMeanwhile
from headwater.telemetry import SilentProgress
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
