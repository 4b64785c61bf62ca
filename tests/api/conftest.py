"""One real server process for the session, with two organisations and a token of every role in each."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from headwater.contracts import Document
from headwater.services.access.policy import Right, Role
from headwater.services.sign_in.bearers import Bearer, Kind
from headwater.store.database import Database
from headwater.store.tokens import add_token
from tests.api.closed import hold
from tests.river import River, make_river
from tests.servers import Installation, TestServer, free_port

OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Api:
    """A server, and the tokens that open it: (organisation, role) -> text."""

    url: str
    tokens: dict[tuple[str, str], str]
    river: River
    tenants: dict[str, UUID]
    database: Installation
    log: Path

    def client(self, role: str = "admin", organisation: str = "default", **headers: str) -> httpx.Client:
        """Whoever has the role, for whom each answer is held against the document."""
        token = self.tokens[organisation, role]
        return httpx.Client(
            base_url=f"{self.url}/api/v1",
            headers={"Authorization": f"Bearer {token}", **headers},
            timeout=60,
            event_hooks={"response": [hold]},
        )


@pytest.fixture(scope="session")
def api(server: TestServer, documents: tuple[Document, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("api")
    database = server.upgraded(documents)
    tenants = {"default": database.tenant_id, OTHER: database.add_tenant(OTHER)}
    tokens = {
        (name, role.value): token_of(database.database, tenant, role)
        for name, tenant in tenants.items()
        for role in Role
    }
    log = folder / "server.log"
    with serving(database, folder, log, "--workers", "2") as url:
        yield Api(
            url=url, tokens=tokens, river=make_river(database, folder), tenants=tenants, database=database, log=log
        )
    server.drop(database)


def token_of(
    database: Database,
    tenant_id: UUID,
    role: Role,
    unit_id: UUID | None = None,
    scopes: Iterable[Right] = tuple(Right),
) -> str:
    """A token of a service with a role and, unless it is said, all scopes, in the organisation or a unit."""
    bearer = Bearer.new(Kind.TOKEN, tenant_id)
    with database.connect(tenant_id) as connection:
        add_token(
            connection, tenant_id, bearer.id, name=f"{role}", person_id=None, role=role.value, unit_id=unit_id,
            scopes=[right.value for right in scopes], secret_hash=bearer.secret_hash, created_by="test", days=1,
        )  # fmt: skip
    return bearer.text


@contextlib.contextmanager
def serving(database: Installation, folder: Path, log: Path, *arguments: str, **more: str) -> Iterator[str]:
    """A server process over a database, and where it answers."""
    with started(database, folder, log, *arguments, **more) as (url, _):
        yield url


@contextlib.contextmanager
def started(
    database: Installation, folder: Path, log: Path, *arguments: str, **more: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The same, and the process."""
    port = free_port()
    settings = {
        "HEADWATER_DATABASE_URL": database.app_url,
        "HEADWATER_DATA_DIR": str(folder / "data"),
        "HEADWATER_LOG_LEVEL": "info",
        "HEADWATER_LOG_FORMAT": "json",
        "HEADWATER_API_REQUESTS_A_MINUTE": "1000000",
        **more,
    }
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")} | settings
    command = [
        sys.executable,
        "-c",
        "from headwater.cli.main import run; run()",
        "serve",
        "--port",
        str(port),
        *arguments,
    ]
    with log.open("wb") as out, subprocess.Popen(command, env=environ, stdout=out, stderr=out) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _await(process, url, log)
            yield url, process
        finally:
            process.terminate()
            process.wait(30)


def _await(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + 180
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz").status_code == httpx.codes.OK:
                return
        time.sleep(0.05)
