from __future__ import annotations

import gzip
import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.connectors.http.client import HttpClient
from headwater.connectors.http.config import HttpConfig
from headwater.connectors.http.failures import problem_of
from headwater.errors import HeadwaterError, InputRefused, Misuse, RetryLater
from tests.connectors.certificates import make_certificates
from tests.connectors.servers_http import Asked, Reply, Server, http_server, json_reply
from tests.planted import HANDING_OUT, planted

SECRET = planted("s3cret-of-the-test")


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as started:
        yield started


Open = Callable[..., HttpClient]


@pytest.fixture
def opened(server: Server) -> Iterator[Open]:
    made: list[HttpClient] = []

    def make(**said: Any) -> HttpClient:
        config = HttpConfig(**{"url": server.url + "/service", "requests_a_minute": 100_000, **said})
        made.append(HttpClient(config, lambda reference: f"{SECRET} {reference}".replace(" ", "-")))
        return made[-1]

    yield make
    for client in made:
        client.close()


def error_of(call: Callable[[], object]) -> HeadwaterError:
    with pytest.raises(HeadwaterError) as raised:
        call()
    assert SECRET not in f"{raised.value!s} {raised.value!r} {raised.value.__cause__!r}"
    return raised.value


@pytest.mark.parametrize(
    ("status", "kind", "cause"),
    [
        (429, RetryLater, "timeout"),
        (500, RetryLater, "refused"),
        (502, RetryLater, "refused"),
        (503, RetryLater, "refused"),
        (504, RetryLater, "refused"),
        (401, Misuse, "login"),
        (403, Misuse, "missing_right"),
        (404, Misuse, "not_found"),
        (400, Misuse, "protocol"),
        (204, Misuse, "protocol"),
    ],
)
def test_a_status_is_sorted_by_what_to_do_next(
    server: Server, opened: Open, status: int, kind: type[HeadwaterError], cause: str
) -> None:
    server.answer = lambda _: json_reply("" if status == 204 else '{"error": {"message": "No way"}}', status)
    client = opened()
    error = error_of(lambda: client.json(client.url("rows")))
    assert isinstance(error, kind)
    assert problem_of(error).cause == cause
    assert str(status) in str(error)
    assert ("No way" in str(error)) == (status != 204)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30),
        ({"Retry-After": "Wed, 21 Oct 2026 07:27:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0),
        ({"Retry-After": "999999999"}, 86400),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_kept(server: Server, opened: Open, headers: dict[str, str], after: float | None) -> None:
    server.answer = lambda _: Reply(status=429, headers=headers)
    client = opened()
    error = error_of(lambda: client.json(client.url()))
    assert isinstance(error, RetryLater)
    assert error.after == after
    assert after is None or f"{after:g} s" in str(error)


def test_numbers_keep_their_digits(server: Server, opened: Open) -> None:
    server.answer = lambda _: json_reply(
        '{"a": 0.1000000000000000055511151231257827, "b": 12345678901234567890, "c": 1e400}'
    )
    client = opened()
    assert client.json(client.url()) == {
        "a": "0.1000000000000000055511151231257827",
        "b": "12345678901234567890",
        "c": "1e400",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>log in</html>",
        b'{"a": 1',
        b'{"a": NaN}',
        b'{"a": 1, "a": 2}',
        b'{"a": "\xff"}',
        b"[" * 200 + b"]" * 200,
        b"[" * 100_000,
        b'{"a": 1} {"b": 2}',
    ],
    ids=["nothing", "a page", "cut", "NaN", "a name twice", "no UTF-8", "deep", "very deep", "two"],
)
def test_what_is_no_json_is_refused(server: Server, opened: Open, body: bytes) -> None:
    server.answer = lambda _: Reply(body=body)
    client = opened()
    error = error_of(lambda: client.json(client.url()))
    assert isinstance(error, InputRefused)
    assert "127.0.0.1" in str(error)


def test_a_body_that_is_cut_may_come_whole_next_time(server: Server, opened: Open) -> None:
    server.answer = lambda _: Reply(body=b'{"a": 1234567890}', cut_after=8)
    client = opened()
    assert isinstance(error_of(lambda: client.json(client.url())), RetryLater)


def test_a_body_that_stops_is_given_up(server: Server, opened: Open) -> None:
    server.answer = lambda _: Reply(body=b'{"a": 1234567890}', hold_after=8)
    client = opened(read_seconds=0.2)
    error = error_of(lambda: client.json(client.url()))
    assert isinstance(error, RetryLater)
    assert problem_of(error).cause == "timeout"


def test_a_body_that_drips_is_given_up_as_a_whole(server: Server, opened: Open) -> None:
    server.answer = lambda _: Reply(body=b'{"a": "%s"}' % (b"x" * 1000), drip=0.02)
    client = opened(read_seconds=5, response_seconds=0.3)
    error = error_of(lambda: client.json(client.url()))
    assert isinstance(error, RetryLater)
    assert "response_seconds" in str(error)


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_has_a_size_limit_packed_or_not(server: Server, opened: Open, packed: bool) -> None:
    body = b'{"a": "%s"}' % (b"x" * 3_000_000)
    headers = {"Content-Encoding": "gzip"} if packed else {}
    server.answer = lambda _: Reply(body=gzip.compress(body) if packed else body, headers=headers)
    assert len(opened(max_answer_mb=4).json(server.url)["a"]) == 3_000_000
    error = error_of(lambda: opened(max_answer_mb=2).json(server.url))
    assert isinstance(error, InputRefused)
    assert "max_answer_mb" in str(error)


def test_a_file_has_a_limit_of_its_own_and_is_whole(server: Server, opened: Open, tmp_path: Path) -> None:
    body = b'{"a": "%s"}' % (b"x" * 3_000_000)
    server.answer = lambda _: Reply(body=body)
    opened(max_answer_mb=1).to_file(server.url, None, tmp_path / "whole")
    assert (tmp_path / "whole").read_bytes() == body
    error = error_of(lambda: opened(max_file_mb=1).to_file(server.url, None, tmp_path / "large"))
    assert "max_file_mb" in str(error)


def test_what_cannot_be_unpacked_is_refused(server: Server, opened: Open) -> None:
    server.answer = lambda _: Reply(body=b"no gzip at all", headers={"Content-Encoding": "gzip"})
    client = opened()
    assert isinstance(error_of(lambda: client.json(client.url())), InputRefused)


@pytest.mark.parametrize(
    ("location", "is_followed"),
    [
        ("/elsewhere", True),
        ("http://localhost:{port}/elsewhere", False),
        ("http://127.0.0.1:1/elsewhere", False),
        ("//evil.example/elsewhere", False),
        ("ftp://127.0.0.1/elsewhere", False),
        ("/service/rows", False),
    ],
)
def test_redirects_stay_on_the_host(server: Server, opened: Open, location: str, is_followed: bool) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/elsewhere":
            return json_reply({"here": True})
        return Reply(status=302, headers={"Location": location.format(port=server.server_address[1])})

    server.answer = answer
    client = opened(auth={"kind": "bearer", "token_ref": "env:T"})
    if is_followed:
        assert client.json(client.url("rows")) == {"here": True}
        return
    assert isinstance(error_of(lambda: client.json(client.url("rows"))), Misuse)
    assert len(server.asked) <= 6


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/next?page=2",
        "http://127.0.0.1:1/next",
        "//evil.example/next",
        "http://127.0.0.1@evil.example/next",
        "file:///etc/passwd",
        "http://[::1",
        "",
        7,
    ],
)
def test_a_link_to_another_host_is_refused(server: Server, opened: Open, link: object) -> None:
    client = opened()
    error = error_of(lambda: client.followed(link, server.url + "/service/rows"))
    assert isinstance(error, InputRefused)
    assert "page=2" not in str(error)


