"""Many imports at once: one organisation sends most of them, others a few, and each is told when its own are done."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import httpx

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.api_data import Organisation

#: How many imports each organisation sends, in the order in which they begin: the greedy one first.
SENT: Final = (30, 5, 5, 5, 5)
QUICK: Final = (4, 1, 1)
LOOK_SECONDS: Final = 0.5
LATER: Final = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
ENDED: Final = ("succeeded", "succeeded_with_quarantine")


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The imports of one organisation: seconds after the first of all was sent."""

    organisation: str
    imports: int
    records: int
    first: float
    last: float
    alone: float  # until its last, had it been served alone at the pace of all
    failed: Sequence[str]


def at_once(
    url: str, organisations: Sequence[Organisation], sent: Sequence[int], content: bytes, mapping: str
) -> list[Finished]:
    """Send all, so many of each organisation, wait until every run has ended; when those of each did."""
    for each in organisations:
        kept = json.loads(_call(url, "/mappings", each.token, json.dumps({"text": mapping}).encode()))
    began = time.monotonic()
    work = [
        (each, number) for each, count in zip(organisations, sent, strict=True) for number in range(count)
    ]  # fmt: skip
    with ThreadPoolExecutor(8) as pool:
        sent_ids = list(pool.map(lambda part: _send(url, part[0], part[1], content, kept["name"]), work))
    waiting = dict(zip(sent_ids, (part[0] for part in work), strict=True))
    ended: dict[str, tuple[Organisation, float, dict[str, Any]]] = {}
    while waiting:
        for import_id, organisation in list(waiting.items()):
            found = json.loads(_call(url, f"/imports/{import_id}", organisation.token))
            if found["state"] == "refused" or (found["run"] and found["run"]["ended"]):
                ended[import_id] = (organisation, time.monotonic() - began, found)
                del waiting[import_id]
        time.sleep(LOOK_SECONDS)
    pace = max(at for _, at, _ in ended.values()) / len(ended)
    return [_finished(each, [found for found in ended.values() if found[0] is each], pace) for each in organisations]


def _finished(
    organisation: Organisation, ended: Sequence[tuple[Organisation, float, dict[str, Any]]], pace: float
) -> Finished:
    runs = [found["run"] for _, _, found in ended if found["run"]]
    return Finished(
        organisation=organisation.name,
        imports=len(ended),
        records=sum(run["records_done"] for run in runs),
        first=min(at for _, at, _ in ended),
        last=max(at for _, at, _ in ended),
        alone=pace * len(ended),
        failed=[json.dumps(found["error"] or found["run"]) for _, _, found in ended if not _is_loaded(found)],
    )


def _is_loaded(found: dict[str, Any]) -> bool:
    return bool(found["run"]) and found["run"]["state"] in ENDED


def send_one(url: str, organisation: Organisation, content: bytes, mapping: str) -> None:
    """An import that nobody waits for."""
    kept = json.loads(_call(url, "/mappings", organisation.token, json.dumps({"text": mapping}).encode()))
    _send(url, organisation, 0, content, kept["name"])


def export_one(url: str, organisation: Organisation) -> None:
    """All records of an organisation, read to the end."""
    _call(url, "/records/activity@1/export", organisation.token)


def _send(url: str, organisation: Organisation, number: int, content: bytes, mapping: str) -> str:
    query = urlencode({"name": f"at-once-{number}.csv", "mapping": mapping})
    answer = _call(url, f"/imports?{query}", organisation.token, content, "application/offset+octet-stream")
    return str(json.loads(answer)["import_id"])


def _call(url: str, path: str, token: str, body: bytes | None = None, kind: str = "application/json") -> bytes:
    """An answer's body, of a connection of its own. Who is told to come again later does."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    method = "GET" if body is None else "POST"
    while True:
        answer = httpx.request(method, f"{url}/api/v1{path}", content=body, headers=headers, timeout=600)
        if answer.status_code not in LATER:
            return answer.raise_for_status().content
        time.sleep(float(answer.headers["retry-after"]))


def part_of(path: Path, rows: int, number: int) -> bytes:
    """So many rows of a file after its header, from another place for each number."""
    with path.open("rb") as file:
        header = file.readline()
        file.seek(len(header) + number * rows * 64)
        file.readline()
        return header + b"".join(line for _, line in zip(range(rows), file, strict=False))
