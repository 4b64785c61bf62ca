"""Companies as lists and registers give them: identity, industry, yearly accounts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from headwater.contracts import Code, Contract, Date, Integer, Number, RowRule, Text, record

LEI = "ISO 17442-1, Legal entity identifier; check digits by ISO/IEC 7064 MOD 97-10"
ISIN = "ISO 6166, International securities identification number"
SIREN = "INSEE, répertoire SIRENE"
NACE = "Regulation (EC) No 1893/2006, NACE Rev. 2, and national lists made from it"


class Company(
    Contract,
    name="company",
    version="1.0.0",
    title="Company",
    description="A company, bank or other organisation as one source names it. Sources are brought together later.",
):
    """One organisation of one source."""

    source: Annotated[str, Code(key=True, max_length=64, description="The list or register it comes from.")]
    company_id: Annotated[
        str,
        Code(key=True, max_length=200, description="What the source calls it from edition to edition: a number or, "
             "where it has none, the name."),
    ]  # fmt: skip
    name: Annotated[str, Text(max_length=300, description="Name of the company.")]
    source_number: Annotated[
        str | None, Code(max_length=64, description="The source's own number, where it is not the key.")
    ] = None
    lei: Annotated[
        str | None, Code(pattern="[A-Z0-9]{18}[0-9]{2}", description="Legal entity identifier.", citation=LEI)
    ] = None
    isin: Annotated[
        str | None,
        Text(max_length=200, description="Securities identification number; some sources give several.", citation=ISIN),
    ] = None
    country: Annotated[str | None, Code(max_length=64, description="Seat, as the source writes the country.")] = None
    region: Annotated[str | None, Code(max_length=64, description="Part of the world, in the source's words.")] = None
    sector: Annotated[str | None, Text(max_length=200, description="Sector, in the source's words.")] = None
    industry_code: Annotated[
        str | None, Code(max_length=16, description="Code of its industry in a published list.", citation=NACE)
    ] = None
    organisation_type: Annotated[
        str | None,
        Code(enum=("corporate", "sme", "financial_institution"), description="Kind of organisation; sme is a small or "
             "medium-sized enterprise."),
    ] = None  # fmt: skip
    updated: Annotated[date | None, Date(description="Day on which the source last changed its entry.")] = None

    example = record(
        source="register",
        company_id="HRB 12345",
        name="Example Metals",
        country="Germany",
        sector="Steel",
        organisation_type="corporate",
    )

    rules = (
        RowRule(
            id="company.lei.check_digits",
            expression="mod_97_10(lei) = 1",
            fields=("lei",),
            message="The last two digits of the LEI do not fit the rest.",
            valid="an LEI that leaves 1 when divided by 97, letters counted as 10 to 35",
            repair="Look the LEI up; a cell dragged down in a spreadsheet counts LEIs up by one.",
            dimension="accuracy",
            citation=LEI,
        ),
        RowRule(
            id="company.isin.check_digit",
            expression="luhn(isin) = 0",
            fields=("isin",),
            message="The last digit of the ISIN does not fit the rest.",
            valid="an ISIN whose digits, every second one doubled, add up to a multiple of 10",
            repair="Look the ISIN up; a cell dragged down in a spreadsheet counts ISINs up by one.",
            dimension="accuracy",
            severity="warn",
            citation=ISIN,
        ),
        RowRule(
            id="company.updated.plausible",
            expression="updated BETWEEN DATE '2000-01-01' AND DATE '2099-12-31'",
            fields=("updated",),
            message="The entry was changed before 2000 or after 2099.",
            valid="2000-01-01 to 2099-12-31",
            repair="Check the year.",
            dimension="timeliness",
            severity="warn",
        ),
    )


class CompanyAccounts(
    Contract,
    name="company_accounts",
    version="1.0.0",
    title="Accounts of a company and financial year",
    description="Turnover and result of one financial year as filed.",
):
    """One filed balance sheet."""

    company_number: Annotated[
        str, Code(key=True, pattern="[0-9]{9}", description="Number in the register of companies.", citation=SIREN)
    ]
    year_end: Annotated[date, Date(key=True, description="Last day of the financial year.")]
    consolidation: Annotated[
        str,
        Code(key=True, enum=("company", "consolidated", "simplified"), description="What the accounts cover: the "
             "company, the group, or the company in the simplified form."),
    ]  # fmt: skip
    revenue: Annotated[Decimal | None, Number(precision=18, scale=2, description="Turnover, in `currency`.")] = None
    net_income: Annotated[
        Decimal | None, Number(precision=18, scale=2, description="Result of the year, in `currency`; losses negative.")
    ] = None
    currency: Annotated[str, Code(pattern="[A-Z]{3}", description="Currency of the accounts.", citation="ISO 4217")]
    filed_year: Annotated[
        int | None, Integer(minimum="1900", maximum="2100", description="Year under which the source lists them.")
    ] = None

    example = record(
        company_number="552100554",
        year_end="2024-12-31",
        consolidation="company",
        revenue="1250000.00",
        net_income="84000.00",
        currency="EUR",
    )

    rules = (
        RowRule(
            id="company_accounts.revenue.plausible",
            expression="revenue >= 0",
            fields=("revenue",),
            message="The turnover is below zero.",
            valid="zero or more",
            repair="Check the sign, and whether turnover and result are swapped.",
            dimension="accuracy",
            severity="warn",
        ),
        RowRule(
            id="company_accounts.net_income.plausible",
            expression="revenue = 0 OR abs(net_income) <= abs(revenue) * 10",
            fields=("net_income", "revenue"),
            message="The result is more than ten times the turnover.",
            valid="a result within ten times the turnover",
            repair="Check whether one of them is in thousands; holding companies may be right as they are.",
            dimension="accuracy",
            severity="warn",
        ),
    )


class IndustryCode(
    Contract,
    name="industry_code",
    version="1.0.0",
    title="Code of an industry",
    description="One line of a published classification of industries.",
):
    """One code at one level of one classification."""

    classification: Annotated[
        str, Code(key=True, max_length=32, description="The list and its edition: NAF2008.", citation=NACE)
    ]
    code: Annotated[str, Code(key=True, max_length=16, description="The code, with its points and letters.")]
    level: Annotated[
        int, Integer(minimum="1", maximum="6", description="How deep in the list the code stands; 1 is the section.")
    ]
    label: Annotated[str, Text(max_length=300, description="What the code stands for.")]
    language: Annotated[str, Code(pattern="[a-z]{2}", description="Language of the label.", citation="ISO 639-1")]

    example = record(
        classification="NAF2008",
        code="24.10Z",
        level="5",
        label="Sidérurgie",
        language="fr",
    )
