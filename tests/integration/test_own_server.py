"""The steps of docs/how-to/use-your-own-postgresql.md, as written, on a real server."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from headwater.contracts import Document
from headwater.store.embedded import SUPERUSER
from headwater.store.upgrade import status, upgrade
from tests.servers import TestServer

PAGE = Path(__file__).parents[2] / "docs/how-to/use-your-own-postgresql.md"

pytestmark = pytest.mark.server


def test_the_sql_of_the_page_makes_a_database_that_can_be_upgraded(
    server: TestServer, documents: tuple[Document, ...]
) -> None:
    block = re.search(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block
    # Names of its own: the server of the tests has those of the page already.
    statements = [line.replace("headwater", "ownserver") for line in block[1].splitlines() if line]
    assert len(statements) == 3
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as superuser:
        try:
            for statement in statements:
                superuser.execute(statement.encode())
            done = upgrade(server.url("ownserver_owner", "ownserver"), "ownserver_app", documents)
            assert done.migrations
            assert status(server.url("ownserver_app", "ownserver")).pending == ()
        finally:
            superuser.execute("DROP DATABASE IF EXISTS ownserver WITH (FORCE)")
            superuser.execute("DROP ROLE IF EXISTS ownserver_app")
            superuser.execute("DROP ROLE IF EXISTS ownserver_owner")
