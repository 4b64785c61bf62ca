"""The resources, one file a concept. `EVERY` is the list that the application serves and the tests walk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.api.routes import contracts, evidence, figures, imports, mappings, quarantine, records, runs

if TYPE_CHECKING:
    from fastapi import APIRouter

EVERY: tuple[APIRouter, ...] = tuple(
    each.routes for each in (contracts, mappings, records, figures, imports, runs, quarantine, evidence)
)
