"""The steps of a comparison: each is a calculation with some causes of B and the rest of A, made once for all alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headwater.accounting.comparison.causes import CAUSES, STEPS, Comparison, Mover, Side, moves
from headwater.accounting.comparison.moves import (
    FIGURES,
    KNOWN,
    moved_sql,
    movers_sql,
    steps_sql,
    tables_sql,
    totals_sql,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence
    from decimal import Decimal

    import duckdb

SHOWN_TYPES, SHOWN_ACTIVITIES = 30, 20


@dataclass(frozen=True, kw_only=True)
class Named:
    """What a side is called, and what it is in a sentence."""

    name: str
    what: str
    gwp_set: str | None
    activities: int


@dataclass(kw_only=True)
class Steps:
    """Steps in the order of causes, beginning with A as it is and ending with B as it is."""

    connection: duckdb.DuckDBPyConnection
    notes: dict[str, str] = field(default_factory=dict)
    _made: list[int] = field(default_factory=list)
    _known: dict[Hashable, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for statement in tables_sql():
            self.connection.execute(statement)

    def add(self, key: Hashable, fill: Callable[[int], None]) -> None:
        """The next step. `key` names all that decides about its figures; `fill` puts these into the table of figures
        under the number it is given, and is asked only where no step with that key was made before.
        """
        if key not in self._known:
            self._known[key] = len(self._known)
            fill(self._known[key])
        self._made.append(self._known[key])

    def insert(self, number: int, query: str) -> None:
        """Figures of a step: activity_id, scope, activity_type, co2e_kg."""
        self.connection.execute(f"INSERT INTO {FIGURES} SELECT {number}, * FROM ({query})")

    def know(self, query: str) -> None:
        """Activities that A has."""
        self.connection.execute(f"INSERT INTO {KNOWN} {query}")

    def compared(self, a: Named, b: Named, notes: Sequence[str] = ()) -> Comparison:
        """What all the steps come to."""
        self.connection.execute(steps_sql(self._made))
        totals = self._rows(totals_sql())[0]
        ((moved,),) = self._rows(moved_sql())
        return Comparison(
            a=_side(a, totals[0]),
            b=_side(b, totals[-1]),
            moves=moves(totals, self.notes),
            by_type=self._movers("activity_type", SHOWN_TYPES),
            by_activity=self._movers("activity_id", SHOWN_ACTIVITIES),
            moved_activities=moved,
            notes=tuple(notes),
        )

    def _movers(self, name: str, limit: int) -> tuple[Mover, ...]:
        return tuple(_mover(*row) for row in self._rows(movers_sql(name, limit)))

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()


def _mover(name: str, scope: int | None, *steps: Decimal) -> Mover:
    if len(steps) != STEPS:
        raise AssertionError("a row has a sum before and after each cause")
    moved: Mapping[str, Decimal] = {cause: steps[place + 1] - steps[place] for place, cause in enumerate(CAUSES)}
    return Mover(name=name, scope=scope, a_kg=steps[0], b_kg=steps[-1], moves=moved)


def _side(named: Named, total: Decimal) -> Side:
    return Side(name=named.name, what=named.what, co2e_kg=total, gwp_set=named.gwp_set, activities=named.activities)
