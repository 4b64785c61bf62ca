from __future__ import annotations

from decimal import Decimal

import pyarrow as pa

from headwater.accounting.quality_rating import rate
from tests.unit.accounting.uncertain_figures import figures

LINES = figures(
    [
        {"activity": "a", "co2e_kg": 750, "activity_pedigree": "11111", "scope": 1},
        {"activity": "b", "co2e_kg": 250, "activity_pedigree": "51112", "scope": 2},
        {"activity": "c", "co2e_kg": 1000, "scope": 2},
    ],
    scope=pa.int64(),
)


def test_scores_are_weighted_by_what_rests_on_them() -> None:
    """By hand: technology (750 × 1 + 250 × 5) / 1000 = 2, reliability 1.25, the others 1; overall 6.25 / 5."""
    (whole,) = rate(LINES, "activity_pedigree")
    assert whole.indicators == {
        "technology": Decimal("2.00"),
        "time": Decimal("1.00"),
        "geography": Decimal("1.00"),
        "completeness": Decimal("1.00"),
        "reliability": Decimal("1.25"),
    }
    assert (whole.overall, whole.kg, whole.rated_kg) == (Decimal("1.25"), Decimal(2000), Decimal(1000))


def test_groups_stand_beside_the_whole() -> None:
    whole, first, second = rate(LINES, "activity_pedigree", by=["scope"])
    assert (whole.group, first.group, second.group) == ((), (1,), (2,))
    assert (first.overall, second.overall, second.rated_kg) == (
        Decimal("1.00"),
        Decimal("2.00"),
        Decimal(250),
    )


def test_what_is_not_rated_has_no_rating() -> None:
    (whole,) = rate(LINES, "factor_pedigree")
    assert (whole.indicators, whole.overall) == (None, None)
    assert (whole.kg, whole.rated_kg) == (Decimal(2000), Decimal(0))
