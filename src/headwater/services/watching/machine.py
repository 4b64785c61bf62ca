"""Disks and memory of the machine, as the limits of a container have it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwater.settings import Settings

CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")


@dataclass(frozen=True, kw_only=True)
class Disk:
    """Where something of the installation lies: bytes that are free, of how many."""

    place: str
    folder: str
    free: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes in use that cannot be given up at once, of how many; of the container where it has a limit."""

    used: int
    limit: int


def disks(settings: Settings) -> list[Disk]:
    """Of raw files, of temporary files and uploads, and of the embedded database where it is used."""
    places = {"blobs": settings.blob_dir, "scratch": settings.data_dir}
    if settings.database_url is None:
        places["database"] = settings.data_dir / "postgres"
    found = []
    for place, folder in places.items():
        there = next(path for path in (folder, *folder.parents) if path.exists())
        usage = shutil.disk_usage(there)
        found.append(Disk(place=place, folder=str(folder), free=usage.free, size=usage.total))
    return found


def memory(cgroup: Path = CGROUP, meminfo: Path = MEMINFO) -> Memory:
    """What the container may use; of the machine where there is no limit, or a higher one."""
    facts = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
    total, available = (_kib(facts[name]) for name in ("MemTotal", "MemAvailable"))
    for limit_at, used_at, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit, used = _number(cgroup / limit_at), _number(cgroup / used_at)
        if limit is not None and used is not None and limit <= total:
            return Memory(used=max(used - _stat((cgroup / used_at).with_name("memory.stat"), cache), 0), limit=limit)
    return Memory(used=total - available, limit=total)


def _kib(text: str) -> int:
    return int(text.split(maxsplit=1)[0]) * 1024


def _number(path: Path) -> int | None:
    """A number in a file; None where there is no such file, or no limit (`max`)."""
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _stat(path: Path, name: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0)
