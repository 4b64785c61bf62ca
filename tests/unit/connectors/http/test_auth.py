from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from headwater.connectors.http.client import HttpClient
from headwater.connectors.http.config import HttpConfig
from headwater.connectors.http.failures import problem_of
from headwater.errors import HeadwaterError, InputRefused, Misuse, RetryLater
from tests.connectors.servers_http import Asked, Reply, Server, http_server, json_reply
from tests.planted import HANDING_OUT, planted

PASSWORD = planted("pässword-of-the-test")
SECRETS = {
    "env:P": PASSWORD,
    "env:T": planted("token-of-the-test"),
    "env:R": planted("refresh-of-the-test"),
    "env:BAD": planted("line\nbreak"),
}


def resolve(reference: str) -> str:
    if reference not in SECRETS:
        message = "there is no such secret"
        raise Misuse(message, where=reference)
    return SECRETS[reference]


class Tokens:
    """A service whose tokens a test can end, and the place where they are bought."""

    def __init__(self) -> None:
        self.bought = 0
        self.good: str | None = None
        self.lifetime: object = 3600
        self.token_reply: Callable[[Asked], Reply] | None = None
        self.refuses_all = False

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/token":
            if self.token_reply is not None:
                return self.token_reply(asked)
            self.bought += 1
            self.good = f"bought-{self.bought}"
            return json_reply(
                {"access_token": self.good, "expires_in": self.lifetime, "refresh_token": f"refresh-{self.bought}"}
            )
        if self.refuses_all or asked.headers.get("authorization") != f"Bearer {self.good}":
            return json_reply({"error": {"message": "expired"}}, 401)
        return json_reply({"ok": True})


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def server(tokens: Tokens) -> Iterator[Server]:
    with http_server(tokens) as started:
        yield started


@pytest.fixture
def opened(server: Server) -> Iterator[Callable[..., HttpClient]]:
    made: list[HttpClient] = []

    def make(**auth: Any) -> HttpClient:
        config = HttpConfig(url=server.url, requests_a_minute=100_000, auth=auth)  # type: ignore[arg-type] # as from a file
        made.append(HttpClient(config, resolve))
        return made[-1]

    yield make
    for client in made:
        client.close()


Open = Callable[..., HttpClient]


def oauth(server: Server, kind: str = "client_credentials", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "token_url": server.url + "/token", "client_id": "me", "client_secret_ref": "env:P", **more}


@pytest.mark.parametrize(
    ("auth", "who", "what"),
    [
        ({"kind": "basic", "user": "me", "password_ref": "env:P"}, "the user 'me'", "password_ref leads to (env:P)"),
        ({"kind": "bearer", "token_ref": "env:T"}, "the token", "token_ref leads to (env:T)"),
        ({"kind": "api_key", "key_ref": "env:T"}, "the key", "key_ref leads to (env:T)"),
        ({"kind": "none"}, "whoever has no login", "Set auth"),
    ],
)
def test_a_refused_login_is_told_with_who_asked_and_what_to_correct(
    server: Server, opened: Open, auth: dict[str, str], who: str, what: str
) -> None:
    server.answer = lambda _: json_reply('{"error": {"message": "Unknown"}}', 401)
    with pytest.raises(Misuse) as raised:
        opened(**auth).json(server.url)
    host = server.url.removeprefix("http://")
    assert raised.value.what == f"{who} is refused by {host}; the source answers 401 Unauthorized"
    assert (raised.value.value, what in (raised.value.remedy or "")) == ("Unknown", True)
    server.answer = lambda _: json_reply("{}", 403)
    with pytest.raises(Misuse, match=f"{who} may not read this; the source answers 403"):
        opened(**auth).json(server.url)


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"kind": "basic", "user": "me", "password_ref": "env:P"}, "authorization", "Basic"),
        ({"kind": "bearer", "token_ref": "env:T"}, "authorization", "Bearer token-of-the-test"),
        ({"kind": "api_key", "header": "APIKey", "key_ref": "env:T"}, "apikey", "token-of-the-test"),
        ({"kind": "none"}, "authorization", ""),
    ],
)
def test_who_asks_stands_in_the_header(
    server: Server, opened: Open, auth: dict[str, str], header: str, value: str
) -> None:
    server.answer = lambda _: json_reply({})
    opened(**auth).json(server.url)
    sent = server.asked[0].headers.get(header, "")
    if value == "Basic":
        assert base64.b64decode(sent.removeprefix("Basic ")).decode() == f"me:{PASSWORD}"
    else:
        assert sent == value


def test_a_token_is_bought_once_and_kept(server: Server, opened: Open, tokens: Tokens) -> None:
    client = opened(**oauth(server, scope="read all"))
    assert [client.json(server.url) for _ in range(3)] == [{"ok": True}] * 3
    assert tokens.bought == 1
    first = server.asked[0]
    assert (first.method, first.form) == ("POST", {"grant_type": "client_credentials", "scope": "read all"})
    assert base64.b64decode(first.headers["authorization"].removeprefix("Basic ")).decode() == f"me:{PASSWORD}"


