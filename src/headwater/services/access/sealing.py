"""What is personal in the records of a run, sealed as a chunk is written: fields, refused cells, what findings tell.

The subject of a record is whom its contract says it is about. Of a refused record, and of what was noticed about one,
nobody knows that for certain: each is a subject of its own, and whoever erases somebody looks whose it is. Records of a
contract that is not about people, with a free remark say, have one subject all together: a key for each would be a row
for each, of a load of millions.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.mapping.compile import columns_read
from headwater.services.access.keys import seals_of
from headwater.store.sealed import ERROR_PLACE, cell_place, finding_place
from headwater.values.canonical import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from headwater.contracts import Document
    from headwater.contracts.document import FieldSpec
    from headwater.mapping import Mapping as MappingDocument
    from headwater.services.access.seals import Subject
    from headwater.services.installation import Installation

REFUSED, NOTICED, FAILED = "refused", "noticed", "failed"
"""Domains of subjects: a record in quarantine by its id, a record of a chunk by that and its number in the file, and by
its id a chunk that failed.
"""
UNCUT = ""


@dataclass(frozen=True, kw_only=True)
class SealedCells:
    """Which cells of refused records are sealed.

    An unread column of a contract about people is sealed too: of it nobody said that it is not personal. So is what
    could not be cut into columns.
    """

    personal: frozenset[str]
    others: frozenset[str] | None  # read, and not personal: of a contract about people all but these are sealed

    def __contains__(self, column: str) -> bool:
        if column == UNCUT or column in self.personal:
            return True
        return self.others is not None and column not in self.others


def sealing_of(
    installation: Installation, contract: Document, mapping: MappingDocument, columns: Sequence[str]
) -> Callable[[Any, UUID], ChunkSealing] | None:
    """What seals the chunks of a run, by connection and chunk; None where its contract has nothing personal."""
    # Rows of all minor versions share a table, so that the newest says what is personal and whose it is.
    document = installation.contract(contract.name, contract.major)
    if not document.personal:
        return None
    read = columns_read(mapping, columns)
    personal = frozenset(column for column, fields in read.items() if document.personal.keys() & set(fields))
    cells = SealedCells(personal=personal, others=frozenset(read) - personal if document.is_of_people else None)
    return partial(ChunkSealing, installation, document, cells)


class ChunkSealing:
    """Seals what one chunk writes, in its transaction: keys are made with the rows or not at all."""

    def __init__(
        self, installation: Installation, document: Document, cells: SealedCells, connection: Any, chunk_id: UUID
    ) -> None:
        self._seals = seals_of(installation.settings, connection, installation.tenant_id)
        self._document = document
        self._cells = cells
        self._chunk_id = chunk_id

    def held(self, digest: str) -> str:
        """A digest of keys: see `Seals.held`; as it is where keys are about nobody."""
        return self._seals.held(digest) if self._document.is_of_people else digest

    def failed(self, error: str) -> str:
        """What an error quotes may be anybody's: the chunk is a subject of its own."""
        of = str(self._chunk_id)
        return self._seals.subjects(FAILED, [of], make=True)[of].seal(ERROR_PLACE, error)

    def rows(self, document: Document, rows: pa.Table) -> pa.Table:
        """Records of the contract with their personal fields sealed; of any other as they are."""
        if (document.name, document.major) != (self._document.name, self._document.major):
            return rows
        fields = [spec for spec in self._document.personal.values() if spec.name in rows.column_names]
        return self._of_each(rows, fields) if self._document.is_of_people else self._of_nobody(rows, fields)

    def _of_nobody(self, rows: pa.Table, fields: Sequence[FieldSpec]) -> pa.Table:
        """Each value once."""
        for spec in fields:
            if rows[spec.name].null_count == rows.num_rows:
                rows = _with(rows, spec.name, pa.nulls(rows.num_rows, pa.string()))
                continue
            values = rows[spec.name].combine_chunks().dictionary_encode()
            sealed = [
                self._seals.seal(self._nobody, spec.name, spec.kind.canonical(value))
                for value in values.dictionary.to_pylist()
            ]
            rows = _with(rows, spec.name, pa.array(sealed, pa.string()).take(values.indices))
        return rows

    @cached_property
    def _nobody(self) -> Subject:
        return self._seals.subjects(self._document.subject_domain, [""], make=True)[""]

    def _of_each(self, rows: pa.Table, fields: Sequence[FieldSpec]) -> pa.Table:
        is_filled = np.zeros(rows.num_rows, np.bool_)
        for spec in fields:
            is_filled |= rows[spec.name].is_valid().to_numpy()
        places = np.flatnonzero(is_filled)
        filled = rows.take(places)
        subjects = self._subjects(subject_texts(self._document, filled))
        for spec in fields:
            if filled[spec.name].null_count == len(places):
                rows = _with(rows, spec.name, pa.nulls(rows.num_rows, pa.string()))
                continue
            sealed = np.full(rows.num_rows, None, object)
            sealed[places] = self._sealed(spec, filled[spec.name].to_pylist(), subjects)
            rows = _with(rows, spec.name, sealed)
        return rows

    def _subjects(self, told: Sequence[tuple[str, str]]) -> list[Subject]:
        """By domain and text; who is met for the first time gets a key."""
        texts: dict[str, set[str]] = {}
        for domain, text in told:
            texts.setdefault(domain, set()).add(text)
        known = {domain: self._seals.subjects(domain, of, make=True) for domain, of in texts.items()}
        return [known[domain][text] for domain, text in told]

    def _sealed(self, spec: FieldSpec, values: Sequence[Any], subjects: Sequence[Subject]) -> list[str | None]:
        """Each value of a subject once."""
        done: dict[tuple[UUID, Any], str | None] = {}
        for subject, value in zip(subjects, values, strict=True):
            if (subject.subject_id, value) not in done:
                sealed = None if value is None else self._seals.seal(subject, spec.name, spec.kind.canonical(value))
                done[subject.subject_id, value] = sealed
        return [done[subject.subject_id, value] for subject, value in zip(subjects, values, strict=True)]

    def refused(self, rows: pa.Table) -> pa.Table:
        """Refused records: their cells, and the values that findings tell."""
        raw, findings, ids = (_listed(rows, name) for name in ("raw", "findings", "quarantine_id"))
        places = self._may_tell(rows)
        cells = {place: json.loads(raw[place]) for place in places}
        told = {place: json.loads(findings[place]) for place in places}
        subjects = self._of_their_own(
            REFUSED, [(ids[place], self._tells(cells[place], told[place])) for place in places]
        )
        for place in places:
            subject = subjects.get(ids[place])
            if subject is not None:
                raw[place] = self._cells_of(cells[place], subject)
                findings[place] = self._findings_of(told[place], subject, whole=UNCUT in cells[place])
        return _with(_with(rows, "raw", raw), "findings", findings) if subjects else rows

    def _may_tell(self, rows: pa.Table) -> Sequence[int]:
        """Records that may hold something personal, found in their JSON: to read all of it would take much longer."""
        if self._cells.others is not None:
            return range(rows.num_rows)
        columns = "|".join(re.escape(json.dumps(name, ensure_ascii=False)[1:-1]) for name in self._cells.personal)
        fields = "|".join(map(re.escape, self._document.personal))
        in_cells = pc.match_substring_regex(rows["raw"], rf'"(?:{columns}|)": ?"[^"]')
        in_findings = pc.match_substring_regex(rows["findings"], rf'"field": ?"(?:|[^"]*(?:{fields})[^"]*)"')
        found: list[int] = np.flatnonzero(pc.or_(in_cells, in_findings).to_numpy()).tolist()
        return found

    def mended(self, rows: pa.Table) -> pa.Table:
        """How repairs ended: the values that findings tell."""
        findings = list(map(json.loads, _listed(rows, "findings")))
        ids = list(map(_compact, _listed(rows, "mends")))
        subjects = self._of_their_own(
            REFUSED, [(of, self._tells({}, told)) for of, told in zip(ids, findings, strict=True)]
        )
        told = [
            self._findings_of(each, subjects[of]) if of in subjects else text
            for of, each, text in zip(ids, findings, _listed(rows, "findings"), strict=True)
        ]
        return _with(rows, "findings", told)

    def findings(self, rows: pa.Table) -> pa.Table:
        """What was noticed about loaded records: the values told of personal fields."""
        fields, values = _listed(rows, "field"), _listed(rows, "value")
        is_told = [bool(value) and self._is_personal(field) for field, value in zip(fields, values, strict=True)]
        places = [f"{self._chunk_id}.{number}" for number in _listed(rows, "record_no")]
        subjects = self._of_their_own(NOTICED, list(zip(places, is_told, strict=True)))
        told = [
            subjects[of].seal(finding_place(field), value) if is_personal else value
            for of, field, value, is_personal in zip(places, fields, values, is_told, strict=True)
        ]
        return _with(rows, "value", told)

    def _of_their_own(self, domain: str, tells: Sequence[tuple[str, bool]]) -> dict[str, Subject]:
        wanted = {of for of, is_personal in tells if is_personal}
        if not self._document.is_of_people:
            return dict.fromkeys(wanted, self._nobody) if wanted else {}
        return self._seals.subjects(domain, wanted, make=True) if wanted else {}

    def _tells(self, cells: Mapping[str, str | None], findings: Sequence[Mapping[str, Any]]) -> bool:
        """A record that could not be cut tells by its only cell."""
        return any(text and column in self._cells for column, text in cells.items()) or any(
            finding.get("value") and self._is_personal(finding["field"]) for finding in findings
        )

    def _is_personal(self, fields: str) -> bool:
        """Of a finding about fields; one about none tells a cell that no field reads."""
        if not fields:
            return self._cells.others is not None
        return any(name.strip() in self._document.personal for name in fields.split(","))

    def _cells_of(self, cells: Mapping[str, str | None], subject: Subject) -> str:
        sealed = {
            column: subject.seal(cell_place(column), text) if text and column in self._cells else text
            for column, text in cells.items()
        }
        return json.dumps(sealed, ensure_ascii=False)

    def _findings_of(self, findings: Sequence[Mapping[str, Any]], subject: Subject, *, whole: bool = False) -> str:
        sealed = [
            {**each, "value": subject.seal(finding_place(each["field"]), each["value"])}
            if each.get("value") and (whole or self._is_personal(each["field"]))
            else each
            for each in findings
        ]
        return json.dumps(sealed, ensure_ascii=False)


