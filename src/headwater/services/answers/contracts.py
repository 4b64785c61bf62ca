"""Contracts, what changed between two of them, mappings, and datasets that are shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NotRequired, get_type_hints

from typing_extensions import TypedDict

from headwater.contracts.document import FieldSpec, RuleSpec
from headwater.services.answers.kinds import FreeObject, Hash, Id, Moment
from headwater.services.answers.runs import RunShown

if TYPE_CHECKING:
    FieldShown = dict[str, Any]
else:
    FieldShown = TypedDict(
        "FieldShown",
        {name: NotRequired[kind] if name == "since" else kind for name, kind in get_type_hints(FieldSpec).items()},
    )
    FieldShown.__doc__ = FieldSpec.__doc__


class ContractListed(TypedDict):
    """A version of a contract.

    key              the fields that name a record
    fields           how many there are
    calculated_from  the contract whose records it is calculated from; null where files are loaded into it
    hash             of the document, by which everything cites it
    """

    name: str
    version: str
    title: str
    description: str
    key: list[str]
    fields: int
    calculated_from: str | None
    hash: Hash


class ContractShown(TypedDict):
    """A contract with its fields and rules: the document by whose hash it is cited.

    format           of the document
    rules            those of one record first, then those of the whole set
    calculated_from  the contract whose records it is calculated from; left out where files are loaded into it
    subject          the fields that say whom a record is about; left out where there are none
    """

    format: int
    name: str
    version: str
    title: str
    description: str
    fields: list[FieldShown]
    rules: list[RuleSpec]
    calculated_from: NotRequired[str]
    subject: NotRequired[list[str]]


class ContractChange(TypedDict):
    """One change from a version to another.

    what      is another
    why       it matters
    breaking  whether stored records, readers or sources of the old version would no longer do
    """

    what: str
    why: str
    breaking: bool


class VersionAdvised(TypedDict):
    """The version that changes ask for.

    enough  whether the new document carries it, or a higher one
    """

    version: str
    enough: bool


class ContractsCompared(TypedDict):
    """What changed from one version of a contract to another, and which version such changes ask for.

    old, new  name and version
    """

    old: str
    new: str
    advice: VersionAdvised
    changes: list[ContractChange]


class MappingListed(TypedDict):
    """A version of a mapping.

    contract  what its records become, as `activity@1`
    origin    shipped with a pack, kept by the organisation, or the form of a contract
    """

    name: str
    version: str
    contract: str
    origin: Literal["shipped", "kept", "contract"]


class MappingShown(MappingListed):
    """A mapping with its document.

    text      the document as it was written, in YAML or JSON
    document  the same as JSON; its fields are those of the reference of mappings
    """

    text: str
    document: FreeObject


class OfferListed(TypedDict):
    """Records that were offered to another organisation.

    contract      name and version
    sha256        of the copy
    expires_at    until when it may be taken
    taken_at      null: not taken yet
    withdrawn_at  null: not withdrawn
    """

    offer_id: Id
    name: str
    receiver: str
    contract: str
    licence: str
    records: int
    sha256: Hash
    offered_by: str
    offered_at: Moment
    expires_at: Moment
    taken_at: Moment | None
    withdrawn_at: Moment | None


class PublicDataset(TypedDict):
    """A dataset that all organisations of the installation may read, in its newest version.

    publisher  null: the installation itself
    contract   name and version
    sha256     of its content
    """

    name: str
    version: int
    publisher: str | None
    contract: str
    licence: str
    records: int
    sha256: Hash
    published_at: Moment


class DatasetTaken(TypedDict):
    """Records of another, now rows of one's own.

    dataset   its name
    contract  name and version
    sha256    of the copy
    run       that brought it in
    ledger    the same run as it ended
    """

    dataset: str
    licence: str
    contract: str
    records: int
    sha256: Hash
    run: Id
    ledger: RunShown


class OfferTaken(DatasetTaken):
    """Records of another organisation, now rows of one's own.

    giver  the organisation
    """

    offer: Id
    giver: Id


class PublicTaken(DatasetTaken):
    """A public dataset, now rows of one's own.

    publisher  an organisation, or the installation
    """

    publisher: str
    version: int
