"""The frozen form of a contract: plain facts, canonical JSON, and the hash by which everything else cites it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from headwater.errors import Misuse
from headwater.values import Kind
from headwater.values import kind as value_kind

SEALED_TYPE = 'text COLLATE "C"'
FORMAT = 1  # of the document; a reader refuses one it does not know

DIMENSIONS = ("completeness", "validity", "accuracy", "consistency", "uniqueness", "timeliness")
SEVERITIES = ("reject", "warn")
# Rules of one record, then those that need the other records.
ROW_KINDS = (
    "type", "decimals", "digits", "ambiguous", "required", "enum", "range", "length", "pattern", "row",
)  # fmt: skip
SET_KINDS = ("unique", "reference")


@dataclass(frozen=True, kw_only=True)
class FieldSpec:
    """One field. Bounds, enum values and default are canonical text of the field's kind.

    required   whether a record must have a value
    key        whether it is part of what names a record
    precision  of a decimal, digits in all; `scale` after the point
    unit       of the values
    enum       the values that there are; none where any may stand
    pattern    a regular expression that texts fit as a whole
    reference  the contract and field in which the value must stand
    personal   whether it is, or may be, about somebody: then it is kept encrypted
    default    what stands in for no value
    citation   where the field comes from
    since      the version that added it; left out where the major version began with it
    """

    name: str
    type: str
    description: str
    required: bool
    key: bool
    precision: int | None = None
    scale: int | None = None
    unit: str | None = None
    enum: tuple[str, ...] = ()
    minimum: str | None = None
    maximum: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    reference: str | None = None
    personal: bool = False
    default: str | None = None
    citation: str | None = None
    since: str | None = None

    @cached_property
    def kind(self) -> Kind:
        """How the field is parsed, printed and stored."""
        if self.precision is None or self.scale is None:
            return value_kind(self.type)
        return value_kind(self.type, precision=self.precision, scale=self.scale)

    @property
    def stored_type(self) -> str:
        """Type of the column in PostgreSQL: what is personal stands there as ciphertext."""
        return SEALED_TYPE if self.personal else self.kind.postgres_type


@dataclass(frozen=True, kw_only=True)
class RuleSpec:
    """One rule with everything a person needs to mend what breaks it.

    kind        of rule: required, enum, range, row, unique and so on
    fields      that it is about
    dimension   of quality: completeness, validity, accuracy, consistency, uniqueness, timeliness
    severity    reject or warn
    message     what is wrong
    valid       what would be taken
    repair      what to do
    expression  that must hold; of row rules only
    citation    where the rule comes from
    """

    id: str
    kind: str
    fields: tuple[str, ...]
    dimension: str
    severity: str
    message: str
    valid: str
    repair: str
    expression: str | None = None
    citation: str | None = None


@dataclass(frozen=True, kw_only=True)
class Document:
    """A compiled contract. `rules` holds those of one record first, in bit order, then those of the whole set. Where it
    is `calculated_from` records of another contract, no file is loaded into it. `subject` names the fields that say
    whom a record is about; where there are none, a key that is personal tells, and else nothing does.
    """

    name: str
    version: str
    title: str
    description: str
    fields: tuple[FieldSpec, ...]
    rules: tuple[RuleSpec, ...]
    calculated_from: str | None = None
    subject: tuple[str, ...] = ()

    def __hash__(self) -> int:
        """By content, computed once: documents are keys of caches."""
        return hash(self.hash)

    @property
    def major(self) -> int:
        """The first part of the version: one table each."""
        return int(self.version.split(".")[0])

    @property
    def reference(self) -> str:
        """Name and version as cited by mappings, quarantine and documents: "activity@1.0.0"."""
        return f"{self.name}@{self.version}"

    @cached_property
    def by_name(self) -> Mapping[str, FieldSpec]:
        """The fields by name, in order."""
        return {field.name: field for field in self.fields}

    @cached_property
    def first(self) -> tuple[FieldSpec, ...]:
        """The fields that the major version began with, in order."""
        return tuple(field for field in self.fields if field.since is None)

    @cached_property
    def later(self) -> tuple[FieldSpec, ...]:
        """The fields that minor versions added, in order; see `row_text.py`."""
        return tuple(field for field in self.fields if field.since is not None)

    @property
    def key(self) -> tuple[FieldSpec, ...]:
        """The fields that name a record, in order."""
        return tuple(field for field in self.fields if field.key)

    @cached_property
    def personal(self) -> Mapping[str, FieldSpec]:
        """The fields that are or may be personal, by name."""
        return {field.name: field for field in self.fields if field.personal}

    @property
    def is_of_people(self) -> bool:
        """Whether its records are told to be about somebody, by their subject or by a key that is personal itself."""
        return bool(self.subject) or any(field.personal for field in self.key)

    @property
    def subject_fields(self) -> tuple[FieldSpec, ...]:
        """The fields by which it is known whom a record is about."""
        return tuple(self.by_name[name] for name in self.subject) or self.key

    @property
    def subject_domain(self) -> str:
        """Within what a subject is one and the same: contracts that know people by fields of one name share it. All
        records of a contract that is not about people have one.
        """
        return "|".join(field.name for field in self.subject_fields) if self.is_of_people else self.name

    @property
    def row_rules(self) -> tuple[RuleSpec, ...]:
        """The rules one record can break by itself, in bit order."""
        return tuple(rule for rule in self.rules if rule.kind in ROW_KINDS)

    @property
    def set_rules(self) -> tuple[RuleSpec, ...]:
        """The rules that need the other records or another contract's: unique and reference."""
        return tuple(rule for rule in self.rules if rule.kind in SET_KINDS)

    @property
    def reference_rules(self) -> tuple[str, ...]:
        """The ids of those by which codes must stand elsewhere."""
        return tuple(rule.id for rule in self.rules if rule.kind == "reference")

    @cached_property
    def hash(self) -> bytes:
        """SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).digest()

    def to_json(self) -> str:
        """Canonical: keys sorted, no spaces, nothing left out that could differ.

        `since`, `calculated_from` and `subject` stand only where there is one, so that documents from before they were
        known keep their hash.
        """
        body = {"format": FORMAT, **asdict(self)}
        if body["calculated_from"] is None:
            del body["calculated_from"]
        if not body["subject"]:
            del body["subject"]
        for field in body["fields"]:
            if field["since"] is None:
                del field["since"]
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    @lru_cache(maxsize=64)
    def from_json(cls, text: str) -> Document:
        """The document whose `to_json` is `text`, kept. Misuse for what is unknown, missing or of another format."""
        try:
            body = json.loads(text)
        except ValueError as error:
            raise Misuse("this is not JSON", where="contract document", value=text[:80]) from error
        if not isinstance(body, dict) or body.pop("format", None) != FORMAT:
            raise Misuse("unknown document format", where="contract document", valid=f'"format": {FORMAT}')
        body["fields"] = tuple(_read(FieldSpec, {"since": None, **item}) for item in body.get("fields", ()))
        body["rules"] = tuple(_read(RuleSpec, item) for item in body.get("rules", ()))
        return _read(cls, {"calculated_from": None, "subject": (), **body})


T = TypeVar("T")


def _read(into: type[T], body: dict[str, Any]) -> T:
    """`body` as a record of `into`, whose names it must carry exactly."""
    names = {field.name for field in fields(into)}  # type: ignore[arg-type]
    if body.keys() != names:
        odd = sorted(body.keys() ^ names)
        raise Misuse("unknown or missing names", where=f"contract document, {into.__name__}", value=odd)
    return into(**{name: tuple(value) if isinstance(value, list) else value for name, value in body.items()})
