"""What a consumer of electricity holds beside the grid's average: certificates, contracts, rates, residual mixes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from headwater.contracts import Boolean, Code, Contract, Date, Number, RowRule, Text, record
from headwater.packs.ghg.contracts import OF_SETS, SET_NAME, V1_1

SCOPE_2 = "GHG Protocol Scope 2 Guidance"
KINDS = ("certificate", "contract", "supplier_rate", "residual_mix")


class EnergyInstrument(
    Contract,
    name="energy_instrument",
    version="1.1.0",
    title="Energy instrument",
    description="A claim to the emission rate of bought electricity, heat or steam, for the market-based method.",
):
    """One certificate or batch of them, contract, supplier's rate or residual mix, with what shows its quality."""

    instrument_id: Annotated[str, Code(key=True, max_length=128, description="Stable name of the instrument.")]
    kind: Annotated[
        str,
        Code(
            enum=KINDS,
            description="Place in the hierarchy: certificates first, then contracts, suppliers' rates, residual mixes.",
            citation=f"{SCOPE_2}, table 6.3",
        ),
    ]
    market: Annotated[
        str, Code(max_length=32, description="The market it is sourced from, as activities name regions: DE, GB, EU.")
    ]
    valid_from: Annotated[date, Date(description="First day of the generation or consumption that it covers.")]
    valid_to: Annotated[date, Date(description="Day after the last that it covers.")]
    energy_mwh: Annotated[
        Decimal | None,
        Number(precision=18, scale=6, minimum="0", unit="MWh", description="Energy it covers; absent: without limit."),
    ] = None
    co2e_kg_per_kwh: Annotated[
        Decimal, Number(precision=18, scale=10, minimum="0", unit="kg", description="CO2e per kWh that it conveys.")
    ]
    co2_kg_per_kwh: Annotated[
        Decimal | None, Number(precision=18, scale=10, minimum="0", unit="kg", description="CO2 per kWh.")
    ] = None
    ch4_kg_per_kwh: Annotated[
        Decimal | None, Number(precision=18, scale=10, minimum="0", unit="kg", description="CH4 per kWh.")
    ] = None
    n2o_kg_per_kwh: Annotated[
        Decimal | None, Number(precision=18, scale=10, minimum="0", unit="kg", description="N2O per kWh.")
    ] = None
    gwp_set: Annotated[str, Code(pattern=SET_NAME, description=f"The warming potentials the CO2e rests on: {OF_SETS}")]
    energy_source: Annotated[
        str | None, Text(max_length=100, description="What the energy was made from: wind, hydro, nuclear, gas.")
    ] = None
    renewable: Annotated[bool | None, Boolean(description="Whether the energy counts as renewable.")] = None
    facility_code: Annotated[
        str | None, Code(max_length=64, description="The one site it is for; absent: the whole organisation.")
    ] = None
    tracking_id: Annotated[
        str | None, Text(max_length=200, description="System and number under which it is tracked, so that it is one.")
    ] = None
    retired_on: Annotated[
        date | None, Date(description="Day on which it was retired, redeemed or cancelled for the claim.")
    ] = None
    claimed_by: Annotated[
        str | None, Text(max_length=200, description="On whose behalf it was retired or the contract is held.")
    ] = None
    source: Annotated[str | None, Text(max_length=200, description="Where the record of it was taken from.")] = None
    licence: Annotated[str | None, Text(max_length=200, description="Licence of the source.")] = None
    note: Annotated[str | None, Text(max_length=2000, description="Free remark.")] = None
    redistributable: Annotated[
        bool | None,
        Boolean(since=V1_1, description="Whether its rates may be passed on; absent where nobody has checked."),
    ] = None

    example = record(
        instrument_id="GO-2024-1",
        kind="certificate",
        market="DE",
        valid_from="2024-01-01",
        valid_to="2025-01-01",
        energy_mwh="120",
        co2e_kg_per_kwh="0",
        gwp_set="AR6",
        energy_source="wind",
        renewable="true",
        tracking_id="AIB 1234567890",
        retired_on="2025-02-28",
    )

    rules = (
        RowRule(
            id="energy_instrument.valid.order",
            expression="valid_to > valid_from",
            fields=("valid_to", "valid_from"),
            message="The instrument stops covering before it begins to.",
            valid="valid_to, the day after the last, is later than valid_from",
            repair="Check whether the two dates are swapped, and add a day where the last day itself is given.",
        ),
        RowRule(
            id="energy_instrument.energy_mwh.given",
            expression="energy_mwh IS NOT NULL OR kind IN ('supplier_rate', 'residual_mix')",
            fields=("energy_mwh", "kind"),
            dimension="completeness",
            message="A certificate or contract does not say how much energy it covers.",
            valid="energy_mwh for certificates and contracts; rates and mixes may be without limit",
            repair="Give the energy, so that no more is claimed than was bought.",
            citation=f"{SCOPE_2}, table 7.1",
        ),
    )
