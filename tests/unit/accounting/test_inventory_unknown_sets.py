"""Sets of warming potentials of the user's own, and sets that nobody has loaded."""

from __future__ import annotations

import pytest

from headwater.accounting.inventory.findings import UNKNOWN_SET
from headwater.errors import InputRefused
from tests import inventories
from tests.inventories import POTENTIALS, activity, factor, instrument, make

MISSPELT = {"factor_id": "f", "gwp_set": "AR50"}


def test_a_factor_in_a_set_nobody_loaded_is_told_and_kept_as_published() -> None:
    made = make([activity()], [factor(**MISSPELT)])
    (line,) = made.lines
    assert (line["gwp_set"], line["missing_sets"], line["basis"]) == ("AR50", "AR5", "published")
    (finding,) = [each for each in made.findings if each.rule_id == UNKNOWN_SET]
    assert (finding.subject, finding.activities) == ("f", 1)
    assert "AR50" in finding.message
    assert "AR4, AR5, AR6" in finding.message


def test_a_factor_is_derived_in_a_set_of_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventories, "POTENTIALS", {**POTENTIALS, "MINE": POTENTIALS["AR4"]})
    given = factor(gwp_set="MINE", co2e_kg_per_unit="1.25", co2_kg_per_unit="1", ch4_kg_per_unit="0.01",
                   n2o_kg_per_unit="0", ch4_origin="fossil")  # fmt: skip
    made = make([activity(quantity="100")], [given], gwp_sets=["MINE", "AR5"])
    assert {line["gwp_set"]: line["co2e_kg"] for line in made.lines} == {"MINE": 125, "AR5": 130}
    assert UNKNOWN_SET not in made.rules()


def test_instruments_and_reported_figures_are_told_too() -> None:
    reported = activity(activity_id="A2", reported_co2e_kg="5", reported_scope=3, reported_gwp_set="house")
    silent = activity(activity_id="A3", reported_co2e_kg="5", reported_scope=3)
    made = make(
        [activity(), reported, silent], [factor()], instruments=[instrument(gwp_set="EPA_1995")],
        methods=["market_based"], gwp_sets=["AR5"], designated={"method": "market_based"},
    )  # fmt: skip
    told = {each.subject: each.activities for each in made.findings if each.rule_id == UNKNOWN_SET}
    assert told == {"C1": 1, "reported figures": 1}


def test_lines_of_reported_figures_in_any_set_stand_in_order() -> None:
    sets = ["zeta", "AR6", "alpha"]
    rows = [
        activity(activity_id=f"A{number}", reported_co2e_kg="1", reported_scope=3, reported_gwp_set=name)
        for number, name in enumerate(sets)
    ]
    assert [line["gwp_set"] for line in make(rows, batch=2).lines] == sets


def test_more_sets_than_lines_can_be_ordered_by_are_refused() -> None:
    rows = [
        activity(activity_id=f"A{number:04}", reported_co2e_kg="1", reported_scope=3, reported_gwp_set=f"s{number}")
        for number in range(1100)
    ]
    with pytest.raises(InputRefused, match="too many"):
        make(rows)
