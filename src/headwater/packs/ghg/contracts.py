"""Greenhouse gas accounting: activities, the factors they are multiplied by, the emissions that come out, and figures
that others have reported.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from headwater.contracts import Boolean, Code, Contract, Date, Integer, Number, RowRule, Text, record

GWP_SETS = ("AR4", "AR5", "AR6", "not_stated")
SET_NAME = "[A-Za-z][A-Za-z0-9_]{0,31}"
"""How a set of warming potentials is called: one that is built in, one of the user's own, or `not_stated`."""
OF_SETS = "AR4, AR5, AR6, a set of `warming_potential`, or `not_stated`."
METHODS = ("activity_based", "location_based", "market_based", "spend_based")
GHG_PROTOCOL = "GHG Protocol Corporate Standard"
UNCERTAINTY = "IPCC 2006 Guidelines, volume 1, chapter 3: 95 % confidence interval"
QUALITY = "Weidema and Wesnæs 1996; GHG Protocol Product Standard, chapter 8"
PEDIGREE = "technology, time, geography, completeness, reliability, a digit each; 1 is best, 5 is worst."
STAGES = (
    "use", "well_to_tank", "transmission_and_distribution", "well_to_tank_of_transmission", "outside_of_scopes",
)  # fmt: skip
CH4_ORIGINS = ("fossil", "non_fossil", "not_stated")
V1_1 = "1.1.0"
SCOPE_3 = "GHG Protocol Corporate Value Chain (Scope 3) Standard, 15 categories"


