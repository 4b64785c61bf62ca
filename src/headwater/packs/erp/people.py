"""Who works for an organisation, and where they travel."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from headwater.contracts import Boolean, Code, Contract, Date, Number, RowRule, Text, record
from headwater.packs.erp.codes import COUNTRIES, CURRENCIES, ISO_3166, ISO_4217
from headwater.packs.erp.purchasing import OF_RELEASE, OF_SYSTEM, RELEASE_STATES, SYSTEM, V1_1

CATEGORY_6 = "GHG Protocol Technical Guidance for Calculating Scope 3 Emissions, category 6"
CATEGORY_7 = "GHG Protocol Technical Guidance for Calculating Scope 3 Emissions, category 7"
MODES = ("flight", "train", "bus", "taxi", "hire_car", "own_car", "ferry", "hotel", "other")


class Worker(
    Contract,
    name="erp.worker",
    version="1.0.0",
    title="Worker",
    description="Who works for the organisation, where and how much: for headcount, commuting and travel.",
):
    """One worker as the personnel system has them. What is not needed for emissions is not asked for."""

    worker_id: Annotated[str, Code(key=True, max_length=64, personal=True, description="System and number.")]
    system: Annotated[str, Code(pattern=SYSTEM, description=OF_SYSTEM)]
    name: Annotated[
        str | None,
        Text(max_length=300, personal=True, description="Name; no figure needs it, leave it out if you can."),
    ] = None
    worker_type: Annotated[
        str | None, Code(enum=("employee", "contingent"), description="Employed, or working under another contract.")
    ] = None
    company: Annotated[str | None, Code(max_length=240, description="Who they work for.")] = None
    cost_center: Annotated[str | None, Code(max_length=240, description="Cost centre that they are booked to.")] = None
    location: Annotated[str | None, Code(max_length=240, description="The site that they work at.")] = None
    country: Annotated[str | None, Code(enum=COUNTRIES, description="Country of that site.", citation=ISO_3166)] = None
    fte: Annotated[
        Decimal | None,
        Number(
            precision=9,
            scale=4,
            minimum="0",
            unit="fte",
            description="Share of full time that they work.",
            citation=CATEGORY_7,
        ),
    ] = None
    hired_on: Annotated[date | None, Date(personal=True, description="First day of work.")] = None
    left_on: Annotated[date | None, Date(personal=True, description="Last day of work, of those who left.")] = None
    is_active: Annotated[bool | None, Boolean(description="Whether they work there now.")] = None

    example = record(
        worker_id="workday/21001",
        system="workday",
        worker_type="employee",
        location="Berlin",
        country="DE",
        fte="1",
        is_active="true",
    )

    rules = (
        RowRule(
            id="erp.worker.left_on.order",
            expression="left_on >= hired_on",
            fields=("left_on", "hired_on"),
            message="The worker left before coming.",
            valid="left_on is not before hired_on",
            repair="Check whether the two dates are swapped, or whether the person came back.",
        ),
        RowRule(
            id="erp.worker.fte.plausible",
            expression="fte <= 2",
            fields=("fte",),
            dimension="accuracy",
            severity="warn",
            message="Somebody works more than twice full time.",
            valid="at most 2",
            repair="Check whether the share is in per cent.",
        ),
    )


class Travel(
    Contract,
    name="erp.travel",
    version="1.2.0",
    title="Business travel",
    description="One line of an expense report or booking: a journey or a stay, with distance, nights or cost.",
    subject=("worker_id",),
):
    """One journey by one means, or one stay."""

    travel_id: Annotated[str, Code(key=True, max_length=64, description="System and line: workday/EXP-7-1.")]
    system: Annotated[str, Code(pattern=SYSTEM, description=OF_SYSTEM)]
    worker_id: Annotated[
        str | None, Code(max_length=64, personal=True, description="The erp.worker who travelled.")
    ] = None
    report_number: Annotated[str | None, Code(max_length=64, description="Number of the expense report.")] = None
    travel_date: Annotated[date, Date(description="Day of the journey, or first day of the stay.")]
    mode: Annotated[str, Code(enum=MODES, description="How they travelled, or that they stayed.", citation=CATEGORY_6)]
    cabin_class: Annotated[
        str | None,
        Code(enum=("economy", "premium_economy", "business", "first"), description="Class of a flight."),
    ] = None
    origin: Annotated[str | None, Text(max_length=200, personal=True, description="Where the journey began.")] = None
    destination: Annotated[
        str | None, Text(max_length=200, personal=True, description="Where it ended, or where they stayed.")
    ] = None
    country: Annotated[
        str | None,
        Code(enum=COUNTRIES, description="Country that the journey began in or of the stay.", citation=ISO_3166),
    ] = None
    distance: Annotated[
        Decimal | None,
        Number(precision=18, scale=6, minimum="0", description="Length of the journey, in `distance_unit`."),
    ] = None
    distance_unit: Annotated[
        str | None, Code(enum=("km", "mi", "nmi"), description="Kilometres, miles or nautical miles.")
    ] = None
    nights: Annotated[
        Decimal | None, Number(precision=9, scale=2, minimum="0", unit="night", description="Nights of a stay.")
    ] = None
    amount: Annotated[Decimal | None, Number(precision=18, scale=2, description="What it cost, in `currency`.")] = None
    currency: Annotated[str | None, Code(enum=CURRENCIES, description="Currency of the cost.", citation=ISO_4217)] = (
        None
    )
    release_state: Annotated[str | None, Code(enum=RELEASE_STATES, since=V1_1, description=OF_RELEASE)] = None
    is_cancelled: Annotated[
        bool | None, Boolean(since=V1_1, description="Whether the expense report or booking was cancelled.")
    ] = None

    example = record(
        travel_id="workday/EXP-7-1",
        system="workday",
        travel_date="2024-03-05",
        mode="train",
        country="DE",
        distance="585",
        distance_unit="km",
        amount="79.90",
        currency="EUR",
    )

    rules = (
        RowRule(
            id="erp.travel.distance.unit",
            expression="distance IS NULL OR distance_unit IS NOT NULL",
            fields=("distance_unit", "distance"),
            dimension="completeness",
            message="A distance is given without its unit.",
            valid="km, mi or nmi wherever there is a distance",
            repair="Give the unit.",
        ),
        RowRule(
            id="erp.travel.amount.currency",
            expression="amount IS NULL OR currency IS NOT NULL",
            fields=("currency", "amount"),
            dimension="completeness",
            message="A cost is given without its currency.",
            valid="a currency wherever there is a cost",
            repair="Give the currency; no other is ever put in its place.",
            citation=ISO_4217,
        ),
        RowRule(
            id="erp.travel.mode.measured",
            expression="(mode = 'hotel' AND nights IS NOT NULL) OR (mode <> 'hotel' AND distance IS NOT NULL)",
            fields=("mode", "distance", "nights"),
            dimension="completeness",
            severity="warn",
            message="A journey has no distance, or a stay no nights.",
            valid="distance for journeys, nights for stays",
            repair="Ask for the itinerary; what it cost says less.",
            citation=CATEGORY_6,
        ),
        RowRule(
            id="erp.travel.cabin_class.flight",
            expression="cabin_class IS NULL OR mode = 'flight'",
            fields=("cabin_class", "mode"),
            message="A cabin class is given for what is no flight.",
            valid="a cabin_class with mode flight only",
            repair="Correct the mode, or leave the class out.",
        ),
    )
