"""Refused rows of a table that are mended and sent again are no sync of it: the next goes on where the last came to."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.services.quarantine.by_cell import resubmit
from tests.integration.cli.conftest import Headwater, Lab, resubmitted
from tests.river import River

SYNC = ("connectors", "sync", "lab", "-t", "a", "--cursor", "changed_at")


@pytest.fixture
def synced(headwater: Headwater, full_lab: Lab) -> Lab:
    """All 40 rows were read by a cursor, of which three have no month, two of them at the end."""
    full_lab.change("UPDATE a SET month = 'soon' WHERE reading_id IN (7, 39, 40)")
    assert headwater(*SYNC, "-m", full_lab.mapping, "--json").code == 3
    return full_lab


def state(headwater: Headwater) -> Any:
    return headwater("connectors", "state", "lab", "--json").json


def keys(headwater: Headwater) -> list[str]:
    return [each["quarantine"] for each in headwater("quarantine", "list", "--json").json["records"]]


@pytest.mark.parametrize("month", ["2024-02-01", "later"])
@pytest.mark.parametrize("by", ["export", "cell"])
def test_a_resubmission_is_no_sync(headwater: Headwater, synced: Lab, river: River, month: str, by: str) -> None:
    before, status = state(headwater), headwater("connectors", "status", "lab", "--json").json
    sources = headwater("units", "sources", "--json").json
    (told,) = before
    assert (told["last_cursor"], told["last_row_id"]) == ("2024-06-01 00:00:40", "40")

    if by == "export":
        resubmitted(headwater, lambda _: {"month": month})
    else:
        resubmit(river.installation, {key: {"month": month} for key in keys(headwater)})
    assert len(keys(headwater)) == (0 if month == "2024-02-01" else 3)

    assert state(headwater) == before
    assert headwater("connectors", "status", "lab", "--json").json == status
    assert headwater("units", "sources", "--json").json == sources
    synced.change("UPDATE a SET kwh = 7, changed_at = '2024-07-01 00:00:00' WHERE reading_id = 5")
    again = headwater(*SYNC, "-m", synced.mapping, "--json").json
    assert (again["ledger"]["read"], again["ledger"]["updated"], again["warnings"]) == (2, 1, [])  # the last row again
    (after,) = state(headwater)
    assert (after["last_cursor"], after["run_id"]) == ("2024-07-01 00:00:00", again["run_id"])
    assert headwater("verify").code == 0


def test_where_an_earlier_version_had_one_count_as_a_sync_nothing_false_is_said(
    headwater: Headwater, synced: Lab, river: River
) -> None:
    resubmitted(headwater, lambda _: {"month": "2024-02-01"})
    river.change(
        "UPDATE connector_sync_state s SET run_id = r.run_id, last_cursor = NULL, last_row_id = NULL FROM runs r"
        " WHERE r.source_id = s.source_id AND r.kind = 'resubmit'"
    )
    again = headwater(*SYNC, "-m", synced.mapping, "--json").json
    assert (again["ledger"]["read"], again["warnings"]) == (40, [])
    assert state(headwater)[0]["last_cursor"] == "2024-06-01 00:00:40"
