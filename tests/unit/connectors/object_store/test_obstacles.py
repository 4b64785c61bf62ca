"""What stands in the way of a store is told with the host that was asked, where it is the way."""

from __future__ import annotations

import socket

import pytest

from headwater.connectors.object_store.obstacles import host_of
from headwater.connectors.s3.config import S3Config
from headwater.connectors.s3.connector import open_s3
from headwater.errors import HeadwaterError


def said_of(endpoint: str) -> str:
    config = S3Config(bucket="reports", endpoint_url=endpoint, anonymous=True)
    with pytest.raises(HeadwaterError) as refused:
        open_s3(config, str).files()
    return str(refused.value)


def test_a_host_without_an_address_is_named() -> None:
    assert "the host has no address (no-such-host.invalid:9000): listing s3://reports" in said_of(
        "http://no-such-host.invalid:9000"
    )


def test_a_port_on_which_nothing_listens_is_named() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        at = f"127.0.0.1:{probe.getsockname()[1]}"
        assert f"nothing answers there ({at}): listing s3://reports" in said_of(f"http://{at}")


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://minio.example.org", "minio.example.org:443"),
        ("http://user:secret@minio.example.org/path?sig=1", "minio.example.org:80"),
        ("http://[::1]:9000", "[::1]:9000"),
    ],
)
def test_nothing_else_of_an_address_is_told(address: str, host: str) -> None:
    assert host_of(address) == host
