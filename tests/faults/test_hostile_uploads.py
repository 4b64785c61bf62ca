"""Files, names, offsets and lengths that nobody means well by, sent over HTTP: every answer is one that is told, every
import ends where a person can go on from, and the processes that served stay who they are, and small.
"""

from __future__ import annotations

import base64
import hashlib
import os
import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from headwater.services import kept_mappings
from headwater.services.access.policy import Role
from tests.api.conftest import serving, token_of
from tests.corpus.hostile_files import KINDS, table
from tests.river import River
from tests.servers import Installation
from tests.workers import Workshop, until

pytestmark = [pytest.mark.server, pytest.mark.faults, pytest.mark.long, pytest.mark.timeout(3600)]  # for all of them
TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
MOST_MEMORY = 768
"""MiB that a process may ever have had."""
MOST_SAID = 2 * 2**20
"""Bytes that are said of one import, whatever its file holds."""
FILES, MANY_FILES = 1, 15
"""Of each kind."""
STEPS, MANY_STEPS = 30, 300
SIGNS = "aé.\\/:*?\"<>|%\0\n\x7f\u202e\u200b\ufeff\U000e0041𝔘 ~$'`;&\ud800"
NAMES = (
    "../x.csv", "..", "a/../../x.csv", "C:\\x.csv", "/etc/passwd", "%2e%2e%2fx.csv", "con", "nul.csv", "x" * 255,
    "é" * 150, "\u202evsc.x", "", " ", ".env", "~", "a\0.csv", "x.csv\r\nX-More: 1", "-rf", "$(id).csv", "a" * 9000,
)  # fmt: skip


@dataclass
class Served:
    """A server of two processes and a worker, over the fixture's database."""

    client: httpx.Client
    token: str
    river: River
    processes: dict[int, str]
    told: dict[str, Any] = field(default_factory=dict)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """An answer that the document names for the route."""
        answer = self.client.request(method, path, **more)
        known = self._known(method, path)
        assert str(answer.status_code) in known, f"{method} {path[:80]}: {answer.status_code}, {answer.text[:500]}"
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400 and method != "HEAD":
            said = answer.json()
            assert said["detail"], said
            assert said.get("valid") or said.get("remedy") or said.get("field"), said
        return answer

    def _known(self, method: str, path: str) -> set[str]:
        self.told = self.told or self.client.get("/openapi.json").json()["paths"]
        parts = f"/api/v1{path}".split("/")
        for template, methods in self.told.items():
            named = template.split("/")
            fits = len(named) == len(parts) and all(
                name.startswith("{") or name == part for name, part in zip(named, parts, strict=True)
            )
            if fits and method.lower() in methods:
                return set(methods[method.lower()]["responses"])
        raise AssertionError(f"no route: {method} {path}")

    def ended(self, import_id: str) -> dict[str, Any]:
        """An import once nobody works on it any more."""
        found: dict[str, Any] = {}

        def has_ended() -> bool:
            answer = self.ask("GET", f"/imports/{import_id}")
            assert len(answer.content) < MOST_SAID
            found.update(answer.json())
            waits = found["state"] == "inspected" and found["mapping"] is None
            return waits or found["state"] in {"refused", "cancelled"} or bool(found["run"] and found["run"]["ended"])

        until(has_ended, f"an import ends: {import_id}")
        return found


