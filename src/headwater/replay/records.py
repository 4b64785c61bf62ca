"""From the cells of a record to its row and its hash, by the documents and instructions of an exported file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.contracts.document import Document, RuleSpec
from headwater.contracts.row import enforce_row
from headwater.contracts.row_text import canonical_texts, row_text
from headwater.errors import InputRefused
from headwater.replay.program import Language, as_record, built, joined_text
from headwater.values import OWN_FORMAT, Outcome, TextFormat, sha256

STANDING_BYTES = 16
"""How much of a raw hash a chunk keeps."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A record worked through. Without `refused` it may be loaded, and has values and a hash.

    skipped     why it is no data
    refused     ids of the rules it breaks, sorted
    values      by field, typed; `texts` the same as they are hashed
    """

    raw_hash: bytes
    skipped: str | None = None
    refused: tuple[str, ...] = ()
    values: Mapping[str, Any] | None = None
    texts: Mapping[str, str | None] | None = None
    absent: str | None = None
    row_hash: bytes = b""


class RowMaker:
    """Makes the rows of one run."""

    def __init__(
        self, contract: Document, program: Mapping[str, Any], codes: Mapping[str, Collection[object]] | None
    ) -> None:
        self.contract = contract
        self.columns: list[str] = program["columns"]
        self.format = text_format(program["format"])
        language = Language(text_format=self.format, **program["letters"])
        self._codes = codes
        self._texts = {name: built(code, language) for name, code in program["texts"].items()}
        self._skip = built(program["skip"], language)
        self._unmapped = {name: built(code, language) for name, code in program["unmapped"].items()}
        self._rules = {rule: built(code, Language(text_format=OWN_FORMAT)) for rule, code in program["rules"].items()}
        unknown = [rule.id for rule in contract.row_rules if rule.kind == "row" and rule.id not in self._rules]
        if unknown or self._texts.keys() != contract.by_name.keys():
            raise InputRefused("the instructions are not those of the contract", where="program.json", value=unknown)

    def make(self, cells: Sequence[str]) -> Row:
        """Work one record through; `cells` stand in the order of the columns."""
        raw_hash = sha256(joined_text(cells))
        record = dict(zip(self.columns, cells, strict=True))
        skipped = self._skip(record)
        if skipped is not None:
            return Row(raw_hash=raw_hash, skipped=skipped)
        texts = {name: text(record) or "" for name, text in self._texts.items()}  # no text is a blank one
        result = enforce_row(self.contract, texts, self.format, self._codes, holds=self._holds)
        refused = [finding.rule_id for finding in result.findings if finding.severity == "reject"]
        refused += [f"mapping.{name}.values" for name, is_unlisted in self._unmapped.items() if is_unlisted(record)]
        if refused:
            return Row(raw_hash=raw_hash, refused=tuple(sorted(refused)))
        canonical = canonical_texts(self.contract, result.values)
        return Row(
            raw_hash=raw_hash,
            values=result.values,
            texts=canonical,
            absent=result.absent,
            row_hash=sha256(row_text(self.contract, canonical, result.absent)),
        )

    def key(self, row: Row) -> tuple[str | None, ...]:
        """The canonical texts of a row's key."""
        texts = row.texts or {}
        return tuple(texts[spec.name] for spec in self.contract.key)

    def _holds(self, _document: Document, rule: RuleSpec, values: Mapping[str, Any]) -> bool | None:
        verdict: bool | None = self._rules[rule.id](as_record({name: values[name] for name in rule.fields}))
        return verdict


def typed(contract: Document, texts: Mapping[str, str | None]) -> dict[str, Any]:
    """Values from their canonical texts; InputRefused naming a text that is none."""
    values: dict[str, Any] = {}
    for spec in contract.fields:
        values |= typed_field(contract, spec.name, texts.get(spec.name))
    return values


def typed_field(contract: Document, name: str, text: str | None) -> dict[str, Any]:
    """The value of one field, by its name; InputRefused where the text is none."""
    kind = contract.by_name[name].kind
    parsed = kind.parse(text, OWN_FORMAT)
    is_canonical = text is None or (parsed.value is not None and kind.canonical(parsed.value) == text)
    if not is_canonical:
        raise InputRefused("this is no value of the field", where=f"{contract.name}.{name}", value=text)
    return {name: None if text is None else parsed.value}


def text_format(body: Mapping[str, Any]) -> TextFormat:
    """How the source writes values, from its plain form."""
    facts = {**body, "absent": {word: Outcome(outcome) for word, outcome in body["absent"].items()}}
    return TextFormat(**{**facts, "true_words": tuple(body["true_words"]), "false_words": tuple(body["false_words"])})


def format_as_json(text_format: TextFormat) -> dict[str, Any]:
    """The plain form of how a source writes values."""
    return {
        "decimal": text_format.decimal,
        "group": text_format.group,
        "date_order": text_format.date_order,
        "time_zone": text_format.time_zone,
        "true_words": list(text_format.true_words),
        "false_words": list(text_format.false_words),
        "absent": {word: int(outcome) for word, outcome in text_format.absent.items()},
    }
