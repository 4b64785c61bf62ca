"""What an installation shows of itself: to Prometheus, to administrators of an organisation, and to no stranger."""

from __future__ import annotations

import re
import subprocess

import httpx

from headwater.api.metrics import GAUGES
from headwater.services.access.policy import Role
from tests.api.conftest import OTHER, Api, token_of
from tests.docs.test_alerts import found_promtool, metrics_of_rules
from tests.river import activities


def test_a_real_scrape_has_every_metric_and_tells_of_no_organisation(api: Api) -> None:
    run, _ = api.river.load(activities([{"activity_id": "W1"}, {"activity_id": "W2", "quantity": "no"}]), name="w.csv")
    with api.client("viewer") as client:
        assert client.get("/runs").status_code == 200
    scraped = httpx.get(f"{api.url}/metrics", timeout=60)
    assert scraped.headers["content-type"].startswith("text/plain")
    text = scraped.text
    names = set(re.findall(r"^([a-z_]+)(?:\{| )", text, re.MULTILINE))
    assert {gauge.name for gauge in GAUGES} - {
        "headwater_queue_waiting_jobs",
        "headwater_queue_working_jobs",
    } - names <= {
        "headwater_queue_oldest_seconds"  # those of queues, where nothing was ever asked for
    }
    assert metrics_of_rules() - {"headwater_queue_oldest_seconds"} <= names
    assert 'headwater_runs_ended_last_hour{state="succeeded"}' in text
    for secret in (*map(str, api.tenants.values()), OTHER, str(run), "w.csv", "person/", "token/"):
        assert secret not in text
    checked = subprocess.run(
        [found_promtool(), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_strangers_see_no_metrics(api: Api) -> None:
    for header in ("X-Forwarded-For", "Forwarded", "X-Forwarded-Host"):
        refused = httpx.get(f"{api.url}/metrics", headers={header: "192.0.2.7"})
        assert (refused.status_code, refused.json()["field"]) == (403, "address"), header


def test_administrators_see_how_things_are_and_no_figures_of_their_neighbours(api: Api) -> None:
    with api.client("data_engineer") as client:
        assert client.get("/health").json()["value"] == "manage_users"
    token = token_of(api.database.database, api.database.add_tenant("quiet"), Role.ADMIN)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{api.url}/api/v1", headers=headers, timeout=60) as admin:
        health = admin.get("/health").json()
    parts = {part["name"]: part for part in health["parts"]}
    assert {
        "database",
        "disk blobs",
        "disk scratch",
        "memory",
        "queue",
        "workers",
        "runs",
        "quality",
        "schedules",
    } <= set(parts)
    for name in ("database", "disk blobs", "memory"):
        assert parts[name]["figures"] is None
        assert not re.search(r"\d", parts[name]["says"])
    assert parts["runs"]["figures"]["succeeded"] == parts["quality"]["figures"]["read"] == 0
    assert (parts["workers"]["state"], parts["queue"]["figures"]) == ("ok", {"queues": []})
