"""The inventory document: what is counted, by which methods, and the written policy by which factors are chosen."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from headwater.documents.wrong_document import sentences
from headwater.errors import Misuse

_NAME, _SHARE, _SET = r"^[a-z][a-z0-9_]{0,62}$", r"^(0\.\d{1,6}|1(\.0{1,6})?)$", r"^[A-Za-z][A-Za-z0-9_]{0,31}$"
_VERSION = r"^\d{1,5}\.\d{1,5}\.\d{1,5}$"
_PATTERNS = {
    _NAME: "a name of small letters, digits and _, a letter first, of at most 63 characters,",
    _SHARE: 'a share from 0 to 1 in quotes, of at most 6 decimals, such as "0.5",',
    _SET: "a name of letters, digits and _, a letter first, such as AR5,",
    _VERSION: "a version such as 1.0.0",
}
Name = Annotated[str, StringConstraints(pattern=_NAME)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Share = Annotated[str, StringConstraints(pattern=_SHARE)]
SetName = Annotated[str, StringConstraints(pattern=_SET)]
Method = Literal["location_based", "market_based"]


class _Part(BaseModel):
    """Frozen, and closed to keys nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Boundary(_Part):
    """Whose activities are counted, and how much of them."""

    approach: Literal["operational_control", "financial_control", "equity_share"] = Field(
        description="The consolidation approach of the GHG Protocol."
    )
    facilities: Literal["all"] | tuple[Code, ...] = Field(
        default="all", description="The sites counted; activities of other sites, or of none, are left out and told."
    )
    shares: dict[Code, Share] = Field(
        default={}, description='With `equity_share`: what counts of each site, as in `{LON: "0.5"}`.'
    )

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if bool(self.shares) != (self.approach == "equity_share"):
            raise ValueError("shares are given with equity_share, and only then")
        return self


