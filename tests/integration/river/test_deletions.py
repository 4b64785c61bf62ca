"""Records deleted by hand: out of reads and figures, kept from coming in again, restored as they were, or destroyed."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import Any

import pytest

from headwater.errors import Conflict, Misuse, NotFound, RetryLater
from headwater.services import deletions
from headwater.services.entered_records import enter
from headwater.services.folders import SourceFile
from headwater.services.imports import file_recipe
from headwater.services.listing import Question
from headwater.services.quarantine.by_cell import resubmit
from headwater.services.records import history_of, list_records, show_record
from headwater.services.trials.trial import Trial, try_file
from headwater.services.verification import Verification, verify
from headwater.telemetry import SilentProgress
from tests.river import River, activities, factors

pytestmark = pytest.mark.server
KEYS = "abcd"
ROWS = [{"activity_id": key, "quantity": str(number)} for number, key in enumerate(KEYS, start=1)]


def proved(river: River) -> Verification:
    found = verify(river.installation, progress=SilentProgress())
    assert found.ok, (found.differences, found.not_recomputed)
    return found


def begun(river: River) -> None:
    river.load(factors([{"factor_id": "f"}]), name="factors.csv", mapping="factor_form")
    river.load(activities(ROWS), name="one.csv", chunk_size=2)


def stands(river: River) -> str:
    return "".join(row["activity_id"] for row in river.rows("SELECT activity_id FROM activity_v1 ORDER BY 1"))


def figures(river: River) -> str:
    return "".join(row["activity_id"] for row in river.rows("SELECT activity_id FROM emission_v1 ORDER BY 1"))


def tables(river: River, *names: str) -> list[Any]:
    return [river.rows(f"SELECT * FROM {name} ORDER BY 1, 2, 3") for name in names]


def test_a_deleted_record_is_out_of_reads_and_figures_and_comes_back_as_it_was(river: River) -> None:
    begun(river)
    before = tables(river, "activity_v1", "emission_v1", "activity_v1_history", "emission_v1_history")

    done = deletions.delete(river.installation, "activity", ["b", "c"], reason="counted twice")

    assert done.rows == {"activity@1": 2, "emission@1": 2}
    assert (stands(river), figures(river)) == ("ad", "ad")
    assert [item["key"] for item in list_records(river.installation, "activity", Question()).items] == ["a", "d"]
    with pytest.raises(NotFound):
        show_record(river.installation, "activity", "b")
    (past,) = history_of(river.installation, "activity", "b", Question()).items
    assert (past["operation"], past["superseded_by"]) == ("delete", done.deletion_id)
    listed = deletions.deleted_records(river.installation, "activity", Question())
    assert {(item["record_key"], item["reason"]) for item in listed.items} == {
        ("b", "counted twice"), ("c", "counted twice"),
    }  # fmt: skip
    (told,) = proved(river).deletions
    assert (told.action, told.records, told.reason) == ("records.deleted", 2, "counted twice")
    with pytest.raises(Conflict, match="deleted already"):
        deletions.delete(river.installation, "activity", ["b"], reason="again")
    with pytest.raises(NotFound):
        deletions.delete(river.installation, "activity", ["a", "nobody"], reason="none at all")
    assert stands(river) == "ad"

    assert deletions.restore(river.installation, "activity", ["c"]).rows == {"activity@1": 1, "emission@1": 1}
    assert stands(river) == "acd"
    deletions.restore(river.installation, "activity", ["b"])
    after = tables(river, "activity_v1", "emission_v1", "activity_v1_history", "emission_v1_history")
    assert after == before
    assert proved(river).checked.get("deleted records") is None
    with pytest.raises(NotFound):
        deletions.restore(river.installation, "activity", ["b"])


def tried(river: River, content: str) -> Trial:
    path = river.folder / "tried.csv"
    path.write_text(content)
    recipe = file_recipe(path.name, river.mapping("activity_form"))
    file = SourceFile(path=path, name=path.name, alone=True)
    return try_file(river.installation, recipe, river.folder, file, rows=None, progress=SilentProgress())


def test_what_was_deleted_does_not_rise_again(river: River) -> None:
    begun(river)
    deletions.delete(river.installation, "activity", ["b"], reason="none of ours")

    trial = tried(river, activities(ROWS))
    assert (trial.loaded, trial.unchanged, dict(trial.skipped)) == (0, 3, {"deleted": 1})
    _, same = river.load(activities(ROWS), name="one.csv", chunk_size=2)
    assert same.skipped == {"deleted": 1}
    assert (same.read, same.mapped, same.produced, same.unchanged) == (4, 3, 3, 3)
    corrected = [{**ROWS[1], "quantity": "20"}, {**ROWS[1], "quantity": "20"}, {**ROWS[1], "quantity": "21"}]
    for size in (1, 10):  # what is deleted is left out whatever it says, and however the file is cut
        _, other = river.load(activities(corrected), name=f"two-{size}.csv", chunk_size=size)
        assert (other.skipped, other.quarantined, other.inserted) == ({"deleted": 3}, 0, 0)
    _, full = river.load(activities(ROWS), name="one.csv", chunk_size=2, strategy="full")
    assert full.skipped == {"deleted": 1}
    _, versions = river.load(
        activities([{**row, "period_end": f"2024-03-0{day}"} for row in ROWS[:2] for day in (2, 1, 3)]),
        name="versions.csv",
        version="period_end",
    )
    assert versions.skipped == {"deleted": 3, "older_version": 1}
    assert (stands(river), figures(river)) == ("acd", "acd")
    proved(river)

    deletions.restore(river.installation, "activity", ["b"])
    _, again = river.load(activities(ROWS[1:]), name="one.csv", chunk_size=2)
    assert (again.skipped, again.unchanged, again.inserted) == ({}, 3, 0)
    proved(river)


def test_what_is_mended_or_entered_by_hand_does_not_bring_it_back(river: River) -> None:
    begun(river)
    deletions.delete(river.installation, "activity", ["b"], reason="none of ours")
    river.load(activities([{**ROWS[1], "quantity": "many"}]), name="bad.csv")  # a rule broken comes first
    (refused,) = river.rows("SELECT quarantine_id || '.' || occurrence AS id FROM quarantine")

    resubmit(river.installation, {refused["id"]: {"quantity": "2"}})
    (mended,) = river.rows("SELECT state FROM quarantine")
    (repair,) = river.rows("SELECT outcome, findings FROM quarantine_repairs")
    assert (mended["state"], repair["outcome"]) == ("open", "refused")
    assert [finding["rule"] for finding in repair["findings"]] == ["activity.key.deleted"]
    again = {**ROWS[1], "activity_type": "electricity", "region": "DE", "period_start": "2024-01-01", "unit": "kWh"}
    entered = enter(river.installation, "activity", [again])
    assert (entered["refused"], stands(river)) == ([], "acd")
    assert entered["run"]["ledger"]["skipped"] == {"deleted": 1}
    proved(river)


def test_what_a_full_load_would_sweep_is_swept_after_it_was_restored(river: River) -> None:
    begun(river)
    deletions.delete(river.installation, "activity", ["b"], reason="a mistake")
    river.load(activities(ROWS[2:]), name="one.csv", strategy="full")
    assert stands(river) == "cd"
    deletions.restore(river.installation, "activity", ["b"])
    assert stands(river) == "bcd"
    proved(river)
    river.load(activities([*ROWS[2:]]), name="one.csv", strategy="full")
    assert stands(river) == "cd"
    deletions.delete(river.installation, "activity", ["d"], reason="twice")
    proved(river)


def test_what_is_destroyed_leaves_its_hash_and_the_rest_is_proved(river: River) -> None:
    begun(river)
    river.load(activities([{**ROWS[1], "quantity": "7"}, {**ROWS[2], "quantity": "8", "region": "ZZ"}]), name="one.csv")
    deletions.delete(river.installation, "activity", ["c"], reason="first out of sight")
    hanging = deletions.hanging_on(river.installation, "activity", ["b", "c"])
    assert hanging.standing == {"activity@1": 1, "emission@1": 1}
    assert hanging.versions == {"activity@1": 3, "emission@1": 2}
    assert hanging.findings == 1
    with pytest.raises(Conflict, match="something else hangs on it"):
        deletions.destroy(river.installation, "activity", ["b", "c"], reason="x", confirmation="0" * 64)

    done = deletions.destroy(
        river.installation, "activity", ["b", "c"], reason="not ours to keep", confirmation=hanging.confirmation
    )

    assert done.rows == {"activity@1": 4, "emission@1": 3}
    assert (stands(river), figures(river)) == ("ad", "ad")
    for table in ("activity_v1", "emission_v1"):
        assert river.rows(f"SELECT FROM {table}_history") == []
    assert river.rows("SELECT FROM findings") == []
    assert [told.action for told in proved(river).deletions] == ["records.deleted", "records.destroyed"]
    (first, second) = deletions.deleted_records(river.installation, "activity", Question()).items
    assert (first["record_key"], second["record_key"]) == (None, None)
    _, again = river.load(activities(ROWS), name="one.csv")
    assert again.skipped == {"deleted": 2}
    with pytest.raises(Conflict, match="nothing is left"):
        deletions.restore(river.installation, "activity", ["b"])
    proved(river)

    assert deletions.admit(river.installation, "activity", ["b"], reason="asked for") == 1
    _, again = river.load(activities(ROWS), name="one.csv")
    assert (again.skipped, again.inserted, stands(river)) == ({"deleted": 1}, 1, "abd")
    proved(river)
    with pytest.raises(Conflict, match="never destroyed"):
        deletions.destroy(river.installation, "emission_factor", ["f"], reason="x", confirmation="x")
    with pytest.raises(Misuse, match="calculated from"):
        deletions.delete(river.installation, "emission", ["a|location_based|AR5"], reason="x")


def test_deletions_and_loads_of_the_same_keys_at_once_leave_what_is_proved(river: River, seed: int) -> None:
    chance, keys = random.Random(seed), [f"k{number}" for number in range(6)]
    texts = [activities([{"activity_id": key, "quantity": str(version)} for key in keys]) for version in (1, 2)]
    river.load(texts[0], name="0.csv", chunk_size=2)
    ended = Event()

    def by_hand() -> int:
        done = 0
        while not ended.is_set():
            key = [chance.choice(keys)]
            with suppress(Conflict, NotFound, RetryLater):
                deletions.delete(river.installation, "activity", key, reason="x")
                done += 1
                if chance.random() < 0.8:
                    deletions.restore(river.installation, "activity", key)
                else:
                    destroy(river, key)
                    deletions.admit(river.installation, "activity", key, reason="x")
        return done

    with ThreadPoolExecutor(1) as other:
        hand = other.submit(by_hand)
        try:
            for number in range(6):
                river.load(texts[number % 2], name=f"{number % 3}.csv", chunk_size=2)
        finally:
            ended.set()
        assert hand.result() > 0
    proved(river)


def destroy(river: River, keys: list[str]) -> None:
    hanging = deletions.hanging_on(river.installation, "activity", keys)
    deletions.destroy(river.installation, "activity", keys, reason="x", confirmation=hanging.confirmation)


COLUMNS = {
    "contract": "'activity@9'", "key_hash": "set_byte(key_hash, 0, get_byte(key_hash, 0) # 1)",
    "record_key": "record_key || 'x'", "chunk_id": "gen_random_uuid()", "record_no": "record_no + 1",
    "deletion_id": "gen_random_uuid()", "reason": "reason || '.'", "deleted_by": "'somebody'",
    "destroyed": "true, record_key = NULL",
}  # fmt: skip


def test_marks_that_were_changed_are_named(river: River) -> None:
    keys = [f"k{number}" for number in range(len(COLUMNS) + 1)]
    river.load(activities([{"activity_id": key} for key in keys]))
    deletions.delete(river.installation, "activity", keys, reason="x")
    for key, (column, changed) in zip(keys, COLUMNS.items(), strict=False):
        river.change(f"UPDATE deleted_records SET {column} = {changed} WHERE record_key = '{key}'")
    river.change(f"DELETE FROM deleted_records WHERE record_key = '{keys[-1]}'")

    found = verify(river.installation, progress=SilentProgress(), shown=100)

    assert {each.table for each in found.differences} == {"deleted_records"}
    named = {each.column for each in found.differences}
    assert named >= COLUMNS.keys() - {"contract", "key_hash"}
    # Of a contract or key that was changed, one mark is missing and one is not known.
    assert found.found == 2 + 2 + 6 + len(["destroyed", "record_key"]) + 1
