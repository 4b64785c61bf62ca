"""All that a run or a rule refused is let go of at once, while others are at work on the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from headwater.pipeline import run
from headwater.services.quarantine.quarantines import dismiss_chosen
from tests.integration.jobs.test_order_of_locks import holding, waiting
from tests.river import activities

if TYPE_CHECKING:
    from tests.river import River

pytestmark = pytest.mark.server


def test_a_dismissal_of_all_and_an_import_that_refuses_the_same_wait_in_turn(
    river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "RETRY_AFTER_SECONDS", ())  # a deadlock would be tried again, and not be seen
    bad = [{"activity_id": name, "quantity": "bad"} for name in ("a", "b")]
    river.load(activities(bad), name="meters.csv")
    refused = river.rows("SELECT quarantine_id, findings -> 0 ->> 'rule' AS rule FROM quarantine ORDER BY 1")
    first, second = (str(row["quarantine_id"]) for row in refused)
    river.change(f"UPDATE quarantine SET updated_at = updated_at - interval '1 hour' WHERE quarantine_id = '{second}'")
    with ThreadPoolExecutor(2) as beside:
        with holding(river, f"SELECT FROM quarantine WHERE quarantine_id = '{first}' FOR UPDATE"):
            again = beside.submit(river.load, activities([*bad, {"activity_id": "c"}]), name="meters.csv")
            waiting(river)
            dismissed = beside.submit(
                dismiss_chosen, river.installation, run=None, rule=refused[0]["rule"], reason="test"
            )
            waiting(river, 2)
        assert again.result()[1].quarantined == 2
        assert dismissed.result() == 2
