from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.accounting.currencies import RatePolicy, Rates, read_rates
from headwater.errors import InputRefused, Misuse

FRIDAY, MONDAY = date(2024, 3, 1), date(2024, 3, 4)
# The form of eurofxref-hist.csv: newest first, a comma at every line's end, N/A where nothing was fixed.
FILE = """\
Date,USD,JPY,BGN,TRY,
2024-03-04,1.0846,163.06,1.9558,34.1234,
2024-03-01,1.0834,162.61,1.9558,N/A,
2024-02-01,1.0814,158.42,1.9558,N/A,
"""


@pytest.fixture
def rates(tmp_path: Path) -> Rates:
    path = tmp_path / "eurofxref-hist.csv"
    path.write_text(FILE, encoding="utf-8")
    return read_rates(path)


def test_a_published_rate_is_kept_exactly(rates: Rates) -> None:
    assert rates.fixed("USD", FRIDAY) == (FRIDAY, Decimal("1.0834"))
    assert rates.currencies == ("BGN", "EUR", "JPY", "TRY", "USD")


def test_from_and_to_the_euro_and_between_two_others(rates: Rates) -> None:
    assert rates.exchange("108.34", "USD", "EUR", FRIDAY).rounded(2) == Decimal("100.00")
    assert rates.exchange(100, "EUR", "JPY", FRIDAY).rounded(0) == Decimal(16261)
    crossed = rates.exchange("1000", "USD", "JPY", FRIDAY)
    assert crossed.rate == Fraction("162.61") / Fraction("1.0834")
    assert crossed.rounded(2) == Decimal("150092.30")
    assert crossed.fixed == (("USD", FRIDAY, Decimal("1.0834")), ("JPY", FRIDAY, Decimal("162.61")))


def test_money_in_its_own_currency_needs_no_rate(rates: Rates) -> None:
    assert rates.exchange("1.005", "USD", "USD", date(1901, 1, 1)).rounded(2) == Decimal("1.01")
    assert rates.exchange("1.005", "EUR", "EUR", date(1901, 1, 1)).fixed == ()


@pytest.mark.parametrize("days", [1, 2])
def test_on_a_weekend_the_last_business_days_rate_holds(rates: Rates, days: int) -> None:
    used = rates.exchange(1, "EUR", "USD", FRIDAY + timedelta(days=days))
    assert used.fixed == (("USD", FRIDAY, Decimal("1.0834")),)


def test_the_policy_says_how_far_back(rates: Rates) -> None:
    with pytest.raises(InputRefused, match="0 days before"):
        rates.fixed("USD", FRIDAY + timedelta(days=1), RatePolicy(days_back=0))
    with pytest.raises(
        InputRefused, match=r"7 days before.*2024-02-01 to 2024-03-04; nearest fixed: 2024-02-01, 2024-03"
    ):
        rates.fixed("USD", date(2024, 2, 20))
    assert rates.fixed("USD", date(2024, 2, 20), RatePolicy(days_back=31))[0] == date(2024, 2, 1)
    with pytest.raises(Misuse, match="31"):
        RatePolicy(days_back=365)


def test_a_day_before_the_first_or_long_after_the_last_is_refused(rates: Rates) -> None:
    with pytest.raises(InputRefused, match="nearest fixed: 2024-02-01"):
        rates.fixed("USD", date(2024, 1, 31))
    with pytest.raises(InputRefused, match="nearest fixed: 2024-03-04"):
        rates.fixed("USD", date(2024, 4, 1))


def test_a_rate_that_was_not_fixed_is_refused_and_none_stands_in(rates: Rates) -> None:
    with pytest.raises(InputRefused, match="no rate of TRY was fixed on 2024-03-01"):
        rates.fixed("TRY", FRIDAY)
    assert rates.fixed("TRY", MONDAY)[1] == Decimal("34.1234")


def test_a_currency_without_rates_is_refused(rates: Rates) -> None:
    with pytest.raises(InputRefused, match="Load a file of rates that has it"):
        rates.exchange(1, "KES", "EUR", FRIDAY)
    with pytest.raises(InputRefused, match="no ISO 4217 code; it may mean USD, CAD, AUD"):
        rates.exchange(1, "$", "EUR", FRIDAY)


def test_a_float_is_refused(rates: Rates) -> None:
    with pytest.raises(Misuse, match="float"):
        rates.exchange(0.1, "USD", "EUR", FRIDAY)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no file of rates"),
        ("day,USD\n2024-03-01,1.1\n", "no file of rates"),
        ("Date,usd\n2024-03-01,1.1\n", "no file of rates"),
        ("Date,USD,USD\n2024-03-01,1.1,1.1\n", "no file of rates"),
        ("Date;USD\n2024-03-01;1.1\n", "no file of rates"),
        ("Date,USD\n01.03.2024,1.1\n", r"line 2: no date .*01\.03\.2024"),
        ("Date,USD\n20240301,1.1\n", "no date"),
        ("Date,USD\n2024-02-30,1.1\n", "no date"),
        ("Date,USD\n2024-03-01,1.1\n2024-03-01,1.2\n", "line 3: a day stands twice"),
        ("Date,USD\n2024-03-01,1e3\n", "line 2, USD: no rate"),
        ("Date,USD\n2024-03-01,0\n", "no rate"),
        ("Date,USD\n2024-03-01,-1.1\n", "no rate"),
        ("Date,USD\n2024-03-01,NaN\n", "no rate"),
        ('Date,USD\n2024-03-01,"1,1"\n', "no rate"),
        ("Date,USD,JPY\n2024-03-01,1.1\n", "other columns"),
        ("Date,USD\n2024-03-01,1.1,7\n", "other columns"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputRefused, match=says) as refused:
        read_rates(path)
    assert "rates.csv" in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_bytes(b"Date,USD\n2024-03-01,\xff\n")
    for name in ("rates.csv", "none.csv"):
        with pytest.raises(InputRefused, match="cannot be read"):
            read_rates(tmp_path / name)


positive = st.decimals("0.0001", "100000", places=4)


@given(amount=st.decimals("-1e9", "1e9", places=2), one=positive, two=positive)
def test_there_and_back_and_through_a_third_is_exact(amount: Decimal, one: Decimal, two: Decimal) -> None:
    rates = Rates({"USD": {FRIDAY: one}, "JPY": {FRIDAY: two}}, name="drawn")
    there, back = rates.exchange(amount, "USD", "JPY", FRIDAY), rates.exchange(amount, "JPY", "USD", FRIDAY)
    assert there.rate * back.rate == 1
    by_euro = rates.exchange(amount, "USD", "EUR", FRIDAY).rate * rates.exchange(amount, "EUR", "JPY", FRIDAY).rate
    assert there.rate == by_euro
    assert abs(Fraction(there.rounded(2)) - Fraction(amount) * there.rate) <= Fraction(1, 200)
