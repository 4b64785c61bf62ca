"""The mapping document: how a source is read, and which column, constant or expression fills which field."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from headwater.documents.near import did_you_mean
from headwater.documents.reading import read_text
from headwater.documents.strict_yaml import parse_yaml
from headwater.documents.wrong_document import sentences
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_NAME, _VERSION = r"^[a-z][a-z0-9_]{0,62}$", r"^\d{1,5}\.\d{1,5}\.\d{1,5}$"
_CONTRACT = r"^[a-z][a-z0-9_.]{0,62}@\d{1,5}$"
_PATTERNS = {
    _NAME: "a name of small letters, digits and _, a letter first, of at most 63 characters,",
    _VERSION: "a version such as 1.0.0",
    _CONTRACT: "a contract and its major version, such as activity@1,",
}
COLUMNS_SHOWN = 40
NEAR_SHOWN = 3
Name = Annotated[str, StringConstraints(pattern=_NAME)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
OneSign = Annotated[str, StringConstraints(min_length=1, max_length=1)]
RowNumber = Annotated[int, Field(ge=1, le=10_000)]
Format = Literal["csv", "xlsx", "xls", "ods", "json", "jsonl", "geojson", "xml", "parquet"]


class _Part(BaseModel):
    """Frozen, and closed to keys nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Unpivot(_Part):
    """Columns to records: a row with a column for each year becomes a record for each year. Blank cells are skipped."""

    columns: Annotated[tuple[ColumnName, ...], Field(min_length=1, max_length=1_000)] | ColumnName = Field(
        description='The columns, or a pattern for their names: `"20??"`.'
    )
    name: ColumnName = Field(description="The column that gets the name of the column a cell comes from.")
    value: ColumnName = Field(description="The column that gets the cell.")
    unit: ColumnName | None = Field(default=None, description="The column that gets the unit of the cell's column.")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [name.casefold() for name in (self.name, self.value, self.unit) if name is not None]
        if len(set(names)) < len(names):
            raise ValueError("name, value and unit must be three different columns")
        return self

    @property
    def patterns(self) -> tuple[str, ...]:
        """The columns, by name or pattern."""
        return (self.columns,) if isinstance(self.columns, str) else self.columns


class Source(_Part):
    """How the file is written. What is left out is found by inspection."""

    format: Format | None = Field(default=None, description="What the file is.")
    member: Words | None = Field(
        default=None, description='The file inside an archive, by name or pattern: `"data/*.csv"`.'
    )
    delimiter: OneSign | None = Field(default=None, description='The sign between fields; a tab is `"\\t"`.')
    encoding: Words | None = Field(default=None, description="A codec name: utf-8, cp1252, latin-1, utf-16.")
    quote: OneSign | None = Field(default=None, description="The sign around a field that holds the delimiter.")
    comment: OneSign | None = Field(
        default=None, description="Lines that begin with this sign are instructions, not records."
    )
    preamble: int | None = Field(default=None, ge=0, le=10_000, description="Lines above the header.")
    sheets: Annotated[tuple[Words, ...], Field(min_length=1, max_length=1_000)] | None = Field(
        default=None,
        description='Sheets of a workbook, by name or pattern: `["20*", Totals]`. Several become one table.',
    )
    header: RowNumber | None = Field(default=None, description="Row of the header in each sheet.")
    header_rows: Annotated[int, Field(ge=1, le=5)] | None = Field(
        default=None, description="How many rows the header takes; their texts are joined by a space."
    )
    units_row: Annotated[int, Field(ge=0, le=10_000)] | None = Field(
        default=None,
        description='Row of units: a column `X` that has a unit there gets a column `"X unit"`; 0 where there is none. '
        "Of a delimited text it is the row below the header.",
    )
    records: Words | None = Field(
        default=None,
        description="Path of the records in JSON or XML, as in `d/results`; `*` where they are kept by an id, which "
        "becomes the column `_key`.",
    )
    fill_down: Annotated[tuple[ColumnName, ...], Field(max_length=100)] = Field(
        default=(), description="Columns whose blank cells take the value above; the outermost first."
    )
    unpivot: Unpivot | None = Field(default=None, description="Columns that become records.")
    add: Annotated[tuple[Literal["file", "sheet"], ...], Field(max_length=2)] = Field(
        default=(), description="Adds the columns `_file`, `_sheet`: where the record stands."
    )

    @model_validator(mode="after")
    def _one_header(self) -> Self:
        if self.header is not None and self.preamble is not None and self.preamble != self.header - 1:
            raise ValueError(
                f"header {self.header} and preamble {self.preamble} contradict each other: give one of them"
            )
        return self