def test_a_link_may_be_relative(server: Server, opened: Open) -> None:
    client = opened()
    assert client.followed("rows?skip=2", server.url + "/service/rows") == server.url + "/service/rows?skip=2"


def test_nobody_listens(opened: Open) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        error = error_of(lambda: opened(url=url).json(url))
    assert isinstance(error, RetryLater)
    assert problem_of(error).cause == "refused"
    assert error.what == f"{url.removeprefix('http://')} refuses the connection: nothing listens there"


def test_no_such_host(opened: Open) -> None:
    url = "https://no-such-host.invalid"
    error = error_of(lambda: opened(url=url).json(url))
    assert problem_of(error).cause == "name_not_found"
    assert "no-such-host.invalid:443" in error.what


def test_a_port_without_tls(server: Server, opened: Open) -> None:
    url = server.url.replace("http:", "https:")
    error = error_of(lambda: opened(url=url).json(url))
    assert isinstance(error, Misuse)
    assert problem_of(error).cause == "tls"


def test_authorities_that_cannot_be_read(server: Server, opened: Open, tmp_path: Path) -> None:
    assert "ca_file" in str(error_of(lambda: opened(ca_file=str(tmp_path / "none.pem")).json(server.url)))
    (tmp_path / "no.pem").write_text("no certificate")
    assert "ca_file" in str(error_of(lambda: opened(ca_file=str(tmp_path / "no.pem")).json(server.url)))
    assert ssl.HAS_TLSv1_2


