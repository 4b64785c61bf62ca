"""The laboratory's meters and trips, exported and computed again by the script: runs, and the inventory by DESNZ."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.services.replay_export.export import check, export_emission, export_inventory, export_run
from tests.acceptance.raw import needs_real_files
from tests.acceptance.test_laboratory import known_factors, load
from tests.acceptance.test_laboratory_inventory import river as inventoried  # noqa: F401  a fixture
from tests.river import River

pytestmark = [pytest.mark.server, needs_real_files, pytest.mark.slow, pytest.mark.long]

FILES = {
    "electricity": "laboratory_electricity",
    "heating": "laboratory_heating",
    "commuting": "laboratory_commuting",
    "business_trips_train": "laboratory_trains",
}


def test_every_record_and_figure_of_the_files_is_computed_again(river: River, tmp_path: Path) -> None:
    known_factors(river)
    for name, mapping in FILES.items():
        file = tmp_path / f"{name}.pyz"
        export_run(river.installation, str(load(river, name, mapping)), file)
        found = check(file)
        assert found.differences == [], name
        assert found.facts["co2e_kg"], name
    rows = river.rows('SELECT activity_id FROM emission_v1 ORDER BY activity_id COLLATE "C" LIMIT 3')
    for number, row in enumerate(rows):
        file = tmp_path / f"{number}.pyz"
        export_emission(river.installation, row["activity_id"], file)
        assert check(file).differences == []


def test_the_inventory_is_computed_again(inventoried: River, tmp_path: Path) -> None:  # noqa: F811  the fixture
    file = tmp_path / "laboratory.pyz"
    export_inventory(inventoried.installation, "laboratory", file)
    found = check(file)
    assert found.differences == []
    assert {stage.name for stage in found.stages} == {
        "file",
        "audit chain",
        "documents",
        "pinned rows",
        "choices",
        "lines",
    }
    assert not any("by hash only" in stage.said for stage in found.stages)
