"""What an organisation orders: purchase orders, their items, stock, and what the categories of purchases count as."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from headwater.contracts import Boolean, Code, Contract, Date, Number, RowRule, Text, Timestamp, record
from headwater.packs.erp.codes import COUNTRIES, CURRENCIES, ISO_3166, ISO_4217

SCOPE_3 = "GHG Protocol Technical Guidance for Calculating Scope 3 Emissions, category 1"
SYSTEM = "[a-z][a-z0-9_]{0,31}"
V1_1 = "1.1.0"
RELEASE_STATES = ("held", "in_release", "rejected", "released")
OF_RELEASE = (
    "How far it is approved: held is kept unfinished, in_release waits for an approval, rejected was refused one, "
    "released may be carried out. Blank where the system does not say."
)
OF_SYSTEM = "The system it comes from, as the mapping names it: sap, oracle, workday. Identifiers begin with it."
ITEM_TYPES = ("standard", "limit", "consignment", "subcontracting", "third_party", "stock_transfer", "service")
CATEGORY = (
    "What kind of purchase it is: SAP's material group, Workday's spend category. Begins with the system, as in "
    "sap/R100; an erp.purchase_category says what it counts as."
)


class PurchaseOrder(
    Contract,
    name="erp.purchase_order",
    version="1.1.0",
    title="Purchase order",
    description="The head of a purchase order or requisition: who orders from whom, when, in which currency.",
):
    """One order, without its items."""

    order_id: Annotated[str, Code(key=True, max_length=64, description="System and number: sap/4500000001.")]
    system: Annotated[str, Code(pattern=SYSTEM, description=OF_SYSTEM)]
    order_number: Annotated[str, Code(max_length=64, description="The number that people know the order by.")]
    document_type: Annotated[
        str,
        Code(
            enum=("order", "requisition", "stock_transfer"),
            description="An order to a supplier, a request that may become one, or a transfer between own plants.",
        ),
    ]
    order_date: Annotated[date, Date(description="Day of the order; its year is the price year of its amounts.")]
    company: Annotated[
        str | None, Code(max_length=240, description="Who orders: company code, business unit or company.")
    ] = None
    supplier_id: Annotated[str | None, Code(max_length=64, description="The supplier, as the system numbers it.")] = (
        None
    )
    supplier_name: Annotated[str | None, Text(max_length=300, description="Name of the supplier.")] = None
    supplier_country: Annotated[
        str | None, Code(enum=COUNTRIES, description="Country of the supplier's address.", citation=ISO_3166)
    ] = None
    currency: Annotated[
        str | None, Code(enum=CURRENCIES, description="Currency of the order's amounts.", citation=ISO_4217)
    ] = None
    is_cancelled: Annotated[
        bool | None, Boolean(description="Whether the order was cancelled or marked for deletion.")
    ] = None
    created_by: Annotated[str | None, Code(max_length=128, personal=True, description="Who entered it.")] = None
    changed_at: Annotated[datetime | None, Timestamp(description="When the system last changed it.")] = None
    release_state: Annotated[str | None, Code(enum=RELEASE_STATES, since=V1_1, description=OF_RELEASE)] = None
    is_marked_for_deletion: Annotated[
        bool | None,
        Boolean(
            since=V1_1,
            description="Whether the head is marked for deletion, because it was cancelled or because it was archived: "
            "whether its items were delivered or billed tells which.",
        ),
    ] = None

    example = record(
        order_id="sap/4500000001",
        system="sap",
        order_number="4500000001",
        document_type="order",
        order_date="2024-03-05",
        supplier_id="100017",
        supplier_name="Example Metals",
        currency="EUR",
    )

    rules = (
        RowRule(
            id="erp.purchase_order.supplier_id.given",
            expression="document_type <> 'order' OR supplier_id IS NOT NULL OR supplier_name IS NOT NULL",
            fields=("supplier_id", "document_type", "supplier_name"),
            dimension="completeness",
            severity="warn",
            message="An order to a supplier names none.",
            valid="a supplier wherever document_type is order",
            repair="Look the order up; an order between own plants is a stock_transfer.",
        ),
        RowRule(
            id="erp.purchase_order.order_date.plausible",
            expression="order_date BETWEEN DATE '1990-01-01' AND DATE '2099-12-31'",
            fields=("order_date",),
            dimension="timeliness",
            severity="warn",
            message="The order was made before 1990 or after 2099.",
            valid="1990-01-01 to 2099-12-31",
            repair="Check the year.",
        ),
    )


class PurchaseOrderItem(
    Contract,
    name="erp.purchase_order_item",
    version="1.1.0",
    title="Item of a purchase order",
    description="What is ordered: material, category, quantity and net amount of one item of an order.",
):
    """One item; its order's date, supplier and type stand in erp.purchase_order."""

    item_id: Annotated[str, Code(key=True, max_length=64, description="Order and item: sap/4500000001/10.")]
    system: Annotated[str, Code(pattern=SYSTEM, description=OF_SYSTEM)]
    order_id: Annotated[str, Code(max_length=64, description="The erp.purchase_order that it belongs to.")]
    item_number: Annotated[str, Code(max_length=16, description="Number of the item in its order.")]
    description: Annotated[str | None, Text(max_length=300, description="What is ordered, in words.")] = None
    material: Annotated[str | None, Code(max_length=64, description="Number of the material, where it has one.")] = None
    category: Annotated[str | None, Code(max_length=128, description=CATEGORY)] = None
    plant: Annotated[str | None, Code(max_length=64, description="The site that it is ordered for.")] = None
    delivery_country: Annotated[
        str | None, Code(enum=COUNTRIES, description="Country that it is delivered to.", citation=ISO_3166)
    ] = None
    quantity: Annotated[
        Decimal | None, Number(precision=18, scale=6, description="How much is ordered, in `quantity_unit`.")
    ] = None
    quantity_unit: Annotated[str | None, Code(max_length=32, description="Unit of the quantity.")] = None
    net_amount: Annotated[
        Decimal | None, Number(precision=18, scale=2, description="Value of the item without tax, in `currency`.")
    ] = None
    currency: Annotated[str | None, Code(enum=CURRENCIES, description="Currency of the amount.", citation=ISO_4217)] = (
        None
    )
    is_capital_good: Annotated[
        bool | None,
        Boolean(description="Whether it is bought as an asset; then it is of category 2.", citation=SCOPE_3),
    ] = None
    is_return: Annotated[bool | None, Boolean(description="Whether goods go back to the supplier.")] = None
    is_cancelled: Annotated[
        bool | None, Boolean(description="Whether the item was cancelled or marked for deletion.")
    ] = None
    requisition: Annotated[str | None, Code(max_length=64, description="Number of the requisition it came from.")] = (
        None
    )
    item_type: Annotated[
        str | None,
        Code(
            enum=ITEM_TYPES,
            since=V1_1,
            description="Kind of item: limit is an amount that may be spent and not yet a purchase of it, consignment "
            "stays the supplier's until it is used, third_party goes to a customer at once, stock_transfer comes from "
            "an own plant.",
        ),
    ] = None
    is_delivered: Annotated[
        bool | None, Boolean(since=V1_1, description="Whether nothing more is to be delivered.")
    ] = None
    is_invoiced: Annotated[bool | None, Boolean(since=V1_1, description="Whether nothing more is to be billed.")] = None
    is_free_of_charge: Annotated[
        bool | None, Boolean(since=V1_1, description="Whether the supplier gives it without charge.")
    ] = None
    parent_item: Annotated[
        str | None,
        Code(max_length=16, since=V1_1, description="Number of the item of the same order that it is a part of."),
    ] = None
    has_subitems: Annotated[
        bool | None, Boolean(since=V1_1, description="Whether other items of the order are parts of it.")
    ] = None

    example = record(
        item_id="sap/4500000001/10",
        system="sap",
        order_id="sap/4500000001",
        item_number="10",
        description="Steel sheets",
        category="sap/R100",
        quantity="2.5",
        quantity_unit="t",
        net_amount="2150.00",
        currency="EUR",
    )

    rules = (
        RowRule(
            id="erp.purchase_order_item.net_amount.currency",
            expression="net_amount IS NULL OR currency IS NOT NULL",
            fields=("currency", "net_amount"),
            dimension="completeness",
            message="An amount is given without its currency.",
            valid="a currency wherever there is an amount",
            repair="Give the currency; no other is ever put in its place.",
            citation=ISO_4217,
        ),
        RowRule(
            id="erp.purchase_order_item.quantity.unit",
            expression="quantity IS NULL OR quantity_unit IS NOT NULL",
            fields=("quantity_unit", "quantity"),
            dimension="completeness",
            message="A quantity is given without its unit.",
            valid="a unit wherever there is a quantity",
            repair="Give the unit.",
        ),
        RowRule(
            id="erp.purchase_order_item.net_amount.sign",
            expression="net_amount >= 0 AND quantity >= 0",
            fields=("net_amount", "quantity"),
            dimension="accuracy",
            severity="warn",
            message="An ordered amount or quantity is below zero.",
            valid="zero or more",
            repair="Check the sign; goods that go back are items with is_return.",
        ),
    )


