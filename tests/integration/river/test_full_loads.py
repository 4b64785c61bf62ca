"""What a full load deletes: what its source no longer holds, and no other source holds either."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator

import pytest

from headwater.cli.carrying import ledger_lines
from headwater.pipeline import writer
from headwater.pipeline.recipe import load_recipe
from headwater.services import logic
from headwater.services.imports import carry_out
from headwater.services.quarantine import exports, quarantines
from headwater.services.reports.of_run import read_report, render
from headwater.services.runs_view import show_run
from headwater.services.trials.sources import try_each
from headwater.services.verification import verify
from headwater.store import stored_rows
from headwater.telemetry import SilentProgress
from tests.river import River, activities, factors


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


def test_what_was_deleted_is_told_with_the_run(river: River) -> None:
    river.load(factors([{"factor_id": "f1"}]), name="factors.csv", mapping="factor_form")
    rows = [{"activity_id": "a"}, {"activity_id": "b"}, {"activity_id": "c", "region": "FR"}]  # c has no factor
    first, _ = river.load(activities(rows), strategy="full")
    then, _ = river.load(activities(rows[:1]), strategy="full")
    blocked, _ = river.load(activities([{"activity_id": "x", "quantity": "many"}]), strategy="full")
    delta, _ = river.load(activities(rows[:1]), name="other.csv")

    shown = {run_id: show_run(river.installation, run_id) for run_id in (first, then, blocked, delta)}
    assert shown[first].deleted == {"records": 0, "results": 0}
    assert shown[then].as_json()["deleted"] == {"records": 2, "results": 1}
    assert (shown[blocked].deleted, shown[delta].deleted) == (None, None)
    lines = dict(ledger_lines(shown[then]))
    assert lines["deleted: the source no longer holds them"] == 2
    assert lines["  deleted: of records that the source no longer holds"] == 1
    assert "deleted: the source no longer holds them" not in dict(ledger_lines(shown[delta]))
    assert "the source no longer holds them" in render(read_report(river.installation, str(then)))
    assert is_proved(river)


def mend(river: River, changes: dict[str, dict[str, str]]) -> None:
    """Send what is open in quarantine again, changed by its key."""
    out = io.StringIO(newline="")
    exports.export(river.installation, out, run=None, rule=None)
    rows = list(csv.DictReader(io.StringIO(out.getvalue().removeprefix("\ufeff"), newline="")))
    path = river.folder / "mend.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | changes.get(row["activity_id"], {}) for row in rows)
    carry_out(river.installation, quarantines.plan_resubmission(river.installation, path), progress=SilentProgress())


def dismiss_all(river: River) -> None:
    found = quarantines.list_records(river.installation, state="open", run=None, rule=None, limit=1000).records
    quarantines.dismiss_records(river.installation, [str(record.key) for record in found], reason="as it is meant")


def standing(river: River) -> dict[str, str]:
    rows = river.rows("SELECT activity_id, quantity::text AS quantity FROM activity_v1")
    return {row["activity_id"]: row["quantity"].rstrip("0").rstrip(".") for row in rows}


def full(river: River, content: str, name: str = "activities.csv") -> str | None:
    run_id, _ = river.load(content, name=name, strategy="full", chunk_size=2)
    return show_run(river.installation, str(run_id)).nothing_deleted


def would_delete(river: River, content: str) -> int | None:
    (river.folder / "activities.csv").write_text(content)
    recipe = load_recipe(river.folder / "activities.recipe.yaml")
    (tried,) = try_each(river.installation, recipe, river.folder, rows=None, every=False, progress=SilentProgress())
    assert tried.trial is not None
    assert tried.trial.sweep is not None
    return None if tried.trial.sweep.why else tried.trial.sweep.rows


def of(*keys: str, **quantities: str) -> str:
    rows = [{"activity_id": key} for key in keys]
    return activities(rows + [{"activity_id": key, "quantity": text} for key, text in quantities.items()])


def test_what_was_mended_here_stays_and_keeps_nothing_else_from_being_deleted(river: River) -> None:
    said = full(river, of("a", "b", "c", wrong="many", wronger="lots"))
    assert said is not None
    assert said.startswith("records of it were refused and are open")
    mend(river, {"wrong": {"quantity": "12"}, "wronger": {"activity_id": "right", "quantity": "13"}})

    without_b = of("a", "c", wrong="many", wronger="lots")
    assert would_delete(river, without_b) == 1
    assert full(river, without_b) is None
    assert standing(river) == {"a": "1", "c": "1", "wrong": "12", "right": "13"}
    assert full(river, without_b) is None, "its chunks are found as they were"
    assert len(standing(river)) == 4

    assert full(river, of("a", "c", wronger="lots")) is None
    assert standing(river) == {"a": "1", "c": "1", "right": "13"}, "the source does not send the other any more"
    assert full(river, of("a", "c", wronger="7")) is None
    assert standing(river) == {"a": "1", "c": "1", "wronger": "7"}, "corrected in the source, under its own key"
    assert is_proved(river)


def test_records_mended_alike_are_each_known_under_the_key_they_stand_by(river: River) -> None:
    twice = activities([{"activity_id": key, "quantity": "x"} for key in ("one", "two", "other")] + [{}])
    full(river, of("b") + twice.partition("\n")[2].replace("one", "x1"))
    same = {"activity_id": "same", "quantity": "5"}
    mend(river, {"x1": same, "two": same, "other": {"quantity": "6"}, "": {"activity_id": "blank"}})
    assert standing(river) == {"b": "1", "same": "5", "other": "6", "blank": "1"}

    assert full(river, of(two="x")) is None
    assert standing(river) == {"same": "5"}
    assert is_proved(river)


def test_a_row_stays_while_its_next_version_is_sent_wrong_and_was_dismissed(river: River) -> None:
    full(river, of("a", "b", "c"))
    wrong = of("b", a="many")
    assert full(river, wrong) is not None
    assert len(standing(river)) == 3
    dismiss_all(river)

    assert would_delete(river, wrong) == 1
    assert full(river, wrong) is None
    assert sorted(standing(river)) == ["a", "b"]
    assert is_proved(river)


@pytest.mark.parametrize("unread", ["a,too,few\n", ",electricity,,DE,2024-01-01,,5,kWh,,,,,,\n"], ids=["row", "key"])
def test_nothing_goes_while_a_dismissed_record_may_be_the_next_version_of_any_row(river: River, unread: str) -> None:
    full(river, of("a", "b", "c"))
    assert full(river, of("b") + unread) is not None
    dismiss_all(river)

    assert would_delete(river, of("b") + unread) is None
    for _ in range(2):
        said = full(river, of("b") + unread)
        assert said is not None
        assert said.startswith("of a record of it that was dismissed no key can be read")
        assert sorted(standing(river)) == ["a", "b", "c"]
    assert full(river, of("b")) is None
    assert sorted(standing(river)) == ["b"]
    assert is_proved(river)


def test_a_dismissed_record_whose_key_another_one_has_keeps_nothing_from_going(river: River) -> None:
    full(river, of("a", "b", "c"))
    twice = of("a", "b", a="7")
    assert full(river, twice) is not None
    dismiss_all(river)

    assert full(river, twice) is None
    assert sorted(standing(river)) == ["a", "b"]
    assert is_proved(river)


def test_a_conflict_dismissed_before_its_key_was_kept_keeps_nothing_from_going(river: River) -> None:
    twice, more = of("a", a="7"), of("b", "c").partition("\n")[2]
    with pytest.MonkeyPatch.context() as then:
        then.setattr(logic, "TRANSFORM_VERSION", "2")
        then.setattr(writer, "held_keys", lambda *_: {})
        assert full(river, twice + more) is not None
        dismiss_all(river)
    river.change("UPDATE quarantine SET key_hash = ''")

    assert full(river, twice) is None
    assert sorted(standing(river)) == ["a"]
    assert not verify(river.installation, progress=SilentProgress()).differences


def test_what_another_source_sends_wrong_and_was_mended_here_is_held_by_it(river: River) -> None:
    full(river, of("a", "b"), name="one.csv")
    full(river, of("c", b="many"), name="two.csv")
    mend(river, {"b": {"quantity": "1"}})  # as it stands
    full(river, of("c", b="many"), name="two.csv")

    assert full(river, of("a"), name="one.csv") is None
    assert sorted(standing(river)) == ["a", "b", "c"]
    assert full(river, of("c"), name="two.csv") is None
    assert full(river, of("a"), name="one.csv") is None
    assert sorted(standing(river)) == ["a", "c"]
    assert is_proved(river)


@contextlib.contextmanager
def before_keys_were_kept(river: River) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as then:
        then.setattr(writer, "held_keys", lambda *_: {})
        yield
    river.change("UPDATE quarantine SET key_hash = NULL")


def test_what_was_refused_before_its_key_was_kept_deletes_nothing(river: River) -> None:
    with before_keys_were_kept(river):
        full(river, of("a", "b", wrong="many"))
        mend(river, {"wrong": {"quantity": "12"}})

    assert full(river, of("a", wrong="many")) is not None
    assert len(standing(river)) == 3
    assert is_proved(river)


def test_what_another_source_had_mended_before_its_key_was_kept_keeps_everything(river: River) -> None:
    full(river, of("a", "b"), name="one.csv")
    with before_keys_were_kept(river):
        full(river, of("c", b="many"), name="two.csv")
        mend(river, {"b": {"quantity": "1"}})
        full(river, of("c", b="many"), name="two.csv")

    said = full(river, of("a"), name="one.csv")
    assert said is not None
    assert said.startswith("another source sends records that were mended before")
    assert sorted(standing(river)) == ["a", "b", "c"]
    assert full(river, of("c"), name="two.csv") is None
    assert full(river, of("a"), name="one.csv") is None
    assert sorted(standing(river)) == ["a", "c"]
    assert is_proved(river)


def states(river: River) -> list[str]:
    return [row["state"] for row in river.rows("SELECT state FROM quarantine ORDER BY raw ->> 'activity_id'")]


def test_what_was_mended_and_deleted_since_is_open_when_its_source_sends_it_wrong_again(river: River) -> None:
    full(river, of("a", wrong="many"))
    mend(river, {"wrong": {"quantity": "12"}})
    assert full(river, of("a")) is None
    assert (sorted(standing(river)), states(river)) == (["a"], ["expired"])
    assert is_proved(river)

    assert full(river, of("a", "b", wrong="many")) is not None
    assert states(river) == ["open"]
    mend(river, {"wrong": {"quantity": "13"}})
    assert full(river, of("a", wrong="many")) is None
    assert standing(river) == {"a": "1", "wrong": "13"}
    assert is_proved(river)


def test_a_record_corrected_in_its_source_stays_when_it_is_sent_wrong_again_as_it_was_mended_to_another_key(
    river: River,
) -> None:
    full(river, of("a", wronger="lots"))
    mend(river, {"wronger": {"activity_id": "right", "quantity": "13"}})
    assert full(river, of("a", wronger="7")) is None
    assert standing(river) == {"a": "1", "wronger": "7"}

    assert full(river, of("a", wronger="lots")) is not None
    assert (standing(river), states(river)) == ({"a": "1", "wronger": "7"}, ["open"])
    assert is_proved(river)


def test_what_was_mended_to_another_key_keeps_the_row_under_its_own_too(river: River) -> None:
    full(river, of("a", "b", wronger="5"))
    assert full(river, of("a", wronger="lots")) is not None
    mend(river, {"wronger": {"activity_id": "right", "quantity": "13"}})

    assert would_delete(river, of("a", wronger="lots")) == 1
    assert full(river, of("a", wronger="lots")) is None
    assert full(river, of("a", wronger="lots")) is None
    assert standing(river) == {"a": "1", "wronger": "5", "right": "13"}
    assert is_proved(river)

    assert full(river, of("a")) is None
    assert standing(river) == {"a": "1"}
    assert is_proved(river)
