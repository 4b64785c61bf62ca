from __future__ import annotations

from ipaddress import ip_network

import pytest

from headwater.errors import Misuse
from headwater.services.connectors.reach import checked_addresses, leads_inside, networks_of
from headwater.settings import Settings


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("host", "/var/run/postgresql"),
        ("host", "x,/var/lib/headwater/postgres/socket"),
        ("host", ""),
        ("host", "@abstract"),
        ("host", "localhost"),
        ("host", "127.0.0.1"),
        ("host", "::1"),
        ("host", "0.0.0.0"),  # noqa: S104  what is refused
        ("host", "169.254.169.254"),
        ("host", "10.1.2.3"),
        ("host", "172.31.0.1"),
        ("host", "192.168.1.1"),
        ("host", "100.64.0.1"),
        ("host", "224.0.0.1"),
        ("host", "fd00:1::5"),
        ("host", "fe80::1"),
        ("host", "fec0::1"),
        ("host", "::ffff:10.1.2.3"),
        ("host", "64:ff9b::10.1.2.3"),
        ("host", "2002:0a01:0203::1"),
        ("host", "2130706433"),  # 127.0.0.1 as one number
        ("url", "http://127.0.0.1:8080/odata"),
        ("url", "http://0x7f.1/odata"),
        ("url", "https://[::ffff:127.0.0.1]/odata"),
        ("endpoint_url", "http://169.254.169.254/latest"),
        ("token_url", "HTTPS://localhost/token"),
        ("url", "https:///nobody"),
    ],
)
def test_what_is_behind_the_server_is_refused(key: str, value: str) -> None:
    assert leads_inside(key, value, [])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("host", "93.184.216.34"),
        ("url", "https://93.184.216.34/a"),
        ("host", "2606:2800:220:1::1"),
        ("host", "64:ff9b::5db8:d822"),
        ("database", "/x"),
        ("port", 5432),
        ("table", "a,b"),
    ],
)
def test_what_is_public_or_no_address_is_not(key: str, value: object) -> None:
    assert not leads_inside(key, value, [])


def test_networks_that_are_allowed_may_be_reached_and_only_those() -> None:
    networks = networks_of(Settings(api_networks="10.20.0.0/16, fd00:1::/64"))
    assert networks == [ip_network("10.20.0.0/16"), ip_network("fd00:1::/64")]
    assert not leads_inside("host", "10.20.3.4", networks)
    assert not leads_inside("host", "::ffff:10.20.3.4", networks)
    assert not leads_inside("url", "https://[fd00:1::9]/x", networks)
    assert leads_inside("host", "10.21.3.4", networks)
    assert checked_addresses("10.20.3.4", networks) == ["10.20.3.4"]
    with pytest.raises(Misuse, match="behind it"):
        checked_addresses("localhost", networks)
