"""Which columns tell by their names that a record was changed. Every business date is a time; hardly one moves when its
record does, so that a sync by it would pass over what was changed, and no error would say so.
"""

from __future__ import annotations

import re

_CHANGED = re.compile(
    r"(updat|modif|(?<!ex)chang|chg|touch|upsert|edited|last_?(mod|upd|edit|writ|saved)|systemmodstamp|aedat"
    r"|geaendert|geändert)",
    re.IGNORECASE,
)
_MADE = re.compile(r"(creat|insert|added|entry|entered|record|load|angelegt|erdat)", re.IGNORECASE)
_COUNTED = re.compile(
    r"((?<!con)version|revision|lsn|scn$|rowver|modseq|(?<!ex)change_?(no|num|seq|id))", re.IGNORECASE
)


def tells_change(name: str) -> bool:
    """Whether a time of this name is that of the last change."""
    return _CHANGED.search(name) is not None


def tells_entry(name: str) -> bool:
    """Whether a time of this name is that at which the record was made: it tells what is new, and no change."""
    return _MADE.search(name) is not None


def counts_changes(name: str) -> bool:
    """Whether a whole number of this name grows with each change."""
    return _COUNTED.search(name) is not None
