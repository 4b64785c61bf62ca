"""Links to parts of a result lead where an answer says: each by the proxy, or to an address that was looked at."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pyarrow as pa
import pytest

from headwater.connectors.databricks import DatabricksConfig
from headwater.connectors.databricks.links import Links
from headwater.errors import Misuse
from tests.connectors.servers_http import Reply, Server, http_server

CONFIG = DatabricksConfig(
    host="workspace.example", http_path="/sql/1.0/warehouses/1", token_ref="env:T", catalog="main", tls="disable"
)


@dataclass(frozen=True)
class Link:
    """As the SDK gives it."""

    external_link: str
    http_headers: dict[str, str] = field(default_factory=dict)


def part(word: str) -> Reply:
    """Rows as a storage holds them."""
    held = io.BytesIO()
    batch = pa.RecordBatch.from_pydict({"from": [word]})
    with pa.ipc.new_stream(held, batch.schema) as stream:
        stream.write_batch(batch)
    return Reply(body=held.getvalue())


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Inside, where no proxy is asked; all else goes by a proxy that answers by itself."""
    for name in ("all_proxy", "http_proxy", "no_proxy"):  # where both stand, small letters count
        monkeypatch.delenv(name, raising=False)
    with http_server(lambda _: part("inside")) as started, http_server(lambda _: part("proxy")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "localhost")
        yield started


@pytest.fixture
def links() -> Iterator[Links]:
    with closing(Links(CONFIG)) as made:
        yield made


def fetched(links: Links, url: str) -> str:
    """From where the rows behind a link come."""
    (batch,) = links.batches(Link(url))
    return str(batch.column("from")[0].as_py())


@pytest.mark.parametrize("first", ["inside", "outside"])
def test_each_link_goes_its_own_way(storage: Server, links: Links, first: str) -> None:
    asked: list[str] = []

    def looked_at(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    ways = {
        "inside": (storage.url.replace("127.0.0.1", "localhost"), "inside"),
        "outside": ("http://far.example", "proxy"),
    }
    links.reach_only(looked_at)
    for way in (first, *(other for other in ways if other != first), first):
        url, answers = ways[way]
        assert fetched(links, f"{url}/part") == answers
    assert set(asked) == {"localhost"}, "the name of what goes by the proxy is the proxy's to look up"


def test_a_link_inside_is_refused_though_the_one_before_went_by_the_proxy(storage: Server, links: Links) -> None:
    def refused(host: str) -> list[str]:
        raise Misuse("this leads into a network behind the server", where="url", value=host)

    links.reach_only(refused)
    assert fetched(links, "http://far.example/part") == "proxy"
    with pytest.raises(Misuse, match="behind the server"):
        fetched(links, storage.url.replace("127.0.0.1", "localhost") + "/part")
    assert storage.asked == []
