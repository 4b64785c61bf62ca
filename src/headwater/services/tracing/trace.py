"""What a trace holds: from a figure back to the line of the file it came from, and the tree in which it is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from headwater.documents.counted import counted

_WITH_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+")


@dataclass(frozen=True, kw_only=True)
class Node:
    """A line of the tree: what it is, what it says, and what stands below it."""

    title: str
    value: str = ""
    children: tuple[Node, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """The entry of the audit chain that a chunk was committed with."""

    seq: int
    entry_hash: str
    at: str
    action: str


@dataclass(frozen=True, kw_only=True)
class RunRef:
    """The run that brought a record, and the chunk of it.

    kind     import, sync or resubmit
    lineage  hash of the column lineage of its SQL
    audit    None until the chain has it
    """

    run_id: str
    kind: str
    source: str
    started_at: str
    chunk_no: int
    chunk_id: str
    lineage: str | None
    audit: AuditEntry | None


@dataclass(frozen=True, kw_only=True)
class RawRecord:
    """A record as it stands in its file. `text` and `cells` are None where the file was erased.

    origin           what it came from: a file, a source that was synced, or records of a contract
    address          where the file lay in a store, as in s3://bucket/key; None where it came from none
    version          of it there: an ETag or a version id
    sha256           of the file; of a sync, of what was read for the record's chunk
    line, record_no  in the file, from 1; of a workbook `line` is the row, of a JSON array the index
    place            the same in words: "line 7", "sheet Data, row 7", "connector sap, table Orders, Order = 7"
    cells            column -> text, as cut by the file's dialect
    decimal          the sign before the decimals of the source's own numbers in `text` and `cells`: they are written as
                     the mapping's locale has them, whatever the source itself shows; None where its cells are texts
    """

    origin: Literal["file", "sync", "records"]
    file: str
    address: str | None
    version: str | None
    sha256: str
    encoding: str
    line: int
    record_no: int
    place: str
    text: str | None
    cells: Mapping[str, str] | None
    decimal: str | None


@dataclass(frozen=True, kw_only=True)
class FieldOrigin:
    """Where a field's value comes from.

    value   canonical text; None where there is none, and then `absent` says why if the source does
    by      column, constant, expression, default or open
    how     the column's name, the constant or the expression
    raw     the cells it read, by column
    """

    field: str
    value: str | None
    absent: str | None
    unit: str | None
    by: str
    how: str
    raw: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document that a run rests on."""

    name: str
    version: str
    hash: str


@dataclass(frozen=True, kw_only=True)
class Refused:
    """What quarantine held before the record was mended."""

    key: str
    reasons: Sequence[str]
    cells: Mapping[str, str | None]
    raw: RawRecord | None
    run_id: str


@dataclass(frozen=True, kw_only=True)
class MadeFrom:
    """A record of a contract that another was made from.

    record   as it was read, or, where that is not to be found any more, as it stands; None where nothing is
    changed  fields that were read and hold something else now
    taken_off  how much of the other it has taken off, as a return does; None where it took nothing off
    is_gone  whether no record of that key stands now
    is_lost  whether it is neither among the records that stand nor among those that were replaced or deleted
    """

    contract: str
    key: str
    record: RecordTrace | None
    changed: tuple[str, ...]
    taken_off: str | None = None
    is_gone: bool = False
    is_lost: bool = False


