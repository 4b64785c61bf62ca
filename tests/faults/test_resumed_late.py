"""A run that is resumed when a newer one of its source has come and gone: age decides, not the order of commits."""

from __future__ import annotations

from uuid import UUID

import pytest

from headwater.services.imports import carry_out, plan_file
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.faults.breaking import BrokenOff, Until
from tests.faults.evidence import assert_books_balance
from tests.river import River, activities, factors
from tests.servers import Installation

pytestmark = [pytest.mark.server, pytest.mark.faults, pytest.mark.long]


def test_what_a_newer_run_has_loaded_and_refused_stays_so(installation: Installation, river: River) -> None:
    older = _plan(river, [_row("a"), _row("b", "x"), _row("c"), _row("d")])
    with pytest.raises(BrokenOff):
        carry_out(river.installation, older, progress=Until(2))
    newer = _plan(river, [_row("a", "2"), _row("b", "2"), _row("c", "2"), _row("d", "bad")])
    carry_out(river.installation, newer, progress=SilentProgress())
    carry_out(river.installation, older, progress=SilentProgress())

    rows = river.rows("SELECT activity_id, quantity FROM activity_v1 ORDER BY activity_id")
    assert [(row["activity_id"], row["quantity"]) for row in rows] == [("a", 2), ("b", 2), ("c", 2), ("d", 1)]
    refused = river.rows(
        "SELECT raw ->> 'activity_id' AS key, raw ->> 'quantity' AS q, state FROM quarantine ORDER BY 1"
    )
    assert [(row["key"], row["q"], row["state"]) for row in refused] == [
        ("b", "x", "expired"),
        ("c", "1", "open"),  # it stands with other content, loaded by a newer run
        ("d", "bad", "open"),
    ]
    assert_books_balance(installation)


def test_figures_that_a_newer_run_has_calculated_stay_and_are_counted(river: River) -> None:
    river.load(factors([{"factor_id": "f1"}]), name="factors.csv", mapping="factor_form")
    older = _plan(river, [_row("a"), _row("b")])
    with pytest.raises(BrokenOff):
        carry_out(river.installation, older, progress=Until(1))
    better = [{"factor_id": "f1", "co2e_kg_per_unit": "0.7"}]
    river.load(factors(better), name="factors.csv", mapping="factor_form")
    carry_out(river.installation, _plan(river, [_row("a"), _row("b")]), progress=SilentProgress())
    carry_out(river.installation, older, progress=SilentProgress())

    ledger = river.ledger(older)
    assert (ledger.inserted, ledger.unchanged) == (1, 1)
    assert (ledger.calculation["inserted"], ledger.calculation["refused"]) == (1, 1)
    rows = river.rows("SELECT activity_id, co2e_kg::text FROM emission_v1 ORDER BY 1")
    assert [float(row["co2e_kg"]) for row in rows] == [0.7, 0.7]
    found = verify(river.installation, progress=SilentProgress())
    assert found.ok, found.differences


def _row(key: str, quantity: str = "1") -> dict[str, str]:
    return {"activity_id": key, "quantity": quantity}


def _plan(river: River, rows: list[dict[str, str]]) -> UUID:
    path = river.folder / "meters.csv"
    path.write_text(activities(rows))
    return plan_file(river.installation, path, river.mapping("activity_form"), chunk_size=1)
