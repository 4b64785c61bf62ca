"""A contract as its author writes it, one Pydantic class, and the compiler that freezes it into a document."""

from __future__ import annotations

import datetime
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import fields
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, model_validator
from pydantic.fields import FieldInfo

from headwater.contracts.document import DIMENSIONS, SEVERITIES, Document, FieldSpec, RuleSpec
from headwater.contracts.expression import compile_expression
from headwater.contracts.metadata import Boolean, Code, Date, Field, Integer, Number, RowRule, Text, Timestamp, record
from headwater.contracts.pattern import check_pattern
from headwater.contracts.row import enforce_row
from headwater.contracts.rules import field_rules, key_rule, reference_rule
from headwater.errors import Misuse
from headwater.values import OWN_FORMAT, Outcome

_PYTHON_TYPES: Mapping[type[Field], type] = {
    Text: str,
    Code: str,
    Number: Decimal,
    Integer: int,
    Date: datetime.date,
    Timestamp: datetime.datetime,
    Boolean: bool,
}
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_VERSION = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", re.ASCII)
_LONGEST_NAME = 40  # with "_v1_history" and the like it stays under PostgreSQL's 63
# Columns beside the fields in tables and in the engine.
_RESERVED = frozenset(
    {"tenant_id", "absent", "chunk_id", "record_no", "row_hash", "superseded_by", "operation", "row", "line"}
)