class MaterialStock(
    Contract,
    name="erp.material_stock",
    version="1.0.0",
    title="Stock of a material",
    description="How much of a material lies at one place, of one kind of stock, when it was read.",
):
    """One kind of stock of one material at one place."""

    stock_id: Annotated[
        str, Code(key=True, max_length=128, description="Material, plant, and a digest of all that tells stock apart.")
    ]
    system: Annotated[str, Code(pattern=SYSTEM, description=OF_SYSTEM)]
    material: Annotated[str, Code(max_length=64, description="Number of the material.")]
    plant: Annotated[str | None, Code(max_length=64, description="The site that it lies at.")] = None
    storage_location: Annotated[str | None, Code(max_length=64, description="Where in the site it lies.")] = None
    batch: Annotated[str | None, Code(max_length=64, description="Batch, where batches are told apart.")] = None
    stock_type: Annotated[
        str | None, Code(max_length=16, description="Kind of stock in the system's code: SAP's 01 may be used freely.")
    ] = None
    special_stock_type: Annotated[
        str | None, Code(max_length=16, description="Whose or what for it is, in the system's code.")
    ] = None
    supplier_id: Annotated[str | None, Code(max_length=64, description="The supplier that it is held for or by.")] = (
        None
    )
    customer_id: Annotated[str | None, Code(max_length=64, description="The customer that it is held for or by.")] = (
        None
    )
    quantity: Annotated[Decimal, Number(precision=18, scale=6, description="How much there is, in `quantity_unit`.")]
    quantity_unit: Annotated[str, Code(max_length=32, description="Base unit of the material.")]

    example = record(
        stock_id="sap/MZ-100/1010/01",
        system="sap",
        material="MZ-100",
        plant="1010",
        quantity="40",
        quantity_unit="kg",
    )

    rules = (
        RowRule(
            id="erp.material_stock.quantity.sign",
            expression="quantity >= 0",
            fields=("quantity",),
            dimension="accuracy",
            severity="warn",
            message="There is less than nothing in stock.",
            valid="zero or more",
            repair="A movement was not posted yet; look at the material's documents.",
        ),
    )


