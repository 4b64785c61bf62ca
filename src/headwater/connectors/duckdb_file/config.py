"""Where a file of DuckDB's is."""

from __future__ import annotations

from pathlib import Path

from headwater.connectors.sql.counting import CountingConfig


class DuckdbConfig(CountingConfig):
    """Where the file is, and how much memory the engine may take for it.

    path             of the file
    memory_limit_mb  megabytes that the engine may take
    """

    path: Path
    memory_limit_mb: int = 512
