"""A provider of OpenID Connect for tests, panva's oidc-provider, and a browser that goes through its forms."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest

from headwater.services.sign_in.by_oidc import CALLBACK
from tests.connectors.servers_odata import installed
from tests.planted import planted
from tests.servers import free_port, own_folder

SECRET = planted("known-to-both:%&+ sides")
PUBLIC_URL = "http://localhost:8000"
"""What it knows as the installation, wherever that listens."""


@dataclass(frozen=True)
class OidcServer:
    url: str

    def rotate(self) -> None:
        """Another signing key; the one before is known no more."""
        assert httpx.post(f"{self.url}/test/rotate", trust_env=False).status_code == 200


@contextlib.contextmanager
def oidc_provider() -> Iterator[OidcServer]:
    """One that runs."""
    node, packages = installed("node"), installed("oidc")
    port = free_port()
    environment = {**os.environ, "PORT": str(port), "CLIENT_SECRET": SECRET}
    environment["REDIRECT_URI"] = f"{PUBLIC_URL}{CALLBACK}"
    with own_folder() as folder:
        (folder / "node_modules").symlink_to(packages)
        (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
        (folder / "server.js").write_bytes((Path(__file__).parent / "integration/sign_in/oidc/server.js").read_bytes())
        with (
            (folder / "log").open("w+", encoding="utf-8") as log,
            subprocess.Popen(
                [str(node / "node"), "server.js"], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log
            ) as process,
        ):
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == b"listening\n", (folder / "log").read_text()
                yield OidcServer(f"http://127.0.0.1:{port}")
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGKILL)


def browse(url: str, login: str) -> dict[str, str]:
    """Go where the provider leads: type a login, consent, and come back with its answer."""
    with httpx.Client(trust_env=False, timeout=20) as browser:
        answer = browser.get(url)
        for _ in range(12):
            if answer.is_redirect:
                there = urljoin(str(answer.url), answer.headers["location"])
                if urlsplit(there).path == CALLBACK:
                    return dict(parse_qsl(urlsplit(there).query))
                answer = browser.get(there)
                continue
            form = re.search(r'<form[^>]* action="([^"]+)"', answer.text)
            assert form is not None, answer.text
            fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)"', answer.text))
            if fields["prompt"] == "login":
                fields |= {"login": login, "password": "any"}
            answer = browser.post(urljoin(str(answer.url), form[1]), data=fields)
    pytest.fail("the provider does not come to an end")