class PurchaseCategory(
    Contract,
    name="erp.purchase_category",
    version="1.0.0",
    title="Category of purchases",
    description="What purchases of one category count as: the activity that factors are for, and the method.",
):
    """A line of the table by which purchases become activities. It is the organisation's own."""

    category: Annotated[str, Code(key=True, max_length=128, description=CATEGORY)]
    title: Annotated[str | None, Text(max_length=300, description="The category in words.")] = None
    method: Annotated[
        str,
        Code(
            enum=("spend", "mass", "not_counted"),
            description="What is multiplied by the factor: the amount spent or the quantity ordered. not_counted is "
            "what is counted elsewhere, such as energy.",
            citation=SCOPE_3,
        ),
    ]
    activity_type: Annotated[
        str | None, Code(max_length=48, description="The activity, as factors name it: purchased.steel.")
    ] = None
    note: Annotated[str | None, Text(max_length=2000, description="Why it counts so.")] = None

    example = record(
        category="sap/R100",
        title="Steel and steel products",
        method="spend",
        activity_type="purchased.steel",
    )

    rules = (
        RowRule(
            id="erp.purchase_category.activity_type.given",
            expression="method = 'not_counted' OR activity_type IS NOT NULL",
            fields=("activity_type", "method"),
            dimension="completeness",
            message="A category that is counted names no activity.",
            valid="an activity_type with the methods spend and mass",
            repair="Name the activity as the factor does.",
            citation=SCOPE_3,
        ),
        RowRule(
            id="erp.purchase_category.note.given",
            expression="method <> 'not_counted' OR note IS NOT NULL",
            fields=("note", "method"),
            dimension="completeness",
            message="A category is left out without a reason.",
            valid="a note with the method not_counted",
            repair="Say where its emissions are counted, or why not.",
            citation=SCOPE_3,
        ),
    )
