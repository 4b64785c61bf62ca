"""GWP-100: kg of CO2e per kg of a gas, by set. Sets are never mixed, and a set has no value but the published one.

    potential of a blend = Σ per cent of a part × its potential / 100, exactly

Parts for which a set has no potential (hydrocarbons; HFOs before AR6) count nothing in a blend, and are named.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from typing import Any

import pyarrow as pa

from headwater.accounting.gases.reading import GasInDoubt, read_gas
from headwater.accounting.gases.tables import Blend, Row, blends, potential_rows
from headwater.errors import InputRefused, Misuse

BUILT_IN_SETS = ("AR4", "AR5", "AR6")
METHANE = "CH4"
BY_ORIGIN = ("CH4_fossil", "CH4_non_fossil")
_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("gwp_set", pa.string()),
    ("gas", pa.string()),
    ("gwp_100", pa.decimal128(18, 6)),
    ("source", pa.string()),
    ("uncounted", pa.string()),
]
BLENDED = "by mass of its parts, ANSI/ASHRAE Standard 34"


@dataclass(frozen=True, kw_only=True)
class Potential:
    """What a kg of a gas or blend counts in a set. `uncounted`: parts of a blend that the set has no potential for."""

    gwp_set: str
    gas: str
    gwp_100: Decimal
    source: str
    uncounted: tuple[str, ...] = ()


class PotentialSets:
    """Sets of warming potentials: those that are built in, and rows of the contract `warming_potential`."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._sets: dict[str, dict[str, Row]] = {}
        for row in rows:
            known = self._sets.setdefault(row.gwp_set, {})
            if row.gas in known:
                raise InputRefused("the gas stands twice in the set", where=f"warming potentials, {row.gwp_set}",
                                   value=row.gas, valid="one potential for each gas of a set")  # fmt: skip
            known[row.gas] = row

    @property
    def sets(self) -> tuple[str, ...]:
        """Names of the sets, those that are built in first."""
        return tuple(self._sets)

    def with_rows(self, rows: Iterable[Mapping[str, Any]]) -> PotentialSets:
        """These sets and those of rows of the contract `warming_potential`. InputRefused names a gas in doubt."""
        own = [
            Row(
                gwp_set=row["gwp_set"],
                gas=_gas_of(row),
                gwp_100=Decimal(row["gwp_100"]),
                source=row["source"],
            )
            for row in rows
        ]
        if taken := sorted({row.gwp_set for row in own} & self._sets.keys()):
            raise InputRefused("the set is there already", where="warming potentials", value=", ".join(taken),
                               valid="a name that is not taken", remedy="Give the set another name.")  # fmt: skip
        return PotentialSets([*self._rows, *own])

    def find(self, gas: str, gwp_set: str) -> Potential | GasInDoubt:
        """The potential of a gas or blend by its code, or a finding: no potential in the set, or methane of no origin.

        Misuse names the sets there are.
        """
        known = self._of_set(gwp_set)
        if gas in known:
            row = known[gas]
            return Potential(gwp_set=gwp_set, gas=gas, gwp_100=row.gwp_100, source=row.source)
        if gas == METHANE and any(each in known for each in BY_ORIGIN):
            return _origin_not_said(gwp_set, {each: known[each].gwp_100 for each in BY_ORIGIN if each in known})
        blend = blends().get(gas)
        return _not_in_set(gas, gwp_set, known) if blend is None else _of_blend(blend, gwp_set, known)

    def gwp(self, gas: str, gwp_set: str) -> Decimal:
        """The potential alone, of a gas by code or by any name it is read by. InputRefused says what is in doubt."""
        code = gas
        if gas not in self._of_set(gwp_set):
            read = read_gas(gas)
            code = gas if isinstance(read, GasInDoubt) else read.code
        found = self.find(code, gwp_set)
        if isinstance(found, GasInDoubt):
            raise InputRefused(
                found.message, where=f"warming potentials, {gwp_set}", value=gas, valid=found.valid, remedy=found.repair
            )
        return found.gwp_100

    def table(self) -> pa.Table:
        """Every gas and blend that has a potential, by set: gwp_set, gas, gwp_100 as decimal(18,6), source, uncounted.

        `uncounted` is text with a semicolon between, null where every part counts.
        """
        found = [self.find(gas, name) for name, known in self._sets.items() for gas in [*known, *blends()]]
        rows = [
            {**vars(each), "uncounted": ";".join(each.uncounted) or None}
            for each in found
            if isinstance(each, Potential)
        ]
        return pa.Table.from_pylist(rows, schema=pa.schema(_COLUMNS))

    @cached_property
    def hash(self) -> bytes:
        """SHA-256 of every potential and every blend: whatever changes a figure changes it."""
        lines = sorted(f"{row.gwp_set}\t{row.gas}\t{row.gwp_100.normalize():f}" for row in self._rows)
        lines += sorted(f"{blend.code}\t{gas}\t{part}" for blend in blends().values() for gas, part in blend.parts)
        return hashlib.sha256("\n".join(lines).encode()).digest()

    @property
    def _rows(self) -> list[Row]:
        return [row for known in self._sets.values() for row in known.values()]

    def _of_set(self, gwp_set: str) -> Mapping[str, Row]:
        if gwp_set not in self._sets:
            raise Misuse(
                "there is no such set of warming potentials",
                where="warming potentials",
                value=gwp_set,
                valid=", ".join(self._sets),
                remedy="Import the set as rows of the contract warming_potential.",
            )
        return self._sets[gwp_set]


