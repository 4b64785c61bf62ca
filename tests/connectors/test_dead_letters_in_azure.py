"""Refused records copied into a container of Azure Blob, by a login that may write there and none that may not."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import obstore
import pytest

from headwater.services.connectors.keeping import add, change
from headwater.services.quarantine.dead_letters import mirror
from tests.connectors.servers_object_stores import ACCOUNT, CONTAINER, azurite, sas
from tests.river import River, activities

pytestmark = pytest.mark.server


def test_what_a_run_refuses_is_copied_into_a_container(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = river.installation.settings.model_copy(update={"dead_letters": "archive"})
    keeping = replace(river.installation, settings=settings)
    river.load(activities([{"activity_id": "a"}, {"activity_id": "b", "quantity": "x"}]))
    with azurite() as server:
        monkeypatch.setenv("READS", sas("rl"))
        monkeypatch.setenv("WRITES", sas("rlwc"))
        config = {"endpoint_url": server.url, "account": ACCOUNT, "container": CONTAINER, "prefix": "refused"}
        add(keeping, "archive", "azure_blob", {**config, "sas_ref": "env:READS"})
        (refused,) = mirror(keeping)
        assert "the login may not do this" in str(refused.error)
        assert "sig=" not in str(refused)
        change(keeping, "archive", {"sas_ref": "env:WRITES"})
        (copied,) = mirror(keeping)
        assert (copied.error, copied.records) == (None, 1)
        found = bytes(obstore.get(server.owner, f"refused/{copied.object}").bytes()).decode("utf-8-sig")
        (row,) = csv.DictReader(io.StringIO(found))
        assert (row["line"], row["activity_id"], row["quantity"]) == ("3", "b", "x")
        assert list(mirror(keeping)) == []
