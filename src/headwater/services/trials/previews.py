"""What a mapping would do to a file: the first rows as they would land, counts, findings, and the tCO2e at stake.

The same transform as a run's goes over a sample; nothing is stored.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa

from headwater.accounting.timeline import FactorPolicy
from headwater.contracts.bulk import quoted
from headwater.engine.duck import engine
from headwater.mapping import compile_mapping
from headwater.pipeline.calculation import Calculation
from headwater.pipeline.known_rows import RowNames
from headwater.pipeline.recipe import FactorChoice
from headwater.pipeline.references import ReferenceCodes
from headwater.pipeline.transform import ChunkTransform
from headwater.services import reference_codes
from headwater.services.contracts_view import find_contract, loadable
from headwater.services.factors.factor_sets import FACTORS, typed
from headwater.services.installation import find_mapping, installed_packs
from headwater.services.logic import CALCULATED, RESULTS
from headwater.services.samples import RECORDS, take_sample
from headwater.services.sources import config_of
from headwater.store.stored_rows import current_rows, parse_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from headwater.contracts import Document
    from headwater.mapping import CompiledMapping
    from headwater.pipeline.refusals import Conflict
    from headwater.pipeline.transform import Transformed
    from headwater.services.installation import Installation
    from headwater.services.samples import Sample

_T = TypeVar("_T")
ROWS = 20
CALCULATED_FROM = frozenset({"activity_type", "region", "period_start", "quantity", "unit"})
"""Fields of an activity that its emission is calculated from: a record refused for others has a figure all the same."""


@dataclass(frozen=True, kw_only=True)
class PreviewRow:
    """A record of the sample.

    number    its line, row or item; `part` the sheet
    state     loaded, refused, merged (equal to an earlier one), or skipped: and the reason
    fields    canonical texts, None where there is no value
    findings  what was noticed: rule and message
    """

    number: int
    part: str
    state: str
    fields: Mapping[str, str | None]
    findings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Stake:
    """What a figure comes to, in tonnes, over the records of the sample.

    loaded    of records that would be loaded
    refused   of records that quarantine would take, where it can be told in spite of what is wrong
    untold    records refused for which it cannot
    """

    figure: str
    loaded: Decimal
    refused: Decimal
    untold: int


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What would become of the first records of a file.

    read      records looked at, of which `is_whole` says whether they are all; blank ones are not counted
    skipped   reason -> records
    refused   rule -> findings; `refused_records` counts the records
    noticed   rule -> findings on records that would be loaded
    stakes    () where nothing is calculated or reported in CO2e
    factors   how many emission factors it was calculated with; None without a database, or where nothing is calculated
    unchecked references that were not looked up, since there is no database to look in
    """

    file: str
    mapping: str
    contract: str
    read: int
    is_whole: bool
    loaded: int
    merged: int
    skipped: Mapping[str, int]
    refused_records: int
    refused: Mapping[str, int]
    noticed: Mapping[str, int]
    unused: tuple[str, ...]
    rows: tuple[PreviewRow, ...]
    stakes: tuple[Stake, ...]
    factors: int | None
    unchecked: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values; figures as texts, exactly."""
        body = asdict(self)
        for stake in body["stakes"]:
            stake["loaded"], stake["refused"] = str(stake["loaded"]), str(stake["refused"])
        return body


def preview(
    path: Path, mapping: str, *, rows: int = ROWS, installation: Installation | None = None, records: int = RECORDS
) -> Preview:
    """Take the first records of a file through a mapping, by path or name.

    With an installation activities are calculated with the factors that stand in its database, and codes that refer to
    other contracts are looked up there. Refusals as in an import: Misuse for a mapping that does not fit, InputRefused
    for a file that cannot be read.
    """
    packs = installation.packs if installation else installed_packs()
    document_of = find_mapping(packs, mapping, Path.cwd())
    contract = loadable(find_contract(document_of.contract), where=f"mapping {document_of.mapping}")
    sample = take_sample(path, config_of(document_of), records=records, mapping=document_of)
    compiled = compile_mapping(document_of, contract, sample.rows.column_names)
    with engine() as duck:
        factors = _factors(installation, duck) if installation and contract.name == CALCULATED else None
        codes = list(reference_codes.standing(installation, contract)) if installation else None
        run = _Run(duck, contract, compiled, sample, factors=factors, codes=codes)
        return run.preview(f"{document_of.mapping} {document_of.version}", rows)


def _factors(installation: Installation, duck: duckdb.DuckDBPyConnection) -> pa.Table:
    """The factors that stand, without pinning them."""
    document = installation.contract(*FACTORS)
    with installation.database.connect(installation.tenant_id) as connection:
        return typed(duck, document, parse_rows(current_rows(connection, document)))


class _Run:
    """One pass of a sample through a transform."""

    def __init__(
        self,
        duck: duckdb.DuckDBPyConnection,
        contract: Document,
        mapping: CompiledMapping,
        sample: Sample,
        *,
        factors: pa.Table | None,
        codes: Sequence[pa.RecordBatch] | None,
    ) -> None:
        self._duck, self._contract, self._mapping, self._sample = duck, contract, mapping, sample
        self._factors, self._codes = factors, codes
        self._done = self._through(contract, mapping, sample.rows)

    def _through(self, contract: Document, mapping: CompiledMapping, raw: pa.Table) -> Transformed:
        transform = ChunkTransform(
            self._duck,
            document=contract,
            mapping=mapping,
            columns=raw.column_names,
            names=RowNames(source_id=b""),
            calculation=self._calculation(),
            references=self._references(contract),
        )
        return transform.run(raw, np.arange(raw.num_rows, dtype=np.int32), first_record=1)

    def _references(self, contract: Document) -> ReferenceCodes | None:
        if self._codes is None or not contract.reference_rules:
            return None
        return ReferenceCodes(self._duck, contract, partial(_same, self._codes))

    def _calculation(self) -> Calculation | None:
        if self._factors is None:
            return None
        choice = FactorChoice()
        return Calculation(
            self._duck,
            emission=find_contract("@".join(map(str, RESULTS))),
            factors=partial(_same, self._factors),
            policy=FactorPolicy(methods=choice.methods, sources=choice.sources),
        )

    def preview(self, mapping: str, rows: int) -> Preview:
        """Everything that is told; the tables of the first pass are read before a second one begins."""
        done, sample = self._done, self._sample
        refusals = {row["record_no"]: json.loads(row["findings"]) for row in done.refused.to_pylist()}
        refused: Counter[str] = Counter(finding["rule"] for each in refusals.values() for finding in each)
        if done.conflicts:
            refused[f"{self._contract.name}.key.conflict"] += len(done.conflicts)
        noticed: Counter[str] = Counter(str(rule) for rule in done.findings["rule_id"].to_pylist())
        shown = self._rows(rows, refusals)
        return Preview(
            file=sample.inspection.name,
            mapping=mapping,
            contract=self._contract.reference,
            read=sample.rows.num_rows + sample.ragged,
            is_whole=sample.is_whole,
            loaded=done.records.num_rows,
            merged=len(done.merged),
            skipped=done.skipped,
            refused_records=done.refused.num_rows + len(done.conflicts) + sample.ragged,
            refused=dict(refused.most_common()) | ({"record.fields": sample.ragged} if sample.ragged else {}),
            noticed=dict(noticed.most_common()),
            unused=self._mapping.unused_columns,
            rows=shown,
            stakes=self._stakes(),
            factors=None if self._factors is None else self._factors.num_rows,
            unchecked=self._unchecked(),
        )

    def _unchecked(self) -> tuple[str, ...]:
        named = [spec.reference for spec in self._contract.fields if spec.reference is not None]
        return tuple(dict.fromkeys(named)) if self._codes is None else ()

    def _rows(self, count: int, refusals: Mapping[int, list[dict[str, str]]]) -> tuple[PreviewRow, ...]:
        names = [spec.name for spec in self._contract.fields]
        listed = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in names)
        found = self._duck.execute(
            f"SELECT _record_no, _skip, {listed} FROM chunk WHERE _record_no < ? ORDER BY _record_no", [count]
        ).fetchall()
        conflicts = {each.record_no: self._conflict(each) for each in self._done.conflicts}
        told: dict[int, list[str]] = {}
        for row in self._done.findings.to_pylist():
            if row["record_no"] < count:
                told.setdefault(row["record_no"], []).append(f"{row['field']}: {row['message']}")
        made = []
        for number, skip, *values in found:
            findings = [_told(finding) for finding in refusals.get(number, ())] + told.get(number, [])
            if number in conflicts:
                findings.append(conflicts[number])
            made.append(
                PreviewRow(
                    number=self._sample.numbers[number],
                    part=self._sample.parts[number],
                    state=self._state(number, skip, refused=number in refusals or number in conflicts),
                    fields=dict(zip(names, values, strict=True)),
                    findings=tuple(findings),
                )
            )
        return tuple(made)

    def _conflict(self, conflict: Conflict) -> str:
        first = conflict.first or 0
        place = f"{self._sample.parts[first] or 'line'} {self._sample.numbers[first]}"
        return f"another record with the same key and other content stands already: {place} of this file"

    def _state(self, number: int, skip: str | None, *, refused: bool) -> str:
        if skip is not None:
            return f"skipped: {skip}"
        if refused:
            return "refused"
        return "merged" if number in self._done.merged else "loaded"

    def _stakes(self) -> tuple[Stake, ...]:
        return self._calculated() if self._factors is not None else self._reported()

    def _lost(self) -> list[int]:
        """Records that quarantine would take."""
        refused = [int(number) for number in self._done.refused["record_no"].to_numpy()]
        return [*refused, *(each.record_no for each in self._done.conflicts)]

    def _reported(self) -> tuple[Stake, ...]:
        """Figures in CO2e that the file itself gives: a refused record's as far as it can be read."""
        lost = self._lost()
        stakes = []
        for spec in self._contract.fields:
            if spec.type != "decimal" or "co2e" not in spec.name or spec.unit not in {"t", "kg"}:
                continue
            column = quoted(spec.name)
            figures = (
                f"sum({column}) FILTER (is_loaded), sum({column}) FILTER (is_lost), count({column}) FILTER (is_lost)"
            )
            loaded, other, told = self._one(
                f"SELECT {figures} FROM (SELECT *, list_contains($lost::INTEGER[], _record_no) AS is_lost FROM chunk)",
                lost=lost,
            )
            if loaded is not None or other is not None:
                parts = 1 if spec.unit == "t" else 1000
                loaded, other = (_exact(each) / parts for each in (loaded, other))
                stakes.append(Stake(figure=spec.name, loaded=loaded, refused=other, untold=len(lost) - told))
        return tuple(stakes)

    def _calculated(self) -> tuple[Stake, ...]:
        """By method and set of potentials. The refused go through once more, held to those rules only that a figure
        needs, each as a record of its own.
        """
        sums = self._sums(self._done.results)
        refused = self._lost()
        lost: dict[tuple[str, str], tuple[Decimal, int]] = {}
        if refused:
            rules = tuple(rule for rule in self._contract.rules if set(rule.fields) <= CALCULATED_FROM)
            key = {spec.name: "CAST(_record_no AS VARCHAR)" for spec in self._contract.key}
            lenient = replace(
                self._mapping,
                texts={**self._mapping.texts, **key},
                unmapped={f: sql for f, sql in self._mapping.unmapped.items() if f in CALCULATED_FROM},
            )
            taken = self._sample.rows.take(pa.array(refused, pa.int64()))
            lost = self._sums(self._through(replace(self._contract, rules=rules), lenient, taken).results)
        stakes = []
        for kind in sorted(sums.keys() | lost.keys()):
            (loaded, _), (other, told) = sums.get(kind, (Decimal(0), 0)), lost.get(kind, (Decimal(0), 0))
            stakes.append(Stake(figure=" ".join(kind), loaded=loaded, refused=other, untold=len(refused) - told))
        return tuple(stakes)

    def _sums(self, results: pa.Table | None) -> dict[tuple[str, str], tuple[Decimal, int]]:
        if results is None:
            return {}
        self._duck.register("results", results)
        try:
            found = self._duck.sql(
                "SELECT method, gwp_set, sum(co2e_kg), count(*) FROM results GROUP BY ALL ORDER BY ALL"
            ).fetchall()
        finally:
            self._duck.unregister("results")
        return {(method, gwp_set): (kilograms / 1000, count) for method, gwp_set, kilograms, count in found}

    def _one(self, query: str, **values: object) -> tuple[Any, ...]:
        row = self._duck.execute(query, values).fetchone()
        return row if row is not None else ()


def _same(rows: _T) -> _T:
    return rows


def _exact(value: object) -> Decimal:
    return Decimal(0) if value is None else Decimal(str(value))


def _told(finding: Mapping[str, Any]) -> str:
    """A finding in one line: field, text, message."""
    value = finding.get("value")
    return f"{finding['field']}: {finding['message']}" + (f" ({value})" if value not in {None, ""} else "")
