"""Units in the names of columns: what a header's word means, or no unit where it may mean two."""

from __future__ import annotations

import pytest

from headwater.accounting.units import UnitInDoubt, read_unit
from headwater.mapping.naming import UNITS, unit_in_name

LOWER_CASE_OF_MEGA = {"mwh", "mj"}
"""Headers are folded to lower case: MWh and MJ are meant, milliwatt hours are no one's column."""


@pytest.mark.parametrize("spelling", sorted(set(UNITS) - LOWER_CASE_OF_MEGA))
def test_no_unit_is_read_from_a_word_that_may_mean_two(spelling: str) -> None:
    read = read_unit(spelling)
    assert not (isinstance(read, UnitInDoubt) and len(read.candidates) > 1)


@pytest.mark.parametrize("name", ["Waste (tons)", "Waste [kt]", "emissions_tons_co2e", "Gas in therms", "Cost ($)"])
def test_what_is_in_doubt_stays_open(name: str) -> None:
    assert unit_in_name(name) is None


@pytest.mark.parametrize(("name", "unit"), [("Waste (tonnes)", "t"), ("Use in MWh", "MWh"), ("Cost (EUR)", "EUR")])
def test_what_is_certain_is_read(name: str, unit: str) -> None:
    assert unit_in_name(name) == unit
