"""Cookies behind a proxy that speaks TLS, and who may send by them there."""

from __future__ import annotations

import pytest
from fastapi import Request, Response

from headwater.api.browser import comes_from_here, keep
from headwater.settings import Settings

BEHIND = Settings(public_url="https://headwater.example.org/app")


def asked(**headers: str) -> Request:
    """A request as the proxy sends it on: without TLS, under the path, and to whatever name it calls us by."""
    told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/app/x", "root_path": "/app", "query_string": b""}
    return Request({**scope, "scheme": "http", "headers": [(b"host", b"upstream:8000"), *told]})


def test_a_cookie_is_for_tls_only_where_the_public_url_is() -> None:
    answer = Response()
    keep(answer, asked(), BEHIND, "headwater_session", "hws_x")
    keep(answer, asked(), Settings(), "headwater_session", "hws_x", below="/sign-in", seconds=600)
    behind, here = answer.headers.getlist("set-cookie")
    assert behind == "headwater_session=hws_x; HttpOnly; Path=/app; SameSite=lax; Secure"
    assert here == "headwater_session=hws_x; HttpOnly; Max-Age=600; Path=/app/sign-in; SameSite=lax"


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({}, None),
        ({"origin": "null"}, None),
        ({"origin": "https://headwater.example.org"}, True),
        ({"origin": "https://headwater.example.org:443"}, True),
        ({"origin": "http://upstream:8000"}, True),
        ({"origin": "http://headwater.example.org"}, False),
        ({"origin": "https://headwater.example.org.evil.org"}, False),
        ({"origin": "https://headwater.example.org:x"}, False),
        ({"origin": "null", "sec_fetch_site": "same-origin"}, True),
        ({"origin": "null", "sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "same-site"}, False),
        ({"sec_fetch_site": "none"}, True),
    ],
)
def test_what_the_browser_says_decides(headers: dict[str, str], is_ours: bool | None) -> None:
    assert comes_from_here(asked(**headers), BEHIND) is is_ours
