"""Emission factors and indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired

from typing_extensions import TypedDict

from headwater.accounting.factors.licences import RestsOn
from headwater.services.answers.kinds import Exact, Hash, Id, of_a_contract

if TYPE_CHECKING:
    LicenceTold = dict[str, Any]
else:
    LicenceTold = RestsOn  # told as a dictionary of its fields


@of_a_contract
class FactorListed(TypedDict):
    """An emission factor that stands: the fields of the contract emission_factor as canonical texts, null where it has
    no value.

    status  whether it may be taken: what speaks against it, if anything does
    """

    factor_id: str
    source: str
    activity_type: str
    region: str
    unit: str
    valid_from: str
    valid_to: str
    status: str


class FactorConflict(TypedDict):
    """Two factors of several sources that differ by more than a tenth.

    factors             their ids
    sources             in the same order
    unit                that both are given per
    co2e_kg_per_unit    of each, in kg CO2e per `unit`
    difference_percent  null where one of them is 0
    """

    factors: list[str]
    sources: list[str]
    activity_type: str
    region: str
    unit: str
    co2e_kg_per_unit: list[Exact]
    difference_percent: Exact | None
    why: str


@of_a_contract
class FactorShown(FactorListed):
    """An emission factor as it stands: the fields of the contract emission_factor as canonical texts, null where it has
    no value.

    conflicts        factors of other sources that it disagrees with
    broader_regions  regions whose factors may stand in for it, the nearest first
    """

    conflicts: list[FactorConflict]
    broader_regions: list[str]


class FactorsLoaded(TypedDict):
    """A file of factors by one of its mappings.

    run_id  of the plan; null where it is refused
    job_id  of the worker's job; null where it is refused
    error   why it is refused
    """

    mapping: str
    run_id: Id | None
    job_id: Id | None
    error: str | None


class IndicatorListed(TypedDict):
    """An indicator that there is.

    kind  how it is computed
    unit  that it is given in; null where that depends on what it is made of
    """

    name: str
    kind: str
    title: str
    unit: str | None


class RowsRestedOn(TypedDict):
    """Rows that a value is computed from.

    where   which of the source
    rows    how many
    sha256  of these
    """

    source: str
    where: str | None
    rows: int
    sha256: Hash


class ValuePart(TypedDict):
    """What a value came from, down to the rows.

    exact     unrounded, with its unit; null where it is not available
    parts     of what is made of other indicators: by name
    """

    exact: str | None
    rests_on: list[RowsRestedOn]
    parts: NotRequired[dict[str, ValuePart]]


class IndicatorValue(ValuePart):
    """One value of an indicator.

    key            what it is told apart by: dimension → value; null where a row has none
    value          in `unit`, with all its places; null where it is not available, which is not 0
    not_available  why there is no value
    notes          what was decided on the way and is no fault
    """

    key: dict[str, str | int | None]
    value: Exact | None
    unit: str | None
    not_available: list[str]
    notes: list[str]


class IndicatorComputed(TypedDict):
    """An indicator computed now.

    kind      how it is computed
    by        what its values are told apart by
    licences  of the factors behind it
    """

    name: str
    title: str
    kind: str
    by: list[str]
    licences: list[LicenceTold]
    values: list[IndicatorValue]
