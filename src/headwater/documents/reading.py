"""A document read from its file, or in a sentence why it cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.documents.near import did_you_mean
from headwater.errors import InputRefused, Misuse

if TYPE_CHECKING:
    from pathlib import Path

MAXIMUM_BYTES = 1_000_000


def read_text(path: Path, kind: str) -> str:
    """The text of a document; `kind` says which: mapping, inventory document.

    Misuse where there is no such file, InputRefused where it cannot be read, is too large or not UTF-8.
    """
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MAXIMUM_BYTES else b""
    except FileNotFoundError as error:
        near = did_you_mean(path.name, _beside(path), alike=0.7)
        raise Misuse(f"there is no such {kind}", where=str(path), remedy=near) from error
    except OSError as error:
        raise InputRefused(f"the {kind} cannot be read: {(error.strerror or '').lower()}", where=str(path)) from error
    if size > MAXIMUM_BYTES:
        raise InputRefused(
            f"the {kind} has {size:,} bytes",
            where=str(path),
            valid=f"at most {MAXIMUM_BYTES:,}",
            remedy=f"Is it the {kind}?",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputRefused(
            f"the {kind} cannot be read: byte {error.start} is not UTF-8",
            where=str(path),
            remedy="Save it as UTF-8.",
        ) from error


def _beside(path: Path) -> list[str]:
    return sorted(each.name for pattern in ("*.yaml", "*.yml", "*.json") for each in path.parent.glob(pattern))
