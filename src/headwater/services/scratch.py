"""Folders for what lives no longer than a command: dry runs, profiles, files on their way.

They stand in the data folder, which has room and is read by nobody else. Whoever works in one holds its lock, so that
one that nobody holds was left by a process that was killed: it is removed when the next is made.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRATCH, HELD = "scratch", ".held"


@contextmanager
def scratch(data_dir: Path, name: str) -> Iterator[Path]:
    """An empty folder that goes when the block ends; `name` tells people what it is for."""
    parent = data_dir / SCRATCH
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(parent):
        _remove_left(parent)
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
        held = folder.with_suffix(HELD).open("w")
        fcntl.flock(held, fcntl.LOCK_EX)
    with held:
        try:
            yield folder
        finally:
            shutil.rmtree(folder)
            folder.with_suffix(HELD).unlink()


@contextmanager
def _alone(parent: Path) -> Iterator[None]:
    """One at a time makes a folder or looks for what was left: none is seen before it is held."""
    lock = parent / ".lock"
    while True:
        with lock.open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            if os.fstat(held.fileno()).st_nlink:  # else whoever held it has removed it, and another stands there
                try:
                    yield
                finally:
                    lock.unlink()
                return


def _remove_left(parent: Path) -> None:
    for folder in [path for path in parent.iterdir() if path.is_dir()]:
        if (held := _not_held(folder.with_suffix(HELD))) is not None:
            with held:
                shutil.rmtree(folder, ignore_errors=True)
                folder.with_suffix(HELD).unlink(missing_ok=True)


def _not_held(path: Path) -> IO[str] | None:
    """The lock of a folder, now held by us; None where somebody else holds it."""
    held = path.open("a")
    with suppress(BlockingIOError):
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return held
    held.close()
    return None
