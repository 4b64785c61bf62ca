"""What a row's hash is the SHA-256 of: every field of the major version in order, then `absent`, then later fields.

A field that a minor version added takes part, with its name, only where it has a value. So a row that was stored before
the field came, and is read again under the new version, is found the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.values import record_text, record_text_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headwater.contracts.document import Document, FieldSpec


def canonical_texts(document: Document, values: Mapping[str, Any]) -> dict[str, str | None]:
    """The canonical texts of a row's values, by field."""
    return {
        field.name: None if values[field.name] is None else field.kind.canonical(values[field.name])
        for field in document.fields
    }


def row_text(document: Document, values: Mapping[str, str | None], absent: str | None) -> str:
    """The text of one row from the canonical texts of its fields."""
    later = [f"{field.name}={text}" for field in document.later if (text := values[field.name]) is not None]
    return record_text([*(values[field.name] for field in document.first), absent, *later])


def row_text_sql(document: Document, canonical: Callable[[FieldSpec], str]) -> str:
    """SQL twin of `row_text` over a column "absent", for DuckDB and PostgreSQL. `canonical` gives a field's text."""
    text = record_text_sql([*(canonical(field) for field in document.first), '"absent"'])
    if not document.later:
        return text
    # `concat_ws` leaves out what is NULL.
    later = ", ".join(f"'{field.name}=' || {canonical(field)}" for field in document.later)
    return f"concat_ws(chr(31), {text}, {later})"
