"""A key management service of the tests' own: moto's, which speaks the language of AWS KMS."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.connectors.servers_object_stores import folder_of, free_ports, running
from tests.servers import own_folder


@contextlib.contextmanager
def moto_kms() -> Iterator[str]:
    """The service's address."""
    program = folder_of("moto") / "moto_server"
    (port,) = free_ports(1)
    with own_folder() as folder:
        url = f"http://127.0.0.1:{port}"
        with running([str(program), "-H", "127.0.0.1", "-p", str(port)], url, folder):
            yield url
