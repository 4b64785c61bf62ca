"""`connectors retry-failed`: whatever kept a sync from its end, the newest run of each source goes on, and no other."""

from __future__ import annotations

import re

import pytest
import yaml

from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.keeping import find, opened
from headwater.services.connectors.planning import plan_sync
from headwater.services.connectors.syncing import files_of_store, sync_files
from headwater.services.imports import carry_out
from headwater.store.runs import hold_connector, hold_run
from headwater.telemetry import SilentProgress
from tests.integration.cli.conftest import Headwater, Lab
from tests.river import River

BROKEN = (
    "CREATE VIEW shaky AS"
    " SELECT reading_id, site, month, abs(CASE reading_id WHEN 235 THEN {} ELSE kwh END) AS kwh FROM b"
)
OVERFLOWS = "-9223372036854775808"


class Killed(SilentProgress):
    """The process goes without a word once so many rows are in: nothing of ours runs after that."""

    def __init__(self, rows: int) -> None:
        self._left = rows

    def advance(self, units: int) -> None:
        self._left -= units
        if self._left < 0:
            raise SystemExit


def recipe_of(lab: Lab, **source: object) -> Recipe:
    said = {"recipe": "readings", "source": source, "mapping": str(lab.mapping), "load": {"chunk_size": 10}}
    return Recipe.model_validate(said)


def states(river: River) -> dict[str, str]:
    return {row["source_name"]: row["state"] for row in river.rows("SELECT * FROM runs WHERE connector_id IS NOT NULL")}


def test_chunks_that_failed_and_runs_that_were_killed_go_on(headwater: Headwater, river: River, full_lab: Lab) -> None:
    full_lab.change(BROKEN.format(OVERFLOWS))
    killed = plan_sync(river.installation, recipe_of(full_lab, connector="lab", table="a"), river.folder)
    with pytest.raises(SystemExit):
        carry_out(river.installation, killed, progress=Killed(rows=25))
    shaky = river.folder / "shaky.yaml"
    recipe = recipe_of(full_lab, connector="lab", table="shaky", key=["reading_id"]).model_dump(mode="json")
    shaky.write_text(yaml.safe_dump(recipe))
    assert headwater("run", shaky).code == 4
    assert states(river) == {"lab/a": "running", "lab/shaky": "partial_success"}
    river.change(  # twenty runs of other sources since: none of them pushes those two out of sight
        "INSERT INTO runs SELECT (jsonb_populate_record(r, jsonb_build_object('run_id', gen_random_uuid(), 'state',"
        " 'succeeded', 'source_id', '\\x' || lpad(to_hex(n), 64, '0'), 'started_at', clock_timestamp()))).*"
        " FROM runs r, generate_series(1, 20) n WHERE source_name = 'lab/a'"
    )

    told = headwater("connectors", "state", "lab").out.splitlines()
    (shown,) = [line for line in told if "lab/shaky" in line]
    assert shown.split()[1:5] == ["3", "1:", "chunk", "4"]
    left = "the rest not read, and no process is at it. Go on with: headwater connectors retry-failed lab"
    assert f"lab/a: 3 of 4 chunks in, {left}" in told
    states_told = headwater("connectors", "state", "lab", "--json").json
    (state,) = [each for each in states_told if each["run_id"] == str(killed)]
    facts = ("state", "at_work", "chunks_loaded", "chunks_planned")
    assert [state[name] for name in facts] == ["running", False, 3, 4]
    with river.installation.database.connect(river.installation.tenant_id) as held:
        hold_run(held, river.installation.tenant_id, killed)
        assert "lab/a: 3 of 4 chunks in, a process is at the rest" in headwater("connectors", "state", "lab").out

    first = headwater("connectors", "retry-failed", "lab")
    assert first.code == 4
    assert [line for line in first.out.splitlines() if " of 2 " in line] == [
        "1 of 2  lab/a: succeeded", "2 of 2  lab/shaky: partial success",
    ]  # fmt: skip
    assert "chunk 4 is not loaded: " in first.out
    assert "integer overflow" in first.out
    sums = [line.split() for line in first.out.splitlines() if line.startswith("quantity  ")]
    assert sums == [
        ["quantity", "kwh", "not", "told", "1,230", "1,230", "0"],
        ["quantity", "kwh", "not", "told", "697.5", "697.5", "0"],
    ], first.out  # as a sync tells them
    full_lab.change("DROP VIEW shaky", BROKEN.format("kwh"))
    second = headwater("connectors", "retry-failed", "lab", "--json")
    assert second.code == 0
    (source,) = second.json["sources"]
    assert (source["file"], source["state"], source["run"]["ledger"]["inserted"]) == ("lab/shaky", "succeeded", 40)
    assert second.json["states"] == {"succeeded": 1}
    assert river.rows("SELECT count(*) FROM activity_v1") == [{"count": 80}]

    assert headwater("connectors", "retry-failed", "lab", "--json").json == {"sources": [], "states": {}}
    nothing = headwater("connectors", "retry-failed", "lab")
    assert (nothing.code, nothing.out[:13]) == (0, "nothing to do")


