"""The OpenAPI document, read strictly."""

from __future__ import annotations

import copy
from typing import Any


def closed(document: dict[str, Any]) -> dict[str, Any]:
    """The same, in which what has fields has no others: what is published lets later versions add some."""
    strict = copy.deepcopy(document)
    rest: list[Any] = [strict["components"]["schemas"]]
    while rest:
        match rest.pop():
            case dict() as part:
                if isinstance(part.get("properties"), dict):
                    part.setdefault("additionalProperties", False)
                rest.extend(part.values())
            case list() as several:
                rest.extend(several)
    return strict
