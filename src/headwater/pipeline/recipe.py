"""A recipe: what a run does with a source, as a document. Its hash is part of what every chunk rests on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from headwater.documents.reading import read_text
from headwater.documents.wrong_document import sentences
from headwater.errors import Misuse

_NAME = r"^[a-z][a-z0-9_]{0,62}$"
_OF_CONTRACT = r"^[a-z][a-z0-9_.]{0,62}@\d{1,5}$"
_VERSION = r"^\d{1,5}\.\d{1,5}\.\d{1,5}$"
_PATTERNS = {
    _NAME: "a name of small letters, digits and _, a letter first, of at most 63 characters,",
    _OF_CONTRACT: "a contract with its major version, such as activity@1,",
    _VERSION: "a version such as 1.0.0",
}
Name = Annotated[str, StringConstraints(pattern=_NAME)]


_PLAIN = "not_together"
"""The type of errors whose message is a sentence of ours."""


def _refused(sentence: str, **facts: str) -> PydanticCustomError:
    return PydanticCustomError(_PLAIN, sentence, facts)


Drift = Literal["evolve", "freeze", "quarantine", "stop"]
OfContract = Annotated[str, StringConstraints(pattern=_OF_CONTRACT)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RecipeSource(_Part):
    """What is read."""

    path: str | None = Field(default=None, description="The file, from the recipe's folder; a folder or pattern too.")
    connector: str | None = Field(default=None, description="In place of a path: the connector to read through.")
    contract: OfContract | None = Field(
        default=None,
        description="In place of a path: the contract whose records are read as they stand, as in erp.travel@1.",
    )
    follow: dict[str, OfContract] = Field(
        default={},
        description=(
            "With a contract: fields that hold keys of other records, and the contract these are of. What stands there "
            "comes as columns `field.name`, blank where there is no such record."
        ),
    )
    table: str | None = Field(default=None, description="With a connector: the table, as `discover` calls it.")
    columns: tuple[str, ...] = Field(default=(), description="With a connector: the columns to read; left out, all.")
    key: tuple[str, ...] = Field(
        default=(), description="With a connector: columns that tell rows apart; left out, what the source declares."
    )
    cursor: str | None = Field(
        default=None, description="With a connector: the column that tells what changed; left out, all is read."
    )
    lag: int = Field(
        default=0,
        ge=0,
        le=31_536_000,
        description="How far behind the cursor to read again, for rows that come late: seconds, or units of a number.",
    )
    name: str | None = Field(
        default=None, description="What the source is called from run to run; left out, it is the file's name."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        kinds = {"path": self.path, "connector": self.connector, "contract": self.contract}
        found = [name for name, value in kinds.items() if value is not None]
        if len(found) != 1:
            told = f"more is said: {', '.join(found)}" if found else "none is said"
            raise _refused("a source is one of path, connector and contract, and {found}", found=told)
        if self.follow and self.contract is None:
            raise _refused("follow is said of records of a contract, and no contract is said")
        of_table = {"columns": self.columns, "key": self.key, "cursor": self.cursor, "lag": self.lag}
        said = next((name for name, value in {"table": self.table, **of_table}.items() if value), None)
        if self.connector is None and said:
            raise _refused("{said} is said of what a connector reads, and no connector is said", said=said)
        if self.table is None and said:
            raise _refused("{said} is said of a table, and no table is said", said=said)
        if self.lag and self.cursor is None:
            raise _refused("lag is said of a cursor, and no cursor is said")
        return self


class Load(_Part):
    """How records are loaded."""

    strategy: Literal["delta", "full"] = Field(
        default="delta",
        description=(
            "`delta` adds and updates; `full` also deletes what the source no longer holds, once there is no gap."
        ),
    )
    drift: Drift = Field(
        default="freeze",
        description=(
            "What to do when the columns are not those of the last file through the mapping: `evolve` and `freeze` "
            "load what is mapped and say what changed, `freeze` also that the new is not loaded; `quarantine` refuses "
            "records with a text in a new column that the mapping does not read; `stop` loads nothing where the "
            "mapping leaves a change open: a new column that it does not read, one that it read and that is gone or "
            "holds another kind of values. Both go on so until the mapping reads it, or one run of another mode has "
            "taken the columns. None of the four adds a field to the contract."
        ),
    )
    chunk_size: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Records a transaction; left out, as the settings say for files, by a table's size for connectors.",
    )
    window: Literal["none", "month", "week", "day"] | None = Field(
        default=None,
        description=(
            "With a connector and a cursor that is a time: what of the calendar chunks end with. As many months, weeks "
            "or days go together as `chunk_size` has room for; one that has more rows is cut within. `none` ends "
            "chunks wherever they are full. Left out, by the table's size: none below 100,000 rows, months up to 1 "
            "million, weeks up to 10 million, days above."
        ),
    )
    read_ahead: int | None = Field(
        default=None,
        ge=0,
        le=16,
        description=(
            "With a connector: how many chunks are read from the source at once before their turn comes; they are kept "
            "on disk and committed in order. Left out, as its kind does: 2 of services reached by HTTP, whose answers "
            "take long to come, none of databases. It is refused of a file, of records, and of a kind that reads none "
            "ahead."
        ),
    )
    version: Name | None = Field(
        default=None,
        description=(
            "The contract's field that orders the versions of a key: the higher replaces the lower whichever comes "
            "first, and a lower one is skipped as `older_version`. Left out, the order of arrival decides."
        ),
    )


class FactorChoice(_Part):
    """Which emission factors may be used. Two that are preferred alike are a finding, never a choice.

    But for two of one source per different units: of these the one per the activity's own unit is taken.
    """

    methods: tuple[str, ...] = Field(
        default=("activity_based", "location_based", "market_based", "spend_based"),
        description="Methods in order of preference; those not listed are not used.",
    )
    sources: tuple[str, ...] = Field(
        default=(), description="Sources in order of preference; those not listed come last, all alike."
    )


class Recipe(_Part):
    """A document in YAML or JSON that says what a run does with a source."""

    recipe: Name = Field(description="Its name.")
    version: Annotated[str, StringConstraints(pattern=_VERSION)] = Field(default="1.0.0", description="Its version.")
    source: RecipeSource = Field(description="What is read.")
    mapping: str = Field(description="Path of a mapping, from the recipe's folder, or the name of one a pack brings.")
    load: Load = Field(default=Load(), description="How records are loaded.")
    factors: FactorChoice = Field(default=FactorChoice(), description="Which emission factors may be used.")
    steps: tuple[Literal["calculate"], ...] | None = Field(
        default=None, min_length=1, description="Left out: activities are calculated, other records are not."
    )
    unit: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = Field(
        default=None,
        description=(
            "Path or id of the unit that what is read belongs to, as in `Europe/Berlin`. Left out, it belongs where "
            "its source does: to the organisation, until `headwater units assign` gives it to a unit."
        ),
    )

    def to_json(self) -> str:
        """Canonical JSON, keys sorted."""
        body = self.model_dump(mode="json")
        if self.unit is None:
            del body["unit"]  # a recipe of before there were units is the same document
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def logic(self) -> bytes:
        """Hash of what decides about results: not where the file lies, nor how large chunks are."""
        parts = {"factors": self.factors.model_dump(mode="json"), "steps": self.steps, "version": self.load.version}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).digest()

    def loads_as(self, other: Recipe) -> bool:
        """Whether what both say of loading comes to the same, wherever the file lies and however large chunks are,
        where no column is kept back. `logic` is what decides about a single record beside this.
        """
        return self.logic() == other.logic() and self.load.strategy == other.load.strategy

    def with_drift(self, mode: Drift | None) -> Recipe:
        """The recipe of one run that says itself what to do where columns changed; None: as it stands."""
        return self if mode is None else self.model_copy(update={"load": self.load.model_copy(update={"drift": mode})})


def load_recipe(path: Path) -> Recipe:
    """Read a recipe; the source's path and the mapping's are taken from the recipe's folder."""
    text = read_text(path, "recipe")
    try:
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Misuse("the recipe is not YAML", where=str(path), value=str(error).splitlines()[0]) from error
    if not isinstance(body, dict):
        raise Misuse(
            "the recipe is empty or not a document with keys", where=str(path), valid="recipe, source, mapping, …"
        )
    if "fields" in body:
        raise Misuse(
            "this is a mapping, not a recipe",
            where=str(path),
            remedy=f"Import a file through it: headwater import FILE --mapping {path.name}",
        )
    return recipe_of(body, where=str(path))


def recipe_of(body: Mapping[str, Any], *, where: str) -> Recipe:
    """A recipe as said; Misuse naming every key that is wrong, and `where` it was said."""
    try:
        return Recipe.model_validate(body)
    except ValidationError as error:
        raise Misuse(
            "; ".join(sentences(error.errors(include_url=False), Recipe, _PATTERNS)),
            where=where,
            remedy="See docs/reference/recipe.md.",
        ) from error