@dataclass(frozen=True, kw_only=True)
class RecordTrace:
    """A stored record, and all it came from.

    values     field → canonical text
    fields     where each value comes from
    mended     what quarantine held before it was mended; None where it was not refused
    findings   what was noticed about it when it was loaded: rule and words
    past       how many versions of it later runs have replaced
    made_from  where its run read records of a contract: those it was made from
    """

    contract: Document
    key: str
    values: Mapping[str, str | None]
    row_hash: str
    mapping: Document
    fields: tuple[FieldOrigin, ...]
    raw: RawRecord
    run: RunRef
    findings: tuple[str, ...]
    past: int
    mended: Refused | None = None
    made_from: tuple[MadeFrom, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FactorTrace:
    """A factor as it stood in the set that the run had pinned.

    values      field of the contract emission_factor → canonical text
    factor_set  hash of the set
    record      where the same factor still stands
    """

    values: Mapping[str, str | None]
    factor_set: str
    record: RecordTrace | None


@dataclass(frozen=True, kw_only=True)
class FigureTrace:
    """A calculated figure.

    values      field of the contract emission → canonical text; masses in kg
    formula     with its numbers
    recomputed  whether the formula, worked again now, gives the stored figures
    """

    contract: Document
    values: Mapping[str, str | None]
    row_hash: str
    formula: str
    formula_name: str
    recomputed: bool
    factor: FactorTrace
    run: RunRef


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A record traced.

    figure  a figure that was calculated from the record; None where the record itself is traced
    anchor  the head of the audit chain now
    """

    key: str
    figure: FigureTrace | None
    record: RecordTrace
    anchor: str

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def tree(self) -> Node:
        """As a person reads it, the figure first."""
        record = _record(self.record)
        end = Node(title="audit chain", value=f"ends at {self.anchor}")
        if self.figure is None:
            return Node(title=record.title, value=record.value, children=(*record.children, end))
        figure = self.figure
        values = figure.values
        scope = f"scope {values['scope']}" + (f", category {values['category']}" if values["category"] else "")
        return Node(
            title="emission",
            value=f"{_short(values['co2e_kg'])} kg CO2e of {values['activity_id']}",
            children=(
                Node(title="as", value=f"{scope}, {values['method']}, {values['gwp_set']}", children=_gases(values)),
                Node(
                    title="formula",
                    value=figure.formula,
                    children=(
                        Node(title="computed again now", value="the same figures" if figure.recomputed else "DIFFERS"),
                    ),
                ),
                _factor(figure.factor),
                record,
                _run(figure.run, "calculated in run"),
                end,
            ),
        )


def _gases(values: Mapping[str, str | None]) -> tuple[Node, ...]:
    gases = {"CO2": values["co2_kg"], "CH4": values["ch4_kg"], "N2O": values["n2o_kg"]}
    return tuple(Node(title=gas, value=f"{_short(kg)} kg") for gas, kg in gases.items() if kg is not None)


def _factor(factor: FactorTrace) -> Node:
    values = factor.values
    children = [
        Node(title="source", value=f"{values['source']} ({values['publication_year']})"),
        Node(title="valid", value=f"{values['valid_from']} to {values['valid_to']} (the day after the last)"),
        Node(title="region", value=str(values["region"])),
        Node(title="licence", value=_licence(values)),
        Node(title="factor set", value=f"SHA-256 {factor.factor_set}"),
    ]
    if values["note"]:
        children.append(Node(title="note", value=str(values["note"])))
    if factor.record is not None:
        children += [_raw(factor.record.raw), _run(factor.record.run, "loaded by run")]
    per_unit = f"{_short(values['co2e_kg_per_unit'])} kg CO2e/{values['unit']}"
    return Node(title="factor", value=f"{values['factor_id']}: {per_unit}", children=tuple(children))


def _licence(values: Mapping[str, str | None]) -> str:
    words = {"true": "may be passed on", "false": "may not be passed on", None: "not known whether it may be passed on"}
    return f"{values['licence'] or 'not stated'}; {words[values['redistributable']]}"


def _record(record: RecordTrace) -> Node:
    said = [origin for origin in record.fields if origin.value is not None or origin.absent]
    silent = [origin.field for origin in record.fields if origin not in said]
    fields = tuple(Node(title=origin.field, value=_field(origin, record.raw.decimal)) for origin in said)
    if silent:
        fields += (Node(title="blank or not mapped", value=", ".join(silent)),)
    children = [
        Node(
            title="mapping",
            value=f"{record.mapping.name} {record.mapping.version}",
            children=(*fields, Node(title="SHA-256", value=record.mapping.hash)),
        ),
        _raw(record.raw),
        *map(_made_from, record.made_from),
    ]
    if record.mended is not None:
        children.append(_mended(record.mended))
    children += [Node(title="noticed", value=finding) for finding in record.findings]
    if record.past:
        children.append(
            Node(
                title="history",
                value=counted(record.past, "earlier version was replaced", "earlier versions were replaced"),
            )
        )
    children.append(_run(record.run, "loaded by run"))
    return Node(title=record.contract.name, value=record.key, children=tuple(children))


def _field(origin: FieldOrigin, decimal: str | None) -> str:
    value = origin.absent or "blank" if origin.value is None else origin.value
    if origin.value is not None and origin.absent:
        value = f"{value} ({origin.absent})"
    cells = ", ".join(f"{column} = {_cell(text, decimal)}" for column, text in origin.raw.items())
    if origin.by == "column" and origin.raw:
        return f"{value} ← column {origin.how!r}: {_cell(next(iter(origin.raw.values())), decimal)}"
    return f"{value} ← {origin.by} {origin.how}" + (f" with {cells}" if cells else "")


def _cell(text: str, decimal: str | None) -> str:
    """A cell, with the sign before its decimals where that is no point: 1,125 may be two numbers."""
    is_told = decimal not in {None, "."} and _WITH_COMMA.fullmatch(text)
    return f"{text!r} (decimal sign {decimal!r})" if is_told else repr(text)


def _raw(raw: RawRecord) -> Node:
    text = "(the file was erased; its hash is left)" if raw.text is None else raw.text
    pinned = {"file": "the file", "sync": "what was read", "records": "the records"}[raw.origin]
    more = [Node(title="version", value=raw.version)] if raw.version else []
    if raw.decimal not in {None, "."}:
        said = f"those of the source are written with {raw.decimal!r} before their decimals, as the mapping reads them"
        more.append(Node(title="numbers", value=said))
    return Node(
        title="raw record",
        value=f"{raw.address or raw.file}, {raw.place}" if raw.origin == "file" else raw.place,
        children=(Node(title="text", value=text), *more, Node(title=f"SHA-256 of {pinned}", value=raw.sha256)),
    )


def _made_from(origin: MadeFrom) -> Node:
    said = f"{origin.contract} {origin.key}"
    said += f", which takes off {_short(origin.taken_off)}" if origin.taken_off else ""
    since = ", deleted since" if origin.is_gone else ""
    if origin.changed:
        since = f", changed since: {', '.join(origin.changed)}"
    if origin.is_lost:
        since += ", and not found as it was read"
    return Node(
        title="made from", value=said + since, children=_record(origin.record).children if origin.record else ()
    )


def _mended(refused: Refused) -> Node:
    reasons = tuple(Node(title="refused", value=reason) for reason in refused.reasons)
    below = (*reasons, *((_raw(refused.raw),) if refused.raw else ()), Node(title="run", value=refused.run_id))
    return Node(title="mended from quarantine", value=refused.key, children=below)


def _run(run: RunRef, title: str) -> Node:
    children = [Node(title="chunk", value=f"{run.chunk_no} ({run.chunk_id})")]
    if run.audit is not None:
        entry = run.audit
        said = f"{entry.seq}: {entry.action} at {entry.at}, {entry.entry_hash}"
        children.append(Node(title="audit entry", value=said))
    return Node(title=title, value=f"{run.run_id} of {run.source}, {run.started_at}", children=tuple(children))


def _short(number: str | None) -> str:
    """Without trailing zeros."""
    text = number or "?"
    return text.rstrip("0").rstrip(".") if "." in text else text
