"""Inventories: made of what stands, shown with their lines, traced, compared, published, carried out of the house."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from headwater.api.access import Here, needs, router
from headwater.api.files import Between, file_answer
from headwater.services.access.masked_traces import line_for_reader
from headwater.services.access.policy import Right
from headwater.services.answers.inventories import (
    Compared,
    InventoryListed,
    InventoryPublished,
    InventoryShown,
    LinesListed,
)
from headwater.services.answers.jobs import JobAsked
from headwater.services.comparison.compare import compare
from headwater.services.inventories import choosing, exporting, publishing, sending, tracing, viewing
from headwater.services.inventories.choosing import Considered
from headwater.services.inventories.tracing import LineTrace

routes = router("inventories")
Limit = Annotated[int, Query(ge=1, le=1000)]
Text = Annotated[str | None, Query(max_length=500)]
Clear = Annotated[bool, Query(description="Show personal data: needs the right `write`, and is noted.")]


class NewInventory(BaseModel):
    """What an inventory is made by."""

    model_config = ConfigDict(extra="forbid")
    document: str = Field(min_length=1, description="The inventory document, in YAML or JSON.")
    rates: str | None = Field(default=None, min_length=1, description="The file of rates that it names, as text.")


@routes.get("/inventories", **needs(Right.READ))
def list_inventories(here: Here, *, discarded: bool = False) -> list[InventoryListed]:
    """Inventories, the latest first; those discarded only where they are asked for."""
    here.require(Right.READ)
    return [viewing.inventory_json(each) for each in viewing.list_inventories(here, discarded=discarded)]


@routes.post("/inventories", status_code=202, **needs(Right.TRANSFORM))
def make_inventory(here: Here, inventory: NewInventory) -> JobAsked:
    """Make an inventory of what stands then, by a worker.

    What came of it is the job's `result`; there `is_new` is false where the very same stood already.
    """
    return {"job_id": str(sending.ask_inventory(here, inventory.document, inventory.rates))}


@routes.get("/inventories/{inventory}", **needs(Right.READ, 404))
def show_inventory(here: Here, inventory: str) -> InventoryShown:
    """An inventory by number, id or name: totals by set and method, findings, licences, the chain's head."""
    here.require(Right.READ)
    return viewing.show_inventory(here, inventory).as_json()


@routes.get("/inventories/{inventory}/lines", **needs(Right.READ, 404))
def list_lines(
    here: Here, inventory: str, *, activity: Text = None, facility: Text = None, gwp_set: Text = None,
    method: Text = None, scope: Annotated[int | None, Query(ge=1, le=3)] = None, limit: Limit = 100,
) -> LinesListed:  # fmt: skip
    """Lines of an inventory, and how many there are of those asked for. To ask for values needs the right `query`."""
    items, total = viewing.list_lines(
        here, inventory, activity=activity, facility=facility, gwp_set=gwp_set, method=method, scope=scope, limit=limit
    )
    return {"items": items, "total": total}


@routes.get(
    "/inventories/{inventory}/lines.csv", response_class=StreamingResponse, **needs(Right.QUERY, 404, long="export")
)
def export_lines(here: Here, inventory: str, delimiter: Between = ",") -> StreamingResponse:
    """All lines as they are kept. Where a factor may not be passed on, its lines go without figures and say why."""
    return file_answer(
        lambda path: exporting.write_lines(here, inventory, path, delimiter=delimiter),
        "inventory.csv",
        "text/csv; charset=utf-8",
    )


@routes.get(
    "/inventories/{inventory}/report.html", response_class=StreamingResponse, **needs(Right.QUERY, 404, long="export")
)
def export_report(here: Here, inventory: str) -> StreamingResponse:
    """The report as one page that needs nothing else."""
    return file_answer(
        lambda path: exporting.write_report(here, inventory, path), "inventory.html", "text/html; charset=utf-8"
    )


@routes.get("/inventories/{inventory}/lines/{activity:path}/trace", **needs(Right.READ, 404))
def trace_line(
    here: Here, inventory: str, activity: str, *, method: Text = None, gwp_set: Text = None, stage: Text = None,
    part: Text = None, clear: Clear = False,
) -> LineTrace:  # fmt: skip
    """A line back to factor, activity and the cell it came from, computed again now from what was pinned."""
    here.require(Right.READ)
    key = "|".join(word or "" for word in (inventory, activity, method, gwp_set, stage, part))
    return line_for_reader(here, tracing.trace_line(here, key), clear=clear)


@routes.get("/inventories/{inventory}/lines/{activity:path}/choices", **needs(Right.READ, 404))
def show_choices(here: Here, inventory: str, activity: str) -> list[Considered]:
    """Every factor that was looked at for an activity: the one taken, and why each other was not."""
    return choosing.choices(here, inventory, activity)


@routes.post("/inventories/{inventory}/publication", status_code=201, **needs(Right.TRANSFORM, 404, 409))
def publish(here: Here, inventory: str) -> InventoryPublished:
    """Publish an inventory under the next number, which stands for it for ever."""
    return {"number": publishing.publish(here, inventory)}


@routes.delete("/inventories/{inventory}", status_code=204, **needs(Right.TRANSFORM, 404, 409))
def discard(here: Here, inventory: str) -> None:
    """Put a draft away. Nothing of it is deleted: the same calculated again brings it back."""
    publishing.discard(here, inventory)


@routes.get("/comparisons", **needs(Right.READ, 404))
def compare_two(
    here: Here,
    old: Annotated[str, Query(max_length=200, description="An inventory, or a run.")],
    new: Annotated[str, Query(max_length=200, description="Another of the same kind.")],
) -> Compared:
    """What moved from one inventory to another, or from one run to another, in kg CO2e by cause."""
    found: Any = compare(here, old, new).as_json()
    shown: Compared = found
    return shown
