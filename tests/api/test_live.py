"""Live progress: told while the work goes on, by whichever process is asked, and counted against the plan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from headwater.services.imports import file_recipe, plan_file
from headwater.services.jobs import ask_recipe
from tests.api.conftest import Api
from tests.river import activities
from tests.workers import Workshop

pytestmark = pytest.mark.server

ROWS, CHUNK = 50, 10


def events(stream: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    kind = ""
    for line in stream.iter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))


def test_progress_is_told_while_a_run_goes_on(api: Api) -> None:
    path = api.river.folder / "live.csv"
    path.write_text(activities({"activity_id": f"live{number}"} for number in range(ROWS)), encoding="utf-8")
    mapping = api.river.mapping("activity_form")
    run_id = plan_file(api.river.installation, path, mapping, chunk_size=CHUNK)
    address = f"/runs/{run_id}"
    with api.client() as client, api.client("viewer") as watching:
        with Workshop(api.river).held(run_id, 3):
            asked = client.post(f"{address}/resumption")
            assert asked.status_code == 202, asked.text
            with watching.stream("GET", f"{address}/events") as stream:
                kind, now = next(each for each in events(stream) if each[1]["chunks_done"] == 2)
        assert (kind, now["ended"], now["contract"].partition(" ")[0]) == ("progress", False, "activity")
        planned = (now["chunks_planned"], now["records_planned"], now["records_done"])
        assert planned == (ROWS // CHUNK, ROWS, 2 * CHUNK)
        assert now["rate"] > 0
        assert now["seconds_left"] > 0

        with watching.stream("GET", f"{address}/events") as stream:
            *_, (kind, last) = events(stream)
        assert (kind, last["ended"], last["state"], last["seconds_left"]) == ("end", True, "succeeded", 0)
        assert (last["records_done"], last["chunks_done"]) == (ROWS, ROWS // CHUNK)


def test_whoever_watches_a_job_that_failed_is_told_the_routes_of_what_to_do(api: Api) -> None:
    (api.river.folder / "nothing.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    recipe = file_recipe("nothing.csv", Path(api.river.mapping("activity_form")).name)
    job = ask_recipe(api.river.installation, recipe, api.river.folder, every=False)
    with api.client("viewer") as watching:
        with watching.stream("GET", f"/jobs/{job}/events") as stream:
            *_, (kind, last) = events(stream)
        assert (kind, last["state"]) == ("end", "failed"), last
        kept = {**last["error"], "remedy": "`headwater runs list` shows them."}
        with psycopg.connect(api.database.superuser_url) as superuser:
            superuser.execute("UPDATE jobs SET error = %s WHERE job_id = %s", [json.dumps(kept), str(job)])
        with watching.stream("GET", f"/jobs/{job}/events") as stream:
            ((_, last),) = events(stream)
        (listed,) = watching.get("/jobs", params={"filter": f"job_id:eq:{job}"}).json()["items"]
        told = [each["error"]["remedy"] for each in (last, listed, watching.get(f"/jobs/{job}").json())]
    assert told == ["`headwater runs list` shows them. Over HTTP: GET /runs."] * 3


def test_of_a_job_of_several_files_it_is_told_how_many_are_to_come(api: Api) -> None:
    (folder := api.river.folder / "several").mkdir()
    for number in range(3):
        (folder / f"{number}.csv").write_text(activities([{"activity_id": f"several{number}"}]), encoding="utf-8")
    recipe = file_recipe("several", Path(api.river.mapping("activity_form")).name)
    with api.client("viewer") as watching:
        with psycopg.connect(api.database.superuser_url) as superuser:
            superuser.execute("LOCK TABLE runs IN SHARE ROW EXCLUSIVE MODE")  # nothing is planned
            job = ask_recipe(api.river.installation, recipe, api.river.folder, every=False)
            with watching.stream("GET", f"/jobs/{job}/events") as stream:
                now = next(told for _, told in events(stream) if told["sources_planned"] is not None)
            assert (now["sources_planned"], now["sources_done"], now["runs"]) == (3, 0, [])
            answer = watching.get(f"/jobs/{job}")
            shown = answer.json()
            assert (shown["sources_planned"], shown["sources_done"], shown["runs"]) == (3, 0, [])
            several = watching.get("/jobs", params={"filter": f"job_id:eq:{job}"})
            for text in (str(now), answer.text, several.text):
                assert str(api.river.folder) not in text, "a folder of the server is nobody's business"
        with watching.stream("GET", f"/jobs/{job}/events") as stream:
            told = [(kind, each["sources_planned"], each["sources_done"]) for kind, each in events(stream)]
        assert told[-1] == ("end", 3, 3)
        assert told == sorted(told, key=lambda each: each[2]), "it is counted forwards"
        assert {planned for _, planned, _ in told} == {3}
        listed = watching.get("/jobs", params={"filter": ["sources_planned:eq:3", f"job_id:eq:{job}"]}).json()["items"]
        assert [each["sources_done"] for each in listed] == [3]
