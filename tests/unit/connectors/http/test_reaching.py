"""A name that is looked at and then leads elsewhere (DNS rebinding): the address that was looked at is connected to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from headwater.connectors.http.client import HttpClient
from headwater.connectors.http.config import HttpConfig
from headwater.connectors.http.failures import problem_of
from headwater.connectors.http.reaching import Reaching, proxy_of
from headwater.errors import Misuse
from tests.connectors.certificates import make_certificates
from tests.connectors.servers_http import Server, http_server, json_reply


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server(lambda _: json_reply({"ok": True})) as started:
        yield started


def client_of(url: str, ca_file: Path | None = None) -> HttpClient:
    return HttpClient(HttpConfig(url=url, requests_a_minute=100_000, ca_file=ca_file), str)


def named(server: Server, name: str) -> str:
    return server.url.replace("127.0.0.1", name) + "/service"


def test_the_address_that_was_looked_at_is_connected_to_and_the_name_is_said(server: Server) -> None:
    asked: list[str] = []

    def looked_at(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.2", "127.0.0.1"]  # nobody listens at the first

    with client_of(named(server, "localhost")) as client:
        client.reach_only(looked_at)
        assert client.json(client.url("rows")) == {"ok": True}
        assert client.json(client.url("rows")) == {"ok": True}
    assert asked == ["localhost", "localhost"]
    assert {each.headers["host"].partition(":")[0] for each in server.asked} == {"localhost"}


def test_all_requests_to_a_host_go_by_one_transport(server: Server) -> None:
    made: list[httpx.HTTPTransport] = []

    def transport() -> httpx.HTTPTransport:
        made.append(httpx.HTTPTransport())
        return made[-1]

    with httpx.Client(transport=Reaching(lambda _: ["127.0.0.1"], transport)) as client:
        for _ in range(3):
            assert client.get(f"{named(server, 'localhost')}/rows").json() == {"ok": True}
    assert len(made) == 1


def test_a_name_that_leads_inside_by_now_is_not_connected_to(server: Server) -> None:
    def refused(host: str) -> list[str]:
        raise Misuse("this leads to the server itself", where="url", value=host)

    with client_of(named(server, "localhost")) as client:
        client.reach_only(refused)
        with pytest.raises(Misuse, match="the server itself"):
            client.json(client.url("rows"))
    assert server.asked == []


def test_the_certificate_is_that_of_the_name_and_not_of_the_address(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    with http_server(lambda _: json_reply({"ok": True}), certificates) as secure:
        for name, fits in (("localhost", True), ("source.invalid", False)):
            with client_of(named(secure, name), ca_file=certificates.authority) as client:
                client.reach_only(lambda _: ["127.0.0.1"])
                if fits:
                    assert client.json(client.url("rows")) == {"ok": True}
                else:
                    with pytest.raises(Misuse) as raised:
                        client.json(client.url("rows"))
                    assert problem_of(raised.value).cause == "tls"


@pytest.fixture
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.usefixtures("_no_proxy")
def test_where_a_proxy_is_asked_it_looks_the_name_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_of("https://source.example/x") is None
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example,also.example:8443,::1")
    assert proxy_of("https://source.example/x") == "http://proxy.example:3128"
    assert proxy_of("https://also.example/x") == "http://proxy.example:3128"
    for directly in (
        "https://inside.example",
        "http://source.example",
        "https://a@also.example:8443",
        "https://[::1]:1",
    ):
        assert proxy_of(f"{directly}/x") is None
    monkeypatch.setenv("ALL_PROXY", "proxy.example:3129")
    assert proxy_of("http://source.example/x") == "http://proxy.example:3129"


@pytest.mark.usefixtures("_no_proxy")
@pytest.mark.parametrize("by_port", [False, True], ids=["name", "name and port"])
def test_what_no_proxy_is_asked_for_is_connected_to_where_it_was_looked_at(
    server: Server, monkeypatch: pytest.MonkeyPatch, *, by_port: bool
) -> None:
    url = named(server, "localhost")
    asked: list[str] = []
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("NO_PROXY", urlsplit(url).netloc if by_port else "localhost")

    def looked_at(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with client_of(url) as client:
        client.reach_only(looked_at)
        assert client.json(client.url("rows")) == {"ok": True}
    assert asked == ["localhost"]
