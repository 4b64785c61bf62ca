"""What reading a folder needs."""

from __future__ import annotations

from pathlib import Path

from headwater.connectors.object_store.config import FilesConfig


class FolderConfig(FilesConfig):
    """A folder, and which files of it.

    path  of the folder; one that is not absolute starts where the program runs
    """

    path: Path
