"""Where figures were measured: machine, versions, and whether it was idle."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGES: Final = (
    "dlt",
    "adbc-driver-postgresql",
    "connectorx",
    "great-expectations",
    "pandas",
    "pandera",
    "polars",
    "pydantic",
    "duckdb",
    "pyarrow",
)
#: More than this many busy processors before the start, and the figures are of no worth.
BUSY: Final = 0.5


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit(repository: Path) -> str:
    command = ["git", "-C", str(repository), "describe", "--always", "--dirty", "--abbrev=10"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "unknown"


def facts(repository: Path, packages: Sequence[str] = PACKAGES) -> dict[str, object]:
    """Machine, versions and load, as they are now."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"Linux {platform.release()}, Python {platform.python_version()}",
        "busy_processors_before": round(os.getloadavg()[0], 2),
        "headwater_commit": _commit(repository),
        "versions": {package: version(package) for package in packages},
    }