def test_a_certificate_is_trusted_by_its_authority_only(opened: Open, tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    with http_server(lambda _: json_reply({"ok": True}), certificates) as secure:
        own, other = str(certificates.authority), str(certificates.other_authority)
        assert opened(url=secure.url, ca_file=own).json(secure.url) == {"ok": True}
        for ca_file in (None, other):
            client = opened(url=secure.url, ca_file=ca_file, auth={"kind": "bearer", "token_ref": "env:T"})
            error = error_of(lambda client=client: client.json(secure.url))  # type: ignore[misc] # the loop's own
            assert isinstance(error, Misuse)
            assert problem_of(error).cause == "tls"
            assert "ca_file" in str(error)
        assert len(secure.asked) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://sap.example.com/service",
        "https://user:hunter2@sap.example.com",
        "https://sap.example.com/?token=hunter2",
        "ftp://sap.example.com",
        "sap.example.com",
        "https://",
        "https://sap.example.com:99999/",
    ],
)
def test_a_url_by_which_secrets_would_leak_is_no_config(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|http|user and password") as raised:
        HttpConfig(url=url)
    assert "hunter2" not in str(raised.value)


def test_a_space_is_sent_so_that_every_server_understands_it(server: Server, opened: Open) -> None:
    seen: list[str] = []

    def answer(asked: Asked) -> Reply:
        seen.append(asked.params["$filter"])
        return json_reply({})

    server.answer = answer
    client = opened()
    client.json(client.url(), {"$filter": "Name eq 'A+B & C''s 100% ä/ö'"})
    assert seen == ["Name eq 'A+B & C''s 100% ä/ö'"]


def test_requests_keep_the_pace(server: Server, opened: Open) -> None:
    server.answer = lambda _: json_reply({})
    client = opened()
    waits: list[int] = []
    client.keep_pace(lambda _origin, _requests: lambda: waits.append(len(server.asked)))
    for _ in range(3):
        client.json(client.url())
    assert waits == [0, 1, 2]


def test_what_a_source_repeats_of_our_secret_is_left_out(
    server: Server, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer = lambda asked: json_reply(
        {"error": {"message": f"not taken: {asked.headers['authorization']}"}}, 400, Set_Cookie="a=b", **HANDING_OUT
    )
    client = opened(auth={"kind": "bearer", "token_ref": "env:T"})
    error = error_of(lambda: client.json(client.url()))
    assert "not taken: Bearer ***" in str(error)
    assert SECRET not in caplog.text
    assert SECRET not in repr(vars(client))
