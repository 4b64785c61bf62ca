"""Files for people that are there whole, or as they were: written beside their place, and moved there at the end."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def written_whole(output: Path) -> Iterator[Path]:
    """Where to write what takes its place when the block ends; nothing is left of a block that raises.

    Misuse where the disk or its rights refuse.
    """
    beside = output.with_name(f".{output.name}.part")
    try:
        yield beside
        os.replace(beside, output)  # noqa: PTH105 - says what happens to a file that is there
    except OSError as error:
        raise Misuse(
            f"the file cannot be written: {error.strerror}", where=str(output), valid="a place you may write to"
        ) from error
    finally:
        beside.unlink(missing_ok=True)