def test_a_client_can_say_who_it_is_in_the_form(server: Server, opened: Open) -> None:
    opened(**oauth(server, client_in="body")).json(server.url)
    assert "authorization" not in server.asked[0].headers
    assert server.asked[0].form["client_secret"] == PASSWORD


def test_a_refused_token_is_renewed_once(server: Server, opened: Open, tokens: Tokens) -> None:
    client = opened(**oauth(server))
    client.json(server.url)
    tokens.good = "another"
    assert client.json(server.url) == {"ok": True}
    assert tokens.bought == 2
    tokens.refuses_all = True
    with pytest.raises(Misuse) as raised:
        client.json(server.url)
    assert problem_of(raised.value).cause == "login"
    assert tokens.bought == 3


def test_a_token_is_renewed_before_it_ends(server: Server, opened: Open, tokens: Tokens) -> None:
    tokens.lifetime = 1e-9
    client = opened(**oauth(server))
    client.json(server.url)
    client.json(server.url)
    assert tokens.bought == 2
    assert [asked.path for asked in server.asked] == ["/token", "/", "/token", "/"]


@pytest.mark.parametrize("lifetime", ["3600", None, "soon", -1, "NaN"])
def test_a_lifetime_that_is_said_oddly_ends_no_token_at_once(
    server: Server, opened: Open, tokens: Tokens, lifetime: object
) -> None:
    tokens.lifetime = lifetime
    client = opened(**oauth(server))
    client.json(server.url)
    client.json(server.url)
    assert tokens.bought == 1


def test_the_newest_refresh_token_is_used(server: Server, opened: Open, tokens: Tokens) -> None:
    client = opened(**oauth(server, "refresh_token", refresh_token_ref="env:R"))
    client.json(server.url)
    tokens.good = None
    client.json(server.url)
    sent = [asked.form["refresh_token"] for asked in server.asked if asked.path == "/token"]
    assert sent == ["refresh-of-the-test", "refresh-1"]


def test_a_refused_refresh_token_is_named_as_what_to_correct(server: Server, opened: Open, tokens: Tokens) -> None:
    wanted = (
        "Correct auth: what refresh_token_ref leads to (env:R), client_id, or what client_secret_ref leads to (env:P)."
    )
    tokens.refuses_all = True
    with pytest.raises(Misuse, match="the client 'me' is refused by") as raised:
        opened(**oauth(server, "refresh_token", refresh_token_ref="env:R")).json(server.url)
    assert raised.value.remedy == wanted
    tokens.token_reply = lambda _: json_reply({"error": "invalid_grant"}, 400)
    with pytest.raises(Misuse, match="no token is given") as raised:
        opened(**oauth(server, "refresh_token", refresh_token_ref="env:R")).json(server.url)
    assert raised.value.remedy == wanted
    with pytest.raises(Misuse, match="no token is given") as raised:
        opened(**oauth(server)).json(server.url)
    assert (raised.value.remedy or "").startswith("Correct auth: client_id and scope")


def test_threads_share_one_renewal(server: Server, opened: Open, tokens: Tokens) -> None:
    client = opened(**oauth(server))
    client.json(server.url)
    tokens.good = "another"
    together = threading.Barrier(4)
    found: list[object] = []

    def ask() -> None:
        together.wait()
        found.append(client.json(server.url))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [{"ok": True}] * 4
    assert tokens.bought == 2


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (json_reply({"error": "invalid_client", "error_description": "me:" + PASSWORD}, 401, **HANDING_OUT), Misuse),
        (json_reply({"error": "invalid_grant"}, 400), Misuse),
        (Reply(status=503, headers={"Retry-After": "3"}), RetryLater),
        (json_reply({"token": "x"}), InputRefused),
        (json_reply(["x"]), InputRefused),
        (Reply(body=b"<html>"), InputRefused),
        (json_reply({"access_token": "line\nbreak"}, 200, **HANDING_OUT), InputRefused),
        (Reply(status=302, headers={"Location": "https://evil.example/"}), Misuse),
    ],
)
def test_where_no_token_is_given(
    server: Server, opened: Open, tokens: Tokens, reply: Reply, kind: type[HeadwaterError]
) -> None:
    tokens.token_reply = lambda _: reply
    with pytest.raises(kind) as raised:
        opened(**oauth(server)).json(server.url)
    assert PASSWORD not in str(raised.value)
    assert "/token" in str(raised.value)
    assert [asked.path for asked in server.asked] == ["/token"]


def test_a_secret_that_cannot_be_sent_is_told_without_it(server: Server, opened: Open) -> None:
    with pytest.raises(Misuse) as raised:
        opened(kind="bearer", token_ref="env:BAD").json(server.url)
    assert "line" not in str(raised.value).replace("one line", "").replace("a line break", "")
    with pytest.raises(Misuse):
        opened(kind="bearer", token_ref="env:P").json(server.url)


def test_a_secret_that_is_not_there_is_told_when_it_is_needed(server: Server, opened: Open) -> None:
    client = opened(kind="bearer", token_ref="env:NONE")
    with pytest.raises(Misuse, match="no such secret"):
        client.json(server.url)
    assert not server.asked