def children(pid: int) -> list[int]:
    """Processes that one has started."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in text.split()]


def command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def most_memory(pid: int) -> int:
    """MiB that a process had at most."""
    (line,) = [each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


@pytest.fixture
def served(river: River, installation: Installation) -> Iterator[Served]:
    kept_mappings.keep_mapping(river.installation, Path(river.mapping("activity_form")).read_text())
    token = token_of(installation.database, installation.tenant_id, Role.DATA_ENGINEER)
    workshop = Workshop(river)
    arguments = ("--workers", "2", "--no-worker")
    with serving(installation, river.folder, river.folder / "server.log", *arguments) as url:
        worker = workshop.worker("--at-once", "2")
        try:
            until(lambda: any("forkserver" in command(each) for each in children(worker.pid)), "the worker has begun")
            (server,) = [each for each in children(os.getpid()) if f"--port {urlsplit(url).port}" in command(each)]
            stay = [server, *children(server), worker.pid, *children(worker.pid)]
            headers = {"Authorization": f"Bearer {token}"}
            with httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=240) as client:
                yield Served(client=client, token=token, river=river, processes={pid: command(pid) for pid in stay})
        finally:
            workshop.stop()


def assert_as_before(served: Served) -> None:
    """The same processes answer, none of them has ever been large, and a good file is loaded."""
    assert {pid: command(pid) for pid in served.processes} == served.processes
    large = {command(pid): most_memory(pid) for pid in served.processes if most_memory(pid) > MOST_MEMORY}
    assert not large
    good = table(random.Random(0)).encode()
    sent = served.ask(
        "POST", "/imports", params={"name": "good.csv", "mapping": "activity_form"}, content=good, headers=TUS
    )
    assert served.ended(sent.json()["import_id"])["run"]["state"] == "succeeded"


@pytest.fixture
def many(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--faults") == "full")


def test_hostile_files_end_with_a_reason(served: Served, many: bool, seed: int) -> None:
    for number in range(MANY_FILES if many else FILES):
        for kind in KINDS:
            draw = random.Random(f"{seed} {kind.__name__} {number}")
            name, data = kind(draw)
            named = {"name": name} | ({"mapping": "activity_form"} if draw.random() < 0.6 else {})
            sent = served.ask("POST", "/imports", params=named, content=data, headers=TUS)
            assert sent.status_code == 201, (kind.__name__, number, sent.text)
            _assert_ended_well(served, sent.json()["import_id"], f"{kind.__name__} {number} of seed {seed}")
    assert_as_before(served)


def _assert_ended_well(served: Served, import_id: str, what: str) -> None:
    found = served.ended(import_id)
    if found["state"] == "refused":
        error = found["error"]
        assert error["what"], what
        assert error["valid"] or error["remedy"] or error["value"], (what, error)
        assert "nobody has foreseen" not in error["what"], (what, error)
    elif found["run"] and found["run"]["state"] == "failed":
        (failed,) = served.river.rows("SELECT error FROM runs WHERE run_id = %(run)s", run=found["run_id"])
        assert failed["error"], what
        assert served.ask("GET", f"/runs/{found['run_id']}").status_code == 200
    for view in ("rows", "errors", "history"):
        more = {"params": {"mapping": "activity_form"}} if view == "rows" else {}
        served.ask("GET", f"/imports/{import_id}/{view}", **more)
    served.ask("GET", f"/imports/{import_id}/rows")
    if found["state"] in {"inspected", "refused"}:
        served.ask("POST", f"/imports/{import_id}/mapping", json={"mapping": "activity_form"})
        served.ended(import_id)


def test_hostile_names_lead_nowhere(served: Served, many: bool, seed: int) -> None:
    draw = random.Random(f"{seed} names")
    drawn = ["".join(draw.choices(SIGNS, k=draw.randint(1, 40))) for _ in range(MANY_STEPS if many else STEPS)]
    for name in (*NAMES, *drawn):
        told = base64.b64encode(name.encode("utf-8", "surrogatepass")).decode()
        as_parameter = "\ud800" not in name and draw.random() < 0.5
        how: dict[str, Any] = {"params": {"name": name}} if as_parameter else {}
        headers = {"Upload-Length": "4"} | ({} if as_parameter else {"Upload-Metadata": f"filename {told}".strip()})
        begun = served.ask("POST", "/imports", headers=headers, **how)
        if begun.status_code != 201:
            assert begun.json()["field"] in {"filename", "Upload-Metadata filename"}, (name, begun.text)
            continue
        place = begun.headers["location"].removeprefix("/api/v1")
        assert served.ask("PATCH", place, content=b"a\n1\n", headers={**TUS, "Upload-Offset": "0"}).status_code == 204
        served.ended(begun.json()["import_id"])
    tenant = served.river.installation.tenant_id
    ours = served.river.folder / "data" / "uploads" / str(tenant)
    files = [each for each in served.river.folder.rglob("*") if each.is_file() and each.read_bytes() == b"a\n1\n"]
    assert all(each.parent.parent == ours for each in files), files
    assert_as_before(served)


def test_pieces_at_any_offset_make_the_file_or_are_refused(served: Served, many: bool, seed: int) -> None:
    draw = random.Random(f"{seed} pieces")
    content = table(draw, rows=2000).encode()
    begun = served.ask("POST", "/imports", params={"name": "pieces.csv"}, headers={"Upload-Length": str(len(content))})
    import_id, place = begun.json()["import_id"], begun.headers["location"].removeprefix("/api/v1")
    for _ in range(MANY_STEPS if many else STEPS):
        here = int(served.ask("HEAD", place).headers["upload-offset"])
        assert here < len(content)
        draw.choice((_elsewhere, _too_much, _broken_off, _twice_at_once, _senseless))(
            served, place, content, here, draw
        )
    here = int(served.ask("HEAD", place).headers["upload-offset"])
    last = served.ask("PATCH", place, content=content[here:], headers={**TUS, "Upload-Offset": str(here)})
    assert last.status_code == 204
    assert served.ended(import_id)["sha256"] == hashlib.sha256(content).hexdigest()
    assert (
        served.ask("PATCH", place, content=b"more", headers={**TUS, "Upload-Offset": str(len(content))}).status_code
        == 409
    )
    assert_as_before(served)


def _piece(content: bytes, here: int, draw: random.Random) -> bytes:
    """Some of what comes next, never the last of it."""
    return content[here : here + min(draw.randint(0, 900), len(content) - here - 1)]


def _elsewhere(served: Served, place: str, content: bytes, here: int, draw: random.Random) -> None:
    at = draw.choice([each for each in (0, here - 1, here + 1, len(content), 10**17) if each >= 0 and each != here])
    answer = served.ask("PATCH", place, content=content[:9], headers={**TUS, "Upload-Offset": str(at)})
    assert (answer.status_code, answer.json()["valid"]) == (409, str(here))


def _too_much(served: Served, place: str, content: bytes, here: int, draw: random.Random) -> None:
    """What is more than the file was said to have makes it no longer."""
    piece = _piece(content, here, draw) + b"x" * len(content)
    answer = served.ask("PATCH", place, content=piece, headers={**TUS, "Upload-Offset": str(here)})
    assert answer.status_code == 422


def _broken_off(served: Served, place: str, content: bytes, here: int, draw: random.Random) -> None:
    """A connection that ends in the middle of what was announced."""
    url = served.client.base_url
    piece = _piece(content, here, draw)
    said = {**TUS, "Authorization": f"Bearer {served.token}", "Host": "here", "Upload-Offset": str(here)}
    said["Content-Length"] = str(len(piece) + draw.randint(1, 99))
    head = f"PATCH /api/v1{place} HTTP/1.1\r\n" + "".join(f"{key}: {value}\r\n" for key, value in said.items())
    with socket.create_connection((url.host, url.port or 80)) as connection:
        connection.sendall(head.encode() + b"\r\n" + piece)
    _until_let_go(served, place)


def _until_let_go(served: Served, place: str) -> None:
    """Until the server has heard of the end: an empty piece is taken where the file ends."""

    def is_free() -> bool:
        here = served.ask("HEAD", place).headers["upload-offset"]
        taken = served.ask("PATCH", place, content=b"", headers={**TUS, "Upload-Offset": here})
        return taken.status_code == httpx.codes.NO_CONTENT

    until(is_free, "the upload is let go of")


def _twice_at_once(served: Served, place: str, content: bytes, here: int, draw: random.Random) -> None:
    """Two send from the same place, not equally much: at most one of them is taken at a time."""
    pieces = [_piece(content, here, draw) or content[here : here + 1] for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        asked = [
            threads.submit(served.ask, "PATCH", place, content=piece, headers={**TUS, "Upload-Offset": str(here)})
            for piece in pieces
        ]
        assert sorted(each.result().status_code for each in asked) == [204, 409]


def _senseless(served: Served, place: str, content: bytes, here: int, draw: random.Random) -> None:
    offset = draw.choice(("-1", "", "1e3", "0x0", "٣", "9" * 40, "nan", None, "0, 0"))
    headers = {**TUS} | ({} if offset is None else {"Upload-Offset": offset.encode()})
    if draw.random() < 0.2:
        headers["Content-Type"] = draw.choice(("text/plain", "application/json", "application/x-www-form-urlencoded"))
    answer = served.ask("PATCH", place, content=content[here : here + 5], headers=headers)
    assert answer.status_code in {400, 415}
    for length in ("-1", "1e9", "9" * 17, "9" * 30, "x"):
        assert served.ask(
            "POST", "/imports", params={"name": "n.csv"}, headers={"Upload-Length": length}
        ).status_code in {400, 422}
