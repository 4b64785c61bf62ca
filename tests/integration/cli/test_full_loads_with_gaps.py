"""A full load of a table whose source fails for one chunk and changes meanwhile, on a real server, gap filled later."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.integration.cli.conftest import Headwater
from tests.synced import Synced

pytestmark = pytest.mark.server
VIEW = (
    "CREATE OR REPLACE VIEW shaky AS SELECT reading_id, site, month, changed_at,"
    " round(kwh / {}, 3)::numeric(12, 3) AS kwh FROM meter_reading"
)
BROKEN, WELL = VIEW.format("(CASE reading_id WHEN 355 THEN 0 ELSE 1 END)"), VIEW.format("1")
A_YEAR_ON = "changed_at = changed_at + interval '1 year'"
IT_MOVED = "nothing was deleted: a gap was filled after the last chunk was read"


def recipe(synced: Synced, path: Path, *, cursor: str | None, key: str = "reading_id") -> Path:
    source = {"table": "public.shaky", "key": [key], "cursor": cursor}
    load = {"strategy": "full", "chunk_size": 250}
    path.write_text(yaml.safe_dump(synced.recipe(source=source, load=load).model_dump(mode="json")))
    return path


def with_a_gap(headwater: Headwater, synced: Synced, said: Path) -> None:
    """Two full loads, the second with a gap where readings 251 to 500 are; 300 and 700 were changed before it."""
    synced.at_source(WELL)
    assert headwater("run", said).code == 0
    synced.at_source("UPDATE meter_reading SET kwh = 1 WHERE reading_id IN (300, 700)")
    synced.at_source(BROKEN)
    partial = headwater("run", said)
    assert (partial.code, "nothing was deleted: a chunk of it is not loaded" in partial.out) == (4, True)
    assert (len(synced.loaded()), synced.loaded()["300"], synced.loaded()["700"]) == (1000, "450.000000", "1.000000")


def test_by_a_cursor_nothing_is_lost_nor_overwritten_and_that_nothing_was_deleted_is_told(
    headwater: Headwater, synced: Synced, tmp_path: Path
) -> None:
    said = recipe(synced, tmp_path / "full.yaml", cursor="changed_at")
    with_a_gap(headwater, synced, said)
    synced.at_source(WELL)
    synced.at_source(f"UPDATE meter_reading SET kwh = 2, {A_YEAR_ON} WHERE reading_id IN (310, 710)")
    synced.at_source("UPDATE meter_reading SET kwh = 3 WHERE reading_id = 320")
    synced.at_source("DELETE FROM meter_reading WHERE reading_id IN (330, 730)")

    filled = headwater("connectors", "retry-failed", "plant")
    assert (filled.code, IT_MOVED in filled.out.replace("\n", " ")) == (0, True), filled.out
    stands = synced.loaded()
    assert len(stands) == 1000
    # The gap as it is now; what moved out of it, or went, as it was; what was read before as it was read then.
    assert [stands[key] for key in ("300", "320", "310", "330", "700", "710", "730")] == [
        "1.000000", "3.000000", "465.000000", "495.000000", "1.000000", "1065.000000", "1095.000000",
    ]  # fmt: skip
    (run,) = headwater("runs", "list", "--limit", "1", "--json").json["runs"]
    shown = headwater("runs", "show", run["run_id"], "--json").json
    assert shown["reconciliation"]["nothing_deleted"].startswith("a gap was filled after the last chunk was read")
    assert IT_MOVED in headwater("runs", "show", run["run_id"]).out.replace("\n", " ")

    whole = headwater("run", said, "--json")
    assert (whole.code, "nothing_deleted" in whole.json["reconciliation"]) == (0, False)
    stands = synced.loaded()
    assert (len(stands), stands["310"], stands["710"]) == (998, "2.000000", "2.000000")
    assert headwater("verify").code == 0


def test_by_the_key_of_the_records_a_gap_is_filled_and_swept_and_an_older_run_overwrites_nothing(
    headwater: Headwater, synced: Synced, tmp_path: Path
) -> None:
    said = recipe(synced, tmp_path / "full.yaml", cursor=None)
    with_a_gap(headwater, synced, said)
    older = headwater("runs", "list", "--limit", "1", "--json").json["runs"][0]["run_id"]
    synced.at_source(WELL)
    assert headwater("run", said).code == 0
    newer = synced.loaded()
    synced.at_source("UPDATE meter_reading SET kwh = 9 WHERE reading_id = 300")
    assert headwater("runs", "resume", older).code == 3
    assert synced.loaded() == newer

    synced.at_source(BROKEN)
    assert headwater("run", said).code == 4
    synced.at_source(WELL)
    synced.at_source(f"UPDATE meter_reading SET kwh = 2, {A_YEAR_ON} WHERE reading_id = 310")
    synced.at_source("DELETE FROM meter_reading WHERE reading_id IN (330, 730)")
    filled = headwater("connectors", "retry-failed", "plant", "--json")
    assert (filled.code, "nothing_deleted" in filled.json["sources"][0]["run"]["reconciliation"]) == (0, False)
    stands = synced.loaded()
    # 730 had been read, and goes with the next load.
    assert (len(stands), "330" in stands, "730" in stands) == (999, False, True)
    assert (stands["300"], stands["310"]) == ("9.000000", "2.000000")
