"""A secret that a database keeps as it is would be found; tests/plugin_redaction.py says what else is searched."""

from __future__ import annotations

import psycopg
import pytest

from tests.planted import planted, planted_in
from tests.servers import Installation, rows_that_tell

pytestmark = pytest.mark.server
SECRET = planted("planted-secret-that-is-kept")


def test_a_secret_in_any_table_is_found_and_none_is_where_none_stands(installation: Installation) -> None:
    forms = planted_in(globals())
    assert SECRET in forms
    assert rows_that_tell(installation, forms) == []
    with psycopg.connect(installation.superuser_url, autocommit=True) as superuser:
        superuser.execute(
            "CREATE TABLE kept AS SELECT 1 AS id, jsonb_build_object('password', %s::text) AS said", [SECRET]
        )
        ((table, row),) = rows_that_tell(installation, forms)
        assert (table, SECRET in row) == ("kept", True)
        superuser.execute("DROP TABLE kept")
