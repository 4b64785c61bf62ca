"""Values as jsonb takes them: PostgreSQL keeps no NUL, half of a character or infinity, which files may hold."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb

_NOT_KEPT = re.compile("[\0\ud800-\udfff]")


def jsonb(value: Mapping[str, Any] | None) -> Jsonb | None:
    """What is said of a file or an error, with � in place of what cannot be kept; None for nothing."""
    return None if value is None else Jsonb(kept(value))


def kept(value: Any) -> Any:
    """The same value, with each text as it can be kept."""
    if isinstance(value, str):
        return _NOT_KEPT.sub("\ufffd", value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {kept(name): kept(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [kept(each) for each in value]
    return value
