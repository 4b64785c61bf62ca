"""The resources, one file a concept. `EVERY` is the list that the application serves and the tests walk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.api.routes import (
    connectors,
    contracts,
    datasets,
    deletions,
    evidence,
    figures,
    health,
    imports,
    inventories,
    jobs,
    mappings,
    notifications,
    people,
    quarantine,
    records,
    runs,
    schedules,
)

if TYPE_CHECKING:
    from fastapi import APIRouter

EVERY: tuple[APIRouter, ...] = tuple(
    each.routes
    for each in (  # looked through in this order: what is asked for most stands first
        deletions,
        records,
        figures,
        evidence,
        people,
        contracts,
        mappings,
        datasets,
        inventories,
        imports,
        connectors,
        jobs,
        schedules,
        notifications,
        runs,
        quarantine,
        health,
    )
)
