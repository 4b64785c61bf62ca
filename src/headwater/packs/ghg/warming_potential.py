"""Warming potentials of sets that Headwater does not bring: a regulation's, a programme's, a company's of old."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from headwater.contracts import Code, Contract, Number, RowRule, Text, record


class WarmingPotential(
    Contract,
    name="warming_potential",
    version="1.0.0",
    title="Warming potential",
    description="How much one gas warms over 100 years beside the same mass of CO2, in a named set of such figures.",
):
    """One gas in one set. AR4, AR5 and AR6 are built in."""

    gwp_set: Annotated[str, Code(key=True, max_length=32, description="Name of the set.")]
    gas: Annotated[
        str, Code(key=True, max_length=64, description="The gas: CO2, CH4_fossil, CH4_non_fossil, N2O, HFC-134a.")
    ]
    gwp_100: Annotated[
        Decimal, Number(precision=18, scale=6, minimum="0", description="kg CO2e per kg of the gas, over 100 years.")
    ]
    source: Annotated[str, Text(max_length=200, description="Where the figure is published: document and table.")]
    note: Annotated[str | None, Text(max_length=2000, description="Free remark.")] = None

    example = record(
        gwp_set="EPA_2024",
        gas="N2O",
        gwp_100="265",
        source="40 CFR part 98, table A-1",
    )

    rules = (
        RowRule(
            id="warming_potential.gwp_set.own",
            expression="gwp_set NOT IN ('AR4', 'AR5', 'AR6', 'not_stated')",
            fields=("gwp_set",),
            message="The set is built in, or a word that is not the name of a set.",
            valid="a name of your own, such as EPA_2024",
            repair="Give the set another name; what the IPCC published does not change.",
        ),
    )
