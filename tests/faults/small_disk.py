"""A small disk that can be filled to the last byte: a tmpfs, which root alone may mount."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class SmallDisk:
    """Where it is mounted."""

    path: Path

    def fill(self, *, leave: int) -> None:
        """Take all but so many bytes."""
        room = shutil.disk_usage(self.path).free - leave
        with (self.path / "ballast").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, room)

    def free(self) -> None:
        """Give them back."""
        (self.path / "ballast").unlink()


@contextmanager
def small_disk(path: Path, *, size: int) -> Iterator[SmallDisk]:
    """Mount one at `path`, which is made; skips the test where that is not allowed."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or mount is None or umount is None:
        pytest.skip("a small disk: only root may mount one")
    path.mkdir(mode=0o755)
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", path],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        pytest.skip(f"a small disk: {done.stderr.strip()}")
    try:
        yield SmallDisk(path=path)
    finally:
        subprocess.run([umount, path], check=True)