def test_a_sync_that_was_refused_before_it_was_planned_is_told_and_no_success(
    headwater: Headwater, full_lab: Lab
) -> None:
    never = headwater("connectors", "retry-failed", "lab")
    assert (never.code, never.out) == (1, "")
    assert "connector lab: no sync was planned yet. `headwater connectors validate lab`" in never.err
    whole, moved = full_lab.path.read_bytes(), full_lab.path.with_suffix(".moved")
    full_lab.path.rename(moved)
    sync = ("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping)
    assert headwater(*sync).code == 2
    refused = headwater("connectors", "retry-failed", "lab")
    assert (refused.code, refused.out) == (1, "")
    assert "no sync was planned yet, and nothing was planned since the source failed at " in refused.err
    assert "there is no such file" in refused.err
    assert "Run the sync again." in refused.err
    told = headwater("connectors", "status", "lab").out
    assert ("Syncs that came to no run" in told, "there is no such file" in told) == (True, True)
    full_lab.path.write_bytes(whole)
    assert headwater(*sync).code == 0
    assert headwater("connectors", "retry-failed", "lab").out.startswith("nothing to do")
    assert headwater("connectors", "status", "lab", "--json").json["circuit"]["last_error"] is None


def test_a_newer_run_stands_for_those_before_it_and_one_at_work_is_left_to_its_process(
    headwater: Headwater, river: River, full_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_of(full_lab, connector="lab", table="a")
    older = plan_sync(river.installation, recipe, river.folder)
    newer = plan_sync(river.installation, recipe, river.folder)
    stored = find(river.installation, "lab")
    monkeypatch.setattr("headwater.store.runs.HOLD_SECONDS", 0.1)
    with river.installation.database.connect(river.installation.tenant_id) as held:
        hold_connector(held, river.installation.tenant_id, stored.connector_id, "lab")
        busy = headwater("connectors", "retry-failed", "lab", "--json")
    assert busy.code == 1
    assert "a sync of lab is at work" in busy.json["sources"][0]["error"]
    assert headwater("connectors", "retry-failed", "lab").code == 0
    found = {row["run_id"]: row["state"] for row in river.rows("SELECT run_id, state FROM runs WHERE kind = 'sync'")}
    assert found == {older: "pending", newer: "succeeded"}


def test_each_file_of_a_store_is_a_run_that_goes_on(headwater: Headwater, river: River, full_lab: Lab) -> None:
    folder = river.folder / "bills"
    folder.mkdir()
    for number in (1, 2):
        lines = [f"{number}-{line},site,2024-01-01,{line}\n" for line in range(30)]
        (folder / f"0{number}.csv").write_text("reading_id,site,month,kwh\n" + "".join(lines))
    assert headwater("connectors", "add", "bills", "-k", "folder", "-s", f"path={folder}").code == 0
    stored, recipe = find(river.installation, "bills"), recipe_of(full_lab, connector="bills")
    with opened(river.installation, stored) as store:
        files = files_of_store(river.installation, stored, store)  # type: ignore[arg-type]
        given = {"recipe": recipe, "base": river.folder, "progress": Killed(rows=15)}
        synced = sync_files(river.installation, stored, store, files, **given)  # type: ignore[arg-type]
        with pytest.raises(SystemExit):
            next(synced)
    assert states(river) == {"bills/01.csv": "running"}
    done = headwater("connectors", "retry-failed", "bills")
    assert (done.code, done.out.splitlines()[0]) == (0, "1 of 1  bills/01.csv: succeeded")
    done = headwater("connectors", "sync", "bills", "-m", full_lab.mapping)
    assert done.code == 0
    assert "2 of 2  bills/01.csv: unchanged" in done.out
    assert "1 of 2  bills/02.csv: succeeded" in done.out
    assert river.rows("SELECT count(*) FROM activity_v1") == [{"count": 60}]


def test_a_source_that_failed_before_a_run_was_planned_is_told_and_no_success(
    headwater: Headwater, river: River, full_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.services.connectors.asking.RETRY_AFTER_SECONDS", (0.0, 0.0, 0.0))
    monkeypatch.setenv("GONE_PASSWORD", "secret")
    where = ("-s", "host=127.0.0.1", "-s", "port=1", "-s", "database=plant", "-s", "user=reader")
    assert headwater(
        "connectors", "add", "gone", "-k", "postgresql", *where, "-s", "password_ref=env:GONE_PASSWORD"
    ).code == 0  # fmt: skip
    sync = ("connectors", "sync", "gone", "-t", "public.meters", "-m", full_lab.mapping)
    failed = headwater(*sync)
    assert (failed.code, "the source failed 4 times" in failed.err) == (1, True), failed.err
    assert "Check the port, and whether" in failed.err.splitlines()[-1], failed.err
    said = [line for line in failed.err.splitlines() if "the source is asked again" in line]
    assert [line.startswith("{") for line in said] == [False] * 3
    assert "run the same again: no run was planned" in failed.err
    assert "retry-failed" not in failed.err
    nothing = headwater("connectors", "retry-failed", "gone")
    assert (nothing.code, nothing.out) == (1, "")
    assert "nothing was planned since the source failed at " in nothing.err
    assert "Run the sync again." in nothing.err
    for _ in range(4):
        assert headwater(*sync).code == 1
    left_alone = headwater(*sync)
    assert "Run the same again then: no run was planned" in left_alone.err, left_alone.err
    facts = [line.split(maxsplit=1) for line in headwater("connectors", "status", "gone").out.splitlines()[:4]]
    assert facts[1:4:2] == [["circuit", "open"], ["failed", "in a row  5"]]
    assert re.fullmatch(r"alone +for another \d\d s", facts[2][1])
    assert headwater("connectors", "retry-failed", "gone", "--json").code == 1

    assert headwater("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping).code == 0
    river.change(
        "INSERT INTO source_circuits (tenant_id, connector_id, state, failures, last_error, changed_at)"
        " SELECT tenant_id, connector_id, 'closed', 1, 'it was away', started_at - interval '1 hour' FROM runs"
        " WHERE connector_id IS NOT NULL ON CONFLICT (tenant_id, connector_id) DO UPDATE SET failures = 1,"
        " last_error = 'it was away', changed_at = EXCLUDED.changed_at"
    )
    assert headwater("connectors", "retry-failed", "lab").code == 0  # the newest run is newer than the failure
    river.change("UPDATE source_circuits SET changed_at = clock_timestamp()")
    assert headwater("connectors", "retry-failed", "lab").code == 1


def test_chunks_of_the_newest_run_that_are_not_loaded_are_gaps_at_its_end_too(
    headwater: Headwater, river: River, full_lab: Lab
) -> None:
    full_lab.change(  # rows without a key are read last
        "CREATE VIEW shaky AS SELECT nullif(reading_id, 240) AS reading_id, site, month,"
        f" abs(CASE reading_id WHEN 240 THEN {OVERFLOWS} ELSE kwh END) AS kwh FROM b"
    )
    recipe = river.folder / "shaky.yaml"
    said = recipe_of(full_lab, connector="lab", table="shaky", key=["reading_id"]).model_dump(mode="json")
    recipe.write_text(yaml.safe_dump(said))
    ended = headwater("run", recipe)
    assert ended.code == 4
    assert "chunk 5 is not loaded" in ended.err + ended.out
    (state,) = headwater("connectors", "state", "lab", "--json").json
    assert (state["source_name"], state["last_chunk_no"], state["gaps"]) == ("lab/shaky", 4, [5])
    (shown,) = [line for line in headwater("connectors", "state", "lab").out.splitlines() if "lab/shaky" in line]
    assert shown.split()[1:5] == ["4", "1:", "chunk", "5"]
    river.change("UPDATE runs SET state = 'failed'")
    river.change("UPDATE chunks SET state = 'pending' WHERE state = 'failed'")
    (state,) = headwater("connectors", "state", "lab", "--json").json
    assert state["gaps"] == [5]  # one that the end of the run has left untried
    river.change("UPDATE runs SET state = 'running'")
    (state,) = headwater("connectors", "state", "lab", "--json").json
    assert (state["last_chunk_no"], state["gaps"]) == (4, [])  # its turn may come yet
