"""What an organisation is beside its emissions: revenue, headcount, floor area, what it makes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from headwater.contracts import Code, Contract, Date, Number, RowRule, Text, record

WHOLE = "*"
"""The site code of a fact about the whole organisation."""


class OrganisationFact(
    Contract,
    name="organisation_fact",
    version="1.0.0",
    title="Fact of an organisation",
    description="A quantity of the organisation or of one of its sites, by which emissions are made comparable.",
):
    """One fact of one period."""

    fact: Annotated[
        str,
        Code(
            key=True,
            pattern="[a-z][a-z0-9_]{0,62}",
            description="What is counted: revenue, headcount, floor_area, or a name of your own.",
        ),
    ]
    facility_code: Annotated[
        str,
        Code(key=True, max_length=64, description="The site, as activities name it; `*` for the whole organisation."),
    ]
    period_start: Annotated[
        date, Date(key=True, description="First day of the period; of a state, the day it stands for.")
    ]
    period_end: Annotated[
        date | None, Date(description="Day after the last of the period; absent for a state at a day.")
    ] = None
    quantity: Annotated[Decimal, Number(precision=18, scale=6, minimum="0", description="How much, in `unit`.")]
    unit: Annotated[str, Code(max_length=32, description="Unit of the quantity: EUR, person, fte, m2, t.")]
    source: Annotated[str | None, Text(max_length=200, description="Where the figure was taken from.")] = None
    note: Annotated[str | None, Text(max_length=2000, description="Free remark.")] = None

    example = record(
        fact="headcount",
        facility_code="*",
        period_start="2024-01-01",
        period_end="2025-01-01",
        quantity="412",
        unit="person",
        source="HR report 2024",
    )

    rules = (
        RowRule(
            id="organisation_fact.period.order",
            expression="period_end > period_start",
            fields=("period_end", "period_start"),
            message="The period ends before it begins, or on the same day.",
            valid="period_end, the day after the last, is later than period_start",
            repair="Check whether the two dates are swapped, and add a day where the last day itself is given.",
        ),
    )
