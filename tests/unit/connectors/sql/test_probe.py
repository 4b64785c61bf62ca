"""HTTPS is looked at with the authorities that the driver trusts, not with others."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from headwater.connectors.snowflake.session import trusted
from headwater.connectors.sql.probe import https_problem_of
from tests.connectors.certificates import Certificates, make_certificates


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return make_certificates(tmp_path)


@pytest.fixture
def port(certificates: Certificates) -> Iterator[int]:
    """Of a server that shakes hands, and no more."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.certificate, certificates.key)

    def serve() -> None:
        with suppress(OSError):  # until it is closed
            while True:
                connection, _ = server.accept()
                with suppress(OSError), context.wrap_socket(connection, server_side=True):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_a_certificate_is_trusted_by_the_authorities_that_are_named(
    certificates: Certificates, port: int, tmp_path: Path
) -> None:
    assert https_problem_of("localhost", port, 5, tls=True, trusted=certificates.authority) is None
    for others in (certificates.other_authority, None):
        problem = https_problem_of("localhost", port, 5, tls=True, trusted=others)
        assert problem is not None
        assert (problem.cause, "the certificate is not trusted" in problem.what) == ("tls", True)
    problem = https_problem_of("localhost", port, 5, tls=True, trusted=tmp_path / "nowhere.pem")
    assert problem is not None
    assert (problem.cause, problem.where) == ("tls", str(tmp_path / "nowhere.pem"))


def test_snowflake_s_library_trusts_what_a_variable_names_or_certifi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    assert trusted().name == "cacert.pem"
    monkeypatch.setenv("CURL_CA_BUNDLE", "/etc/curl.pem")
    assert trusted() == Path("/etc/curl.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/requests.pem")
    assert trusted() == Path("/etc/requests.pem")
