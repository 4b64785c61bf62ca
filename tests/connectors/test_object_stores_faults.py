"""Stores that answer badly: broken connections, refusals for now, answers that are none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from headwater.connectors.protocol import RemoteFile
from headwater.connectors.s3 import kind
from headwater.connectors.s3.config import S3Config
from headwater.errors import InputRefused, Misuse, RetryLater, Stopped
from tests.connectors.servers_http import Answer, Asked, Reply, http_server

BODY = b"0123456789" * 100_000


def listing(**sizes: int) -> bytes:
    """What a bucket with these files says."""
    files = "".join(
        f"<Contents><Key>{name}</Key><LastModified>2026-11-01T10:00:00.000Z</LastModified><ETag>&quot;one&quot;</ETag>"
        f"<Size>{size}</Size></Contents>"
        for name, size in sizes.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>bucket</Name><IsTruncated>false</IsTruncated>{files}</ListBucketResult>"
    ).encode()


LISTED = listing(**{"a.csv": len(BODY)})
NO_SUCH_KEY = Reply(status=404, body=b"<Error><Code>NoSuchKey</Code></Error>")
FILE = RemoteFile(name="a.csv", size=len(BODY), version="one")
HEADERS = {"ETag": '"one"', "Last-Modified": "Sun, 01 Nov 2026 10:00:00 GMT"}


def answering(reply: Reply) -> Answer:
    """Lists one file; gives it as the reply says."""

    def answer(asked: Asked) -> Reply:
        return Reply(body=LISTED) if "list-type" in asked.params else reply

    return answer


def store_at(url: str) -> object:
    config = S3Config(bucket="bucket", endpoint_url=url, anonymous=True, timeout_seconds=0.5)
    return kind.open(config, lambda reference: reference)


@pytest.mark.parametrize("broken", ["cut_after", "hold_after"])
def test_a_body_that_breaks_off_may_pass_and_leaves_nothing(tmp_path: Path, broken: str) -> None:
    reply = Reply(body=BODY, headers=HEADERS, **{broken: 500_000})
    with http_server(answering(reply)) as server, pytest.raises(RetryLater, match=r"a\.csv"):
        store_at(server.url).fetch(FILE, tmp_path / "a.csv")  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_refusal_for_now_may_pass(status: int) -> None:
    body = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
    with http_server(lambda _: Reply(body=body, status=status)) as server, pytest.raises(RetryLater, match="SlowDown"):
        store_at(server.url).files()  # type: ignore[attr-defined]


def test_an_answer_that_is_no_list_is_the_wrong_kind_of_server() -> None:
    with http_server(lambda _: Reply(body=b"<html>Welcome to the intranet</html>")) as server:
        store = store_at(server.url)
        (problem,) = store.validate()  # type: ignore[attr-defined]
    assert problem.cause == "protocol"


def test_a_server_that_knows_no_if_match_is_found_out(tmp_path: Path) -> None:
    other = Reply(body=BODY, headers={**HEADERS, "ETag": '"two"'})
    with http_server(answering(other)) as server, pytest.raises(InputRefused, match="changed since it was listed"):
        store_at(server.url).fetch(FILE, tmp_path / "a.csv")  # type: ignore[attr-defined]
    assert server.asked[-1].headers["if-match"] == '"one"'


def test_a_place_that_cannot_be_written_is_not_the_stores_fault(tmp_path: Path) -> None:
    with http_server(answering(Reply(body=BODY, headers=HEADERS))) as server, pytest.raises(Stopped, match="written"):
        store_at(server.url).fetch(FILE, tmp_path / "no folder" / "a.csv")  # type: ignore[attr-defined]


def test_the_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(Misuse, match=r"\[s3\]"):
        store_at("http://127.0.0.1:9").files()  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", ["a//b.csv", "./b.csv"])
def test_a_key_that_cannot_be_listed_is_named(key: str) -> None:
    with http_server(lambda _: Reply(body=listing(**{key: 3, "c.csv": 3}))) as server:
        store = store_at(server.url)
        (problem,) = store.validate()  # type: ignore[attr-defined]
        with pytest.raises(InputRefused, match=key):
            store.files()  # type: ignore[attr-defined]
    assert problem.cause == "config"
    assert key in problem.what


def test_the_mark_that_a_console_leaves_for_a_folder_is_no_file() -> None:
    held = Reply(body=listing(**{"folder/": 0, "folder/a.csv": 3, "empty.csv": 0}))
    empty = Reply(headers=HEADERS)

    def answer(asked: Asked) -> Reply:
        if "list-type" in asked.params:
            return held
        return empty if asked.path.endswith("/empty.csv") else NO_SUCH_KEY

    with http_server(answer) as server:
        files = store_at(server.url).files()  # type: ignore[attr-defined]
    assert [file.name for file in files] == ["empty.csv", "folder/a.csv"]
