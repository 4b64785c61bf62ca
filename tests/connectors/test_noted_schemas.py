"""What a source's tables are is kept whole as they are discovered, and each change with what was before and after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.keeping import add
from headwater.services.connectors.planning import plan_sync
from headwater.services.connectors.viewing import discover, status
from tests.connectors.servers_http import http_server, json_reply
from tests.river import River
from tests.synced import MAPPING, Synced

pytestmark = pytest.mark.server


def changes_of(synced: Synced) -> list[tuple[str, str, Any, Any, Any]]:
    """Those of the table noted last."""
    latest = status(synced.river.installation, "plant").schema_changes[0]
    return [
        (latest["table_name"], each["kind"], each["column"], each["before"], each["after"])
        for each in latest["changes"]
    ]


def noted(synced: Synced) -> int:
    discover(synced.river.installation, "plant")
    return len(synced.river.rows("SELECT FROM source_schema_cache"))


def test_each_change_of_a_discovered_table_is_noted(synced: Synced) -> None:
    table = "public.meter_reading"
    synced.at_source("CREATE TABLE site (code text PRIMARY KEY)")
    synced.at_source("INSERT INTO site SELECT DISTINCT site FROM meter_reading")
    assert noted(synced) == 2
    rows = synced.river.rows(
        "SELECT key_columns, foreign_keys FROM source_schema_cache WHERE table_name = %(table)s", table=table
    )
    assert rows == [{"key_columns": ["reading_id"], "foreign_keys": []}]

    for statement, change in (
        ("ALTER site DROP NOT NULL", ("nullable", "site", "never null", "may be null")),
        ("ALTER site SET NOT NULL", ("nullable", "site", "may be null", "never null")),
        ("ADD CONSTRAINT at FOREIGN KEY (site) REFERENCES site", ("reference", "site", None, "public.site (code)")),
        ("DROP CONSTRAINT at", ("reference", "site", "public.site (code)", None)),
        ("DROP CONSTRAINT meter_reading_pkey", ("key", None, "reading_id", None)),
        ("ADD PRIMARY KEY (site, reading_id)", ("key", None, None, "site, reading_id")),
        ("ALTER kwh TYPE numeric(14,3)", ("retyped", "kwh", "numeric(12,3)", "numeric(14,3)")),
    ):
        synced.at_source(f"ALTER TABLE meter_reading {statement}")
        before = noted(synced)
        assert changes_of(synced) == [(table, *change)]
        assert noted(synced) == before  # nothing has changed


def test_a_table_that_is_gone_is_noted_until_it_is_back(synced: Synced) -> None:
    table = "public.meter_reading"
    synced.sync()
    assert noted(synced) == 2  # the sync asked for no key
    synced.at_source("ALTER TABLE meter_reading RENAME TO put_away")
    assert noted(synced) == 4
    changes = {
        each["table_name"]: each["changes"] for each in status(synced.river.installation, "plant").schema_changes[:2]
    }
    assert changes["public.put_away"] == []
    assert [each["kind"] for each in changes[table]] == ["table_gone"]
    assert noted(synced) == 4
    synced.at_source("ALTER TABLE put_away RENAME TO meter_reading")
    synced.sync()
    assert changes_of(synced) == [(table, "table_back", None, None, None)]


def test_a_table_that_was_only_synced_is_not_gone_where_discovery_does_not_list_it(synced: Synced) -> None:
    synced.at_source("ALTER TABLE meter_reading RENAME TO readings_of_all_years")
    synced.at_source("CREATE TABLE parted (LIKE readings_of_all_years INCLUDING ALL) PARTITION BY RANGE (reading_id)")
    synced.at_source("ALTER TABLE parted ATTACH PARTITION readings_of_all_years FOR VALUES FROM (1) TO (2000)")
    synced.sync(source={"table": "public.readings_of_all_years"})
    assert noted(synced) == 2
    assert [each["changes"] for each in status(synced.river.installation, "plant").schema_changes] == [[], []]


@pytest.mark.parametrize("discovered_first", [True, False])
def test_what_a_plan_has_not_looked_at_is_not_retyped(river: River, discovered_first: bool) -> None:
    """The types of a declared service are those of the values on its first page, at which a plan does not look."""
    row = {"reading_id": "1", "site": "s", "month": "2024-01-01", "kwh": 1.5}
    with http_server(lambda _: json_reply({"rows": [row]})) as server:
        (river.folder / "readings.yaml").write_text(yaml.safe_dump(MAPPING))
        tables = [{"name": "readings", "path": "readings", "records": "rows", "key": ["reading_id"]}]
        add(river.installation, "plant", "rest", {"url": server.url, "auth": {"kind": "none"}, "tables": tables})
        said = {"recipe": "r", "source": {"connector": "plant", "table": "readings"}, "mapping": "readings.yaml"}
        steps: list[Callable[[], object]] = [lambda: discover(river.installation, "plant")] * 2
        steps.insert(
            int(discovered_first), lambda: plan_sync(river.installation, Recipe.model_validate(said), river.folder)
        )
        for step in steps:
            step()
    assert [each for seen in status(river.installation, "plant").schema_changes for each in seen["changes"]] == []
    (seen,) = river.rows("SELECT columns FROM source_schema_cache ORDER BY seen_no DESC LIMIT 1")
    types = {column["name"]: column["type"] for column in seen["columns"]}
    assert (types["site"], types["kwh"]) == ("string", "number")
