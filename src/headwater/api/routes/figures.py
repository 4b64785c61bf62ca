"""Figures: factors, emissions summed up, inventories with their lines, indicators."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from headwater.api.access import Here, needs, router
from headwater.services import emissions, factors, indicators
from headwater.services.access.policy import Right
from headwater.services.inventories import viewing
from headwater.services.inventory_lines import Wanted

routes = router("figures")
Limit = Annotated[int, Query(ge=1, le=1000)]
Text = Annotated[str | None, Query(max_length=500)]


@routes.get("/factors", **needs(Right.READ))
def list_factors(
    here: Here, *, activity_type: Text = None, region: Text = None, source: Text = None, stage: Text = None,
    status: Text = None, limit: Limit = 100,
) -> dict[str, Any]:  # fmt: skip
    """Emission factors that stand, each with its status; `total` says how many there are of those asked for."""
    here.require(Right.READ)
    wanted = factors.Wanted(activity_type=activity_type, region=region, source=source, stage=stage, status=status)
    items, total = factors.list_factors(here, wanted, limit=limit)
    return {"items": items, "total": total}


@routes.get("/factors/{factor_id}", **needs(Right.READ, 404))
def show_factor(here: Here, factor_id: str) -> dict[str, Any]:
    """A factor with its status, those it disagrees with, and the regions it may stand in for."""
    here.require(Right.READ)
    return factors.show_factor(here, factor_id)


@routes.get("/emissions", **needs(Right.QUERY))
def sum_emissions(here: Here) -> list[dict[str, Any]]:
    """Emissions that stand, summed by scope, method, set and activity type. Single ones: records of `emission@1`."""
    here.require(Right.QUERY)
    return [vars(each) for each in emissions.calculated_emissions(here)]


@routes.get("/inventories", **needs(Right.READ))
def list_inventories(here: Here, *, discarded: bool = False) -> list[dict[str, Any]]:
    """Inventories, the latest first; those discarded only where they are asked for."""
    here.require(Right.READ)
    return [viewing.inventory_json(each) for each in viewing.list_inventories(here, discarded=discarded)]


@routes.get("/inventories/{inventory}", **needs(Right.READ, 404))
def show_inventory(here: Here, inventory: str) -> dict[str, Any]:
    """An inventory by number, id or name: totals by set and method, findings, licences, the chain's head."""
    here.require(Right.READ)
    return viewing.show_inventory(here, inventory).as_json()


@routes.get("/inventories/{inventory}/lines", **needs(Right.QUERY, 404))
def list_lines(
    here: Here, inventory: str, *, activity: Text = None, facility: Text = None, gwp_set: Text = None,
    method: Text = None, scope: Annotated[int | None, Query(ge=1, le=3)] = None, limit: Limit = 100,
) -> dict[str, Any]:  # fmt: skip
    """Lines of an inventory, and how many there are of those asked for."""
    here.require(Right.QUERY)
    items, total = viewing.list_lines(
        here, inventory, activity=activity, facility=facility, gwp_set=gwp_set, method=method, scope=scope, limit=limit
    )
    return {"items": items, "total": total}


@routes.get("/indicators", **needs(Right.READ))
def list_indicators(here: Here) -> list[dict[str, Any]]:
    """The indicators there are."""
    here.require(Right.READ)
    return [
        {"name": each.name, "kind": each.indicator.kind, "title": each.indicator.title, "unit": each.indicator.unit}
        for each in indicators.defined_indicators().values()
    ]


@routes.get("/indicators/{name}", **needs(Right.QUERY, 404))
def compute_indicator(
    here: Here,
    name: str,
    *,
    by: Annotated[list[str] | None, Query(description="What values are told apart by: scope, site, year …")] = None,
    inventory: Annotated[list[str] | None, Query(description="Inventories; left out, what stands.")] = None,
    method: Text = None,
    gwp_set: Text = None,
) -> dict[str, Any]:
    """An indicator computed now. What cannot be had is not available, and says why; it is never 0."""
    here.require(Right.QUERY)
    defined = indicators.defined_indicators()
    indicators.made_of(defined, name)
    wanted = Wanted(method=method, gwp_set=gwp_set)
    (found,) = indicators.compute_indicators(here, defined, [name], by=by, wanted=wanted, inventories=inventory or ())
    return indicators.as_json(found)
