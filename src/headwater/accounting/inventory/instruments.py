"""Energy instruments of the market-based method: which of them hold, and which kWh each covers.

They are used up in the order of the GHG Protocol's hierarchy: certificates, contracts, suppliers' rates, residual mix;
of one kind those of a site before those of the whole organisation, then by the place of their market among those that
the document lists for the region, then those with an end of energy before those without, the sooner ended, by id.

Consumption is spread evenly over its days. It is cut at each day on which an instrument begins or ends, and what falls
on days up to a cut is rounded half up to 6 places, so that the pieces add up. An instrument covers pieces of its market
and its days, from the first day on, up to its energy. No kWh is covered twice. Of several without an end of energy that
nothing of this tells apart, none is taken: that is told, and the consumption has no figure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from headwater.accounting.inventory.findings import (
    INSTRUMENT_REFUSED,
    INSTRUMENT_UNUSED,
    INSTRUMENTS_COMPETE,
    Finding,
)
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
_ENDS = ("valid_from", "valid_to")


@dataclass(frozen=True, kw_only=True)
class Consumption:
    """Electricity by activity: row number, first day (counted from EPOCH) and number of days, region and site (as
    numbers), kWh × 10^6.
    """

    row_no: Integers
    day: Integers
    days: Integers
    region: Integers
    facility: Integers
    kwh: Integers
    regions: Sequence[str]
    facilities: Sequence[str | None]


_NONE = np.zeros(0, np.int64)
NOTHING = Consumption(
    row_no=_NONE, day=_NONE, days=_NONE, region=_NONE, facility=_NONE, kwh=_NONE, regions=(), facilities=()
)
"""No consumption at all: what instruments have of it is told all the same."""


@dataclass(frozen=True, kw_only=True)
class Use:
    """An instrument that covers something; `said` where its market is not the region of the consumption."""

    instrument: Mapping[str, Any]
    said: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Covered:
    """Parts of activities: row number, part from 0, place in `uses` or REMAINDER, kWh × 10^6."""

    row_no: Integers
    part: Integers
    use: Integers
    kwh: Integers
    uses: Sequence[Use]


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
        if (tracking := _folded(instrument["tracking_id"])) and instrument["kind"] in CLAIMED_ONCE:
            claimed[tracking] = instrument["instrument_id"]
        found.usable.append(instrument)
    return found


def _refused(
    instrument: Mapping[str, Any], organisation: str, start: date, end: date, claimed: Mapping[str, str]
) -> str:
    """The criterion that fails, with what would mend it; empty where none does."""
    tracking, is_certificate = _folded(instrument["tracking_id"]), instrument["kind"] == "certificate"
    if instrument["valid_to"] <= start or instrument["valid_from"] >= end:
        span = f"{instrument['valid_from']} to before {instrument['valid_to']}"
        return (
            f"it covers {span}, the inventory {start} to before {end}. Same period: take one of the inventory's time."
        )
    if is_certificate and not tracking:
        return "it has no tracking_id. Tracked: give system and number, so that it can be told from every other."
    if is_certificate and instrument["retired_on"] is None:
        return "it has no retired_on. Retired: give the day on which it was retired, redeemed or cancelled."
    if instrument["retired_on"] is not None and instrument["retired_on"] < instrument["valid_from"]:
        return (
            f"it was retired on {instrument['retired_on']}, before the first day that it covers,"
            f" {instrument['valid_from']}. Retired: it cannot have been for this time; check both dates."
        )
    if tracking in claimed and instrument["kind"] in CLAIMED_ONCE:
        said = f"{claimed[tracking]} has the same tracking_id {instrument['tracking_id']}"
        return f"{said}. One claim: a certificate is used once."
    owner = instrument["claimed_by"]
    if owner is not None and _folded(owner) != _folded(organisation):
        return f"it is claimed by {owner}, the inventory is of {organisation}. One claim: only the owner uses it."
    return ""


def _folded(text: str | None) -> str:
    """A name as it is compared: without space around it, in one case."""
    return (text or "").strip().casefold()


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

    markets: the markets whose instruments may cover a region's consumption, in order: itself, or what the document
    lists.
    """
    if float(consumption.kwh.sum(dtype=np.float64)) > _LARGEST:
        raise Misuse("more electricity than can be counted", where="activities", valid="less than 4 million TWh in all")
    covering = _Covering(instruments, consumption, [list(markets(name)) for name in consumption.regions])
    for _, rank in groupby(covering.ranks(), key=lambda each: each[:3]):
        covering.cover([(number, place) for _, _, place, *_, number in rank])
    findings = [
        finding
        for number, instrument in enumerate(instruments)
        for finding in _unused(instrument, covering.used[number])
    ]
    return covering.parts(), [*covering.findings, *findings]


