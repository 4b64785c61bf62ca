"""Rows loaded before a minor version of their contract, and read again after it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from headwater.contracts import Document
from headwater.packs.ghg import pack
from headwater.packs.pack import Pack
from headwater.services.verification import verify
from headwater.store.embedded import APP
from headwater.store.upgrade import upgrade
from headwater.telemetry import SilentProgress
from tests.earlier import first_release
from tests.river import ACTIVITY_COLUMNS, River, activities, factors, make_river
from tests.servers import Installation

pytestmark = pytest.mark.server

ROWS = [{"activity_id": "a", "quantity": "2"}, {"activity_id": "b"}, {"activity_id": "c", "quantity": "x"}]
FACTORS = factors([{"factor_id": "f"}])


@dataclass(frozen=True, kw_only=True)
class FirstRelease(Pack):
    """A pack whose contracts stand as their first release was published."""

    def documents(self) -> tuple[Document, ...]:
        return tuple(first_release(document) for document in super().documents())


BEFORE = FirstRelease(**vars(pack))


@pytest.fixture
def river(empty_database: Installation, tmp_path_factory: pytest.TempPathFactory) -> River:
    """An installation of before, with rows loaded, brought to this version."""
    folder = tmp_path_factory.mktemp("river")
    upgrade(empty_database.owner_url, APP, BEFORE.documents())
    old = make_river(empty_database, folder)
    vars(old.installation)["packs"] = (BEFORE,)
    old.load(FACTORS, name="factors.csv", mapping="factor_form")
    _, ledger = old.load(activities(ROWS))
    assert (ledger.inserted, ledger.quarantined, ledger.calculation["inserted"]) == (2, 1, 2)
    assert old.rows("SELECT count(*) AS n FROM information_schema.columns WHERE column_name = 'meter_id'") == [{"n": 0}]

    assert "activity 1.2.0" in upgrade(empty_database.owner_url, APP, pack.documents()).contracts
    return make_river(empty_database, folder)


def test_rows_of_before_are_found_unchanged(river: River) -> None:
    _, of_factors = river.load(FACTORS, name="factors.csv", mapping="factor_form")
    _, ledger = river.load(activities(ROWS))

    assert (of_factors.inserted, of_factors.updated, of_factors.unchanged) == (0, 0, 1)
    assert (ledger.inserted, ledger.updated, ledger.unchanged, ledger.quarantined) == (0, 0, 2, 1)
    assert ledger.calculation["unchanged"] == 2
    assert river.rows("SELECT * FROM activity_v1_history") == []
    found = verify(river.installation, progress=SilentProgress())
    assert (found.ok, found.differences) == (True, ())


def test_a_value_of_an_added_field_makes_the_row_another(river: River) -> None:
    mapping = river.folder / "metered.yaml"
    fields = "".join(f"  {name}: {{column: {name}}}\n" for name in (*ACTIVITY_COLUMNS, "meter_id"))
    mapping.write_text(f"mapping: metered\nversion: 1.0.0\ncontract: activity@1\nfields:\n{fields}")
    rows = [{**ROWS[0], "meter_id": "m-1"}, *ROWS[1:]]
    _, ledger = river.load(activities(rows, (*ACTIVITY_COLUMNS, "meter_id")), mapping=str(mapping))

    assert (ledger.updated, ledger.unchanged, ledger.quarantined) == (1, 1, 1)
    assert river.rows("SELECT activity_id, meter_id FROM activity_v1 ORDER BY 1") == [
        {"activity_id": "a", "meter_id": "m-1"},
        {"activity_id": "b", "meter_id": None},
    ]
    found = verify(river.installation, progress=SilentProgress())
    assert (found.ok, found.differences) == (True, ())
