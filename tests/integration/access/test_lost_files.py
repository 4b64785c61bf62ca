"""A kept file that is lost keeps nobody from being erased, and it is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headwater.errors import Stopped
from headwater.services.access.erasing import erase_subject
from headwater.services.verification import verify
from headwater.store.blobs import SEALED
from headwater.telemetry import SilentProgress
from tests.integration.access.test_erasing_subjects import shown
from tests.integration.access.test_personal_values import ANN, BOB, load, proved
from tests.integration.access.test_redacted_files import OF_ANN, says
from tests.integration.access.test_redacted_workbooks_and_extracts import ROWS, a_workbook, staff_database
from tests.integration.access.test_redacted_workbooks_and_extracts import load as load_file

if TYPE_CHECKING:
    from tests.river import River

pytestmark = pytest.mark.server


def lost(river: River, kind: str) -> Path:
    """The kept files of a kind, taken away under their names; where the first was."""
    rows = river.rows("SELECT sha256 FROM blobs WHERE kind = %(kind)s ORDER BY size DESC", kind=kind)
    paths = [river.installation.blobs.path(river.installation.tenant_id, bytes(row["sha256"])) for row in rows]
    for path in paths:
        path.rename(river.folder / path.name)
    return paths[0]


def test_who_spoke_in_a_lost_file_is_erased_in_all_others_and_in_it_where_it_is_put_back(river: River) -> None:
    load(river, ANN, BOB)
    path = lost(river, "raw")
    digest = path.name.removesuffix(SEALED)
    load(river, BOB, ANN)

    done = erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")

    assert sorted((file.name, file.became) for file in done.files) == [
        ("erp_worker.csv", "not there"), ("erp_worker.csv", "redacted"),
    ]  # fmt: skip
    assert says(river, *OF_ANN) == []
    assert shown(river, "erp.worker", "name") == [("Bob Babbage",), ("erased",)]
    (entry,) = river.rows("SELECT payload FROM audit_entries WHERE action = 'subject.erased'")
    assert json.loads(entry["payload"])["not_there"] == [digest]
    found = verify(river.installation, progress=SilentProgress())
    assert [(each.table, digest in each.key) for each in found.differences] == [("blob store", True)]

    (river.folder / path.name).rename(path)
    done = erase_subject(river.installation, "erp.worker", "hr/4711", reason="it was put back")
    assert [file.became for file in done.files] == ["redacted"]
    assert says(river, *OF_ANN) == []
    proved(river)


def test_nobody_is_erased_while_only_the_text_of_a_file_is_lost(river: River) -> None:
    load_file(river, a_workbook(ROWS), name="staff.xlsx", sheets=["Staff"])
    lost(river, "utf8")
    with pytest.raises(Stopped, match="not there"):
        erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")

    lost(river, "raw")
    done = erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    assert [file.became for file in done.files] == ["not there"]


def test_what_a_sync_read_is_said_to_be_lost_too(river: River) -> None:
    assert staff_database(river, river.folder / "hr.sqlite")() == "succeeded"
    lost(river, "extract")
    done = erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    assert {file.became for file in done.files} == {"not there"}
    assert ("Ann Lovelace",) not in shown(river, "erp.worker", "name")
