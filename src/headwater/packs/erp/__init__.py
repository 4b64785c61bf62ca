"""Purchases, stock, invoices, accounts, workers and travel, alike from SAP, Oracle Fusion and Workday."""

from __future__ import annotations

from importlib import resources

from headwater.packs.erp.accounts import InvoiceLine, LedgerAccount
from headwater.packs.erp.people import Travel, Worker
from headwater.packs.erp.purchasing import MaterialStock, PurchaseCategory, PurchaseOrder, PurchaseOrderItem
from headwater.packs.pack import Pack

pack = Pack(
    name="erp",
    title="Enterprise resource planning",
    contracts=(
        PurchaseOrder,
        PurchaseOrderItem,
        MaterialStock,
        PurchaseCategory,
        InvoiceLine,
        LedgerAccount,
        Worker,
        Travel,
    ),
    mappings=resources.files(__name__).joinpath("mappings"),
)
