"""A sync that is refused before a run is planned is told with when and why, and so is each that follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import HeadwaterError
from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.asking import CircuitOpen
from headwater.services.connectors.keeping import add, change, find, opened
from headwater.services.connectors.syncing import files_to_sync, sync_files
from headwater.services.connectors.viewing import status
from headwater.services.trials.trial import try_sync
from headwater.store import connectors
from headwater.store.connectors import set_circuit
from headwater.telemetry import SilentProgress
from tests.synced import Synced

pytestmark = pytest.mark.server


def refused(synced: Synced, connector: str = "plant") -> Sequence[Any]:
    told: Sequence[Any] = status(synced.river.installation, connector).as_json()["refused_syncs"]
    return told


def test_whatever_refuses_a_plan_is_kept_with_its_time(synced: Synced) -> None:
    installation, began = synced.river.installation, datetime.now(UTC)
    plant = find(installation, "plant")
    synced.sync()
    assert refused(synced) == []

    def try_in_vain(**said: Any) -> None:
        with pytest.raises(HeadwaterError):
            synced.sync(**said)

    try_in_vain(source={"cursor": "site"})
    synced.at_source("ALTER TABLE meter_reading RENAME TO put_away")
    try_in_vain()
    synced.at_source("ALTER TABLE put_away RENAME TO meter_reading")
    synced.at_source("ALTER TABLE meter_reading ADD COLUMN remark text")
    try_in_vain(load={"drift": "stop"})
    with installation.database.connect(installation.tenant_id) as connection:
        set_circuit(
            connection, installation.tenant_id, plant.connector_id, state="open", failures=5, last_error="it was away"
        )
    try_in_vain()
    with pytest.raises(HeadwaterError):
        try_sync(installation, synced.recipe(), synced.river.folder, rows=None, progress=SilentProgress())

    told = list(reversed(refused(synced)))
    for each, why in zip(
        told,
        ("cannot be a cursor", "there is no table or view", "the recipe says to stop then", "came to no answer"),
        strict=True,
    ):
        assert why in each["error"]
        assert each["source_name"] == "plant/public.meter_reading"
        assert began < each["tried_at"] <= each["refused_at"]
    assert "it was away" not in told[-1]["error"]  # what an error quotes is not kept for good
    logged = synced.river.rows(
        "SELECT status, run_id, source_name FROM connector_sync_logs WHERE connector = 'plant' ORDER BY started_at"
    )
    assert [row["status"] for row in logged] == ["succeeded", *["refused"] * 4]
    assert [row["run_id"] is None for row in logged] == [False, *[True] * 4]


@dataclass
class Bills:
    """A folder of files and a connector to it."""

    synced: Synced
    folder: Path

    def sync(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """`meanwhile` happens when the files are listed, and none is fetched."""
        installation = self.synced.river.installation
        said = {"recipe": "bills", "source": {"connector": "bills"}, "mapping": str(self.synced.mapping())}
        recipe, stored = Recipe.model_validate(said), find(installation, "bills")
        with opened(installation, stored) as source:
            store, files = files_to_sync(installation, stored, source)
            meanwhile()
            for _ in sync_files(
                installation, stored, store, files, recipe=recipe, base=self.folder, progress=SilentProgress()
            ):
                pass

    def leave_alone(self) -> None:
        """The circuit of the source is open from now on."""
        installation = self.synced.river.installation
        stored = find(installation, "bills")
        with installation.database.connect(installation.tenant_id) as connection:
            set_circuit(
                connection, installation.tenant_id, stored.connector_id, state="open", failures=5, last_error="away"
            )


@pytest.fixture
def bills(synced: Synced, tmp_path: Path) -> Bills:
    add(synced.river.installation, "bills", "folder", {"path": str(tmp_path), "pattern": "*.xlsx"})
    (tmp_path / "broken.xlsx").write_bytes(b"no workbook")
    return Bills(synced, tmp_path)


def test_files_of_a_store_that_come_to_no_run_are_kept(synced: Synced, bills: Bills) -> None:
    bills.sync()
    (broken,) = refused(synced, "bills")
    assert (broken["source_name"], "no workbook" in broken["error"]) == ("bills/broken.xlsx", False)
    change(synced.river.installation, "bills", {"path": str(bills.folder / "gone")})
    with pytest.raises(HeadwaterError):
        bills.sync()
    assert [each["source_name"] for each in refused(synced, "bills")] == ["bills", "bills/broken.xlsx"]


def test_a_circuit_that_opens_while_files_are_fetched_is_told_of_the_file_that_was_next(
    synced: Synced, bills: Bills
) -> None:
    with pytest.raises(CircuitOpen):
        bills.sync(bills.leave_alone)
    (left,) = refused(synced, "bills")
    assert (left["source_name"], "came to no answer" in left["error"]) == ("bills/broken.xlsx", True)
    logged = synced.river.rows("SELECT status, source_name FROM connector_sync_logs WHERE connector = 'bills'")
    assert logged == [{"status": "refused", "source_name": "bills/broken.xlsx"}]


def test_of_each_connector_the_latest_are_kept(synced: Synced, bills: Bills, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HeadwaterError):
        synced.sync(source={"cursor": "site"})
    monkeypatch.setattr(connectors, "REFUSED_SYNCS_KEPT", 2)
    bills.sync()
    bills.leave_alone()
    for _ in range(2):
        with pytest.raises(CircuitOpen):
            bills.sync()
    assert [each["source_name"] for each in refused(synced, "bills")] == ["bills", "bills"]
    assert len(refused(synced)) == 1
