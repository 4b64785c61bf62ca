"""Why a chunk failed is told to who may see rows as they stand, and what is quoted of somebody is sealed, and goes."""

from __future__ import annotations

import base64
from dataclasses import replace
from functools import partial

import duckdb
import pytest
from pydantic import SecretStr

from headwater.errors import HeadwaterError, InputRefused
from headwater.pipeline.recipe import Recipe
from headwater.services.access.erasing import erase_subject
from headwater.services.access.policy import RIGHTS_OF, Actor, Role
from headwater.services.access.sealing import ChunkSealing, SealedCells
from headwater.services.connectors.keeping import add
from headwater.services.connectors.planning import plan_sync
from headwater.services.imports import carry_out
from headwater.services.runs_view import RunView, show_run
from headwater.store.chunks import chunks_of
from headwater.store.run_chunks import RunChunks
from headwater.store.runs import get_run
from headwater.telemetry import SilentProgress
from tests.integration.access.test_personal_values import ANN, BOB, everything, load, proved
from tests.river import River

pytestmark = pytest.mark.server
OTHER_KEY = "k9:" + base64.b64encode(b"9" * 32).decode()
STAFF = """
CREATE VIEW staff AS SELECT n AS worker_no, 'hr/' || n AS worker_id, 'hr' AS system, name, 'DE' AS country,
    date '2019-05-06' AS hired_on, NULL::date AS left_on,
    CASE WHEN n < 4 THEN 1 ELSE name::INTEGER END AS fte
FROM (SELECT n, CASE n WHEN 4 THEN 'Ada Byron' ELSE 'W' || n END AS name FROM range(1, 6) t(n))
"""


def failed(river: River) -> RunView:
    """A sync of five workers, in chunks of three, whose database quotes one as it refuses the second."""
    load(river, ANN, BOB)
    path = river.folder / "staff.duckdb"
    with duckdb.connect(path) as source:
        source.execute(STAFF)
    add(river.installation, "staff", "duckdb", {"path": str(path)})
    said = {
        "recipe": "staff",
        "source": {"connector": "staff", "table": "main.staff", "key": ["worker_no"]},
        "mapping": str(river.folder / "erp_worker.yaml"),
        "load": {"chunk_size": 3},
    }
    run_id = plan_sync(river.installation, Recipe.model_validate(said), river.folder)
    carry_out(river.installation, run_id, progress=SilentProgress())
    return show_run(river.installation, run_id)


def test_why_a_chunk_failed_is_told_and_kept_sealed(river: River) -> None:
    view = failed(river)
    assert list(view.gaps) == [2]
    assert "Ada Byron" in view.gaps[2]
    assert "Ada Byron" not in everything(river)
    proved(river)


def test_who_sees_no_rows_as_they_stand_is_told_nothing_that_is_quoted_of_them(river: River) -> None:
    run_id = failed(river).run.run_id
    viewer = river.installation.acting(Actor(name="person/viewer", rights=RIGHTS_OF[Role.VIEWER]))
    (why,) = show_run(viewer, run_id).gaps.values()
    assert "the file cannot be read" in why
    assert "Ada" not in why


def test_what_it_quotes_goes_where_anybody_is_erased(river: River) -> None:
    run_id = failed(river).run.run_id
    keys = len(river.rows("SELECT FROM subject_keys"))
    erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    assert "Ada" not in show_run(river.installation, run_id).gaps[2]
    assert "enc1." not in str(river.rows("SELECT error FROM chunks WHERE error IS NOT NULL"))
    assert len(river.rows("SELECT FROM subject_keys")) == keys - 2, "theirs, and that of the chunk"
    proved(river)


def test_a_gap_is_noted_also_where_no_key_is_to_be_had(river: River) -> None:
    run_id = failed(river).run.run_id
    here, tenant_id = river.installation, river.installation.tenant_id
    with here.database.connect(tenant_id) as connection:
        run = get_run(connection, tenant_id, run_id)
        ids = {each.chunk_no: each.chunk_id for each in chunks_of(connection, tenant_id, run_id)}
    keyless = replace(here, settings=here.settings.model_copy(update={"credentials_keys": SecretStr(OTHER_KEY)}))
    cells = SealedCells(personal=frozenset(), others=None)
    sealing = partial(ChunkSealing, keyless, here.contract("erp.worker", 1), cells)
    with here.database.connect(tenant_id) as connection, pytest.raises(HeadwaterError):
        sealing(connection, ids[2]).failed("Ada Byron")
    with RunChunks(here.database, tenant_id, run, contract="erp.worker@1", chunk_ids=ids, sealing=sealing) as store:
        store.fail(2, InputRefused("another fault", where="staff", value="Ada Byron"))
    (why,) = show_run(here, run_id).gaps.values()
    assert ("another fault" in why, "Ada" in why) == (True, False)
