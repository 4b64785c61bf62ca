"""Where a file of SQLite's is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from headwater.connectors.sql.counting import CountingConfig


class SqliteConfig(CountingConfig):
    """Where the file is, and how patiently it is opened.

    path          of the file
    lock_timeout  seconds to wait while somebody else has it locked
    """

    path: Path
    lock_timeout: Annotated[float, Field(ge=0, le=600)] = 10
