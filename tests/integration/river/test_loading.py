"""What becomes of records: loaded, merged, updated with their past kept, or refused, whatever the size of a chunk."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest

from headwater.services.runs_view import show_run
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.river import River, activities, factors


def test_an_equal_record_is_merged_and_another_with_its_key_is_refused_naming_the_first(river: River) -> None:
    content = activities(
        [
            {"activity_id": "a", "quantity": "1"},
            {"activity_id": "b", "quantity": "2"},
            {"activity_id": "a", "quantity": "1"},
            {"activity_id": "a", "quantity": "3"},
        ]
    )
    _, ledger = river.load(content)

    assert (ledger.read, ledger.inserted, ledger.merged, ledger.quarantined) == (4, 2, 1, 1)
    (refused,) = river.rows("SELECT * FROM quarantine")
    (finding,) = refused["findings"]
    assert finding["rule"] == "activity.key.conflict"
    assert "record 1 of this source" in finding["message"]
    assert refused["raw"]["quantity"] == "3"
    assert (refused["record_no"], refused["line"]) == (4, 5)


def test_a_record_far_down_is_named_by_a_number_that_can_be_read(river: River) -> None:
    rows = [{"activity_id": str(number)} for number in range(1500)]
    river.load(activities([*rows, {"activity_id": "1400", "quantity": "3"}]))
    (refused,) = river.rows("SELECT findings FROM quarantine")
    assert "record 1,401 of this source" in refused["findings"][0]["message"]


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 100])
def test_the_size_of_a_chunk_changes_nothing(river: River, chunk_size: int) -> None:
    content = activities(
        [
            {"activity_id": "b", "quantity": "1"},
            {"activity_id": "a", "quantity": "x"},
            {"activity_id": "b", "quantity": "2"},
            {"activity_id": "c", "quantity": "1,000.5"},
            {"activity_id": "b", "quantity": "1"},
            {"activity_id": "a", "quantity": "x"},
        ]
    )
    _, ledger = river.load(content, chunk_size=chunk_size)

    rows = river.rows("SELECT activity_id, quantity FROM activity_v1 ORDER BY activity_id")
    assert [(row["activity_id"], row["quantity"]) for row in rows] == [("b", 1), ("c", Decimal("1000.5"))]
    refused = river.rows("SELECT record_no, line, occurrence FROM quarantine ORDER BY record_no")
    assert [(row["record_no"], row["occurrence"]) for row in refused] == [(2, 1), (3, 1), (6, 2)]
    assert (ledger.inserted, ledger.merged, ledger.quarantined) == (2, 1, 3)


def test_loading_the_same_file_again_changes_nothing(river: River) -> None:
    content = activities([{"activity_id": "a"}, {"activity_id": "b", "quantity": "no"}, {"activity_id": "c"}])
    river.load(content, chunk_size=2)
    before = _evidence(river)
    _, ledger = river.load(content, chunk_size=2)

    assert (ledger.inserted, ledger.updated, ledger.unchanged, ledger.quarantined) == (0, 0, 2, 1)
    assert _evidence(river) == before


def test_a_changed_record_replaces_the_old_one_which_goes_to_history(river: River) -> None:
    river.load(activities([{"activity_id": "a", "quantity": "1"}, {"activity_id": "b"}]))
    _, ledger = river.load(activities([{"activity_id": "a", "quantity": "2"}, {"activity_id": "b"}]))

    assert (ledger.updated, ledger.unchanged, ledger.inserted) == (1, 1, 0)
    (past,) = river.rows("SELECT * FROM activity_v1_history")
    assert (past["activity_id"], past["quantity"], past["operation"]) == ("a", 1, "update")
    (row,) = river.rows("SELECT * FROM activity_v1 WHERE activity_id = 'a'")
    assert row["quantity"] == 2
    assert row["chunk_id"] == past["superseded_by"]


def test_a_record_that_takes_the_place_of_another_source_s_is_told_with_what_it_replaced(river: River) -> None:
    def replaced(run_id: UUID) -> list[str]:
        rows = river.rows(
            "SELECT f.message FROM findings f JOIN chunks c USING (tenant_id, chunk_id)"
            " WHERE c.run_id = %(run)s AND rule_id = 'record.replaced' ORDER BY f.record_no",
            run=run_id,
        )
        assert len(rows) == show_run(river.installation, run_id).replaced
        return [row["message"] for row in rows]

    rows = [{"activity_id": key, "quantity": "1"} for key in "abcd"]
    first, _ = river.load(activities(rows), name="north.csv", chunk_size=2)
    changed = [{"activity_id": "x"}, {"activity_id": "a"}, {"activity_id": "d", "quantity": "2"}]
    second, ledger = river.load(activities(changed), name="south.csv", chunk_size=2)
    assert (ledger.inserted, ledger.unchanged, ledger.updated) == (1, 1, 1)
    said = "It took the place of record 4 of north.csv, which had the same activity_id and other content."
    assert (replaced(first), replaced(second)) == ([], [said])

    again, _ = river.load(activities(changed), name="south.csv", chunk_size=2)
    own, ledger = river.load(activities([*changed[:2], {"activity_id": "d", "quantity": "3"}]), name="south.csv")
    assert (replaced(again), replaced(own), ledger.updated) == ([], [], 1), "a source replaces its own without a word"
    rows = [{"activity_id": key, "period_end": "2024-03-02"} for key in "ad"]
    higher, ledger = river.load(activities(rows), name="north.csv", version="period_end")
    assert (replaced(higher), ledger.updated) == ([], 2), "a version decides"
    assert verify(river.installation, progress=SilentProgress()).differences == ()


def test_a_record_that_is_gone_from_a_corrected_file_stays(river: River) -> None:
    river.load(activities([{"activity_id": "a"}, {"activity_id": "b"}]))
    river.load(activities([{"activity_id": "b"}]))

    assert [row["activity_id"] for row in river.rows("SELECT activity_id FROM activity_v1 ORDER BY 1")] == ["a", "b"]


def test_a_key_read_unchanged_in_an_earlier_chunk_is_not_overwritten_by_a_later_one(river: River) -> None:
    first = [{"activity_id": key} for key in "abcd"]
    river.load(activities(first), chunk_size=2)
    _, ledger = river.load(activities([*first[:3], {"activity_id": "a", "quantity": "9"}]), chunk_size=2)

    assert (ledger.updated, ledger.quarantined) == (0, 1)
    (row,) = river.rows("SELECT quantity FROM activity_v1 WHERE activity_id = 'a'")
    assert row["quantity"] == 1


def test_a_bad_record_read_again_does_not_pile_up_and_a_corrected_one_closes_it(river: River) -> None:
    bad = [{"activity_id": "a", "quantity": "x"}, {"activity_id": "b"}]
    river.load(activities(bad))
    river.load(activities([*bad, {"activity_id": "c"}]))
    (still,) = river.rows("SELECT state, occurrence FROM quarantine")
    assert still == {"state": "open", "occurrence": 1}

    river.load(activities([{"activity_id": "a", "quantity": "5"}, {"activity_id": "b"}]))
    (closed,) = river.rows("SELECT state, state_reason FROM quarantine")
    assert closed["state"] == "expired"
    assert "not refused any more" in closed["state_reason"]


def test_emissions_are_calculated_and_follow_their_activity(river: River) -> None:
    river.load(factors([{"factor_id": "f1"}]), name="factors.csv", mapping="factor_form")
    _, ledger = river.load(activities([{"activity_id": "a", "quantity": "2", "unit": "MWh"}, {"activity_id": "b"}]))
    assert ledger.calculation == {"inserted": 2, "updated": 0, "unchanged": 0, "deleted": 0, "kept": 0}
    (row,) = river.rows("SELECT * FROM emission_v1 WHERE activity_id = 'a'")
    assert (row["co2e_kg"], row["converted_quantity"], row["scope"]) == (1000, 2000, 2)

    river.load(activities([{"activity_id": "a", "quantity": "3", "unit": "MWh"}, {"activity_id": "b", "region": "FR"}]))
    rows = river.rows("SELECT activity_id, co2e_kg FROM emission_v1")
    assert rows == [{"activity_id": "a", "co2e_kg": 1500}]
    past = river.rows("SELECT activity_id, operation FROM emission_v1_history ORDER BY 1")
    assert past == [{"activity_id": "a", "operation": "update"}, {"activity_id": "b", "operation": "delete"}]


def test_a_missing_factor_is_a_finding_and_the_figure_comes_when_the_factor_does(river: River) -> None:
    content = activities([{"activity_id": "a"}])
    _, ledger = river.load(content)
    assert (ledger.inserted, ledger.quarantined) == (1, 0)
    (finding,) = river.rows("SELECT rule_id, record_no, message FROM findings")
    assert finding["rule_id"] == "calculation.no_factor"

    river.load(factors([{"factor_id": "f1"}]), name="factors.csv", mapping="factor_form")
    _, ledger = river.load(content)
    assert (ledger.unchanged, ledger.calculation["inserted"]) == (1, 1)
    (row,) = river.rows("SELECT co2e_kg FROM emission_v1")
    assert row["co2e_kg"] == Decimal("0.5")


def test_a_file_without_records_loads_zero_rows(river: River) -> None:
    _, ledger = river.load(activities([]))
    assert ledger.read == 0
    (run,) = river.rows("SELECT state, chunks_planned FROM runs")
    assert run == {"state": "succeeded", "chunks_planned": 0}


def _evidence(river: River) -> list[object]:
    tables = ("activity_v1", "activity_v1_history", "emission_v1", "emission_v1_history", "findings")
    evidence: list[object] = [river.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables]
    return [
        *evidence,
        river.rows("SELECT quarantine_id, occurrence, state, raw, findings FROM quarantine ORDER BY 1, 2"),
    ]


def test_a_full_load_deletes_what_its_source_no_longer_holds_and_keeps_its_past(river: River) -> None:
    river.load(factors([{"factor_id": "f1"}]), name="factors.csv", mapping="factor_form")
    river.load(activities([{"activity_id": "other"}]), name="other.csv")
    river.load(activities([{"activity_id": key} for key in "abc"]), strategy="full", chunk_size=2)
    river.load(activities([{"activity_id": key} for key in "ac"]), strategy="full", chunk_size=2)

    assert [row["activity_id"] for row in river.rows("SELECT activity_id FROM activity_v1 ORDER BY 1")] == [
        "a",
        "c",
        "other",
    ]
    assert [row["activity_id"] for row in river.rows("SELECT activity_id FROM emission_v1 ORDER BY 1")] == [
        "a",
        "c",
        "other",
    ]
    (past,) = river.rows("SELECT activity_id, operation FROM activity_v1_history")
    assert past == {"activity_id": "b", "operation": "delete"}

    river.load(activities([{"activity_id": key} for key in "abc"]), strategy="full", chunk_size=2)
    assert len(river.rows("SELECT FROM activity_v1")) == 4


def test_a_full_load_of_a_file_without_records_deletes_nothing(river: River) -> None:
    river.load(activities([{"activity_id": "a"}]), strategy="full")
    river.load(activities([]), strategy="full")
    assert len(river.rows("SELECT FROM activity_v1")) == 1


def test_a_corrected_header_is_another_file_though_its_records_are_the_same(river: River) -> None:
    header, record = activities([{"activity_id": "a", "activity_type": "DE", "region": "electricity"}]).splitlines()
    river.load(f"{header}\n{record}\n")
    swapped = header.replace("activity_type", "X").replace("region", "activity_type").replace("X", "region")
    _, ledger = river.load(f"{swapped}\n{record}\n")

    assert (ledger.updated, ledger.unchanged) == (1, 0)
    (row,) = river.rows("SELECT activity_type, region FROM activity_v1")
    assert row == {"activity_type": "electricity", "region": "DE"}


def test_a_record_refused_again_after_it_was_gone_is_open_again(river: River) -> None:
    bad = activities([{"activity_id": "a", "quantity": "x"}])
    river.load(bad)
    river.load(activities([{"activity_id": "a", "quantity": "5"}]))
    river.load(bad)

    (row,) = river.rows("SELECT state, state_reason FROM quarantine")
    assert row == {"state": "open", "state_reason": None}
    assert river.rows("SELECT state FROM runs ORDER BY started_at DESC LIMIT 1") == [
        {"state": "succeeded_with_quarantine"}
    ]


def test_a_chunk_whose_merge_depended_on_another_is_looked_at_again(river: River) -> None:
    rows = [{"activity_id": "a"}, {"activity_id": "b"}, {"activity_id": "a"}, {"activity_id": "c"}]
    _, ledger = river.load(activities(rows), chunk_size=2)
    assert ledger.merged == 1
    _, ledger = river.load(activities([{"activity_id": "a", "quantity": "5"}, *rows[1:]]), chunk_size=2)

    assert (ledger.updated, ledger.merged, ledger.quarantined) == (1, 0, 1)


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 9])
def test_a_repeat_of_a_refused_record_is_refused_too(river: River, chunk_size: int) -> None:
    quantities = {"1": "2", "2": "9", "3": "1", "4": "1"}
    rows = [{"activity_id": "z" if place == "2" else "a", "quantity": text} for place, text in quantities.items()]
    _, ledger = river.load(activities(rows), chunk_size=chunk_size)

    assert (ledger.inserted, ledger.merged, ledger.quarantined) == (2, 0, 2)


def test_a_full_load_does_not_delete_the_row_of_a_record_it_refuses(river: River) -> None:
    river.load(activities([{"activity_id": "a"}, {"activity_id": "b"}]), strategy="full")
    run_id, _ = river.load(activities([{"activity_id": "a", "quantity": "x"}, {"activity_id": "b"}]), strategy="full")

    said = show_run(river.installation, str(run_id)).nothing_deleted
    assert said is not None
    assert said.startswith("records of it were refused"), "of a file as of a connector"
    assert [row["activity_id"] for row in river.rows("SELECT activity_id FROM activity_v1 ORDER BY 1")] == ["a", "b"]
