"""Figures: factors, emissions summed up, indicators."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from headwater.api.access import Here, needs, router
from headwater.api.asking import Cursor, Limit, page_of
from headwater.api.files import BRINGS_A_FILE, Between, file_answer, file_sent
from headwater.services import emissions, indicators
from headwater.services.access.policy import Right
from headwater.services.answers.figures import (
    FactorListed,
    FactorShown,
    FactorsLoaded,
    IndicatorComputed,
    IndicatorListed,
)
from headwater.services.answers.kinds import Page
from headwater.services.factors import library, sending
from headwater.services.inventory_lines import Wanted
from headwater.services.listing import USUAL
from headwater.store.emissions import EmissionSum

routes = router("figures")
Text = Annotated[str | None, Query(max_length=500)]


@routes.get("/factors", **needs(Right.READ))
def list_factors(
    here: Here, *, activity_type: Text = None, region: Text = None, source: Text = None, stage: Text = None,
    status: Text = None, cursor: Cursor = None, limit: Limit = USUAL,
) -> Page[FactorListed]:  # fmt: skip
    """Emission factors that stand, by id, each with its status; `total` says how many there are of those asked for."""
    wanted = library.Wanted(activity_type=activity_type, region=region, source=source, stage=stage, status=status)
    return page_of(library.page_of_factors(here, wanted, cursor=cursor, limit=limit))


@routes.get("/factors/export", response_class=StreamingResponse, **needs(Right.QUERY, 404, long="export"))
def export_factors(
    here: Here, *, activity_type: Text = None, region: Text = None, source: Text = None, stage: Text = None,
    status: Text = None, delimiter: Between = ",",
) -> StreamingResponse:  # fmt: skip
    """Factors that their licence lets be passed on, as CSV in the form that is imported."""
    wanted = library.Wanted(activity_type=activity_type, region=region, source=source, stage=stage, status=status)
    return file_answer(
        lambda path: library.export_factors(here, path, wanted, delimiter=delimiter),
        "factors.csv",
        "text/csv; charset=utf-8",
    )


@routes.post(
    "/factors/imports", status_code=202, **needs(Right.TRANSFORM, 404, 408, 409, 415, long="upload", also=BRINGS_A_FILE)
)
async def import_factors(
    here: Here,
    request: Request,
    name: Annotated[str, Query(min_length=1, max_length=200, description="The file's name.")],
    mapping: Annotated[
        str, Query(min_length=1, max_length=200, description="A mapping, or what the names of several begin with.")
    ] = library.FORM,
) -> list[FactorsLoaded]:
    """Import a file of factors, by each of its mappings in a run of its own that a worker carries out."""
    async with file_sent(here, request, name) as path:
        return await run_in_threadpool(sending.load_factors, here, path, mapping)


@routes.get("/factors/{factor_id}", **needs(Right.READ, 404))
def show_factor(here: Here, factor_id: str) -> FactorShown:
    """A factor with its status, those it disagrees with, and the regions it may stand in for."""
    here.require(Right.READ)
    return library.show_factor(here, factor_id)


@routes.get("/emissions", **needs(Right.READ, anywhere=True))
def sum_emissions(here: Here) -> list[EmissionSum]:
    """Emissions that stand, summed by scope, method, set and activity type. Single ones: records of `emission@1`."""
    return list(emissions.calculated_emissions(here))


@routes.get("/indicators", **needs(Right.READ))
def list_indicators(here: Here) -> list[IndicatorListed]:
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
) -> IndicatorComputed:
    """An indicator computed now. What cannot be had is not available, and says why; it is never 0."""
    here.require(Right.QUERY)
    defined = indicators.defined_indicators()
    indicators.made_of(defined, name)
    wanted = Wanted(method=method, gwp_set=gwp_set)
    (found,) = indicators.compute_indicators(here, defined, [name], by=by, wanted=wanted, inventories=inventory or ())
    return indicators.as_json(found)
