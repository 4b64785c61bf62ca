"""What can be said about Oracle Fusion Cloud Applications."""

from __future__ import annotations

from pydantic import Field, field_validator

from headwater.connectors.http.config import HttpConfig
from headwater.connectors.protocol import Config


class FusionResource(Config):
    """A collection below /fscmRestApi/resources/VERSION/; its columns are asked for with /describe.

    name     as in its URL
    key      attributes that tell one row from all others
    cursors  attributes that tell what changed, best first
    """

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    key: tuple[str, ...]
    cursors: tuple[str, ...] = ("LastUpdateDate",)


DEFAULT = (
    FusionResource(name="invoices", key=("InvoiceId",)),
    FusionResource(name="purchaseRequisitions", key=("RequisitionHeaderId",)),
    FusionResource(name="accountCombinationsLOV", key=("_CODE_COMBINATION_ID",), cursors=()),
)
"""Invoices, requisitions and the combinations of ledger accounts. Key and cursor can be set as a tenant has them."""


class FusionConfig(HttpConfig):
    """A pod of Oracle Fusion.

    url             https://POD.fa.REGION.oraclecloud.com
    version         of the resources, as in the path
    resources       the collections to read
    page_rows       rows asked for in one answer; Oracle answers fewer than 500
    max_whole_rows  rows of a resource without a key that can be queried, which is read as one chunk
    """

    version: str = Field(default="11.13.18.05", pattern=r"^[0-9]+(\.[0-9]+){1,4}$|^latest$")
    resources: tuple[FusionResource, ...] = DEFAULT
    page_rows: int = Field(default=499, ge=1, le=10_000)
    max_whole_rows: int = Field(default=100_000, ge=1)

    @field_validator("resources")
    @classmethod
    def _have_names_of_their_own(cls, resources: tuple[FusionResource, ...]) -> tuple[FusionResource, ...]:
        names = [resource.name for resource in resources]
        if len(set(names)) != len(names):
            raise ValueError("two resources have one name")
        return resources
