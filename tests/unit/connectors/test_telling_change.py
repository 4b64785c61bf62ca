"""Which columns are proposed as cursors: those that move when a row is changed, and no date of the business."""

from __future__ import annotations

import pytest

from headwater.connectors.telling_change import counts_changes, tells_change, tells_entry


@pytest.mark.parametrize(
    "name",
    ["changed_at", "LastChangeDateTime", "updated", "LAST_UPDATE_DATE", "ModifiedDate", "SystemModstamp", "AEDAT",
     "last_modified", "LASTCHG_TS", "geändert_am", "row_edited_on"],
)  # fmt: skip
def test_times_of_changes(name: str) -> None:
    assert tells_change(name)


@pytest.mark.parametrize(
    "name",
    ["order_date", "PostingDate", "DocumentDate", "valid_from", "created_at", "last_order_date", "ExchangeRateDate",
     "PurchaseOrderDate", "due", "month", "date"],
)  # fmt: skip
def test_times_of_anything_else(name: str) -> None:
    assert not tells_change(name)


def test_times_of_entries_and_counters_of_changes() -> None:
    assert [name for name in ("created_at", "EntryDate", "ERDAT", "order_date") if tells_entry(name)] == [
        "created_at", "EntryDate", "ERDAT",
    ]  # fmt: skip
    assert all(map(counts_changes, ("version", "row_version", "ora_rowscn", "change_no", "revision")))
    assert not any(map(counts_changes, ("conversion", "serial_number", "sequence_in_order", "meter_id", "exchange_no")))
