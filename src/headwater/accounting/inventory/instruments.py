"""Energy instruments of the market-based method: which of them hold, and which kWh each covers.

They are used up in the order of the GHG Protocol's hierarchy: certificates, contracts, suppliers' rates, residual mix;
of one kind those of a site before those of the whole organisation, then the sooner ended, then by id. Each covers
consumption of its market and its time, from the first day on, up to its energy. No kWh is covered twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from headwater.accounting.inventory.findings import INSTRUMENT_REFUSED, INSTRUMENT_UNUSED, Finding
from headwater.accounting.inventory.lines import TIERS
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]

EPOCH = date(1970, 1, 1)
KWH_OF_A_MWH = 1000
CLAIMED_ONCE = frozenset({"certificate", "contract"})
REMAINDER = -1
"""In place of an instrument: what none covers."""
_LARGEST = float(2**62)


@dataclass(frozen=True, kw_only=True)
class Consumption:
    """Electricity by activity: row number, first day (counted from EPOCH), region and site (as numbers), kWh × 10^6."""

    row_no: Integers
    day: Integers
    region: Integers
    facility: Integers
    kwh: Integers
    regions: Sequence[str]
    facilities: Sequence[str | None]


@dataclass(frozen=True, kw_only=True)
class Covered:
    """Parts of activities: row number, part from 0, place of the instrument or REMAINDER, kWh × 10^6."""

    row_no: Integers
    part: Integers
    instrument: Integers
    kwh: Integers


@dataclass(kw_only=True)
class Instruments:
    """The instruments that hold, in the order in which they are used; findings on those that do not."""

    usable: list[Mapping[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def check_instruments(
    instruments: Sequence[Mapping[str, Any]], *, organisation: str, start: date, end: date
) -> Instruments:
    """Hold each instrument against the quality criteria of the Scope 2 Guidance (chapter 7).

    Same market is held when it is used. Tracking and retirement are asked of certificates, one claim of all.
    """
    found, claimed = Instruments(), dict[str, str]()
    for instrument in sorted(instruments, key=_order):
        reason = _refused(instrument, organisation, start, end, claimed)
        if reason:
            found.findings.append(
                Finding(
                    rule_id=INSTRUMENT_REFUSED,
                    subject=f"{instrument['kind']} {instrument['instrument_id']}",
                    method="market_based",
                    quantity=_kwh(instrument),
                    unit=None if instrument["energy_mwh"] is None else "kWh",
                    message=f"Not used: {reason}",
                )
            )
            continue
        if instrument["tracking_id"] and instrument["kind"] in CLAIMED_ONCE:
            claimed[instrument["tracking_id"]] = instrument["instrument_id"]
        found.usable.append(instrument)
    return found


def _refused(
    instrument: Mapping[str, Any], organisation: str, start: date, end: date, claimed: Mapping[str, str]
) -> str:
    """The criterion that fails, with what would mend it; empty where none does."""
    tracking, is_certificate = instrument["tracking_id"], instrument["kind"] == "certificate"
    if instrument["valid_to"] <= start or instrument["valid_from"] >= end:
        span = f"{instrument['valid_from']} to before {instrument['valid_to']}"
        return (
            f"it covers {span}, the inventory {start} to before {end}. Same period: take one of the inventory's time."
        )
    if is_certificate and not tracking:
        return "it has no tracking_id. Tracked: give system and number, so that it can be told from every other."
    if is_certificate and instrument["retired_on"] is None:
        return "it has no retired_on. Retired: give the day on which it was retired, redeemed or cancelled."
    if tracking in claimed and instrument["kind"] in CLAIMED_ONCE:
        return f"{claimed[tracking]} has the same tracking_id {tracking}. One claim: a certificate is used once."
    owner = instrument["claimed_by"]
    if owner is not None and owner.casefold() != organisation.casefold():
        return f"it is claimed by {owner}, the inventory is of {organisation}. One claim: only the owner uses it."
    return ""


def _order(instrument: Mapping[str, Any]) -> tuple[object, ...]:
    is_for_all = instrument["facility_code"] is None
    return TIERS.index(instrument["kind"]), is_for_all, instrument["valid_to"], instrument["instrument_id"]


def _kwh(instrument: Mapping[str, Any]) -> Decimal | None:
    mwh: Decimal | None = instrument["energy_mwh"]
    return None if mwh is None else mwh * KWH_OF_A_MWH


def cover(
    instruments: Sequence[Mapping[str, Any]], consumption: Consumption, *, markets: Callable[[str], Sequence[str]]
) -> tuple[Covered, list[Finding]]:
    """Use up instruments in their order over all consumption; what is left over of them is told.

    markets: the markets whose instruments may cover a region's consumption: itself, and what the document lists.
    """
    order = np.lexsort((consumption.row_no, consumption.day))
    days, left = consumption.day[order], consumption.kwh[order].copy()
    if float(left.sum(dtype=np.float64)) > _LARGEST:
        raise Misuse("more electricity than can be counted", where="activities", valid="less than 4 million TWh in all")
    region, facility = consumption.region[order], consumption.facility[order]
    taken: list[tuple[Integers, Integers, Integers]] = []
    findings: list[Finding] = []
    for place, instrument in enumerate(instruments):
        here = np.array([instrument["market"] in markets(name) for name in consumption.regions], dtype=bool)
        at = [
            consumption.facilities.index(code)
            for code in (instrument["facility_code"],)
            if code in consumption.facilities
        ]
        first, last = np.searchsorted(days, [_day(instrument["valid_from"]), _day(instrument["valid_to"])])
        open_ = left[first:last] > 0
        if here.size:
            open_ &= here[region[first:last]]
        if instrument["facility_code"] is not None:
            open_ &= facility[first:last] == (at[0] if at else -1)
        rows = np.flatnonzero(open_) + first
        amounts = _amounts(left[rows], instrument)
        rows, amounts = rows[amounts > 0], amounts[amounts > 0]
        left[rows] -= amounts
        taken.append((rows, np.full(rows.size, place, np.int64), amounts))
        findings += _unused(instrument, int(amounts.sum()))
    whole = np.flatnonzero((left > 0) | (consumption.kwh[order] == 0))
    taken.append((whole, np.full(whole.size, REMAINDER, np.int64), left[whole]))
    return _parts(consumption.row_no[order], taken), findings


def _amounts(left: Integers, instrument: Mapping[str, Any]) -> Integers:
    """What an instrument covers of each row: all of the first ones, until its energy ends."""
    if instrument["energy_mwh"] is None:
        return left
    energy = min(int(instrument["energy_mwh"].scaleb(6)) * KWH_OF_A_MWH, int(_LARGEST))
    before = np.cumsum(left) - left
    taken: Integers = np.clip(energy - before, 0, left)
    return taken


def _parts(row_no: Integers, taken: Sequence[tuple[Integers, Integers, Integers]]) -> Covered:
    """The parts in the order of rows, of one row in the order in which they were covered."""
    rows = row_no[np.concatenate([rows for rows, _, _ in taken])]
    turn = np.argsort(rows, kind="stable")
    rows = rows[turn]
    begins = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]]) if rows.size else np.zeros(0, np.int64)
    counts = np.diff(np.r_[begins, rows.size])
    return Covered(
        row_no=rows,
        part=np.arange(rows.size, dtype=np.int64) - np.repeat(begins, counts),
        instrument=np.concatenate([places for _, places, _ in taken])[turn],
        kwh=np.concatenate([amounts for _, _, amounts in taken])[turn],
    )


def _unused(instrument: Mapping[str, Any], used: int) -> list[Finding]:
    energy = _kwh(instrument)
    over = None if energy is None else energy - Decimal(used).scaleb(-6)
    if over is None or over == 0:
        return []
    return [
        Finding(
            rule_id=INSTRUMENT_UNUSED,
            subject=f"{instrument['kind']} {instrument['instrument_id']}",
            method="market_based",
            quantity=over,
            unit="kWh",
            message="This much of it covers no consumption: there is none left in its market, time and site.",
        )
    ]


def _day(day: date) -> int:
    """As the engine counts days: from 1970-01-01."""
    return (day - EPOCH).days