class Activity(
    Contract,
    name="activity",
    version="1.2.0",
    title="Activity",
    description="Something done that causes emissions: energy bought, fuel burnt, distance travelled, money spent.",
):
    """One line of a bill, a meter reading, a trip."""

    activity_id: Annotated[str, Code(key=True, max_length=64, description="What the source calls this activity.")]
    activity_type: Annotated[
        str, Code(max_length=64, description="What was done, as factors name it: electricity, natural_gas, train.")
    ]
    facility_code: Annotated[str | None, Code(max_length=64, description="The site it belongs to.")] = None
    region: Annotated[str, Code(max_length=32, description="Where it took place, as factors name it: DE, GB, WORLD.")]
    period_start: Annotated[date, Date(description="First day of the period.")]
    period_end: Annotated[
        date | None, Date(description="Day after the last of the period; absent for a single day or an open period.")
    ] = None
    quantity: Annotated[Decimal, Number(precision=18, scale=6, minimum="0", description="How much, counted in `unit`.")]
    unit: Annotated[str, Code(max_length=32, description="Unit of the quantity: kWh, l, km, EUR.")]
    data_quality: Annotated[
        str | None,
        Code(enum=("measured", "calculated", "estimated", "default"), description="How the quantity was found."),
    ] = None
    supplier: Annotated[str | None, Text(max_length=200, description="Who supplied it.")] = None
    document_no: Annotated[str | None, Code(max_length=64, description="Number of the bill or receipt.")] = None
    cost: Annotated[
        Decimal | None, Number(precision=18, scale=2, description="What was paid, in `currency`; credits are negative.")
    ] = None
    currency: Annotated[
        str | None, Code(pattern="[A-Z]{3}", description="Currency of the cost.", citation="ISO 4217")
    ] = None
    note: Annotated[str | None, Text(max_length=2000, personal=True, description="Free remark.")] = None
    meter_id: Annotated[
        str | None, Code(max_length=64, since=V1_1, description="The meter that was read, for its calendar of periods.")
    ] = None
    reported_co2e_kg: Annotated[
        Decimal | None,
        Number(
            precision=18,
            scale=6,
            minimum="0",
            unit="kg",
            since=V1_1,
            description="CO2e that somebody else worked out for it. It is taken as reported: no factor is applied.",
        ),
    ] = None
    reported_scope: Annotated[
        int | None,
        Integer(enum=("1", "2", "3"), since=V1_1, description="Scope of the reported CO2e.", citation=GHG_PROTOCOL),
    ] = None
    reported_category: Annotated[
        int | None,
        Integer(
            minimum="1",
            maximum="15",
            since=V1_1,
            description="Category of scope 3 of the reported CO2e.",
            citation=SCOPE_3,
        ),
    ] = None
    reported_gwp_set: Annotated[
        str | None,
        Code(pattern=SET_NAME, since=V1_1, description=f"The warming potentials behind the reported CO2e: {OF_SETS}"),
    ] = None
    quantity_uncertainty_percent: Annotated[
        Decimal | None,
        Number(
            precision=9,
            scale=4,
            minimum="0",
            unit="%",
            since=V1_1,
            description="Half the width of the quantity's 95 % interval, in per cent of the quantity.",
            citation=UNCERTAINTY,
        ),
    ] = None
    pedigree: Annotated[
        str | None,
        Code(pattern="[1-5]{5}", since=V1_1, description=f"Quality of the quantity: {PEDIGREE}", citation=QUALITY),
    ] = None

    example = record(
        activity_id="E-1/2024-01",
        activity_type="electricity",
        facility_code="BERLIN",
        region="DE",
        period_start="2024-01-01",
        period_end="2024-02-01",
        quantity="1204.5",
        unit="kWh",
        data_quality="measured",
        supplier="Stadtwerke",
        document_no="2024-0117",
        cost="361.35",
        currency="EUR",
    )

    rules = (
        RowRule(
            id="activity.period.order",
            expression="period_end > period_start",
            fields=("period_end", "period_start"),
            message="The period ends before it begins, or on the same day.",
            valid="period_end, the day after the last, is later than period_start",
            repair="Check whether the two dates are swapped, and add a day where the last day itself is given.",
        ),
        RowRule(
            id="activity.cost.currency",
            expression="cost IS NULL OR currency IS NOT NULL",
            fields=("currency", "cost"),
            dimension="completeness",
            message="A cost is given without its currency.",
            valid="a currency wherever there is a cost",
            repair="Give the currency, or map a constant if the whole file is in one.",
        ),
        RowRule(
            id="activity.quantity.plausible",
            expression="quantity <= 1000000000",
            fields=("quantity",),
            dimension="accuracy",
            severity="warn",
            message="The quantity is above a thousand million.",
            valid="at most 1000000000",
            repair="Check the unit: a meter in Wh read as kWh is 1000 times too large.",
        ),
        RowRule(
            id="activity.period.length",
            expression="period_end - period_start <= 366",
            fields=("period_end", "period_start"),
            dimension="accuracy",
            severity="warn",
            message="The period is longer than a year.",
            valid="at most 366 days",
            repair="Split it by year if factors change with the year, or check the dates.",
        ),
        RowRule(
            id="activity.period_start.plausible",
            expression="period_start BETWEEN DATE '1990-01-01' AND DATE '2099-12-31'",
            fields=("period_start",),
            dimension="timeliness",
            severity="warn",
            message="The period begins before 1990 or after 2099.",
            valid="1990-01-01 to 2099-12-31",
            repair="Check the year.",
        ),
        RowRule(
            id="activity.reported_co2e_kg.scope",
            expression="reported_co2e_kg IS NULL OR reported_scope IS NOT NULL",
            fields=("reported_scope", "reported_co2e_kg"),
            dimension="completeness",
            message="Reported CO2e comes without its scope.",
            valid="a reported_scope wherever there is a reported_co2e_kg",
            repair="Give the scope the figure was reported under; no factor says it in its place.",
            citation=GHG_PROTOCOL,
        ),
        RowRule(
            id="activity.reported_category.scope",
            expression="reported_category IS NULL OR reported_scope = 3",
            fields=("reported_category", "reported_scope"),
            message="A scope 3 category is given for another scope.",
            valid="a reported_category with reported_scope 3 only",
            repair="Correct the scope, or leave the category empty.",
            citation=SCOPE_3,
        ),
    )


