"""Targets as the Science Based Targets initiative lists them, and pledges as trackers of net zero record them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from headwater.contracts import Boolean, Code, Contract, Date, Integer, Number, RowRule, Text, Timestamp, record

SBTI = "Science Based Targets initiative, Companies taking action"
SBTI_NET_ZERO = "SBTi Corporate Net-Zero Standard"
NET_ZERO_TRACKER = "Net Zero Tracker, codebook"
COVERED = ("yes", "no", "partial", "not_specified")
PLEDGES = (
    "net_zero", "zero_emissions", "zero_carbon", "carbon_neutral", "climate_neutral", "climate_positive",
    "carbon_negative", "ghg_neutral", "science_based_target", "emissions_reduction", "emissions_intensity",
    "absolute_emissions", "reduction_against_bau", "other", "no_target",
)  # fmt: skip
"""What trackers call the kinds of pledges; they are not the same thing under several names."""


class SbtiTarget(
    Contract,
    name="sbti_target",
    version="1.0.0",
    title="Science-based target",
    description="A target that the Science Based Targets initiative validated, or a commitment to set one.",
):
    """One target or commitment of one company."""

    target_id: Annotated[
        str,
        Code(key=True, max_length=64, description="Digest of what tells the target from others, as lists number none."),
    ]
    company_id: Annotated[str, Code(max_length=200, description="The company, as `company` of source sbti has it.")]
    action: Annotated[
        str, Code(enum=("target", "commitment"), description="A validated target, or a commitment to set one.")
    ]
    status: Annotated[
        str | None,
        Code(enum=("targets_set", "committed", "extended", "removed"), description="Where the company stands with it.",
             citation=SBTI),
    ] = None  # fmt: skip
    target_type: Annotated[
        str | None,
        Code(enum=("near_term", "long_term", "long_term_before_net_zero_standard", "net_zero"), description="Horizon "
             "of the target.", citation=SBTI_NET_ZERO),
    ] = None  # fmt: skip
    commitment_type: Annotated[
        str | None,
        Code(enum=("standard", "net_zero", "ba15_option_1", "ba15_option_2", "ba15_options_1_and_2"),
             description="What was committed to; ba15 is the campaign Business Ambition for 1.5 °C.", citation=SBTI),
    ] = None  # fmt: skip
    commitment_deadline: Annotated[date | None, Date(description="Day by which the commitment is to be kept.")] = None
    classification: Annotated[
        str | None,
        Code(max_length=64, description="Temperature that scopes 1 and 2 are in line with, as the source writes it: "
             "1.5°C, Well-below 2°C, 2°C, or two of them."),
    ] = None  # fmt: skip
    scope: Annotated[
        str | None,
        Code(enum=("1", "2", "3", "1+2", "1+3", "2+3", "1+2+3"), description="Scopes that the target covers."),
    ] = None
    measure: Annotated[
        str | None,
        Code(enum=("absolute", "intensity", "engagement", "renewable_electricity", "no_deforestation", "net_zero",
                   "other"), description="What is to change: emissions, emissions per unit, suppliers won, …"),
    ] = None  # fmt: skip
    movement: Annotated[
        str | None,
        Code(enum=("reduction", "maintenance", "other"), description="Whether the measure is to fall or to be kept."),
    ] = None
    reduction: Annotated[
        Decimal | None,
        Number(precision=9, scale=6, minimum="-10", maximum="10", description="Change against the base year as a "
               "fraction: 0.45 is 45 %; a share of suppliers or electricity where the measure is one."),
    ] = None  # fmt: skip
    stated_value: Annotated[
        str | None,
        Text(max_length=100, description="The value as published where it is no fraction: 2.68°C, 60 gCO₂e/kWh."),
    ] = None
    base_year: Annotated[int | None, Integer(minimum="1990", maximum="2100", description="Year compared with.")] = None
    target_year: Annotated[
        int | None,
        Integer(minimum="2000", maximum="2100", description="Year by which; absent where several are given."),
    ] = None
    target_years: Annotated[
        str | None, Text(max_length=64, description="The years as published where they are several: 2030, 2025.")
    ] = None
    year_type: Annotated[
        str | None, Code(enum=("calendar", "financial"), description="Whether years are calendar or financial years.")
    ] = None
    wording: Annotated[str | None, Text(max_length=8000, description="The target in words, as published.")] = None
    reason: Annotated[str | None, Text(max_length=200, description="Why a commitment was extended or removed.")] = None
    published: Annotated[date | None, Date(description="Day on which the entry was published or last changed.")] = None

    example = record(
        target_id="example-metals-2030",
        company_id="Example Metals",
        action="target",
        status="targets_set",
        target_type="near_term",
        scope="1+2",
        measure="absolute",
        movement="reduction",
        reduction="0.42",
        base_year="2020",
        target_year="2030",
    )

    rules = (
        RowRule(
            id="sbti_target.target_year.order",
            expression="target_year >= base_year",
            fields=("target_year", "base_year"),
            message="The target is to be reached before its base year.",
            valid="a target year not before the base year",
            repair="Check whether the two years are swapped.",
        ),
        RowRule(
            id="sbti_target.target_type.given",
            expression="action <> 'target' OR target_type IS NOT NULL",
            fields=("target_type", "action"),
            message="A target says neither near-term nor long-term nor net-zero.",
            valid="a target type with every target",
            repair="Map the column that tells them apart.",
            dimension="completeness",
        ),
        RowRule(
            id="sbti_target.reduction.plausible",
            expression="measure NOT IN ('absolute', 'intensity') OR reduction BETWEEN 0 AND 1",
            fields=("reduction", "measure"),
            message="Emissions are to fall by less than nothing or by more than all of them.",
            valid="0 to 1",
            repair="Check whether per cent were read as a number: 45 % is 0.45.",
            dimension="accuracy",
            severity="warn",
        ),
        RowRule(
            id="sbti_target.base_year.given",
            expression="measure NOT IN ('absolute', 'intensity') OR base_year IS NOT NULL",
            fields=("base_year", "measure"),
            message="A reduction names no year that it is measured against.",
            valid="a base year with every absolute or intensity target",
            repair="Read it from the wording of the target.",
            dimension="completeness",
            severity="warn",
            citation=SBTI,
        ),
    )


class ClimatePledge(
    Contract,
    name="climate_pledge",
    version="1.0.0",
    title="Climate pledge",
    description="What a country, region, city or company has promised about its emissions, and how firmly.",
):
    """One actor with its last and its next target, as a tracker coded them."""

    source: Annotated[str, Code(key=True, max_length=64, description="The tracker it comes from.")]
    actor_id: Annotated[str, Code(key=True, max_length=64, description="The tracker's number of the actor.")]
    actor_name: Annotated[str, Text(max_length=200, description="Name of the actor.")]
    actor_type: Annotated[
        str, Code(enum=("country", "region", "city", "company"), description="What kind of actor it is.")
    ]
    country: Annotated[
        str | None, Code(pattern="[A-Z]{3}", description="Country of the actor.", citation="ISO 3166-1 alpha-3")
    ] = None
    isin: Annotated[str | None, Text(max_length=32, description="Securities identification number.")] = None
    race_to_zero_member: Annotated[
        bool | None, Boolean(description="Whether the actor belongs to the United Nations' Race to Zero.")
    ] = None
    end_target: Annotated[
        str | None, Code(enum=PLEDGES, description="Kind of its last target.", citation=NET_ZERO_TRACKER)
    ] = None
    end_target_year: Annotated[
        int | None,
        Integer(minimum="1990", maximum="2150", description="Year by which the last target is to be reached."),
    ] = None
    end_target_reduction: Annotated[
        Decimal | None,
        Number(
            precision=9,
            scale=6,
            minimum="-1",
            maximum="2",
            description="Last target's reduction as a fraction; above 1 where more is to be removed than emitted.",
        ),
    ] = None
    end_target_base_year: Annotated[
        int | None, Integer(minimum="1970", maximum="2100", description="Year that the last target is compared with.")
    ] = None
    end_target_status: Annotated[
        str | None,
        Code(
            enum=(
                "proposed",
                "declared",
                "in_policy",
                "in_corporate_strategy",
                "in_law",
                "achieved_self_declared",
                "achieved_validated",
            ),
            description="How firm the last target is.",
            citation=NET_ZERO_TRACKER,
        ),
    ] = None
    interim_target: Annotated[str | None, Code(enum=PLEDGES, description="Kind of its next target.")] = None
    interim_target_year: Annotated[
        int | None,
        Integer(minimum="1990", maximum="2150", description="Year by which the next target is to be reached."),
    ] = None
    interim_target_reduction: Annotated[
        Decimal | None,
        Number(precision=9, scale=6, minimum="-1", maximum="2", description="Next target's reduction as a fraction."),
    ] = None
    interim_target_base_year: Annotated[
        int | None, Integer(minimum="1970", maximum="2100", description="Year that the next target is compared with.")
    ] = None
    gases: Annotated[
        str | None, Code(enum=("co2", "co2_and_others", "not_specified"), description="Gases that the target covers.")
    ] = None
    scope_1: Annotated[str | None, Code(enum=COVERED, description="Whether scope 1 is covered.")] = None
    scope_2: Annotated[str | None, Code(enum=COVERED, description="Whether scope 2 is covered.")] = None
    scope_3: Annotated[str | None, Code(enum=COVERED, description="Whether scope 3 is covered.")] = None
    has_plan: Annotated[bool | None, Boolean(description="Whether a plan for reaching the target is published.")] = None
    reporting: Annotated[
        str | None, Code(enum=("annual", "less_than_annual", "none"), description="How often progress is reported.")
    ] = None
    offsets: Annotated[str | None, Code(enum=COVERED, description="Whether carbon credits are to be used.")] = None
    end_target_text: Annotated[
        str | None, Text(max_length=20000, description="The last target in words, with sources.")
    ] = None
    interim_target_text: Annotated[
        str | None, Text(max_length=20000, description="The next target in words, with sources.")
    ] = None
    source_url: Annotated[str | None, Text(max_length=2000, description="Where the target is published.")] = None
    updated: Annotated[datetime | None, Timestamp(description="When the tracker last changed its entry.")] = None

    example = record(
        source="net_zero_tracker",
        actor_id="KEN-0001",
        actor_name="Kenya",
        actor_type="country",
        country="KEN",
        end_target="net_zero",
        end_target_year="2050",
        interim_target="emissions_reduction",
        interim_target_year="2030",
        interim_target_reduction="0.32",
    )

    rules = (
        RowRule(
            id="climate_pledge.end_target_year.order",
            expression="end_target_year >= interim_target_year",
            fields=("end_target_year", "interim_target_year"),
            message="The last target is to be reached before the next one.",
            valid="an end year not before the interim year",
            repair="Check whether the two targets are swapped.",
            severity="warn",
        ),
        RowRule(
            id="climate_pledge.end_target_year.given",
            expression="end_target IS NULL OR end_target = 'no_target' OR end_target_year IS NOT NULL",
            fields=("end_target_year", "end_target"),
            message="A target names no year by which it is to be reached.",
            valid="a year with every target",
            repair="Look it up in the wording; where the actor gives none, leave it as it is.",
            dimension="completeness",
            severity="warn",
            citation=NET_ZERO_TRACKER,
        ),
    )
