"""Goods imported into the European Union with the emissions embedded in them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from headwater.contracts import Code, Contract, Date, Number, RowRule, Text, record

CBAM = "Regulation (EU) 2023/956"
METHOD = "Implementing Regulation (EU) 2023/1773, Annex III"


class CbamImport(
    Contract,
    name="cbam_import",
    version="1.0.0",
    title="Import under CBAM",
    description="One good of one consignment, as the importer's books have it before a declaration is made of it.",
):
    """One line of a customs declaration with its embedded emissions."""

    import_id: Annotated[str, Code(key=True, max_length=64, description="What the importer calls the line.")]
    importer_id: Annotated[str, Code(max_length=64, description="The importing entity.")]
    importer_name: Annotated[str | None, Text(max_length=200, description="Name of the importing entity.")] = None
    import_date: Annotated[date, Date(description="Day of release for free circulation.")]
    cn_code: Annotated[
        str,
        Code(pattern="[0-9]{4}(?:[0-9]{2}){0,3}", description="Combined nomenclature, digits only; a declaration needs "
             "eight of them.", citation="Regulation (EEC) No 2658/87, Annex I"),
    ]  # fmt: skip
    description: Annotated[str | None, Text(max_length=300, description="The good in words.")] = None
    goods_category: Annotated[
        str,
        Code(enum=("cement", "iron_steel", "aluminium", "fertilisers", "hydrogen", "electricity"),
             description="Category of goods.", citation=CBAM + ", Annex I"),
    ]  # fmt: skip
    origin_country: Annotated[
        str, Code(pattern="[A-Z]{2}", description="Country of origin.", citation="ISO 3166-1 alpha-2")
    ]
    supplier_id: Annotated[str | None, Code(max_length=64, description="Who sold the good.")] = None
    supplier_name: Annotated[str | None, Text(max_length=200, description="Name of the supplier.")] = None
    installation_id: Annotated[str | None, Code(max_length=64, description="Where the good was produced.")] = None
    production_route: Annotated[str | None, Code(max_length=64, description="How it was produced.")] = None
    net_mass: Annotated[Decimal, Number(precision=18, scale=6, minimum="0", unit="t", description="Net mass.")]
    customs_value: Annotated[
        Decimal | None, Number(precision=18, scale=2, minimum="0", unit="EUR", description="Value of the good.")
    ] = None
    specific_emissions: Annotated[
        Decimal | None,
        Number(
            precision=18,
            scale=6,
            minimum="0",
            unit="tCO2e/t",
            description="Specific embedded emissions.",
            citation=METHOD,
        ),
    ] = None
    embedded_emissions: Annotated[
        Decimal | None,
        Number(
            precision=18,
            scale=6,
            minimum="0",
            unit="tCO2e",
            description="Embedded emissions of the line.",
            citation=METHOD,
        ),
    ] = None
    determination: Annotated[
        str | None,
        Code(enum=("actual", "country_default", "eu_default"), description="Whether the emissions were measured at the "
             "installation or are default values."),
    ] = None  # fmt: skip
    carbon_price: Annotated[
        Decimal | None,
        Number(precision=12, scale=4, minimum="0", unit="EUR/tCO2e", description="Carbon price paid in the country of "
               "origin.", citation=CBAM + ", Article 9"),
    ] = None  # fmt: skip
    customs_declaration: Annotated[str | None, Code(max_length=64, description="Number of the declaration.")] = None
    transport_document: Annotated[str | None, Code(max_length=64, description="Number of the bill of lading.")] = None

    example = record(
        import_id="2024-DE-0001/1",
        importer_id="DE123456789",
        import_date="2024-03-05",
        cn_code="72081000",
        goods_category="iron_steel",
        origin_country="TR",
        net_mass="25.5",
        specific_emissions="1.9",
        embedded_emissions="48.45",
        determination="country_default",
    )

    rules = (
        RowRule(
            id="cbam_import.embedded_emissions.product",
            expression="abs(embedded_emissions - net_mass * specific_emissions) <= 0.01",
            fields=("embedded_emissions", "net_mass", "specific_emissions"),
            message="Embedded emissions are not net mass times specific emissions.",
            valid="the product, to 0.01 tCO2e",
            repair="Check which of the three was mistyped, and the unit of the mass.",
            severity="warn",
            citation=METHOD,
        ),
        RowRule(
            id="cbam_import.specific_emissions.given",
            expression="determination <> 'actual' OR specific_emissions IS NOT NULL",
            fields=("specific_emissions", "determination"),
            message="Emissions are said to be actual and are not given.",
            valid="specific emissions where they are actual",
            repair="Ask the operator of the installation, or use default values and say so.",
            dimension="completeness",
            citation=METHOD,
        ),
        RowRule(
            id="cbam_import.installation_id.given",
            expression="determination <> 'actual' OR installation_id IS NOT NULL",
            fields=("installation_id", "determination"),
            message="Emissions are said to be actual and no installation is named.",
            valid="the installation where emissions are actual",
            repair="Name the installation that they were measured at.",
            dimension="completeness",
            citation=METHOD,
        ),
        RowRule(
            id="cbam_import.import_date.scope",
            expression="import_date >= DATE '2023-10-01'",
            fields=("import_date",),
            message="The import is older than the mechanism.",
            valid="2023-10-01 or later",
            repair="Check the year; older imports need no declaration.",
            dimension="timeliness",
            severity="warn",
            citation=CBAM + ", Article 36",
        ),
    )
