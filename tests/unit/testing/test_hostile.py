"""The suite finds each hostile connector at the check that is meant for it, and each check finds one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headwater.testing.checking import Verdict, verdict
from headwater.testing.suite import FILE_CHECKS, TABLE_CHECKS
from tests.unit.testing import hostile_stores, hostile_with_values
from tests.unit.testing.hostile import Hostile, all_of
from tests.unit.testing.hostile_stores import HostileStore
from tests.unit.testing.memory_case import case_of
from tests.unit.testing.memory_store import MemoryStoreCase

CHECKS = {check.name: check for check in TABLE_CHECKS}
BASES = {hostile_with_values.Changes, hostile_with_values.Leaky, hostile_with_values.CountsForItself}
HOSTILE = [one for one in all_of() if one not in BASES]

STORES = hostile_stores.all_of()


def became(connector: type[Hostile], check: str) -> Verdict:
    return verdict(case_of(connector, **connector.kind), CHECKS[check])


@pytest.mark.parametrize("connector", HOSTILE, ids=[one.__name__ for one in HOSTILE])
def test_what_it_does_wrong_is_found(connector: type[Hostile]) -> None:
    found = became(connector, connector.fails)
    assert found.outcome == "failed", connector.__name__
    assert len(found.why.split()) > 4


def test_one_that_counts_rightly_passes() -> None:
    assert became(hostile_with_values.CountsForItself, "tally").outcome == "passed"


@pytest.mark.parametrize("store", STORES, ids=[one.__name__ for one in STORES])
def test_what_a_store_does_wrong_is_found(store: type[HostileStore]) -> None:
    kind = replace(MemoryStoreCase.kind, open=store)
    case = type("ChangedCase", (MemoryStoreCase,), {"kind": kind})()
    found = verdict(case, {check.name: check for check in FILE_CHECKS}[store.fails])
    assert found.outcome == "failed", store.__name__


def test_every_check_can_fail() -> None:
    assert {store.fails for store in STORES} | set(CHECKS) >= {check.name for check in FILE_CHECKS}
    assert {connector.fails for connector in HOSTILE} == set(CHECKS)
