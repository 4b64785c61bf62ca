"""`quarantine expire`: records that nobody mended for long are dismissed, in the chain too, and no others."""

from __future__ import annotations

import pytest

from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.integration.cli.conftest import Headwater
from tests.river import River, activities

GOOD = {"activity_id": "good", "quantity": "10"}
TEXT = {"activity_id": "text", "quantity": "many"}
LOW = {"activity_id": "low", "quantity": "-1"}


def states(river: River) -> dict[str, tuple[str, str | None]]:
    rows = river.rows("SELECT raw ->> 'activity_id' AS id, state, state_reason AS why FROM quarantine")
    return {row["id"]: (row["state"], row["why"]) for row in rows}


def age(river: River, days: int, *names: str) -> None:
    river.change(
        "UPDATE quarantine SET created_at = created_at - make_interval(days => %(days)s),"
        " updated_at = updated_at - make_interval(days => %(days)s) WHERE raw ->> 'activity_id' = ANY(%(names)s)",
        days=days,
        names=list(names),
    )


def test_what_was_open_for_long_is_dismissed_and_no_other(
    headwater: Headwater, river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = [{"activity_id": f"t{number}", "quantity": "many"} for number in range(3)]
    river.load(activities([GOOD, TEXT, LOW, *more, {"activity_id": "new", "quantity": "?"}]))
    age(river, 91, "text", "low", "t0", "t1", "t2")
    age(river, 89, "new")
    told = headwater("quarantine", "expire", "--older-than", "90d")
    assert (told.code, "5 have been open for more than 90 days. Nothing was changed" in told.out) == (0, True)
    assert {state for state, _ in states(river).values()} == {"open"}
    only = headwater("quarantine", "expire", "--older-than", "90d", "--rule", "activity.quantity.range", "--json")
    assert only.json == {"open_for_longer": 1, "by_rule": {"activity.quantity.range": 1}, "dismissed": 0}

    for wrong in ("90", "0d", "-1d", "1.5d", "3m", "99999w", ""):
        refused = headwater("quarantine", "expire", f"--older-than={wrong}", "--yes")
        assert (refused.code, "90d or 12w" in refused.err) == (2, True)

    monkeypatch.setattr("headwater.services.quarantines.AT_ONCE", 2)
    done = headwater("quarantine", "expire", "--older-than", "90d", "--yes", "--json")
    assert (done.json["open_for_longer"], done.json["dismissed"]) == (5, 5)
    dismissed = ("dismissed", "open for more than 90 days")
    assert states(river) == dict.fromkeys(("text", "low", "t0", "t1", "t2"), dismissed) | {"new": ("open", None)}
    entries = river.rows("SELECT payload::jsonb AS said FROM audit_entries WHERE action = 'quarantine.dismissed'")
    assert sorted(len(entry["said"]["records"]) for entry in entries) == [1, 2, 2]
    assert verify(river.installation, progress=SilentProgress()).differences == ()
    assert headwater("quarantine", "expire", "--older-than", "90d").out.startswith("none has been open")
    weeks = headwater("quarantine", "expire", "--older-than", "12w", "--reason", "no such meter", "--yes")
    assert (weeks.code, "1 dismissed: no such meter" in weeks.out) == (0, True)


def test_a_record_that_comes_back_has_been_open_since_then(headwater: Headwater, river: River) -> None:
    river.load(activities([GOOD, TEXT]))
    river.load(activities([GOOD]))
    assert states(river)["text"][0] == "expired"
    age(river, 100, "text")
    river.load(activities([GOOD, TEXT]))
    assert headwater("quarantine", "expire", "--older-than", "1d", "--json").json["open_for_longer"] == 0
