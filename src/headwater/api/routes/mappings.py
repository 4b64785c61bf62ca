"""Mappings: those that packs bring, and those of the organisation."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from headwater.api.access import Here, needs, router
from headwater.services import kept_mappings
from headwater.services.access.policy import Right
from headwater.services.answers.contracts import MappingListed, MappingShown

routes = router("mappings")


class NewMapping(BaseModel):
    """A mapping document."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(min_length=1, description="The document, in YAML or JSON.")


@routes.get("/mappings", **needs(Right.READ))
def list_mappings(here: Here) -> list[MappingListed]:
    """Every mapping by name, each version: shipped with a pack, or kept by the organisation."""
    return kept_mappings.list_mappings(here)


@routes.get("/mappings/{name}", **needs(Right.READ, 404))
def show_mapping(here: Here, name: str) -> MappingShown:
    """The newest version of a mapping: its document as text and as JSON."""
    return kept_mappings.show_mapping(here, name)


@routes.post("/mappings", status_code=201, **needs(Right.TRANSFORM, 409))
def keep_mapping(here: Here, mapping: NewMapping) -> MappingListed:
    """Keep a mapping under its name and version. A version that is kept is never changed: another text is another."""
    return kept_mappings.keep_mapping(here, mapping.text)
