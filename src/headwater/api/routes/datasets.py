"""Datasets: offered to another organisation, accepted from one, and public ones."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field

from headwater.api.access import Here, needs, router
from headwater.services import datasets
from headwater.services.access.policy import Right
from headwater.services.answers.contracts import OfferListed, OfferTaken, PublicDataset, PublicTaken
from headwater.services.datasets import Offered

routes = router("datasets")
Version = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Left out: the newest.")]


class NewOffer(BaseModel):
    """Records of a contract for another organisation."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=63)
    contract: str = Field(max_length=200, description="As `activity@1`.")
    receiver: str = Field(max_length=63, description="The organisation's name. Whether there is one is not told.")
    licence: str = Field(min_length=1, max_length=500, description="What they may do with it.")
    filter: list[str] = Field(default=[], max_length=20, description="As for the list of records.")
    days: int = Field(default=30, ge=1, le=datasets.LONGEST_DAYS)


class Acceptance(BaseModel):
    """The text that opens an offer."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(min_length=1, max_length=300)


@routes.get("/dataset-offers", **needs(Right.MANAGE_USERS))
def list_offers(here: Here) -> list[OfferListed]:
    """What was offered to others, the latest first."""
    return datasets.list_offers(here)


@routes.post("/dataset-offers", status_code=201, **needs(Right.MANAGE_USERS, 404, shown_once=True, long="export"))
def make_offer(here: Here, new: NewOffer) -> Offered:
    """Offer a copy of records to another organisation. The text that opens it is in this answer only."""
    return datasets.offer(
        here, new.name, new.contract, new.receiver, licence=new.licence, filters=new.filter, days=new.days
    )


@routes.delete("/dataset-offers/{offer_id}", status_code=204, **needs(Right.MANAGE_USERS, 404))
def withdraw_offer(here: Here, offer_id: UUID) -> None:
    """Nobody takes it from now on; what was taken is theirs."""
    datasets.withdraw(here, offer_id)


@routes.post("/dataset-acceptances", status_code=201, **needs(Right.TRANSFORM, 404, long="export"))
def accept_offer(here: Here, acceptance: Acceptance) -> OfferTaken:
    """Take what another organisation has offered to this one: rows of one's own, from a source that says whose."""
    return datasets.accept(here, acceptance.text)


@routes.get("/public-datasets", **needs(Right.READ))
def list_public(here: Here) -> list[PublicDataset]:
    """Datasets that all organisations of the installation may read."""
    return datasets.list_public(here)


@routes.get("/public-datasets/{dataset}/content", response_class=Response, **needs(Right.READ, 404, long="export"))
def read_public(here: Here, dataset: str, version: Version = None) -> Response:
    """What is in a public dataset, as CSV."""
    return Response(datasets.read_public(here, dataset, version), media_type="text/csv; charset=utf-8")


@routes.post("/public-datasets/{dataset}/copies", status_code=201, **needs(Right.TRANSFORM, 404, long="export"))
def take_public(here: Here, dataset: str, version: Version = None) -> PublicTaken:
    """Bring a public dataset in as rows of one's own."""
    return datasets.take_public(here, dataset, version)
