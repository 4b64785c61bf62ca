"""What an organisation is billed, and the accounts that it books to."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from headwater.contracts import Boolean, Code, Contract, Date, Integer, Number, RowRule, Text, record
from headwater.packs.erp.codes import COUNTRIES, CURRENCIES, ISO_3166, ISO_4217
from headwater.packs.erp.purchasing import (
    CATEGORY,
    OF_RELEASE,
    OF_SYSTEM,
    RELEASE_STATES,
    SCOPE_3,
    SYSTEM,
    V1_1,
)


class InvoiceLine(
    Contract,
    name="erp.invoice_line",
    version="1.1.0",
    title="Line of a supplier's invoice",
    description="What a supplier bills: one line, or the whole invoice where the source gives no lines.",
):
    """One line of one invoice."""

    line_id: Annotated[str, Code(key=True, max_length=64, description="Invoice and line: oracle/300100000000001.")]
    system: Annotated[str, Code(pattern=SYSTEM, description=OF_SYSTEM)]
    invoice_number: Annotated[str, Code(max_length=64, description="The supplier's number of the invoice.")]
    line_number: Annotated[
        int | None, Integer(minimum="0", description="Number of the line; absent where the record is a whole invoice.")
    ] = None
    invoice_date: Annotated[date, Date(description="Day of the invoice; its year is the price year of its amount.")]
    company: Annotated[
        str | None, Code(max_length=240, description="Who is billed: company code, business unit or company.")
    ] = None
    country: Annotated[
        str | None, Code(enum=COUNTRIES, description="Country of who is billed, as for tax.", citation=ISO_3166)
    ] = None
    supplier_id: Annotated[str | None, Code(max_length=64, description="The supplier, as the system numbers it.")] = (
        None
    )
    supplier_name: Annotated[str | None, Text(max_length=300, description="Name of the supplier.")] = None
    description: Annotated[str | None, Text(max_length=2000, description="What is billed, in words.")] = None
    category: Annotated[str | None, Code(max_length=128, description=CATEGORY)] = None
    order_number: Annotated[
        str | None, Code(max_length=64, description="The purchase order that it bills, where there is one.")
    ] = None
    ledger_account: Annotated[
        str | None, Code(max_length=64, description="The erp.ledger_account that it is booked to.")
    ] = None
    quantity: Annotated[
        Decimal | None, Number(precision=18, scale=6, description="How much is billed, in `quantity_unit`.")
    ] = None
    quantity_unit: Annotated[str | None, Code(max_length=32, description="Unit of the quantity.")] = None
    amount: Annotated[
        Decimal, Number(precision=18, scale=2, description="What is billed, in `currency`; credits are negative.")
    ]
    currency: Annotated[str, Code(enum=CURRENCIES, description="Currency of the amount.", citation=ISO_4217)]
    includes_tax: Annotated[
        bool | None, Boolean(description="Whether the amount has value-added or sales tax in it.")
    ] = None
    is_cancelled: Annotated[bool | None, Boolean(description="Whether the invoice was cancelled.")] = None
    release_state: Annotated[str | None, Code(enum=RELEASE_STATES, since=V1_1, description=OF_RELEASE)] = None
    invoice_type: Annotated[
        str | None,
        Code(
            enum=("standard", "credit", "prepayment", "interest", "tax"),
            since=V1_1,
            description="Kind of invoice: a credit takes off, a prepayment is billed again when it is delivered, "
            "interest and tax withheld buy nothing.",
        ),
    ] = None

    example = record(
        line_id="oracle/300100000000001",
        system="oracle",
        invoice_number="INV-2024-17",
        line_number="1",
        invoice_date="2024-03-05",
        supplier_name="Example Metals",
        description="Steel sheets",
        category="oracle/R100",
        quantity="2.5",
        quantity_unit="t",
        amount="2150.00",
        currency="EUR",
        includes_tax="false",
    )

    rules = (
        RowRule(
            id="erp.invoice_line.quantity.unit",
            expression="quantity IS NULL OR quantity_unit IS NOT NULL",
            fields=("quantity_unit", "quantity"),
            dimension="completeness",
            severity="warn",
            message="A quantity is given without its unit.",
            valid="a unit wherever there is a quantity",
            repair="Give the unit, or leave the quantity out.",
        ),
        RowRule(
            id="erp.invoice_line.amount.tax",
            expression="NOT includes_tax",
            fields=("includes_tax",),
            dimension="accuracy",
            severity="warn",
            message="The amount has tax in it, which factors per money spent have not.",
            valid="an amount without tax",
            repair="Take the lines of the invoice without those of tax, where the source gives them.",
            citation=SCOPE_3,
        ),
        RowRule(
            id="erp.invoice_line.invoice_date.plausible",
            expression="invoice_date BETWEEN DATE '1990-01-01' AND DATE '2099-12-31'",
            fields=("invoice_date",),
            dimension="timeliness",
            severity="warn",
            message="The invoice is from before 1990 or after 2099.",
            valid="1990-01-01 to 2099-12-31",
            repair="Check the year.",
        ),
    )


class LedgerAccount(
    Contract,
    name="erp.ledger_account",
    version="1.0.0",
    title="Ledger account",
    description="An account, or a combination of account and other segments, that costs are booked to.",
):
    """One account of one chart."""

    account_id: Annotated[str, Code(key=True, max_length=64, description="System and number: oracle/13573.")]
    system: Annotated[str, Code(pattern=SYSTEM, description=OF_SYSTEM)]
    chart_of_accounts: Annotated[
        str | None, Code(max_length=64, description="The chart of accounts that it is part of.")
    ] = None
    account_code: Annotated[
        str, Code(max_length=400, description="The account as people write it; segments joined by a hyphen.")
    ]
    title: Annotated[str | None, Text(max_length=300, description="The account in words.")] = None
    account_type: Annotated[
        str | None,
        Code(enum=("asset", "liability", "equity", "revenue", "expense"), description="Kind of account."),
    ] = None
    is_enabled: Annotated[bool | None, Boolean(description="Whether it may be booked to.")] = None
    valid_from: Annotated[date | None, Date(description="First day on which it may be booked to.")] = None
    valid_to: Annotated[date | None, Date(description="Last day on which it may be booked to.")] = None

    example = record(
        account_id="oracle/13573",
        system="oracle",
        account_code="01-600-6100",
        title="Raw materials",
        account_type="expense",
        is_enabled="true",
    )

    rules = (
        RowRule(
            id="erp.ledger_account.valid.order",
            expression="valid_to >= valid_from",
            fields=("valid_to", "valid_from"),
            message="The account ends before it begins.",
            valid="valid_to, the last day, is not before valid_from",
            repair="Check whether the two dates are swapped.",
        ),
    )
