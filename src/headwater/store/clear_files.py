"""Kept files that lie in clear: of a folder that may be huge some are looked at, by name, and others the next time."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwater.store.blobs import ANY, REDACTED, SEALED

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Files that were looked at, and how many of them lie in clear; or all there are."""

    files: int
    clear: int
    is_all: bool


def look_for_clear(folder: Path, tenant_id: UUID, *, most: int) -> Sample:
    """How many files of an organisation lie in clear, among those of some folders: of as many as hold `most` files,
    drawn anew each time. By their hashes files are spread over all folders evenly, so that any of these stand for all.
    """
    folders = list((folder / str(tenant_id)).glob(ANY))
    random.shuffle(folders)
    looked, clear = 0, 0
    for each in folders:
        if looked >= most:
            return Sample(files=looked, clear=clear, is_all=False)
        with suppress(OSError):  # who may not look there is told by the first load
            paths = {path.name: path for path in each.iterdir()}
            looked += len(paths)
            clear += sum(_is_clear(name, paths) for name in paths)
    return Sample(files=looked, clear=clear, is_all=True)


def _is_clear(name: str, paths: dict[str, Path]) -> bool:
    """Whether it is content that encrypting files would encrypt: what stands for an erased blob holds nothing."""
    _, _, rest = name.partition(".")
    if rest == REDACTED[1:]:
        with suppress(FileNotFoundError):
            return paths[name].stat().st_size > 0
        return False
    return not rest and not paths.keys() & {name + REDACTED, name + REDACTED + SEALED}
