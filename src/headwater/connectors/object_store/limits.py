"""What is listed, held to the limits of the config and put in order."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.connectors.object_store.config import FilesConfig
from headwater.connectors.object_store.patterns import Pattern
from headwater.connectors.protocol import RemoteFile
from headwater.errors import InputRefused


def chosen(config: FilesConfig, where: str, listed: Iterable[RemoteFile]) -> list[RemoteFile]:
    """The files that the pattern means, by name. InputRefused where they are too many, or one too large."""
    pattern = Pattern(config.pattern)
    found: list[RemoteFile] = []
    for file in listed:
        if not pattern.means(file.name):
            continue
        if file.size > config.max_bytes:
            raise InputRefused(
                "a file is larger than the config takes",
                where=f"{where}, {file.name}",
                value=f"{file.size:,} bytes",
                valid=f"at most {config.max_bytes:,} bytes",
                remedy="Set max_bytes higher, or choose a pattern that leaves the file out",
            )
        found.append(file)
        if len(found) > config.max_files:
            raise InputRefused(
                "the pattern means more files than the config takes",
                where=f"{where}, {config.pattern}",
                valid=f"at most {config.max_files:,} files",
                remedy="Choose a narrower pattern, or set max_files higher",
            )
    return sorted(found, key=lambda file: file.name)


def changed(where: str, name: str, what: str = "the file changed since it was listed") -> InputRefused:
    """The refusal of a file that is not what was listed."""
    return InputRefused(
        what, where=f"{where}, {name}", remedy="List the files again: what there is now is another version"
    )
