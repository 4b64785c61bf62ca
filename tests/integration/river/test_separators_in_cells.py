"""A cell may hold the signs that tell fields apart where they are hashed: that ends no chunk."""

from __future__ import annotations

from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.river import River, activities


def test_records_refused_beside_the_rules_may_hold_them(river: River) -> None:
    """One whose key stands with other content, in a column that nobody reads; and one that cannot be cut."""
    header, first, *_ = activities([{"activity_id": "A", "quantity": "1"}]).splitlines()
    _, second, *_ = activities([{"activity_id": "A", "quantity": "2"}]).splitlines()
    lines = [f"{header},unread", f"{first},a\x1fb", f"{second},a\x1ec", f"{first},a\x1f,too many"]
    for inserted in (1, 0):
        _, ledger = river.load("\n".join(lines) + "\n")
        assert (ledger.failed, ledger.inserted, ledger.quarantined, ledger.quarantined_raw) == (0, inserted, 1, 1)
    assert river.rows("SELECT count(*) AS n FROM quarantine") == [{"n": 2}]
    assert verify(river.installation, progress=SilentProgress()).differences == ()
