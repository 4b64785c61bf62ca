"""Inventories for whoever is not at the server, made by jobs: documents are texts, and name no file of the server's."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from headwater.accounting.inventory.document import read_document
from headwater.documents.reading import read_text
from headwater.documents.strict_yaml import parse_yaml
from headwater.errors import Misuse
from headwater.services.access.policy import Right
from headwater.services.inventories.calculating import make
from headwater.services.jobs import USUAL, Wanted, ask
from headwater.services.uploads.receiving import file_name
from headwater.telemetry import SilentProgress

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.accounting.inventory.document import Inventory
    from headwater.services.installation import Installation
    from headwater.store.jobs import Job

KIND, LOCK = "inventory", "inventories"
"""A calculation takes every processor and all the memory that the settings allow: of an organisation one at a time."""


def ask_inventory(installation: Installation, text: str, rates: str | None = None) -> UUID:
    """Ask for the inventory that a document describes; the job's id. What it names is looked at before.

    rates: the file of exchange rates that the document names, if it does.
    """
    installation.require(Right.TRANSFORM, on="inventories")
    document = _document(text)
    _name_of_rates(document, rates)
    arguments = {"document": text} | ({} if rates is None else {"rates": rates})
    wanted = Wanted(kind=KIND, label=document.inventory, arguments=arguments, lock=LOCK)
    with installation.database.connect(installation.tenant_id) as connection:
        return ask(installation, connection, wanted, manner=USUAL, asked_by=installation.actor.name)


def ask_inventory_of_file(installation: Installation, path: Path) -> UUID:
    """Ask for the inventory that the document at `path` describes; the job's id. The document and its file of rates go
    with the job as they are now: whoever changes them later changes nothing of it.
    """
    installation.require(Right.TRANSFORM, on="inventories")
    text = read_text(path, "inventory document")
    named = read_document(parse_yaml(text, where=str(path)), where=str(path)).factors.rates
    if named is None:
        return ask_inventory(installation, text)
    try:
        rates = (path.parent / named).read_bytes().decode()  # to the byte: the inventory's id hangs on it
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not in UTF-8"
        raise Misuse(f"the file of rates cannot be read: {why}", where="factors.rates", value=named) from error
    return ask_inventory(installation, text, rates)


def make_asked(installation: Installation, job: Job) -> dict[str, Any]:
    """Make the inventory that a job was asked for, of what stands now; what it came to, in plain values."""
    installation.require(Right.TRANSFORM, on="inventories")
    document, rates = _document(job.arguments["document"]), job.arguments.get("rates")
    called = _name_of_rates(document, rates)
    with TemporaryDirectory(prefix="headwater-") as folder:
        path = None
        if called is not None:
            path = Path(folder) / called
            path.write_bytes(str(rates).encode())
        made = make(installation, document, path, progress=SilentProgress())
    return {**vars(made), "inventory_id": str(made.inventory_id)}


def _document(text: str) -> Inventory:
    return read_document(parse_yaml(text, where="document"), where="document")


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
