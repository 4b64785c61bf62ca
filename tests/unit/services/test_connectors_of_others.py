from __future__ import annotations

import pytest

from headwater.services.connectors.outside import _leads_back


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
        ("url", "http://127.0.0.1:8080/odata"),
        ("endpoint_url", "http://169.254.169.254/latest"),
        ("token_url", "HTTPS://localhost/token"),
        ("url", "https:///nobody"),
    ],
)
def test_what_is_the_servers_own_is_refused(key: str, value: str) -> None:
    assert _leads_back(key, value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("host", "10.1.2.3"), ("url", "https://93.184.216.34/a"), ("database", "/x"), ("port", 5432), ("table", "a,b")],
)
def test_what_is_reached_over_the_network_is_not(key: str, value: object) -> None:
    assert not _leads_back(key, value)
