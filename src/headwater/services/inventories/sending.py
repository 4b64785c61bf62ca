"""Inventories made by whoever is not at the server: their documents are texts, and name no file of the server's."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING

from headwater.accounting.inventory.document import read_document
from headwater.documents.strict_yaml import parse_yaml
from headwater.errors import Misuse, RetryLater
from headwater.services.access.policy import Right
from headwater.services.inventories.calculating import make
from headwater.services.uploads.receiving import file_name
from headwater.telemetry import SilentProgress

if TYPE_CHECKING:
    from headwater.accounting.inventory.document import Inventory
    from headwater.services.installation import Installation
    from headwater.services.inventories.calculating import Calculated

WAIT_SECONDS = 60
_calculating = Lock()
"""A calculation takes every processor and all the memory that the settings allow."""


def calculate_sent(installation: Installation, text: str, rates: str | None = None) -> Calculated:
    """Make the inventory that a document describes; `rates` is the file of exchange rates that it names, if it does.

    RetryLater where this process is at another one for a minute.
    """
    installation.require(Right.TRANSFORM, on="inventories")
    document = read_document(parse_yaml(text, where="document"), where="document")
    called = _name_of_rates(document, rates)
    if not _calculating.acquire(timeout=WAIT_SECONDS):
        raise RetryLater("another inventory is being calculated", where="inventories", remedy="Send it again.")
    try:
        with TemporaryDirectory(prefix="headwater-") as folder:
            path = None
            if called is not None and rates is not None:
                path = Path(folder) / called
                path.write_text(rates, encoding="utf-8")
            return make(installation, document, path, progress=SilentProgress())
    finally:
        _calculating.release()


def _name_of_rates(document: Inventory, rates: str | None) -> str | None:
    named = document.factors.rates
    if (named is None) != (rates is None):
        raise Misuse(
            "the document names a file of rates that was not sent" if named else "the document names no file of rates",
            where="factors.rates",
            value=named,
            valid="its name in the document, and its content as `rates`; or neither",
        )
    return None if named is None else file_name(named)
