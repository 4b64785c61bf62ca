"""What is listed, held to the limits of the config and put in order."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice

from headwater.connectors.object_store.config import FilesConfig
from headwater.connectors.object_store.patterns import Pattern
from headwater.connectors.protocol import Problem, RemoteFile
from headwater.errors import InputRefused

LOOKED_AT = 1000
SHOWN = 5


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


def nothing_meant(config: FilesConfig, where: str, there: Iterable[str]) -> Problem:
    """What is told where no file is meant: what there is instead, most like the pattern first. Of a store that holds
    many files only so many are looked at.
    """
    names = list(islice(there, LOOKED_AT))
    near = difflib.get_close_matches(config.pattern, names, n=SHOWN, cutoff=0.0)
    more = len(names) - len(near)
    at_least = "at least " if len(names) == LOOKED_AT else ""
    told = ", ".join(near) + (f" and {at_least}{more:,} more" if more else "")
    return Problem(
        cause="not_found",
        what=f"no file matches the pattern {config.pattern}",
        where=where,
        valid=f"a pattern that means what is there: {told}" if near else "a place that holds files: nothing is there",
        remedy="Set pattern, or where the files are looked for; * stays within a folder, ** crosses them",
    )


def changed(where: str, name: str, what: str = "the file changed since it was listed") -> InputRefused:
    """The refusal of a file that is not what was listed."""
    return InputRefused(
        what, where=f"{where}, {name}", remedy="List the files again: what there is now is another version"
    )