class Contract(BaseModel):
    """Base of all contracts. Fields are annotated with one class of `metadata.py` each.

    Making an instance enforces the compiled document, the same as a load does: `Activity(quantity="1_000", …)` is
    refused in the document's words. Text is read in the default format; use `enforce_row` for another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    contract_name: ClassVar[str]
    contract_version: ClassVar[str]
    contract_title: ClassVar[str]
    contract_description: ClassVar[str]
    contract_calculated_from: ClassVar[str | None]
    contract_subject: ClassVar[tuple[str, ...]]
    rules: ClassVar[tuple[RowRule, ...]] = ()
    example: ClassVar[Mapping[str, str]] = record()
    """One record that breaks no rule, in the default format; shown, never enforced, and no part of the document."""

    def __init_subclass__(
        cls,
        *,
        name: str,
        version: str,
        title: str = "",
        description: str,
        calculated_from: str | None = None,
        subject: tuple[str, ...] = (),
        **unknown: object,
    ) -> None:
        """Keep what the class line says; refuse what the compiler does not know.

        `calculated_from` names the contract whose records these are calculated from: no file is loaded into it.
        `subject` names the fields that say whom a record is about, where its key does not.
        """
        if unknown:
            raise Misuse("unknown words on the class line", where=f"contract {name}", value=sorted(unknown))
        cls.contract_name, cls.contract_version = name, version
        cls.contract_calculated_from, cls.contract_subject = calculated_from, subject
        # Pydantic takes the word `title` for itself and keeps it among the settings.
        cls.contract_title, cls.contract_description = str(cls.model_config.get("title") or title), description
        super().__init_subclass__()

    @model_validator(mode="wrap")
    @classmethod
    def _enforce(cls, record: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(record, dict):
            return handler(record)
        result = enforce_row(compile_contract(cls), record, OWN_FORMAT)
        broken = [finding for finding in result.findings if finding.severity == "reject"]
        if broken:
            raise ValueError("; ".join(f"{item.rule_id}: {item.message} Valid: {item.valid}" for item in broken))
        return handler(dict(result.values))


@cache
def compile_contract(contract: type[Contract]) -> Document:
    """Freeze a contract. Misuse names the field and what about it is unknown, contradictory or cannot be kept."""
    name, version = contract.contract_name, contract.contract_version
    where = f"contract {name}"
    names = (name, contract.contract_calculated_from)
    for part in (part for each in names if each is not None for part in each.split(".")):
        _check_name(part, where)
    if not _VERSION.fullmatch(version):
        raise Misuse("not a semantic version", where=where, value=version, valid="major.minor.patch, such as 1.0.0")
    _refuse_behaviour(contract, where)
    specs = tuple(_field(name, version, each, info) for each, info in contract.model_fields.items())
    key = tuple(field for field in specs if field.key)
    if not key or not all(field.required for field in key):
        raise Misuse("the key needs at least one field, and all of them required", where=where)
    by_name = {field.name: field for field in specs}
    rules = [rule for field in specs for rule in field_rules(name, field)]
    rules += [_row_rule(name, rule, by_name) for rule in contract.rules]
    rules.append(key_rule(name, key))
    rules += [reference_rule(name, field) for field in specs if field.reference]
    _check_ids(rules, where)
    _check_subject(contract.contract_subject, by_name, where)
    document = Document(
        name=name,
        version=version,
        title=contract.contract_title,
        description=contract.contract_description,
        calculated_from=contract.contract_calculated_from,
        subject=contract.contract_subject,
        fields=specs,
        rules=tuple(rules),
    )
    _check_defaults(document)
    return document


def _check_name(name: str, where: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME or name in _RESERVED:
        raise Misuse(
            "not a usable name",
            where=where,
            value=name,
            valid=f"lower-case words joined by _, at most {_LONGEST_NAME} characters, none of {sorted(_RESERVED)}",
        )


def _refuse_behaviour(contract: type[Contract], where: str) -> None:
    """Validators, computed fields and model settings would make Python stricter than SQL."""
    kinds = (getattr(contract.__pydantic_decorators__, kind.name) for kind in fields(contract.__pydantic_decorators__))
    added = {name for kind in kinds if isinstance(kind, dict) for name in kind} - {"_enforce"}
    added |= contract.__private_attributes__.keys()
    if added:
        raise Misuse("only fields and rules are allowed in a contract", where=where, value=sorted(added))
    if {**contract.model_config, "title": None} != {**Contract.model_config, "title": None}:
        raise Misuse("a contract takes no settings of its own", where=where, value=contract.model_config)


def _field(contract: str, version: str, name: str, info: FieldInfo) -> FieldSpec:
    where = f"contract {contract}, field {name}"
    _check_name(name, where)
    meta = _metadata(info, where)
    python_type, optional = _python_type(info.annotation)
    if python_type is not _PYTHON_TYPES[type(meta)]:
        raise Misuse(
            "the type does not fit its metadata",
            where=where,
            value=info.annotation,
            valid=f"{_PYTHON_TYPES[type(meta)].__name__} for {type(meta).__name__}",
        )
    if not meta.description.strip():
        raise Misuse("a field needs a description", where=where)
    _check_since(meta, version, where)
    if meta.since is not None and (meta.key or not optional or info.default is not None):
        raise Misuse("what a minor version adds is optional, no part of the key, and has no default", where=where)
    facts = {key: value for key, value in vars(meta).items() if key not in ("minimum", "maximum", "enum")}
    spec = FieldSpec(name=name, type=meta.type_name, required=not optional, **facts)
    return _with_values(spec, meta, None if info.is_required() else info.default, where)


def _check_since(meta: Field, version: str, where: str) -> None:
    if meta.since is None:
        return
    first = (_numbers(version)[0], 0, 0)
    if not _VERSION.fullmatch(meta.since) or not first < _numbers(meta.since) <= _numbers(version):
        raise Misuse(
            "not a minor version that can have added the field",
            where=where,
            value=meta.since,
            valid=f"a version after {first[0]}.0.0, up to {version}",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _metadata(info: FieldInfo, where: str) -> Field:
    ours = [item for item in info.metadata if type(item) in _PYTHON_TYPES]
    unknown: list[object] = [item for item in info.metadata if type(item) not in _PYTHON_TYPES]
    plain = FieldInfo(annotation=info.annotation, default=info.default)
    unknown += [
        slot
        for slot in FieldInfo.__slots__
        if not slot.startswith("_")
        and slot not in ("annotation", "default", "metadata")
        and getattr(info, slot) != getattr(plain, slot)
    ]
    if unknown or len(ours) != 1:
        raise Misuse(
            "metadata that the compiler does not know" if unknown else "one piece of metadata is needed",
            where=where,
            value=unknown or ours,
            valid=f"exactly one of {', '.join(kind.__name__ for kind in _PYTHON_TYPES)}",
        )
    meta: Field = ours[0]
    return meta


def _python_type(annotation: Any) -> tuple[Any, bool]:
    """The type without `None`, and whether `None` was in it."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    rest = tuple(arg for arg in get_args(annotation) if arg is not types.NoneType)
    return (rest[0] if len(rest) == 1 else rest), len(rest) < len(get_args(annotation))


