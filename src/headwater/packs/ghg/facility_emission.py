"""Figures that facilities, cities and sectors reported, kept as published."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from headwater.contracts import Code, Contract, Integer, Number, RowRule, Text, record
from headwater.packs.ghg.contracts import GHG_PROTOCOL, GWP_SETS

CHECK_UNIT = "Check the unit: kilograms read as tonnes make a figure 1000 times too large."


class FacilityEmission(
    Contract,
    name="facility_emission",
    version="1.0.0",
    title="Reported emissions of a facility and year",
    description="What a facility, city or sector reported for a year. Never converted to another set of potentials.",
):
    """One reported line; masses in tonnes."""

    source: Annotated[str, Code(key=True, max_length=64, description="The report or register it comes from.")]
    facility_code: Annotated[str, Code(key=True, max_length=128, description="What the source calls the facility.")]
    sector: Annotated[
        str, Code(key=True, max_length=128, description="The part of the facility reported on; `all` is the whole.")
    ] = "all"
    year: Annotated[int, Integer(key=True, minimum="1850", maximum="2100", description="Year of the emissions.")]
    facility_name: Annotated[str | None, Text(max_length=300, description="Name of the facility.")] = None
    country: Annotated[str | None, Code(max_length=64, description="Country, as the source writes it.")] = None
    boundary: Annotated[str | None, Text(max_length=300, description="What was counted in, in the source's words.")] = (
        None
    )
    latitude: Annotated[
        Decimal | None,
        Number(precision=9, scale=6, minimum="-90", maximum="90", unit="degree", description="North of the equator."),
    ] = None
    longitude: Annotated[
        Decimal | None,
        Number(precision=9, scale=6, minimum="-180", maximum="180", unit="degree", description="East of Greenwich."),
    ] = None
    scope1_co2e_t: Annotated[
        Decimal | None,
        Number(precision=20, scale=6, unit="t", description="Scope 1, as reported.", citation=GHG_PROTOCOL),
    ] = None
    scope2_co2e_t: Annotated[
        Decimal | None,
        Number(precision=20, scale=6, unit="t", description="Scope 2, as reported.", citation=GHG_PROTOCOL),
    ] = None
    scope3_co2e_t: Annotated[
        Decimal | None,
        Number(precision=20, scale=6, unit="t", description="Scope 3, as reported.", citation=GHG_PROTOCOL),
    ] = None
    total_co2e_t: Annotated[
        Decimal | None, Number(precision=20, scale=6, unit="t", description="Total, as reported.")
    ] = None
    co2_t: Annotated[Decimal | None, Number(precision=20, scale=6, unit="t", description="CO2, as reported.")] = None
    ch4_t: Annotated[Decimal | None, Number(precision=20, scale=6, unit="t", description="CH4, as reported.")] = None
    n2o_t: Annotated[Decimal | None, Number(precision=20, scale=6, unit="t", description="N2O, as reported.")] = None
    gwp_set: Annotated[
        str | None, Code(enum=GWP_SETS, description="The set of warming potentials behind the CO2e.")
    ] = None
    methodology: Annotated[
        str | None, Text(max_length=2000, description="How it was found, in the source's words.")
    ] = None

    example = record(
        source="annual_report",
        facility_code="BERLIN",
        sector="all",
        year="2024",
        facility_name="Plant Berlin",
        country="DE",
        scope1_co2e_t="120.5",
        scope2_co2e_t="80.25",
        gwp_set="AR5",
    )

    rules = (
        RowRule(
            id="facility_emission.total.parts",
            expression=(
                "abs(total_co2e_t - (scope1_co2e_t + scope2_co2e_t + scope3_co2e_t)) <= 0.05 * abs(total_co2e_t)"
            ),
            fields=("total_co2e_t", "scope1_co2e_t", "scope2_co2e_t", "scope3_co2e_t"),
            severity="warn",
            message="The total differs from the sum of the three scopes by more than 5 %.",
            valid="a total within 5 % of scope 1 + scope 2 + scope 3",
            repair="Check which figure was mistyped, or whether the total leaves a scope out.",
        ),
        RowRule(
            id="facility_emission.position.whole",
            expression="(latitude IS NULL) = (longitude IS NULL)",
            fields=("latitude", "longitude"),
            dimension="completeness",
            severity="warn",
            message="Only one of latitude and longitude is given.",
            valid="both or neither",
            repair="Give the missing one.",
        ),
        RowRule(
            id="facility_emission.scope1_co2e_t.plausible",
            expression="scope1_co2e_t BETWEEN 0 AND 100000000",
            fields=("scope1_co2e_t",),
            dimension="accuracy",
            severity="warn",
            message="Scope 1 is negative or above 100 Mt.",
            valid="0 to 100000000 t",
            repair=CHECK_UNIT,
        ),
        RowRule(
            id="facility_emission.scope2_co2e_t.plausible",
            expression="scope2_co2e_t BETWEEN 0 AND 100000000",
            fields=("scope2_co2e_t",),
            dimension="accuracy",
            severity="warn",
            message="Scope 2 is negative or above 100 Mt.",
            valid="0 to 100000000 t",
            repair=CHECK_UNIT,
        ),
        RowRule(
            id="facility_emission.scope3_co2e_t.plausible",
            expression="scope3_co2e_t BETWEEN 0 AND 500000000",
            fields=("scope3_co2e_t",),
            dimension="accuracy",
            severity="warn",
            message="Scope 3 is negative or above 500 Mt.",
            valid="0 to 500000000 t",
            repair=CHECK_UNIT,
        ),
        RowRule(
            id="facility_emission.gwp_set.given",
            expression=(
                "gwp_set IS NOT NULL OR (scope1_co2e_t IS NULL AND scope2_co2e_t IS NULL"
                " AND scope3_co2e_t IS NULL AND total_co2e_t IS NULL)"
            ),
            fields=("gwp_set", "scope1_co2e_t", "scope2_co2e_t", "scope3_co2e_t", "total_co2e_t"),
            dimension="completeness",
            severity="warn",
            message="CO2e is given without saying which warming potentials it rests on.",
            valid="AR4, AR5, AR6, or not_stated where the source does not say",
            repair="Map the constant `not_stated` if the source does not say.",
        ),
    )