class EmissionFactor(
    Contract,
    name="emission_factor",
    version="1.2.0",
    title="Emission factor",
    description="What one unit of an activity emits, as published, with the place and time it holds for.",
):
    """One published factor. Gases are masses of the gas itself, not of CO2e."""

    factor_id: Annotated[str, Code(key=True, max_length=128, description="Stable name of the factor in this set.")]
    source: Annotated[str, Text(max_length=200, description="Who published it, and where.")]
    publication_year: Annotated[
        int, Integer(minimum="1990", maximum="2100", description="Year in which it was published.")
    ]
    activity_type: Annotated[str, Code(max_length=64, description="The activity it is for.")]
    region: Annotated[str, Code(max_length=32, description="Where it holds; no other region is ever put in its place.")]
    unit: Annotated[str, Code(max_length=32, description="The unit of activity the figures are given per.")]
    scope: Annotated[int, Integer(enum=("1", "2", "3"), description="Scope of the emissions.", citation=GHG_PROTOCOL)]
    category: Annotated[
        int | None,
        Integer(minimum="1", maximum="15", description="Category of scope 3.", citation=SCOPE_3),
    ] = None
    method: Annotated[str, Code(enum=METHODS, description="The method of accounting it belongs to.")]
    gwp_set: Annotated[str, Code(pattern=SET_NAME, description=f"The warming potentials the CO2e rests on: {OF_SETS}")]
    co2e_kg_per_unit: Annotated[
        Decimal, Number(precision=18, scale=10, minimum="0", unit="kg", description="CO2e per unit, as published.")
    ]
    co2_kg_per_unit: Annotated[
        Decimal | None, Number(precision=18, scale=10, minimum="0", unit="kg", description="CO2 per unit.")
    ] = None
    ch4_kg_per_unit: Annotated[
        Decimal | None, Number(precision=18, scale=10, minimum="0", unit="kg", description="CH4 per unit.")
    ] = None
    n2o_kg_per_unit: Annotated[
        Decimal | None, Number(precision=18, scale=10, minimum="0", unit="kg", description="N2O per unit.")
    ] = None
    valid_from: Annotated[date, Date(description="First day it holds for.")]
    valid_to: Annotated[date, Date(description="Day after the last it holds for.")]
    licence: Annotated[str | None, Text(max_length=200, description="Licence of the publication.")] = None
    redistributable: Annotated[
        bool | None, Boolean(description="Whether the figure may be passed on; absent where nobody has checked.")
    ] = None
    note: Annotated[str | None, Text(max_length=2000, description="Free remark.")] = None
    name: Annotated[
        str | None,
        Text(max_length=300, since=V1_1, description="What the publisher calls it, in the publisher's words."),
    ] = None
    source_version: Annotated[
        str | None, Text(max_length=64, since=V1_1, description="Version of the publication, where it has one.")
    ] = None
    stage: Annotated[
        str | None,
        Code(
            enum=STAGES,
            since=V1_1,
            description="Part of the life cycle it covers; absent means use: what the activity itself emits.",
            citation=GHG_PROTOCOL,
        ),
    ] = None
    ch4_origin: Annotated[
        str | None,
        Code(
            enum=CH4_ORIGINS,
            since=V1_1,
            description="Whether its CH4 is of fossil carbon: AR5 and AR6 have two potentials for methane.",
            citation="IPCC AR6 WG I, table 7.15",
        ),
    ] = None
    ch4_co2e_kg_per_unit: Annotated[
        Decimal | None,
        Number(
            precision=18,
            scale=10,
            minimum="0",
            unit="kg",
            since=V1_1,
            description="CO2e of the CH4 alone per unit, as published under `gwp_set`, where no mass is published.",
        ),
    ] = None
    n2o_co2e_kg_per_unit: Annotated[
        Decimal | None,
        Number(
            precision=18,
            scale=10,
            minimum="0",
            unit="kg",
            since=V1_1,
            description="CO2e of the N2O alone per unit, as published under `gwp_set`, where no mass is published.",
        ),
    ] = None
    biogenic_co2_kg_per_unit: Annotated[
        Decimal | None,
        Number(
            precision=18,
            scale=10,
            minimum="0",
            unit="kg",
            since=V1_1,
            description="CO2 of biogenic carbon per unit, reported outside the scopes and never part of the CO2e.",
            citation=GHG_PROTOCOL,
        ),
    ] = None
    gas: Annotated[
        str | None,
        Code(max_length=64, since=V1_1, description="The one gas or blend it is for, such as a refrigerant: R-410A."),
    ] = None
    gas_kg_per_unit: Annotated[
        Decimal | None,
        Number(precision=18, scale=10, minimum="0", unit="kg", since=V1_1, description="Mass of `gas` per unit."),
    ] = None
    uncertainty_percent: Annotated[
        Decimal | None,
        Number(
            precision=9,
            scale=4,
            minimum="0",
            unit="%",
            since=V1_1,
            description="Half the width of the factor's 95 % interval, in per cent of the factor.",
            citation=UNCERTAINTY,
        ),
    ] = None
    pedigree: Annotated[
        str | None,
        Code(pattern="[1-5]{5}", since=V1_1, description=f"Quality of the factor: {PEDIGREE}", citation=QUALITY),
    ] = None
    tags: Annotated[
        str | None, Text(max_length=500, since=V1_1, description="Words to find it by, with a semicolon between them.")
    ] = None

    example = record(
        factor_id="uk-2024-electricity",
        source="UK Government conversion factors 2024",
        publication_year="2024",
        activity_type="electricity",
        region="GB",
        unit="kWh",
        scope="2",
        method="location_based",
        gwp_set="AR5",
        co2e_kg_per_unit="0.20705",
        valid_from="2024-01-01",
        valid_to="2025-01-01",
        licence="OGL v3.0",
        redistributable="true",
    )

    rules = (
        RowRule(
            id="emission_factor.valid.order",
            expression="valid_to > valid_from",
            fields=("valid_to", "valid_from"),
            message="The factor stops holding before it begins to.",
            valid="valid_to, the day after the last, is later than valid_from",
            repair="Check whether the two dates are swapped, and add a day where the last day itself is given.",
        ),
        RowRule(
            id="emission_factor.category.scope",
            expression="category IS NULL OR scope = 3",
            fields=("category", "scope"),
            message="A scope 3 category is given for another scope.",
            valid="a category with scope 3 only",
            repair="Correct the scope, or leave the category empty.",
            citation=SCOPE_3,
        ),
        RowRule(
            id="emission_factor.category.given",
            expression="category IS NOT NULL OR scope <> 3",
            fields=("category", "scope"),
            dimension="completeness",
            severity="warn",
            message="A factor of scope 3 names no category.",
            valid="a category from 1 to 15 with scope 3",
            repair="Give the category, so that the emission can be reported under it.",
            citation=SCOPE_3,
        ),
        RowRule(
            id="emission_factor.gas.mass",
            expression="(gas IS NULL AND gas_kg_per_unit IS NULL) OR (gas IS NOT NULL AND gas_kg_per_unit IS NOT NULL)",
            fields=("gas", "gas_kg_per_unit"),
            dimension="completeness",
            message="A gas comes without its mass, or a mass without its gas.",
            valid="gas and gas_kg_per_unit together",
            repair="Give both; for a refrigerant whose activity is counted in kg, the mass is 1.",
        ),
    )


