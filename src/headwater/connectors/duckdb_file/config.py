"""Where a file of DuckDB's is."""

from __future__ import annotations

from pathlib import Path

from headwater.connectors.protocol import Config


class DuckdbConfig(Config):
    """Where the file is, and how much memory the engine may take for it."""

    path: Path
    memory_limit_mb: int = 512