class Locale(_Part):
    """How values are written. Nothing is guessed: what is ambiguous under this locale becomes a finding."""

    decimal: Literal[".", ","] = Field(default=".", description="Sign before the decimals.")
    group: Literal[",", ".", " ", "'"] | None = Field(
        default=",", description="Sign between thousands; null: none allowed."
    )
    date_order: Literal["YMD", "DMY", "MDY"] | None = Field(
        default=None, description="Order of day, month and year; left out, only dates with one meaning are read."
    )
    time_zone: Words | None = Field(default=None, description="IANA name, for timestamps without an offset.")
    true_words: tuple[Words, ...] | None = Field(default=None, alias="true", description="Words for yes.")
    false_words: tuple[Words, ...] | None = Field(default=None, alias="false", description="Words for no.")


class Skip(_Part):
    """Records that are no data: total lines, instructions. Each is counted with its reason."""

    when: Words = Field(description="Condition over the columns; where it is unknown the record is kept.")
    reason: Name = Field(description="What the ledger counts them under: total_line, instruction.")


class Net(_Part):
    """Records that take off others, such as returns and credits. Only where a recipe reads the records of a contract:
    it takes all of them to know. What is left of each stands in the column `_net`; what was taken off it, and by which
    record, in `_net_of`. Records that are skipped take off nothing, and nothing is taken off them.
    """

    when: Words = Field(description="Condition over the columns: which records take off.")
    amount: Words = Field(description="How much there is of a record, an expression; of one that takes off, its size.")
    by: Annotated[tuple[Words, ...], Field(min_length=1, max_length=20)] = Field(
        description="Expressions: what is taken off is taken off records that are alike in all of them."
    )
    reason: Name = Field(description="What the ledger counts a record under all of which was taken off others.")
    left_over: Name = Field(description="What it counts one under of which some could not be taken off.")


