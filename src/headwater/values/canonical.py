"""Hashed text: how a record becomes one text, a text its SHA-256, and a key a UUID, alike in Python and in SQL."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence

from headwater.errors import Misuse

SEPARATOR = "\x1f"
NULL = "\x1e"


def record_text(values: Sequence[str | None]) -> str:
    """Join canonical texts by U+001F, with U+001E for no value. No two records of one length give the same text,
    because no kind lets these two characters into a value; here they are refused.
    """
    for value in values:
        if value is not None and (SEPARATOR in value or NULL in value):
            raise Misuse(
                "a text to be hashed contains a control character that separates fields",
                value=value,
                valid="text without U+001E and U+001F",
            )
    return cells_text(values)


def cells_text(cells: Iterable[str | None]) -> str:
    """The same of cells as a source writes them, which may hold the two characters: they are told apart as far as can
    be. SQL refuses none either.
    """
    return SEPARATOR.join(NULL if cell is None else cell for cell in cells)


def record_text_sql(exprs: Sequence[str]) -> str:
    """SQL twin of `record_text` over VARCHAR expressions, at least one."""
    if not exprs:
        raise Misuse("a record text needs at least one field")
    return "concat_ws(chr(31), " + ", ".join(f"coalesce({expr}, chr(30))" for expr in exprs) + ")"


def sha256(text: str) -> bytes:
    """The 32 bytes of the SHA-256 of the text in UTF-8."""
    try:
        return hashlib.sha256(text.encode()).digest()
    except UnicodeEncodeError as error:
        raise Misuse(
            "a text to be hashed holds half a surrogate pair, which UTF-8 cannot write", value=ascii(text)
        ) from error


def sha256_sql(text_expr: str) -> str:
    """SQL twin of `sha256`: a BLOB of 32 bytes, NULL for NULL."""
    return f"unhex(sha256({text_expr}))"


def record_id(*parts: str) -> uuid.UUID:
    """A UUID that depends on nothing but the parts: the first 16 bytes of the SHA-256 of their record text."""
    return uuid.UUID(bytes=sha256(record_text(parts))[:16])
