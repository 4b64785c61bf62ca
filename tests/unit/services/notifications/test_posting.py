"""Bodies sent to addresses that others name: nowhere inside, to the address that was looked at, in time, and once."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from headwater.errors import Misuse, RetryLater
from headwater.services.notifications import posting
from tests.connectors.certificates import Certificates, make_certificates
from tests.notified import Answering, Receiver, receiving

OUT = posting.Reach()
HERE = posting.Reach(networks=[ip_network("127.0.0.0/8"), ip_network("::1/128")])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def test_in_clear_it_goes_to_networks_only_that_are_named() -> None:
    assert [OUT.holds("93.184.215.14", scheme) for scheme in ("http", "https")] == [False, True]
    assert [HERE.holds("93.184.215.14", scheme) for scheme in ("http", "https")] == [False, True]
    assert [HERE.holds("127.0.0.1", scheme) for scheme in ("http", "https")] == [True, True]
    assert [HERE.holds("10.0.0.1", scheme) for scheme in ("http", "https")] == [False, False]
    assert not OUT.holds("fe80::1%eth0", "https")
    assert posting.Reach(everywhere=True).holds("10.0.0.1", "http")


@pytest.mark.parametrize(
    "url",
    ["http://example.org/x", "ftp://example.org", "https://", "https://u:p@example.org/x", "x", "https://exa mple.org/",
     "https://example.org/#x", "https://example.org:99999/", "https://example.org/\n"],
)  # fmt: skip
def test_an_address_that_is_not_plain_https_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(Misuse) as refused:
        posting.check_url(url, OUT)
    assert refused.value.value is None
    assert ("HEADWATER_API_NETWORKS" in (refused.value.remedy or "")) == url.startswith("http://")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_nothing_is_sent_inside_whatever_the_name(receiver: Receiver, host: str) -> None:
    with pytest.raises((Misuse, RetryLater)) as refused:
        posting.post(f"https://{host}:{receiver.port}/x", b"{}", {}, OUT)
    assert isinstance(refused.value, Misuse) or host not in {"localhost", "127.0.0.1", "[::1]"}
    assert receiver.requests == []


def test_it_goes_to_the_address_that_was_looked_at_under_the_name_that_was_said(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that means another address each time it is asked: the second answer is never used."""
    asked = []
    before = socket.getaddrinfo

    def changing(host: str, port: int, *more: object, **named: object) -> object:
        if host != "rebinding.example":
            return before(host, port, *more, **named)  # type: ignore[arg-type]
        asked.append(host)
        return before("127.0.0.1" if len(asked) == 1 else "127.0.0.2", port, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    answer = posting.post(f"http://rebinding.example:{receiver.port}/hook?a=b", b"{}", {"X-One": "1"}, HERE)
    assert (answer.status, answer.is_taken, asked) == (200, True, ["rebinding.example"])
    (request,) = receiver.requests
    assert (request.path, request.headers["host"]) == ("/hook?a=b", f"rebinding.example:{receiver.port}")


def test_redirects_are_not_followed_and_of_an_answer_only_the_beginning_is_read(receiver: Receiver) -> None:
    receiver.answer(Answering(307, {"Location": receiver.url}), Answering(200, {}, b"x" * 1_000_000))
    assert posting.post(receiver.url, b"{}", {}, HERE).status == 307
    assert len(receiver.requests) == 1
    assert len(posting.post(receiver.url, b"{}", {}, HERE).text) == posting.MOST_READ


@pytest.mark.parametrize(
    ("said", "after"), [("7", 7.0), ("999999999999", 86_400.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("soon", None)]
)
def test_a_receiver_may_ask_to_be_left_alone(receiver: Receiver, said: str, after: float | None) -> None:
    receiver.answer(Answering(429, {"Retry-After": said}))
    assert posting.post(receiver.url, b"{}", {}, HERE).after == after


def test_a_receiver_that_gives_a_byte_now_and_then_is_given_up(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "SECONDS", 0.5)
    receiver.answer(Answering(trickles=True))
    with pytest.raises(RetryLater, match="has not answered"):
        posting.post(receiver.url, b"{}", {}, HERE)


def test_nobody_there_and_no_such_name() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(RetryLater, match="ConnectError") as refused:
            posting.post(f"http://127.0.0.1:{unused.getsockname()[1]}/secret-path", b"{}", {}, HERE)
    assert "secret-path" not in f"{refused.value}{refused.value.__cause__}"
    with pytest.raises(RetryLater, match="not known"):
        posting.post("https://nowhere.invalid/x", b"{}", {}, OUT)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def test_the_certificate_must_be_of_the_name_and_trusted(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving(certificates) as receiver:
        posting._tls.cache_clear()
        with pytest.raises(RetryLater, match="not trusted"):
            posting.post(receiver.url, b"{}", {}, HERE)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
        posting._tls.cache_clear()
        assert posting.post(receiver.url, b"{}", {}, HERE).is_taken
    posting._tls.cache_clear()
