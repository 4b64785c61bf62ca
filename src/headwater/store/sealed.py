"""Personal values as they stand in tables: as ciphertext that says by whose key it opens, and under which index.

    enc1.<index>.<subject>.<ciphertext>         base64url; the index is a keyed hash, of fields until they are erased

Whoever reads through a connection opens by it what it is given keys for (`services.access.seals`). A text that is no
such ciphertext is taken as it stands: it was written before values were sealed.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from headwater.values import OWN_FORMAT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from headwater.contracts.document import Document, FieldSpec
    from headwater.store.stored_rows import StoredRow

SIGN = "enc1."
SEALED = re.compile(r"enc1\.([\w-]{22})?\.([\w-]{22})\.([\w-]+)", re.ASCII)
ERASED = "erased"
"""What is shown in place of a text whose key is gone."""


Place = tuple[str, str]
"""What a value is the value of, such as a field, and its ciphertext."""


class Opener(Protocol):
    """The keys of an organisation."""

    def __call__(self, sealed: Collection[Place]) -> Mapping[Place, str]:
        """The text of each; of those whose key is gone, or that were changed or moved, there is none."""

    def sealed_key(self, document: Document, key: Mapping[str, object]) -> dict[str, object]:
        """Values of a key as they are stored; such that no row has them where nobody is known by them."""


class Sealing(Protocol):
    """What seals the personal values of one chunk before they are written; see `services.access.sealing`."""

    def rows(self, document: Document, rows: pa.Table) -> pa.Table:
        """Records of a contract: personal fields become texts."""

    def refused(self, rows: pa.Table) -> pa.Table:
        """Refused records: see `ChunkTransaction.quarantine`."""

    def mended(self, rows: pa.Table) -> pa.Table:
        """How repairs ended: see `ChunkTransaction.mend`."""

    def findings(self, rows: pa.Table) -> pa.Table:
        """What was noticed: see `ChunkTransaction.findings`."""

    def failed(self, error: str) -> str:
        """Why the chunk failed, with the value that it failed for."""

    def held(self, digest: str) -> str:
        """A digest of keys as the audit chain holds it."""


def cell_place(column: str) -> str:
    """Where the cell of a refused record is sealed."""
    return f"cell:{column}"


def finding_place(field: str) -> str:
    """Where the value that a finding tells is sealed."""
    return f"finding:{field}"


ERROR_PLACE = "error"
"""Where what an error says of a chunk is sealed."""


def is_sealed(value: object) -> bool:
    """Whether it is such a ciphertext."""
    return isinstance(value, str) and value.startswith(SIGN) and SEALED.fullmatch(value) is not None


def opener_of(connection: Any) -> Opener | None:
    """What opens for whoever reads through a connection."""
    opener: Opener | None = getattr(connection, "opens", None)
    return opener


def sealed_key(connection: Any, document: Document, key: Mapping[str, object]) -> Mapping[str, object]:
    """Values of a key as the table has them."""
    opener = opener_of(connection)
    return key if opener is None or not document.personal.keys() & key.keys() else opener.sealed_key(document, key)


def _opened_column(column: Any, place: str, opener: Opener, *, keep: bool) -> Any:
    """Each text once."""
    if not pc.any(pc.starts_with(column, SIGN)).as_py():
        return column
    unique = column.unique()
    texts = unique.to_pylist()
    plain = opener([(place, text) for text in texts if is_sealed(text)])
    found = [plain.get((place, text), text if keep or not is_sealed(text) else None) for text in texts]
    return pa.array(found, pa.string()).take(pc.index_in(column, value_set=unique))


def opened_batches(
    batches: Iterator[pa.RecordBatch], fields: Mapping[str, FieldSpec], opener: Opener | None, *, keep: bool
) -> Iterator[pa.RecordBatch]:
    """Batches of texts, the columns opened that hold these fields; what does not open is kept as it is, or null."""
    if not fields or opener is None:
        return batches
    return (_opened(batch, fields, opener, keep=keep) for batch in batches)


def is_erased(key: str | None) -> bool:
    """Whether a part of an opened key is of somebody whose key is gone."""
    return key is not None and ERASED in key.split("|")


def stored_key(connection: Any, document: Document, key: Mapping[str, object]) -> tuple[str, ...]:
    """The same as texts, in the order of the key."""
    values = sealed_key(connection, document, key)
    return tuple(
        str(values[spec.name]) if is_sealed(values[spec.name]) else spec.kind.canonical(values[spec.name])
        for spec in document.key
    )


def opened_key(connection: Any, document: Document, text: str | None) -> str | None:
    """A key as one text, its parts joined by `|`, with what is personal in clear."""
    parts = [] if text is None else text.split("|") if len(document.key) > 1 else [text]
    if not any(is_sealed(part) for part in parts):
        return text
    sealed = {(spec.name, part) for spec, part in zip(document.key, parts, strict=True) if is_sealed(part)}
    opener = opener_of(connection)
    plain = opener(sealed) if opener is not None else {}
    return "|".join(
        plain.get((spec.name, part), ERASED if is_sealed(part) else part)
        for spec, part in zip(document.key, parts, strict=True)
    )


def opened_keys(connection: Any, document: Document, keys: pa.Table) -> pa.Table:
    """Keys as texts, with what is personal in clear; a key that does not open, as of somebody erased, is null there."""
    opener = opener_of(connection)
    if opener is None or not document.personal.keys() & set(keys.column_names):
        return keys
    batches = opened_batches(iter(keys.to_batches()), document.personal, opener, keep=False)
    return pa.Table.from_batches(batches, schema=keys.schema)


def _opened(batch: pa.RecordBatch, fields: Mapping[str, FieldSpec], opener: Opener, *, keep: bool) -> pa.RecordBatch:
    for number, name in enumerate(batch.schema.names):
        if name in fields:
            column = _opened_column(batch.column(number), fields[name].name, opener, keep=keep)
            batch = batch.set_column(number, name, column)
    return batch


def opened_values(document: Document, rows: Sequence[Mapping[str, Any]], opener: Opener | None) -> list[dict[str, Any]]:
    """Rows of a contract, their personal values of their kind again: where the key is gone ERASED, or None."""
    personal = document.personal
    sealed = {(name, row[name]) for row in rows for name in personal if is_sealed(row.get(name))}
    plain = opener(sealed) if sealed and opener is not None else {}
    return [
        {**row, **{name: _value(spec, row[name], plain) for name, spec in personal.items() if name in row}}
        for row in rows
    ]


def _value(spec: FieldSpec, stored: Any, plain: Mapping[Place, str]) -> Any:
    if not isinstance(stored, str):
        return stored
    text = plain.get((spec.name, stored), None if is_sealed(stored) else stored)
    if spec.type in {"text", "code"}:
        return ERASED if text is None else text
    return None if text is None else spec.kind.parse(text, OWN_FORMAT).value


def opened_rows(document: Document, rows: Sequence[StoredRow], opener: Opener | None) -> list[StoredRow]:
    """The same of stored rows."""
    if not document.personal:
        return list(rows)
    values = opened_values(document, [row.values for row in rows], opener)
    return [replace(row, values=each) for row, each in zip(rows, values, strict=True)]


def opened_refusals(bodies: Sequence[Any], opener: Opener | None, *, keep: bool = False) -> list[Any]:
    """Cells by column, or lists of findings, of refused records; what does not open is kept as it is, or ERASED."""
    sealed: set[Place] = set()

    def note(place: str, text: str) -> str:
        sealed.add((place, text))
        return text

    for body in bodies:
        _mapped(body, note)
    if not sealed:
        return list(bodies)
    plain = opener(sealed) if opener is not None else {}
    return [_mapped(body, lambda place, text: plain.get((place, text), text if keep else ERASED)) for body in bodies]


def _mapped(body: Any, each: Callable[[str, str], str]) -> Any:
    """Cells or findings with another text in place of each ciphertext."""
    if isinstance(body, list):
        return [
            {**finding, "value": each(finding_place(finding["field"]), finding["value"])}
            if is_sealed(finding.get("value"))
            else finding
            for finding in body
        ]
    return {name: each(cell_place(name), text) if is_sealed(text) else text for name, text in body.items()}


def opened_house(batch: pa.RecordBatch, opener: Opener | None) -> pa.RecordBatch:
    """Rows of quarantine, repairs or findings as texts; what does not open is kept."""
    names = batch.schema.names
    for name in {"raw", "findings", "value"} & set(names):
        column = batch.column(name)
        if not pc.any(pc.match_substring(column, SIGN)).as_py():
            continue
        texts = column.to_pylist()
        if name == "value":
            fields: list[Any] = batch.column("field").to_pylist()
            opened = opened_told(list(zip(fields, texts, strict=True)), opener, keep=True)
        else:
            opened = _opened_json(texts, opener)
        batch = batch.set_column(names.index(name), name, pa.array(opened, pa.string()))
    return batch


def _opened_json(texts: Sequence[str | None], opener: Opener | None) -> list[str | None]:
    found = list(texts)
    places = [place for place, text in enumerate(found) if text and SIGN in text]
    bodies = opened_refusals([json.loads(str(found[place])) for place in places], opener, keep=True)
    for place, body in zip(places, bodies, strict=True):
        found[place] = json.dumps(body, ensure_ascii=False)
    return found


def opened_told(
    told: Sequence[tuple[str, str | None]], opener: Opener | None, *, keep: bool = False
) -> list[str | None]:
    """The values that findings tell of fields."""
    bodies = [[{"field": field, "value": text}] for field, text in told]
    return [body[0]["value"] for body in opened_refusals(bodies, opener, keep=keep)]
