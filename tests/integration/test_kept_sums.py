"""Sums of emissions are kept, and are never other than what the rows come to."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pytest

from headwater.services import deletions
from headwater.services.access import units
from headwater.services.access.policy import Right, Role
from headwater.services.emissions import FAR, calculated_emissions, kept_and_summed
from headwater.services.entered_records import enter
from headwater.services.sign_in.tokens import create_for_service
from headwater.services.verification import verify
from headwater.store import audit
from headwater.store.emissions import EmissionSum
from headwater.telemetry import SilentProgress
from tests.river import River, activities, factors

pytestmark = pytest.mark.server
ROWS = [{"activity_id": key, "quantity": str(number)} for number, key in enumerate("abcd", start=1)]


@pytest.fixture
def loaded(river: River) -> River:
    river.load(factors([{"factor_id": "f"}]), name="factors.csv", mapping="factor_form")
    river.load(activities(ROWS), name="one.csv", chunk_size=2)
    return river


def by_rows(river: River) -> Sequence[EmissionSum]:
    with river.installation.database.connect(river.installation.tenant_id) as connection:
        found = kept_and_summed(river.installation, connection)
    assert found is not None
    return found[1]


def shown(river: River) -> str:
    """The one sum that is shown, which is that of the rows."""
    found = calculated_emissions(river.installation)
    assert found == by_rows(river)
    (one,) = found
    return f"{one.co2e_kg.normalize():f}"


def test_they_follow_whatever_changes_a_record(loaded: River) -> None:
    assert shown(loaded) == "5"
    loaded.load(activities([{"activity_id": "a", "quantity": "11"}]), name="two.csv")
    assert shown(loaded) == "10"
    loaded.load(activities(ROWS[:3]), name="one.csv", strategy="full")
    assert shown(loaded) == "3"
    deletions.delete(loaded.installation, "activity", ["b"], reason="counted twice")
    assert shown(loaded) == "2"
    deletions.restore(loaded.installation, "activity", ["b"])
    assert shown(loaded) == "3"
    (by_hand,) = csv.DictReader(io.StringIO(activities([{"activity_id": "by hand", "quantity": "4"}])))
    enter(loaded.installation, "activity", [{name: text for name, text in by_hand.items() if text}])
    assert shown(loaded) == "5"


def test_they_are_not_worked_out_anew_for_what_changes_no_record(loaded: River) -> None:
    kept = calculated_emissions(loaded.installation)
    loaded.change("UPDATE emission_v1 SET co2e_kg = co2e_kg * 2")  # behind the chain's back, to see that nobody looks
    create_for_service(loaded.installation, "pages", Role.VIEWER, scopes=[Right.READ])
    assert calculated_emissions(loaded.installation) == kept
    units.add(loaded.installation, "a division", "division")  # it is not known to change no record
    assert calculated_emissions(loaded.installation) != kept


def test_kept_sums_that_somebody_changed_are_named(loaded: River) -> None:
    calculated_emissions(loaded.installation)
    assert verify(loaded.installation, progress=SilentProgress()).ok
    loaded.change("""UPDATE emission_sums SET sums = jsonb_set(sums, '{0,co2e_kg}', '"4"')""")
    (found,) = verify(loaded.installation, progress=SilentProgress()).differences
    assert (found.table, found.column) == ("emission_sums", "sums")


def test_whoever_is_bound_to_a_unit_neither_sees_nor_keeps_them(loaded: River) -> None:
    calculated_emissions(loaded.installation)
    unit = units.add(loaded.installation, "a site", "site").unit_id
    database = loaded.installation.database.within(frozenset({unit}))
    with database.connect(loaded.installation.tenant_id) as bound:
        assert bound.execute("SELECT count(*) FROM emission_sums").fetchone() == (0,)
        assert bound.execute("UPDATE emission_sums SET seq = seq").rowcount == 0


def test_sums_dated_beyond_the_chain_are_not_shown_and_replaced(loaded: River) -> None:
    calculated_emissions(loaded.installation)
    loaded.change("""UPDATE emission_sums SET seq = 1000000, sums = jsonb_set(sums, '{0,co2e_kg}', '"4"')""")
    assert shown(loaded) == "5"
    loaded.load(activities([{"activity_id": "a", "quantity": "11"}]), name="two.csv")
    assert shown(loaded) == "10"


def test_sums_of_another_statement_are_not_shown(loaded: River) -> None:
    calculated_emissions(loaded.installation)
    loaded.change("""UPDATE emission_sums SET made_by = sha256('x'), sums = jsonb_set(sums, '{0,co2e_kg}', '"4"')""")
    assert shown(loaded) == "5"


def test_kept_sums_follow_a_chain_that_goes_on_without_a_change_of_records(loaded: River) -> None:
    calculated_emissions(loaded.installation)
    before = loaded.rows("SELECT seq, sums FROM emission_sums")
    tenant_id = loaded.installation.tenant_id
    with loaded.installation.database.connect(tenant_id) as connection:
        for number in range(FAR):
            audit.append(connection, tenant_id, action="session.begun", resource=f"person/{number}", payload={})
    calculated_emissions(loaded.installation)
    after = loaded.rows("SELECT seq, sums FROM emission_sums")
    assert after == [{"seq": before[0]["seq"] + FAR, "sums": before[0]["sums"]}]


def test_who_asks_a_database_that_only_reads_is_answered(loaded: River) -> None:
    loaded.change("REVOKE INSERT, UPDATE ON emission_sums FROM headwater_app")
    try:
        assert [sums.records for sums in calculated_emissions(loaded.installation)] == [4]
    finally:
        loaded.change("GRANT INSERT, UPDATE ON emission_sums TO headwater_app")
