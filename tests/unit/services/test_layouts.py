from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from headwater.services.layouts import name_pattern


@pytest.mark.parametrize(
    ("names", "pattern", "later"),
    [
        (["bills-2020-01.csv", "bills-2020-02.csv"], "bills-2020-*.csv", "bills-2020-12.csv"),
        (["bills-2019-11.csv", "bills-2020-01.csv"], "bills-*-*.csv", "bills-2021-10.csv"),
        (["site_north.csv", "site_nord.csv"], "site_*.csv", "site_south.csv"),
        (["q1report.xlsx", "q2report.xlsx"], "q*report.xlsx", "q10report.xlsx"),
        (["20200101.csv", "20200201.csv"], "*.csv", "20211231.csv"),
        (["bills.csv", "bills2.csv"], "bills*.csv", "bills-3.csv"),
        (["a-a.csv", "a-a-a.csv"], "a-a*.csv", "a-a-a-a.csv"),
        (["réseau_1.csv", "réseau_22.csv"], "réseau_*.csv", "réseau_3.csv"),
    ],
)
def test_a_pattern_never_cuts_a_number_or_a_word(names: list[str], pattern: str, later: str) -> None:
    assert name_pattern(names) == pattern
    assert all(fnmatchcase(name, pattern) for name in [*names, later])
