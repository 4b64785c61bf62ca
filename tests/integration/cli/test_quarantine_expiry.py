"""`quarantine expire`, `dismiss --run` and `--rule`: what they choose is let go, in the chain too, and no other."""

from __future__ import annotations

import json

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
    """As if what refused these records had been so many days ago; a chunk that refused others too is as old."""
    river.change(
        "UPDATE chunks SET committed_at = committed_at - make_interval(days => %(days)s) WHERE chunk_id IN"
        " (SELECT last_chunk_id FROM quarantine WHERE raw ->> 'activity_id' = ANY(%(names)s))",
        days=days,
        names=list(names),
    )
    river.change(
        "UPDATE quarantine SET created_at = created_at - make_interval(days => %(days)s),"
        " updated_at = updated_at - make_interval(days => %(days)s) WHERE raw ->> 'activity_id' = ANY(%(names)s)",
        days=days,
        names=list(names),
    )


def test_what_was_open_for_long_expires_and_no_other(
    headwater: Headwater, river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = [{"activity_id": f"t{number}", "quantity": "many"} for number in range(3)]
    river.load(activities([GOOD, TEXT, LOW, *more]))
    river.load(activities([{"activity_id": "new", "quantity": "?"}]), name="new.csv")
    age(river, 91, "text", "low", "t0", "t1", "t2")
    age(river, 89, "new")
    told = headwater("quarantine", "expire", "--older-than", "90d")
    assert (told.code, "5 are open and older than 90 days. Nothing was changed" in told.out) == (0, True)
    assert {state for state, _ in states(river).values()} == {"open"}
    only = headwater("quarantine", "expire", "--older-than", "90d", "--rule", "activity.quantity.range", "--json")
    assert only.json == {"open_for_longer": 1, "by_rule": {"activity.quantity.range": 1}, "expired": 0}

    for wrong in ("90", "0d", "-1d", "1.5d", "3m", "99999w", ""):
        refused = headwater("quarantine", "expire", f"--older-than={wrong}", "--yes")
        assert (refused.code, "90d or 12w" in refused.err) == (2, True)

    monkeypatch.setattr("headwater.services.quarantine.quarantines.AT_ONCE", 2)
    done = headwater("quarantine", "expire", "--older-than", "90d", "--yes", "--json")
    assert (done.json["open_for_longer"], done.json["expired"]) == (5, 5)
    expired = ("expired", "not refused for more than 90 days")
    assert states(river) == dict.fromkeys(("text", "low", "t0", "t1", "t2"), expired) | {"new": ("open", None)}
    entries = river.rows("SELECT payload::jsonb AS said FROM audit_entries WHERE action = 'quarantine.expired'")
    assert sorted(len(entry["said"]["records"]) for entry in entries) == [1, 2, 2]
    assert verify(river.installation, progress=SilentProgress()).differences == ()
    assert headwater("quarantine", "expire", "--older-than", "90d").out.startswith("none is open and older")
    weeks = headwater("quarantine", "expire", "--older-than", "12w", "--reason", "no such meter", "--yes")
    assert (weeks.code, "1 expired: no such meter" in weeks.out) == (0, True)


def test_a_record_that_comes_back_has_been_open_since_then(headwater: Headwater, river: River) -> None:
    river.load(activities([GOOD, TEXT]))
    river.load(activities([GOOD]))
    assert states(river)["text"][0] == "expired"
    age(river, 100, "text")
    river.load(activities([GOOD, TEXT]))
    assert headwater("quarantine", "expire", "--older-than", "1d", "--json").json["open_for_longer"] == 0


def test_what_every_run_refuses_is_never_old_and_what_expired_comes_back(headwater: Headwater, river: River) -> None:
    """Whether a run reads its chunk anew, or finds it equal to the one that refused the record."""

    def old() -> int:
        found = headwater("quarantine", "expire", "--older-than", "90d", "--json").json["open_for_longer"]
        return int(found)

    file = activities([GOOD, TEXT])
    river.load(file)
    age(river, 100, "text")
    assert old() == 1
    river.load(file)
    (again,) = river.rows("SELECT reused_chunk_id FROM chunks ORDER BY committed_at DESC LIMIT 1")
    assert (again["reused_chunk_id"] is not None, old()) == (True, 0)
    river.change("UPDATE chunks SET committed_at = committed_at - interval '95 days'")
    river.load(activities([GOOD, TEXT, LOW]))
    assert old() == 0

    river.change("UPDATE quarantine SET updated_at = updated_at - interval '95 days'")
    river.change("UPDATE chunks SET committed_at = committed_at - interval '95 days'")
    assert headwater("quarantine", "expire", "--older-than", "90d", "--yes", "--json").json["expired"] == 2
    listed = headwater("quarantine", "list", "--state", "expired", "--json").json
    assert (listed["total"], headwater("quarantine", "list", "--json").json["total"]) == (2, 0)
    river.load(activities([GOOD, TEXT, LOW]))  # the same bytes: the chunk is not taken for one that is settled
    assert states(river) == {"text": ("open", None), "low": ("open", None)}
    assert verify(river.installation, progress=SilentProgress()).differences == ()


def test_all_that_a_run_or_a_rule_refused_is_dismissed_at_once(
    headwater: Headwater, river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.services.quarantine.quarantines.AT_ONCE", 2)
    more = [{"activity_id": f"t{number}", "quantity": "many"} for number in range(3)]
    run, _ = river.load(activities([GOOD, TEXT, LOW, *more]))
    river.load(activities([{"activity_id": "new", "quantity": "-2"}]), name="new.csv")
    why = ("--reason", "test readings")
    rules = {"activity.quantity.range": 1, "activity.quantity.type": 4}

    told = headwater("quarantine", "dismiss", "--run", run, *why)
    assert (told.code, "5 records are open. Nothing was changed; --yes dismisses them." in told.out) == (0, True)
    assert headwater("quarantine", "dismiss", "--run", run, *why, "--json").json == {
        "open": 5, "by_rule": rules, "dismissed": 0,
    }  # fmt: skip
    assert {state for state, _ in states(river).values()} == {"open"}

    by_rule = headwater("quarantine", "dismiss", "--rule", "activity.quantity.type", "--run", run, *why, "--yes")
    assert (by_rule.code, "4 records dismissed" in by_rule.out) == (0, True)
    dismissed = ("dismissed", "test readings")
    still = {"low": ("open", None), "new": ("open", None)}
    assert states(river) == dict.fromkeys(("text", "t0", "t1", "t2"), dismissed) | still
    entries = river.rows("SELECT payload FROM audit_entries WHERE action = 'quarantine.dismissed'")
    assert [len(json.loads(entry["payload"])["records"]) for entry in entries] == [2, 2]

    rest = headwater("quarantine", "dismiss", "--rule", "activity.quantity.range", *why, "--yes", "--json")
    assert rest.json == {"open": 2, "by_rule": {"activity.quantity.range": 2}, "dismissed": 2}
    assert "none is open" in headwater("quarantine", "dismiss", "--run", run, *why).out
    assert verify(river.installation, progress=SilentProgress()).ok


@pytest.mark.parametrize(
    "wrong",
    [
        ("--reason", "x"),
        ("--reason", "x", "--yes"),
        ("01234567-89ab-cdef-0123-456789abcdef.1", "--rule", "activity.quantity.type", "--reason", "x"),
        ("01234567-89ab-cdef-0123-456789abcdef.1", "--yes", "--reason", "x"),
        ("--rule", "activity.quantity.typo", "--reason", "x"),
        ("--rule", "activity.quantity.type", "--reason", " "),
    ],
)
def test_which_records_are_dismissed_is_said_one_way(
    headwater: Headwater, river: River, wrong: tuple[str, ...]
) -> None:
    river.load(activities([TEXT]))
    assert headwater("quarantine", "dismiss", *wrong).code == 2
    assert states(river) == {"text": ("open", None)}
