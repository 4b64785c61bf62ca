"""The order in which indicators are computed: what one is made of goes before it; a circle is refused."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from headwater.errors import Misuse, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headwater.accounting.indicators.document import Indicator


def ordered(indicators: Mapping[str, Indicator], names: Sequence[str]) -> list[str]:
    """The named indicators and all they are made of, parts first. NotFound: a name nobody knows.

    Misuse: one is made of what nobody knows, or they go round in a circle.
    """
    done: dict[str, None] = {}
    for name in names:
        if name not in indicators:
            raise NotFound(**_unknown(indicators, name, "indicators"))
        # By hand, so that depth does not depend on how deep Python may recurse.
        path: list[str] = [name]
        waiting: list[list[str]] = [list(indicators[name].names())]
        while path:
            if not waiting[-1]:
                done[path.pop()] = None
                waiting.pop()
                continue
            part = waiting[-1].pop(0)
            if part not in indicators:
                raise Misuse(**_unknown(indicators, part, f"indicator {path[-1]}"))
            if part in path:
                circle = [*path[path.index(part) :], part]
                raise Misuse(
                    f"indicators go round in a circle: {' → '.join(circle)}",
                    where=f"indicator {part}",
                    remedy="Take one of them out of the circle.",
                )
            if part not in done:
                path.append(part)
                waiting.append(list(indicators[part].names()))
    return list(done)


def _unknown(indicators: Mapping[str, Indicator], name: str, where: str) -> dict[str, str]:
    near = difflib.get_close_matches(name, indicators, n=5) or sorted(indicators)[:10]
    return {
        "what": "there is no such indicator",
        "where": where,
        "value": name,
        "valid": ", ".join(near),
        "remedy": "`headwater indicators list` shows all.",
    }
