from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

import duckdb
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from headwater.accounting.units import UNITS, Digits, Quantity, conversion, conversion_sql, rounded, units_of
from headwater.errors import Misuse
from tests.examples import examples

WIDE = Context(prec=200, rounding=ROUND_HALF_UP)
KINDS = sorted({unit.dimension for unit in UNITS.values() if len(units_of(unit.dimension)) > 1})
digits = st.tuples(st.integers(1, 38), st.integers(0, 18)).filter(lambda pair: pair[0] >= pair[1])


@st.composite
def alike(draw: st.DrawFn, count: int) -> tuple[str, ...]:
    """Symbols of units of one kind."""
    members = [unit.symbol for unit, _ in units_of(draw(st.sampled_from(KINDS)))]
    return tuple(draw(st.sampled_from(members)) for _ in range(count))


@given(symbols=alike(3), amount=st.fractions())
def test_there_and_back_and_by_a_third_is_exact(symbols: tuple[str, str, str], amount: Fraction) -> None:
    one, two, three = (UNITS[symbol] for symbol in symbols)
    there, back, onward, direct = (conversion(*pair) for pair in ((one, two), (two, one), (two, three), (one, three)))
    assert there is not None
    assert back is not None
    assert onward is not None
    assert there * back == 1
    assert direct == there * onward
    quantity = Quantity.of(amount, one.symbol)
    assert quantity.to(two.symbol).to(three.symbol) == quantity.to(three.symbol)
    assert quantity.to(two.symbol).to(one.symbol) == quantity


@given(one=st.sampled_from(sorted(UNITS)), two=st.sampled_from(sorted(UNITS)))
def test_a_conversion_exists_exactly_within_a_kind(one: str, two: str) -> None:
    assert (conversion(UNITS[one], UNITS[two]) is None) == (UNITS[one].dimension != UNITS[two].dimension)


@given(symbols=alike(2), amounts=st.lists(st.fractions(), min_size=2, max_size=6))
def test_neither_order_nor_unit_changes_a_sum(symbols: tuple[str, str], amounts: list[Fraction]) -> None:
    one, two = symbols
    forth = Quantity.of(0, one)
    back = Quantity.of(0, two)
    for amount in amounts:
        forth = forth.plus(Quantity.of(amount, one).to(two))
    for amount in reversed(amounts):
        back = back.plus(Quantity.of(amount, one))
    assert forth == back.to(one)


@given(value=st.fractions(), scale=st.integers(0, 18))
def test_rounding_is_half_up_as_the_decimal_module_has_it(value: Fraction, scale: int) -> None:
    exact = WIDE.divide(Decimal(value.numerator), Decimal(value.denominator))
    assert rounded(value, scale) == exact.quantize(Decimal(1).scaleb(-scale), context=WIDE)
    assert abs(Fraction(rounded(value, scale)) - value) <= Fraction(1, 2 * 10**scale)


@settings(max_examples=examples(200), deadline=None)
@given(given_digits=digits, wanted=digits, symbols=alike(2), data=st.data())
def test_sql_and_python_are_equal_to_the_last_digit_or_the_sql_is_not_made(
    given_digits: tuple[int, int], wanted: tuple[int, int], symbols: tuple[str, str], data: st.DataObject
) -> None:
    source, target = Digits(*given_digits), Digits(*wanted)
    multiplier = conversion(*(UNITS[symbol] for symbol in symbols))
    assert multiplier is not None
    try:
        made = conversion_sql("value", source, multiplier, target)
    except Misuse:
        assume(False)
    largest = 10**source.precision - 1
    units = data.draw(
        st.lists(st.integers(-largest, largest) | st.sampled_from([0, 1, -1, largest, -largest]), min_size=1)
    )
    values = [WIDE.scaleb(Decimal(each), -source.scale) for each in units]
    rows = ", ".join(f"({number}, CAST('{value:f}' AS {source}))" for number, value in enumerate(values))
    with duckdb.connect() as con:
        statement = f"SELECT {made}, typeof({made}) FROM (VALUES {rows}) AS t(number, value) ORDER BY number"
        found = con.execute(statement).fetchall()
    assert [row[0] for row in found] == [rounded(Fraction(value) * multiplier, target.scale) for value in values]
    assert {row[1] for row in found} == {str(target)}


@pytest.mark.parametrize(
    ("source", "multiplier", "target", "says"),
    [
        (Digits(18, 6), Fraction(1000), Digits(18, 6), r"at least DECIMAL\(21,6\)"),
        (Digits(38, 6), Fraction(1, 3), Digits(38, 6), "more than 38 digits"),
        (Digits(30, 6), Fraction(1, 3), Digits(38, 18), "more than 38 digits"),
        (Digits(18, 6), Fraction(0), Digits(18, 6), "above 0"),
    ],
)
def test_what_might_not_fit_is_refused_when_the_sql_is_made(
    source: Digits, multiplier: Fraction, target: Digits, says: str
) -> None:
    with pytest.raises(Misuse, match=says):
        conversion_sql("value", source, multiplier, target)


@pytest.mark.parametrize(("precision", "scale"), [(0, 0), (39, 2), (38, 19), (4, 5), (5, -1)])
def test_such_decimals_are_refused(precision: int, scale: int) -> None:
    with pytest.raises(Misuse, match="at most 38 digits"):
        Digits(precision, scale)