def _with_values(spec: FieldSpec, meta: Field, default: object, where: str) -> FieldSpec:
    """The spec with its enum, bounds and default as canonical text, and what they say about each other checked."""

    def canonical(given: object, what: str) -> str:
        parsed = spec.kind.parse(str(given), OWN_FORMAT)
        if parsed.outcome is not Outcome.VALUE:
            raise Misuse(f"{what} is not a value of the field", where=where, value=given, valid=f"{spec.type}")
        return spec.kind.canonical(parsed.value)

    enum = tuple(canonical(word, "an enum value") for word in getattr(meta, "enum", ()))
    bounds = {
        side: None if (given := getattr(meta, side, None)) is None else canonical(given, side)
        for side in ("minimum", "maximum")
    }
    if len(set(enum)) != len(enum):
        raise Misuse("an enum value stands twice", where=where, value=enum)
    if None not in bounds.values():
        low, high = (spec.kind.parse(text, OWN_FORMAT).value for text in bounds.values())
        if low > high:  # type: ignore[operator]
            raise Misuse("minimum is above maximum", where=where, value=bounds)
    if spec.pattern is not None:
        check_pattern(spec.pattern, where)
    if spec.reference is not None and not re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*", spec.reference):
        raise Misuse("not a reference", where=where, value=spec.reference, valid="<contract>.<field>")
    facts = {**vars(spec), "enum": enum, **bounds}
    facts["default"] = None if default is None else canonical(default, "the default")
    facts.pop("kind", None)  # cached on the draft
    return FieldSpec(**facts)


def _row_rule(contract: str, rule: RowRule, fields: Mapping[str, FieldSpec]) -> RuleSpec:
    where = f"contract {contract}, rule {rule.id}"
    if rule.dimension not in DIMENSIONS or rule.severity not in SEVERITIES:
        raise Misuse(
            "unknown dimension or severity",
            where=where,
            value=f"{rule.dimension}, {rule.severity}",
            valid=f"{', '.join(DIMENSIONS)}; {', '.join(SEVERITIES)}",
        )
    used = compile_expression(rule.expression, fields).fields
    if used != frozenset(rule.fields):
        raise Misuse(
            "`fields` are not those of the expression", where=where, value=rule.fields, valid=str(sorted(used))
        )
    return RuleSpec(kind="row", **vars(rule))


def _check_subject(subject: tuple[str, ...], fields: Mapping[str, FieldSpec], where: str) -> None:
    """Each a field. A personal key is looked up by its ciphertext, so that the key alone must tell the subject."""
    if any(name not in fields for name in subject):
        raise Misuse("the subject is no field", where=where, value=subject, valid=", ".join(fields))
    if any(field.key and field.personal for field in fields.values()) and not all(fields[name].key for name in subject):
        raise Misuse("where the key is personal, the subject is made of fields of the key", where=where, value=subject)


def _check_ids(rules: list[RuleSpec], where: str) -> None:
    prefix = re.escape(where.removeprefix("contract "))
    seen: set[str] = set()
    for rule in rules:
        if not re.fullmatch(rf"{prefix}\.[a-z0-9_]+\.[a-z0-9_]+", rule.id) or rule.id in seen:
            raise Misuse(
                "not a rule id, or one that is taken",
                where=where,
                value=rule.id,
                valid="<contract>.<field or subject>.<rule>, each once",
            )
        seen.add(rule.id)


def _check_defaults(document: Document) -> None:
    for finding in _default_findings(document):
        raise Misuse("the default breaks the field's own rule", where=finding, valid="a default that is valid")


def _default_findings(document: Document) -> Iterator[str]:
    defaults = {field.name: field.default for field in document.fields if field.default is not None}
    for finding in enforce_row(document, defaults, OWN_FORMAT).findings:
        if finding.field in defaults and finding.rule_id.rsplit(".", 1)[1] != "required":
            yield finding.rule_id
