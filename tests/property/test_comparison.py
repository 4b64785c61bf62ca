"""The causes of a comparison add up to the difference, whatever the two sides are; a side is like itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.accounting.comparison.causes import CAUSES, STEPS, Comparison, moves, told_left_out
from headwater.errors import Misuse
from headwater.services.comparison.page import page_of, tonnes, waterfall
from headwater.services.comparison.steps import Named, Steps
from tests.examples import examples

kilograms = st.integers(0, 10**18 - 1).map(lambda units: Decimal(units).scaleb(-6))
figures = st.dictionaries(st.tuples(st.sampled_from("abcdef"), st.sampled_from([1, 2, 3])), kilograms, max_size=6)
KEYS = st.lists(st.integers(0, 3), min_size=STEPS, max_size=STEPS)


def compared(
    made: Sequence[Mapping[tuple[str, int], Decimal]], keys: Sequence[int], known: Sequence[str]
) -> Comparison:
    """Steps made of these figures; steps of one key are one calculation."""
    with duckdb.connect() as connection:
        steps = Steps(connection=connection)

        def fill(key: int) -> None:
            number = keys_seen.setdefault(key, len(keys_seen))
            for (name, scope), kg in made[key].items():
                steps.insert(number, f"SELECT '{name}', {scope}, 'type of {name}', {kg:f}::DECIMAL(18,6)")

        keys_seen: dict[int, int] = {}
        for key in keys:
            steps.add(key, lambda _, key=key: fill(key))  # type: ignore[misc]
        for name in known:
            steps.know(f"SELECT '{name}'")
        one, other = (Named(name=name, what="what", gwp_set="AR5", activities=1) for name in "AB")
        return steps.compared(one, other)


@settings(max_examples=examples(60), deadline=None)
@given(made=st.lists(figures, min_size=4, max_size=4), keys=KEYS, known=st.lists(st.sampled_from("abcdef")))
def test_causes_add_up_with_no_rest(
    made: list[dict[tuple[str, int], Decimal]], keys: list[int], known: list[str]
) -> None:
    found = compared(made, keys, known)
    assert found.a.co2e_kg == sum(made[keys[0]].values(), Decimal(0))
    assert found.b.co2e_kg == sum(made[keys[-1]].values(), Decimal(0))
    assert sum((move.co2e_kg for move in found.moves), Decimal(0)) == found.difference
    for movers in (found.by_type, found.by_activity):
        for mover in movers:
            assert sum(mover.moves.values(), Decimal(0)) == mover.b_kg - mover.a_kg
        for place, cause in enumerate(CAUSES):
            assert sum((mover.moves[cause] for mover in movers), Decimal(0)) == found.moves[place].co2e_kg
    assert waterfall(found).marks
    assert page_of(found).sections


@settings(max_examples=examples(20), deadline=None)
@given(made=figures, known=st.lists(st.sampled_from("abcdef")))
def test_a_side_compared_with_itself_moves_nothing(made: dict[tuple[str, int], Decimal], known: list[str]) -> None:
    found = compared([made], [0] * STEPS, known)
    assert {move.co2e_kg for move in found.moves} == {Decimal(0)}
    assert (found.by_type, found.by_activity, found.moved_activities) == ((), (), 0)


def test_a_new_record_counts_as_input_from_the_first_factor_that_fits_it() -> None:
    old = {("a", 1): Decimal(1)}
    new = {("a", 1): Decimal(1), ("b", 1): Decimal(7)}
    found = compared([old, new], [0, 0, 0, 0, 0, 1, 1], ["a"])
    assert {move.cause: move.co2e_kg for move in found.moves if move.co2e_kg} == {"input": Decimal(7)}
    found = compared([old, new], [0, 0, 0, 0, 0, 1, 1], ["a", "b"])
    assert {move.cause: move.co2e_kg for move in found.moves if move.co2e_kg} == {"factor": Decimal(7)}


def test_what_exists_in_one_set_only_is_left_out_and_not_reduced() -> None:
    with duckdb.connect() as connection:
        steps = Steps(connection=connection)
        for step in range(STEPS):
            is_last = step == STEPS - 1
            steps.add(is_last, lambda number: steps.insert(number, "SELECT 'a', 1, 'gas', 4374::DECIMAL(18,6)"))
        kept, lost = 0, 1
        steps.connection.execute(f"DELETE FROM comparison_figures WHERE made = {lost}")
        steps.left_out |= {kept: {}, lost: {"AR4": Decimal(4374)}}
        found = steps.compared(
            Named(name="A", what="what", gwp_set=None, activities=1),
            Named(name="B", what="what", gwp_set=None, activities=1),
        )
    (move,) = (each for each in found.moves if each.co2e_kg)
    assert (move.cause, move.co2e_kg) == ("gwp_set", -4374)
    assert move.note == "left out, not reduced: 4.374 t CO2e that exist by AR4 only"
    assert found.notes == ("the total of B lacks 4.374 t CO2e that exist by AR4 only",)
    assert told_left_out({"AR4": Decimal(5), "AR6": Decimal(1)}, {"AR4": Decimal(5)}) == (
        "no longer left out, not grown: 0.001 t CO2e that exist by AR6 only"
    )


def test_a_comparison_needs_all_its_totals() -> None:
    with pytest.raises(Misuse, match="a total before and after each cause"):
        moves([Decimal(0)], {})


def test_tonnes_are_exact() -> None:
    assert tonnes(Decimal("1234567.890000")) == "1,234.56789"
    assert tonnes(Decimal("-0.001000"), sign=True) == "-0.000001"
    assert tonnes(Decimal("5000.000000"), sign=True) == "+5"
    assert tonnes(Decimal("0.000000"), sign=True) == "0"
