"""Records of a sample that look like totals of the others: counted with them, every figure counts twice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_TOTAL = re.compile(
    r"(?:(?:grand|sub|overall|gesamt)?[ -]?(?:totals?|totale|totales|totaux|totaal|totalt|sum|summe|somme|suma)"
    r"|gesamt|insgesamt)(?!\w)",
    re.IGNORECASE,
)
MOST = 0.5
"""The share of the records from which on the word is one of the data: a table of total emissions."""


@dataclass(frozen=True, kw_only=True)
class Totals:
    """The first text of these records, in `column`, begins with a word for totals; `places` in the sample."""

    column: str
    texts: tuple[str, ...]
    places: tuple[int, ...]


def totals_in(rows: pa.Table) -> tuple[Totals, ...]:
    """By the column that says so, in the order of the columns."""
    open_places = set(range(rows.num_rows))
    found = []
    for name in rows.column_names:
        texts = {place: text for place, text in enumerate(rows[name].to_pylist()) if place in open_places and text}
        texts = {place: text for place, text in texts.items() if text.strip()}
        open_places -= texts.keys()
        places = [place for place, text in texts.items() if _TOTAL.match(text.strip())]
        if places and len(places) < MOST * rows.num_rows:
            told = tuple(dict.fromkeys(texts[place] for place in places))
            found.append(Totals(column=name, texts=told, places=tuple(places)))
        if not open_places:
            break
    return tuple(found)