def subject_texts(document: Document, rows: pa.Table) -> list[tuple[str, str]]:
    """Of each row the domain that its subject is known in, and the text it is known by there: of its subject fields, or
    of its key where one of them is missing.
    """
    own = f"{document.name}:{'|'.join(spec.name for spec in document.key)}"
    return [
        (own, str(of)) if text is None else (document.subject_domain, text)
        for text, of in zip(joined_texts(document.subject_fields, rows), joined_texts(document.key, rows), strict=True)
    ]


def joined_texts(fields: Sequence[FieldSpec], rows: pa.Table) -> list[str | None]:
    """The canonical texts of some fields of each row as one; None where one of them is missing."""
    columns = [
        [None if value is None else spec.kind.canonical(value) for value in rows[spec.name].to_pylist()]
        for spec in fields
    ]
    return [
        None if None in parts else SEPARATOR.join(str(part) for part in parts) for parts in zip(*columns, strict=True)
    ]


def _listed(rows: pa.Table, name: str) -> list[Any]:
    return rows[name].to_pylist()


def _with(rows: pa.Table, name: str, texts: Any) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, pa.array(texts, pa.string()))


def _compact(key: str) -> str:
    """The id in a key of quarantine, `<uuid>.<number>`, as the pipeline writes it."""
    return key.partition(".")[0].replace("-", "")