class FieldRule(_Part):
    """What fills a field: exactly one of column, constant, expression."""

    column: ColumnName | Annotated[tuple[ColumnName, ...], Field(min_length=2, max_length=50)] | None = Field(
        default=None,
        description="The column's header, exactly; or a list of names it has had, of which a file has exactly one.",
    )
    constant: Words | None = Field(default=None, description="The same text for every record.")
    expression: Words | None = Field(default=None, description="Sandboxed SQL over the columns of the record.")
    values: dict[Words, Words] | None = Field(
        default=None,
        max_length=1_000,
        description="What the source's words mean; case and outer spaces do not count. Blank stays blank.",
    )
    otherwise: Literal["keep", "reject"] | None = Field(
        default=None, description="What happens to a text that `values` does not list: reject (the default) or keep."
    )
    note: Words | None = Field(default=None, description="Why it is mapped so.")

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [name for name in ("column", "constant", "expression") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of column, constant, expression (given: {', '.join(given) or 'none'})")
        if self.values is None and self.otherwise is not None:
            raise ValueError("otherwise needs values")
        if self.values is not None:
            if self.constant is not None:
                raise ValueError("values beside a constant mean nothing")
            folded = [key.strip().lower() for key in self.values]
            twice = sorted({key for key in folded if folded.count(key) > 1})
            if twice:
                raise ValueError(f"values lists {twice[0]!r} more than once (case and outer spaces do not count)")
            if "" in folded:
                raise ValueError("values lists a blank: a blank is absent; a default is declared in the contract")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The column's names; one where a file has been looked at, none where it is no column that fills the field."""
        if self.column is None:
            return ()
        return (self.column,) if isinstance(self.column, str) else self.column


class When(_Part):
    """A variant of the source. The first whose columns all stand in the header holds; no other is looked at."""

    columns: Annotated[tuple[ColumnName, ...], Field(min_length=1, max_length=100)] = Field(
        description="Columns by which the variant is known: it holds where all of them stand in the header."
    )
    fields: Annotated[dict[Name, FieldRule | None], Field(max_length=500)] = Field(
        default_factory=dict,
        description="Fields that are filled otherwise than `fields` says; null leaves one open.",
    )
    skip: Annotated[tuple[Skip, ...], Field(max_length=50)] | None = Field(
        default=None, description="Where given, in place of the mapping's own."
    )
    locale: Locale | None = Field(default=None, description="Where given, in place of the mapping's own.")
    absent: dict[Words, Literal["not_applicable", "not_reported"]] | None = Field(
        default=None, description="Where given, in place of the mapping's own."
    )


class Mapping(_Part):
    """A versioned document. Two mappings are the same exactly when their hashes are."""

    mapping: Name = Field(description="Its name; with the source's name it says which source a record comes from.")
    version: Annotated[str, StringConstraints(pattern=_VERSION)] = Field(
        description="Raise it when the meaning changes; records are mapped anew."
    )
    contract: Annotated[str, StringConstraints(pattern=_CONTRACT)] = Field(
        description="Contract and major version, as in activity@1."
    )
    title: Words | None = Field(default=None, description="For lists.")
    description: Annotated[str, StringConstraints(max_length=10_000)] | None = Field(
        default=None, description="What whoever reads the figures later has to know."
    )
    source: Source = Field(default=Source(), description="How the file is written.")
    locale: Locale = Field(default=Locale(), description="How values are written.")
    absent: dict[Words, Literal["not_applicable", "not_reported"]] = Field(
        default_factory=dict, description="Words that say why there is no value, beside the usual ones."
    )
    skip: tuple[Skip, ...] = Field(default=(), max_length=50, description="Records that are no data.")
    net: Net | None = Field(default=None, description="Records that take off others, such as returns and credits.")
    fields: dict[Name, FieldRule] = Field(
        min_length=1, max_length=500, description="Field of the contract: what fills it."
    )
    when: tuple[When, ...] = Field(
        default=(), max_length=50, description="Variants of the source, such as the header of another year."
    )

    def for_columns(self, columns: Sequence[str], *, of: Literal["file", "table"] = "file") -> Mapping:
        """The mapping as it holds for one header: without variants, every column by the one name it has there. `of` is
        what errors call that of which they are the columns.

        `Misuse` where columns stand there under none of their names, naming all of them, or one under several.
        """
        header = frozenset(columns)
        place = f"mapping {self.mapping} {self.version}"
        chosen = next((when for when in self.when if header.issuperset(when.columns)), None)
        over: dict[str, Any] = {"when": ()}
        rules: dict[str, FieldRule | None] = dict(self.fields)
        if chosen is not None:
            rules |= chosen.fields
            parts = ("skip", "locale", "absent")
            over |= {part: getattr(chosen, part) for part in parts if getattr(chosen, part) is not None}
        filled = {field: rule for field, rule in rules.items() if rule is not None}
        _refuse_missing(filled, columns, place=place, of=of, contract=self.contract_name)
        over["fields"] = {
            field: rule.model_copy(update={"column": _present(rule.names, columns, f"{place}, field {field}", of)})
            if rule.column is not None
            else rule
            for field, rule in filled.items()
        }
        return self.model_copy(update=over)

    @property
    def contract_name(self) -> str:
        """The contract's name, without its version."""
        return self.contract.rpartition("@")[0]

    @property
    def contract_major(self) -> int:
        """The contract's major version."""
        return int(self.contract.rpartition("@")[2])

    def to_json(self) -> str:
        """Canonical JSON: keys sorted, defaults left out, so that a later optional key does not change old hashes."""
        body = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def hash(self) -> bytes:
        """SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).digest()


def _refuse_missing(rules: dict[str, FieldRule], columns: Sequence[str], *, place: str, of: str, contract: str) -> None:
    """All that the file lacks, at once: whoever adds one column is not to be asked for the next."""
    header, writes = frozenset(columns), "header" if of == "file" else of
    missing: dict[tuple[str, ...], str] = {}
    for field, rule in rules.items():
        if rule.names and header.isdisjoint(rule.names):
            missing.setdefault(rule.names, field)
    if not missing:
        return
    read = {name for rule in rules.values() for name in rule.names}
    free = [column for column in columns if column not in read]
    near = [did_you_mean(name, free, alike=0.5) for names in list(missing)[:NEAR_SHOWN] for name in names]
    valid = ", ".join(map(repr, columns[:COLUMNS_SHOWN])) + (", …" if len(columns) > COLUMNS_SHOWN else "")
    if len(missing) == 1:
        ((names, field),) = missing.items()
        raise Misuse(
            f"there is no column {' or '.join(map(repr, names))} in the {of}",
            where=f"{place}, field {field}",
            valid=valid,
            remedy=" ".join([*list(filter(None, near))[:1], f"Write the column as the {writes} does."]),
        )
    told = [
        " or ".join(map(repr, names)) + ("" if field in names else f" for {field}") for names, field in missing.items()
    ]
    last = f"Write columns as the {writes} does."
    if _is_form(rules):
        last = (
            "Add these columns, empty where there is nothing to say, or fill in a workbook that has them all:"
            f" headwater contracts template {contract}"
        )
    raise Misuse(
        f"{len(missing)} columns that the mapping reads are not in the {of}: {', '.join(told)}",
        where=place,
        valid=valid,
        remedy=" ".join([*dict.fromkeys(filter(None, near)), last]),
    )


def _is_form(rules: dict[str, FieldRule]) -> bool:
    """Whether it reads files whose columns are named as the fields of the contract."""
    return all(rule.names == (field,) for field, rule in rules.items())


def _present(names: tuple[str, ...], columns: Sequence[str], where: str, of: str) -> str:
    """The one of a column's names that stands in the header, where at least one does."""
    first, *more = [name for name in names if name in columns]
    if more:
        raise Misuse(
            f"several names of one column stand in the {of}",
            where=where,
            value=", ".join(map(repr, (first, *more))),
            valid="exactly one of them",
            remedy=f"Keep the name of the column that is meant, or tell the variants of the {of} apart under `when`.",
        )
    return first


def load_mapping(path: Path) -> Mapping:
    """Read a mapping from a YAML or JSON file; `InputRefused` when it cannot be read, `Misuse` when it is wrong."""
    return read_mapping(read_text(path, "mapping"), where=str(path))


@lru_cache(maxsize=16)
def read_mapping(text: str, *, where: str) -> Mapping:
    """Read a mapping from YAML or JSON text. Raises `Misuse` that names every key that is wrong.

    A run reads its mapping where it is planned, where it is looked up and where it is carried out, and YAML is slow.
    """
    body = parse_yaml(text, where=where)
    if not isinstance(body, dict):
        raise Misuse(
            "the mapping is not a document with keys", where=where, valid="mapping, version, contract, fields, …"
        )
    try:
        return Mapping.model_validate(body)
    except ValidationError as error:
        raise Misuse(
            "; ".join(sentences(error.errors(include_url=False), Mapping, _PATTERNS)),
            where=where,
            remedy="Inside { } a text with a comma needs quotes. See docs/reference/mapping.md.",
        ) from error


def mapping_json_schema() -> dict[str, Any]:
    """The published JSON Schema (2020-12) of a mapping document."""
    schema = Mapping.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Headwater mapping",
        **{key: value for key, value in schema.items() if key != "title"},
    }
