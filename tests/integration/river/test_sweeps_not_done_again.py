"""Sweeps that a proof cannot do again: what stands of mended records is taken over, and nothing else."""

from __future__ import annotations

import pytest

from headwater.services.access.erasing import erase_subject
from headwater.services.verification import Verification, verify
from headwater.telemetry import SilentProgress
from tests.integration.access.test_personal_values import ANN, BOB, load, proved
from tests.integration.river.test_full_loads import full, mend, of, states
from tests.integration.river.test_keys_of_refused_records import erase_files
from tests.integration.test_mending import exported, resubmitted
from tests.river import River, factors

pytestmark = pytest.mark.server


def checked(river: River) -> Verification:
    return verify(river.installation, progress=SilentProgress())


def test_what_was_mended_and_deleted_by_a_sweep_whose_factors_are_lost_is_as_it_stands(river: River) -> None:
    river.load(factors([{"factor_id": "f1"}]), name="factors.csv", mapping="factor_form")
    full(river, of("a", one="many", two="lots"))
    mend(river, {"one": {"quantity": "12"}, "two": {"quantity": "13"}})
    river.load(factors([{"factor_id": "f1"}, {"factor_id": "f2"}]), name="factors.csv", mapping="factor_form")
    assert full(river, of("a", two="lots")) is None
    assert sorted(states(river)) == ["expired", "resubmitted"]
    (newest,) = river.rows("SELECT sha256 FROM blobs WHERE kind = 'factor_set' ORDER BY created_at DESC LIMIT 1")
    river.installation.blobs.path(river.installation.tenant_id, bytes(newest["sha256"])).unlink()

    found = checked(river)
    assert len(found.not_recomputed) == 1
    assert [each.table for each in found.differences] == ["blob store"]

    river.change("UPDATE quarantine SET state_reason = 'never was' WHERE state = 'expired'")
    assert "quarantine" in {each.table for each in checked(river).differences}


def test_a_sweep_of_a_file_that_was_erased_is_proved(river: River) -> None:
    full(river, of("a", "b", one="many"))
    mend(river, {"one": {"quantity": "12"}})
    assert full(river, of("a")) is None
    assert states(river) == ["expired"]
    erase_files(river)
    found = checked(river)
    assert found.differences == ()
    assert len(found.erased) == 3


def test_a_mended_record_of_somebody_that_a_sweep_deleted_before_they_were_erased_is_proved(river: River) -> None:
    load(river, ANN, BOB, strategy="full")
    load(river, ANN.replace(",1,1984", ",x,1984"), BOB, strategy="full")
    resubmitted(river, [row | {"fte": "1"} for row in exported(river)])
    load(river, BOB, strategy="full")
    assert [row["state"] for row in river.rows("SELECT state FROM quarantine")] == ["expired"]
    erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    proved(river)