class Emission(
    Contract,
    name="emission",
    version="1.2.0",
    title="Emission",
    description="What an activity emitted, calculated by one method with one set of warming potentials.",
    calculated_from="activity",
):
    """Made by calculation, never loaded from a file."""

    activity_id: Annotated[
        str, Code(key=True, max_length=64, reference="activity.activity_id", description="The activity it comes from.")
    ]
    method: Annotated[str, Code(key=True, enum=METHODS, description="The method of accounting.")]
    gwp_set: Annotated[
        str, Code(key=True, pattern=SET_NAME, description="The set of warming potentials behind the CO2e.")
    ]
    scope: Annotated[int, Integer(enum=("1", "2", "3"), description="Scope of the factor.", citation=GHG_PROTOCOL)]
    category: Annotated[
        int | None, Integer(minimum="1", maximum="15", description="Category of scope 3.", citation=SCOPE_3)
    ] = None
    factor_id: Annotated[
        str,
        Code(max_length=128, reference="emission_factor.factor_id", description="The factor it was calculated with."),
    ]
    converted_quantity: Annotated[
        Decimal, Number(precision=18, scale=6, minimum="0", description="The activity's quantity in `factor_unit`.")
    ]
    factor_unit: Annotated[str, Code(max_length=32, description="The unit the factor is given per.")]
    co2e_kg: Annotated[
        Decimal, Number(precision=18, scale=6, minimum="0", unit="kg", description="CO2e under the GWP set.")
    ]
    co2_kg: Annotated[
        Decimal | None, Number(precision=18, scale=6, minimum="0", unit="kg", description="Mass of CO2.")
    ] = None
    ch4_kg: Annotated[
        Decimal | None, Number(precision=18, scale=6, minimum="0", unit="kg", description="Mass of CH4.")
    ] = None
    n2o_kg: Annotated[
        Decimal | None, Number(precision=18, scale=6, minimum="0", unit="kg", description="Mass of N2O.")
    ] = None

    rules = (
        RowRule(
            id="emission.category.scope",
            expression="category IS NULL OR scope = 3",
            fields=("category", "scope"),
            message="A scope 3 category is given for another scope.",
            valid="a category with scope 3 only",
            repair="Correct the factor's scope or category and calculate again.",
            citation=SCOPE_3,
        ),
    )