@cache
def built_in() -> PotentialSets:
    """AR4, AR5 and AR6."""
    return PotentialSets(potential_rows())


def gwp(gas: str, gwp_set: str) -> Decimal:
    """The kg of CO2e that a kg counts of a gas or blend in AR4, AR5 or AR6; see `PotentialSets.gwp`."""
    return built_in().gwp(gas, gwp_set)


def _gas_of(row: Mapping[str, Any]) -> str:
    read = read_gas(row["gas"])
    if isinstance(read, GasInDoubt):
        raise InputRefused(
            read.message,
            where=f"warming potentials, {row['gwp_set']}",
            value=row["gas"],
            valid=read.valid,
            remedy=read.repair,
        )
    return read.code


def _of_blend(blend: Blend, gwp_set: str, known: Mapping[str, Row]) -> Potential | GasInDoubt:
    counted = [(known[gas].gwp_100, percent) for gas, percent in blend.parts if gas in known]
    if not counted:
        return _not_in_set(blend.code, gwp_set, known)
    return Potential(
        gwp_set=gwp_set,
        gas=blend.code,
        gwp_100=sum((each * percent for each, percent in counted), Decimal(0)) / 100,
        source=BLENDED,
        uncounted=tuple(gas for gas, _ in blend.parts if gas not in known),
    )


def _origin_not_said(gwp_set: str, potentials: Mapping[str, Decimal]) -> GasInDoubt:
    shown = ", ".join(f"{gas} ({value})" for gas, value in potentials.items())
    return GasInDoubt(
        text=METHANE,
        candidates=tuple(potentials),
        message=f"Methane whose origin is not said has no potential in {gwp_set}: fossil and other have their own.",
        valid=f"It may mean {shown}.",
        repair="Give the factor's ch4_origin, or declare in the inventory which to take where a factor does not say.",
    )


def _not_in_set(gas: str, gwp_set: str, known: Mapping[str, Row]) -> GasInDoubt:
    near = tuple(difflib.get_close_matches(gas, known, n=5, cutoff=0.75))
    return GasInDoubt(
        text=gas,
        candidates=near,
        message=f"{gas} has no warming potential in {gwp_set}.",
        valid=f"Near it are {', '.join(near)}." if near else f"{len(known)} gases have one.",
        repair="Choose a set that has it, or import one with it as rows of the contract warming_potential.",
    )