class _Covering:
    """Consumption in pieces that no begin or end of an instrument cuts, in the order of days; what is left of each."""

    def __init__(
        self, instruments: Sequence[Mapping[str, Any]], consumption: Consumption, markets: Sequence[Sequence[str]]
    ) -> None:
        self._instruments, self._consumption = instruments, consumption
        row, day, kwh = _pieces(consumption, [_day(each[name]) for each in instruments for name in _ENDS])
        order = np.lexsort((consumption.row_no[row], day))
        self._row, self._day, self._left = row[order], day[order], kwh[order]
        self._region, self._facility = consumption.region[self._row], consumption.facility[self._row]
        self._places = [
            np.array([of.index(each["market"]) if each["market"] in of else -1 for of in markets], np.int64)
            for each in instruments
        ]
        self._taken: list[tuple[Integers, int, Integers]] = []
        self.used = [0] * len(instruments)
        self.findings: list[Finding] = []

    def ranks(self) -> list[tuple[Any, ...]]:
        """Instruments by kind, site, place of their market; then as they are used up. A number for each stands last."""
        return sorted(
            (TIERS.index(each["kind"]), each["facility_code"] is None, int(place), each["energy_mwh"] is None,
             each["valid_to"], each["instrument_id"], number)
            for number, each in enumerate(self._instruments)
            for place in np.unique(self._places[number])
            if place >= 0
        )  # fmt: skip

    def cover(self, rank: Sequence[tuple[int, int]]) -> None:
        """Instruments of one rank, each with the place of its market: those with an end of energy, then the others."""
        endless: list[tuple[int, Integers]] = []
        for number, place in rank:
            if self._instruments[number]["energy_mwh"] is None:
                endless.append((number, self._open(number, place)))
                continue
            pieces = self._open(number, place)
            energy = min(_units(self._instruments[number]), int(_LARGEST)) - self.used[number]
            left = self._left[pieces]
            self._take(number, pieces, np.clip(energy - (np.cumsum(left) - left), 0, left))
        if not endless:
            return
        claims = np.zeros(self._left.size, np.int32)
        for _, pieces in endless:
            claims[pieces] += 1
        for number, pieces in endless:
            alone = pieces[claims[pieces] == 1]
            self._take(number, alone, self._left[alone])
        rivals = [(number, pieces[claims[pieces] > 1]) for number, pieces in endless]
        self._compete([(number, pieces) for number, pieces in rivals if pieces.size], np.flatnonzero(claims > 1))

    def _open(self, number: int, place: int) -> Integers:
        """The pieces that an instrument may cover at this place, and of which something is left."""
        instrument = self._instruments[number]
        first, last = np.searchsorted(self._day, [_day(instrument[name]) for name in _ENDS])
        found = self._left[first:last] > 0
        if found.size:
            found &= self._places[number][self._region[first:last]] == place
        if instrument["facility_code"] is not None:
            known = list(self._consumption.facilities)
            code = instrument["facility_code"]
            found &= self._facility[first:last] == (known.index(code) if code in known else -1)
        pieces: Integers = np.flatnonzero(found) + first
        return pieces

    def _take(self, number: int, pieces: Integers, amounts: Integers) -> None:
        pieces, amounts = pieces[amounts > 0], amounts[amounts > 0]
        self._left[pieces] -= amounts
        self.used[number] += int(amounts.sum())
        self._taken.append((pieces, number, amounts))

    def _compete(self, claims: Sequence[tuple[int, Integers]], pieces: Integers) -> None:
        """What several of one rank would cover without end gets no figure. `claims`: of each what others want too."""
        masks = np.array([np.isin(pieces, theirs) for _, theirs in claims]).reshape(len(claims), pieces.size)
        patterns, which = np.unique(masks, axis=1, return_inverse=True)
        for number, pattern in enumerate(patterns.T):
            ours = pieces[which.reshape(-1) == number]
            rivals = [self._instruments[each] for (each, _), is_in in zip(claims, pattern, strict=True) if is_in]
            names = ", ".join(each["instrument_id"] for each in rivals)
            self.findings.append(
                Finding(
                    rule_id=INSTRUMENTS_COMPETE,
                    subject=f"{rivals[0]['kind']} {names}",
                    method="market_based",
                    activities=int(np.unique(self._row[ours]).size),
                    quantity=Decimal(int(self._left[ours].sum())).scaleb(-6),
                    unit="kWh",
                    message=f"{names} would each cover this, without end, and nothing says which holds: it has no"
                    " market-based figure. Keep the one that holds, or give each its site or its days.",
                )
            )
        self._left[pieces] = 0

    def parts(self) -> Covered:
        """The parts in the order of rows, of one row in the order in which they were covered, what is left last."""
        consumption, other = self._consumption, len(self._consumption.regions)
        keys = [
            np.where(
                np.array([each == self._instruments[number]["market"] for each in consumption.regions], bool)[
                    self._region[pieces]
                ],
                other,
                self._region[pieces],
            )
            + turn * (other + 1)
            for turn, (pieces, number, _) in enumerate(self._taken)
            if pieces.size
        ]
        known = np.unique(np.concatenate([*keys, _NONE]))
        uses = []
        for key in known:
            turn, region = divmod(int(key), other + 1)
            instrument = self._instruments[self._taken[turn][1]]
            said = () if region == other else (f"region {instrument['market']} for {consumption.regions[region]}",)
            uses.append(Use(instrument=instrument, said=said))
        rest = np.flatnonzero(self._left)
        empty = np.flatnonzero(consumption.kwh == 0)
        row = np.concatenate([*(self._row[pieces] for pieces, _, _ in self._taken), self._row[rest], empty])
        use = np.searchsorted(known, np.concatenate([*keys, _NONE]))
        use = np.concatenate([use, np.full(rest.size + empty.size, known.size)])
        kwh = np.concatenate([*(amounts for _, _, amounts in self._taken), self._left[rest], consumption.kwh[empty]])
        return _joined(consumption.row_no[row], use, kwh, uses)


