"""Memory of a server at work, in small: round after round it does the same, and ends up no larger.

The hour is `python -m bench.api --only soak`; this finds what grows with every request or import.
"""

from __future__ import annotations

import statistics
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from bench.api_serving import Serving
from bench.measure import processes_of
from headwater.contracts import Document
from headwater.services.access.policy import Role
from tests.api.conftest import started, token_of
from tests.river import activities, factors, make_river
from tests.servers import TestServer
from tests.workers import until

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.long]

ROUNDS, WARM, LAST = 16, 8, 3
ROWS, READS, AT_ONCE = 500, 300, 8
MOST_MIB = 60
"""What processes of some 100 MiB each differ in from round to round, and less than 300 reads and an import leave when
each leaves something behind."""


def test_the_same_work_again_takes_no_more_memory(
    server: TestServer, documents: tuple[Document, ...], tmp_path: Path
) -> None:
    database = server.upgraded(documents)
    make_river(database, tmp_path).load(factors([{"factor_id": "f"}]), name="factors.csv", mapping="factor_form")
    headers = {"Authorization": f"Bearer {token_of(database.database, database.tenant_id, Role.ADMIN)}"}
    with (
        started(database, tmp_path, tmp_path / "server.log", "--workers", "2") as (url, process),
        httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=60) as client,
    ):
        serving = Serving(url=url, pid=process.pid)
        sizes = [after_a_round(client, serving, number) for number in range(ROUNDS)]
    server.drop(database)
    warm, last = statistics.median(sizes[WARM : WARM + LAST]), statistics.median(sizes[-LAST:])
    assert last - warm < MOST_MIB, [round(size) for size in sizes]


def after_a_round(client: httpx.Client, serving: Serving, number: int) -> float:
    """MiB of all processes once an import has ended and what it left was read."""
    content = activities({"activity_id": f"m{row}", "quantity": str(row + number)} for row in range(ROWS))
    body = content.encode()
    wanted = {"name": f"memory-{number}.csv", "mapping": "activity_form"}
    told = {"Upload-Length": str(len(body)), "Content-Type": "application/offset+octet-stream"}
    sent = client.post("/imports", params=wanted, content=body, headers=told)
    assert sent.status_code == 201, sent.text
    place = f"/imports/{sent.json()['import_id']}"
    until(lambda: (client.get(place).json()["run"] or {}).get("ended", False), "the import ends")
    addresses = [
        "/records/activity@1?limit=50", "/records/activity@1/m1", "/emissions/m1/trace", "/emissions",
        "/records/activity@1/export?format=parquet", "/runs",
    ]  # fmt: skip
    with ThreadPoolExecutor(AT_ONCE) as readers:
        answers = list(readers.map(lambda read: client.get(addresses[read % len(addresses)]).status_code, range(READS)))
    assert set(answers) == {200}
    until(lambda: attempts(serving) == 0, "the process of the import's attempt is gone")
    return serving.memory_mib()


def attempts(serving: Serving) -> int:
    """Processes that do a job just now."""
    found = 0
    for pid in processes_of(serving.pid):
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
            parent = Path(f"/proc/{stat.rpartition(')')[2].split()[1]}/cmdline").read_bytes()
        except OSError:
            continue
        found += b"forkserver" in parent
    return found
