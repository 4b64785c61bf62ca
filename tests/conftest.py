"""Fixtures of servers: one server a session, of the kind that `--postgres` names, and one database a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.contracts import Document
from headwater.services.installation import documents as installed_documents
from tests.planted import planted_in
from tests.plugin_redaction import hear
from tests.river import River, make_river
from tests.servers import Installation, TestServer, embedded_server, installed_server, rows_that_tell
from tests.synced import Synced, synced_source

# Run by test_warehouses.py, with a Python of their own.
collect_ignore = ["warehouses"]


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, postgres_kind: str) -> Iterator[TestServer]:
    """The PostgreSQL server of this session."""
    if postgres_kind == "embedded":
        with embedded_server() as started:
            yield started
    else:
        binaries: Path = request.getfixturevalue("installed_postgres")
        with installed_server(binaries) as started:
            yield started


@pytest.fixture(scope="session")
def documents() -> tuple[Document, ...]:
    """The contracts of all packs that are installed, as `headwater db upgrade` takes them."""
    return tuple(installed_documents())


@pytest.fixture
def installation(
    server: TestServer, documents: tuple[Document, ...], request: pytest.FixtureRequest
) -> Iterator[Installation]:
    """A fresh database with the built-in contracts, as `headwater db upgrade` leaves it."""
    made = server.upgraded(documents)
    yield made
    if forms := planted_in(vars(request.module)):
        for name, row in rows_that_tell(made, forms):
            hear(row, f"table {name}")
    server.drop(made)


@pytest.fixture
def empty_database(server: TestServer) -> Iterator[Installation]:
    """A database never upgraded."""
    made = server.empty()
    yield made
    server.drop(made)


@pytest.fixture
def river(installation: Installation, tmp_path: Path) -> River:
    """A fresh installation to bring files through."""
    return make_river(installation, tmp_path)


@pytest.fixture
def synced(river: River, server: TestServer) -> Iterator[Synced]:
    """A source on the same server, and a connector to it; nothing is synced yet."""
    with synced_source(river, server) as made:
        yield made