class Period(_Part):
    """The time counted: activities whose period_start lies in it."""

    start: date = Field(description="The first day.")
    end: date = Field(description="The day after the last.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start >= self.end:
            raise ValueError("the period ends before it begins; end is the day after the last")
        return self


class Designated(_Part):
    """The figures that are the inventory's own; all others stand beside them."""

    method: Method = Field(default="location_based", description="Of scope 2.")
    gwp_set: SetName | None = Field(default=None, description="Left out: the first of `gwp_sets`.")


class Years(_Part):
    """Whether a factor of another time may stand in. The distance is counted in calendar years."""

    allow: Literal["none", "previous", "nearest"] = Field(
        default="none",
        description="`none`: only factors valid on the activity's first day; `previous`: else the latest of an earlier"
        " year; `nearest`: else that of the nearest year, of two as near the earlier.",
    )
    most: int = Field(default=1, ge=1, le=50, description="How many years apart at most.")


class Factors(_Part):
    """Which factor is taken. In this order decide: type, region, time, source, method, version, own unit."""

    sources: tuple[Words, ...] = Field(
        default=(), description="Sources as the factors name them, in order of preference."
    )
    only_listed: bool = Field(default=False, description="Whether sources that are not listed may not be used at all.")
    types: dict[Code, Annotated[tuple[Code, ...], Field(min_length=1)]] = Field(
        default={}, description="Activity type → factors' activity types, in order. Left out: its own name only."
    )
    regions: dict[Code, Annotated[tuple[Code, ...], Field(min_length=1)]] = Field(
        default={}, description="Region → factors' regions, in order. Left out: the region itself only."
    )
    years: Years = Field(default=Years(), description="Whether a factor of another time may stand in.")
    upstream: bool = Field(
        default=False, description="Whether well-to-tank and grid losses are counted too (category 3 of scope 3)."
    )
    rates: str | None = Field(
        default=None,
        description="A file of exchange rates in the ECB's form, from the document's folder: money is exchanged by it"
        " where a factor is per another currency. Left out, money in another currency has no figure.",
    )


class Instruments(_Part):
    """How the market-based method finds what electricity bought is made of."""

    use: bool = Field(default=True, description="Whether energy instruments are used at all.")
    types: tuple[Code, ...] = Field(
        default=("electricity",), description="The activity types whose energy instruments may cover."
    )
    grid_average: bool = Field(
        default=False,
        description="Whether the location-based factor stands in where instruments and residual mix are missing."
        " Otherwise what is left has no market-based figure, which is told.",
    )


class MethaneOrigin(_Part):
    """What is said of methane whose factor does not say where it comes from."""

    default: Literal["fossil", "non_fossil", "none"] = Field(
        default="none", description="A declared choice; `none`: no CO2e is derived where the origin matters."
    )


class Inventory(_Part):
    """A document in YAML or JSON that says what an inventory counts, and how."""

    inventory: Name = Field(description="Its name.")
    version: Annotated[str, StringConstraints(pattern=_VERSION)] = Field(default="1.0.0", description="Its version.")
    organisation: Words = Field(description="Whose emissions they are.")
    boundary: Boundary = Field(description="Whose activities are counted.")
    period: Period = Field(description="The time counted.")
    methods: Annotated[tuple[Method, ...], Field(min_length=1)] = Field(
        default=("location_based", "market_based"), description="Of scope 2, computed beside each other."
    )
    gwp_sets: Annotated[tuple[SetName, ...], Field(min_length=1)] = Field(
        description="Sets of warming potentials, computed beside each other."
    )
    designated: Designated = Field(default=Designated(), description="The figures that are the inventory's own.")
    factors: Factors = Field(default=Factors(), description="The policy by which factors are chosen.")
    categories: dict[Code, Annotated[int, Field(ge=1, le=15)]] = Field(
        default={},
        description="Activity type → category of scope 3 under which its figures are counted, whatever the factor"
        " says: commuting by car is 7, though a factor for business travel says 6. Where the factor is of scope 2, only"
        " the location-based figure is made: it counts once, by either method.",
    )
    instruments: Instruments = Field(default=Instruments(), description="What the market-based method uses.")
    ch4_origin: MethaneOrigin = Field(default=MethaneOrigin(), description="Of methane that does not say.")
    accept_other_sets: bool = Field(
        default=False,
        description="Whether figures that exist in another set only are counted in a total all the same, which is"
        " told; otherwise they are left out of it, which is told too.",
    )

    @model_validator(mode="after")
    def _designated_is_computed(self) -> Self:
        for listed in (self.methods, self.gwp_sets):
            if len(set(listed)) < len(listed):
                raise ValueError(f"{', '.join(listed)} names one twice")
        if self.designated.method not in self.methods:
            raise ValueError(f"designated.method {self.designated.method} is not among methods")
        if self.designated_set not in self.gwp_sets:
            raise ValueError(f"designated.gwp_set {self.designated.gwp_set} is not among gwp_sets")
        return self

    @property
    def designated_set(self) -> str:
        """The set of the inventory's own figures."""
        return self.designated.gwp_set or self.gwp_sets[0]

    def share(self, facility: str | None) -> Decimal | None:
        """The equity share of a site, with 6 places; None where none is given."""
        text = self.boundary.shares.get(facility or "")
        return None if text is None else Decimal(text).quantize(Decimal("0.000001"))

    def to_json(self) -> str:
        """Canonical JSON, keys sorted, everything that may be left out written out."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def hash(self) -> bytes:
        """SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).digest()


def read_document(body: object, *, where: str) -> Inventory:
    """An inventory document from parsed YAML or JSON. Misuse says in one sentence what is wrong with each key."""
    try:
        return Inventory.model_validate(body)
    except ValidationError as error:
        raise Misuse(
            "the inventory document is wrong: " + "; ".join(sentences(error.errors(), Inventory, _PATTERNS)),
            where=where,
            remedy="Correct the keys named; see docs/reference/inventory.md.",
        ) from error


def inventory_json_schema() -> dict[str, Any]:
    """The published JSON Schema (2020-12) of an inventory document."""
    schema = Inventory.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Headwater inventory",
        **{key: value for key, value in schema.items() if key != "title"},
    }