def _pieces(consumption: Consumption, cuts: Sequence[int]) -> tuple[Integers, Integers, Integers]:
    """Consumption cut at days: of each piece the row, the first day, the kWh."""
    at = np.unique(np.array([*cuts, np.iinfo(np.int64).max], np.int64))
    first, last = consumption.day, consumption.day + consumption.days
    low = np.searchsorted(at, first, side="right")
    count = np.searchsorted(at, last, side="left") - low + 1
    row = np.repeat(np.arange(first.size), count)
    nth = np.arange(row.size) - np.repeat(np.cumsum(count) - count, count)
    begin = np.where(nth == 0, first[row], at[low[row] + nth - 1])
    end = np.where(nth == count[row] - 1, last[row], at[low[row] + nth])
    kwh, days = consumption.kwh[row], consumption.days[row]
    return row, begin, _up_to(kwh, days, end - first[row]) - _up_to(kwh, days, begin - first[row])


def _up_to(kwh: Integers, days: Integers, elapsed: Integers) -> Integers:
    """What of the consumption falls on its first days, half up."""
    found: Integers = kwh // days * elapsed + (2 * (kwh % days) * elapsed + days) // (2 * days)
    return found


def _joined(row_no: Integers, use: Integers, kwh: Integers, uses: Sequence[Use]) -> Covered:
    """Pieces of one row that one instrument covers are one part."""
    turn = np.lexsort((use, row_no))
    row_no, use, kwh = row_no[turn], use[turn], kwh[turn]
    is_first = np.r_[True, (row_no[1:] != row_no[:-1]) | (use[1:] != use[:-1])][: row_no.size]
    begins = np.flatnonzero(is_first)
    rows, found = row_no[begins], use[begins]
    starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]][: rows.size])
    counts = np.diff(np.r_[starts, rows.size])
    return Covered(
        row_no=rows,
        part=np.arange(rows.size, dtype=np.int64) - np.repeat(starts, counts),
        use=np.where(found == len(uses), REMAINDER, found),
        kwh=np.add.reduceat(kwh, begins) if begins.size else _NONE,
        uses=uses,
    )


def _units(instrument: Mapping[str, Any]) -> int:
    """Its energy in kWh × 10^6."""
    return int(instrument["energy_mwh"].scaleb(6)) * KWH_OF_A_MWH


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
            message="This much of it covers no consumption: of the activity types under instruments.types there is"
            " none left in its market, time and site.",
        )
    ]


def _day(day: date) -> int:
    """As the engine counts days: from 1970-01-01."""
    return (day - EPOCH).days
