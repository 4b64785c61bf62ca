"""Emission inventories of territories, by category and gas, and the yearly indicators that statisticians publish."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from headwater.contracts import Code, Contract, Integer, Number, RowRule, Text, record

IPCC = "2006 IPCC Guidelines for National Greenhouse Gas Inventories"
GASES = ("CO2", "CH4", "N2O", "HFCs", "PFCs", "SF6", "NF3", "all")


class NationalInventory(
    Contract,
    name="national_inventory",
    version="1.0.0",
    title="Line of an emission inventory",
    description="What a country or province emitted in a year, in one category, of one gas. Kept as published.",
):
    """One figure of one table."""

    source: Annotated[str, Code(key=True, max_length=64, description="The publication it comes from.")]
    territory: Annotated[
        str,
        Code(key=True, pattern="[A-Z]{2}-[A-Z0-9]{1,3}|[A-Z]{3}", description="Country (KEN) or province (CA-AB).",
             citation="ISO 3166-1 alpha-3, ISO 3166-2"),
    ]  # fmt: skip
    year: Annotated[int, Integer(key=True, minimum="1850", maximum="2100", description="Year of the emissions.")]
    category: Annotated[
        str,
        Code(
            key=True, max_length=200, description="Category of sources or sinks, in the source's words.", citation=IPCC
        ),
    ]
    gas: Annotated[
        str, Code(key=True, enum=GASES, description="The gas or family of gases; `all` is their sum in CO2e.")
    ]
    unit: Annotated[
        str, Code(key=True, enum=("kt", "kt_co2e"), description="Kilotonnes of the gas itself, or of CO2e.")
    ]
    amount: Annotated[
        Decimal | None,
        Number(precision=38, scale=24, description="Net emissions in `unit`, with all digits that the source "
               "stores; removals are negative."),
    ] = None  # fmt: skip
    gwp_set: Annotated[
        str, Code(enum=("SAR", "AR4", "AR5", "AR6", "not_stated"), description="The IPCC report whose warming "
                  "potentials the source uses."),
    ]  # fmt: skip
    note: Annotated[str | None, Text(max_length=300, description="What the source says about the figure.")] = None

    example = record(
        source="unfccc",
        territory="KEN",
        year="2020",
        category="1.A.1 Energy industries",
        gas="CO2",
        unit="kt",
        amount="1250.5",
        gwp_set="AR5",
    )

    rules = (
        RowRule(
            id="national_inventory.unit.gas",
            expression="unit = 'kt_co2e' OR gas NOT IN ('all', 'HFCs', 'PFCs')",
            fields=("unit", "gas"),
            message="A sum over several gases is given as their mass.",
            valid="kt_co2e for all gases together and for families of gases",
            repair="Check the row of units.",
            citation=IPCC,
        ),
        RowRule(
            id="national_inventory.amount.plausible",
            expression="abs(amount) <= 50000000",
            fields=("amount",),
            message="More than the whole world emits in a year.",
            valid="at most 50000000 kt",
            repair="Check the unit: tonnes read as kilotonnes make a figure 1000 times too large.",
            dimension="accuracy",
            severity="warn",
        ),
    )


class CountryIndicator(
    Contract,
    name="country_indicator",
    version="1.0.0",
    title="Indicator of a country and year",
    description="A figure that statisticians publish for countries and groups of countries, such as land area.",
):
    """One figure of one series."""

    source: Annotated[str, Code(key=True, max_length=64, description="The publication it comes from.")]
    country: Annotated[
        str,
        Code(key=True, pattern="[A-Z][A-Z0-9]{2}", description="Country, or the source's own code of a group of "
             "countries.", citation="ISO 3166-1 alpha-3 for countries"),
    ]  # fmt: skip
    indicator: Annotated[str, Code(key=True, max_length=64, description="The source's code of the indicator.")]
    year: Annotated[int, Integer(key=True, minimum="1800", maximum="2100", description="Year of the figure.")]
    country_name: Annotated[str | None, Text(max_length=200, description="Name of the country or group.")] = None
    indicator_name: Annotated[str | None, Text(max_length=300, description="Name of the indicator, with its unit.")] = (
        None
    )
    amount: Annotated[Decimal, Number(precision=30, scale=12, description="The figure, in `unit`.")]
    unit: Annotated[str, Code(max_length=32, description="Unit of the figure: km2, persons, USD.")]

    example = record(
        source="world_bank",
        country="KEN",
        indicator="AG.LND.TOTL.K2",
        year="2020",
        country_name="Kenya",
        indicator_name="Land area (sq. km)",
        amount="569140",
        unit="km2",
    )

    rules = (
        RowRule(
            id="country_indicator.amount.area",
            expression="unit <> 'km2' OR amount BETWEEN 0 AND 510100000",
            fields=("amount", "unit"),
            message="An area is below zero or larger than the earth.",
            valid="0 to 510100000 km2",
            repair="Check the unit: hectares read as square kilometres make a figure 100 times too large.",
            dimension="accuracy",
        ),
    )
