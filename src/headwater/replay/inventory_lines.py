"""The lines of an inventory from its pinned rows: boundary, slots, conversion, masses, CO2e in each set, all exact.

converted = round half up (what counts of the quantity × multiplier, 6 places)
mass      = round half up (converted × mass per unit, 6 places); of a published CO2e of a gas that ÷ its potential
co2e_kg   = published: round half up (converted × CO2e per unit, 6 places), in the factor's own set
            derived:   round half up (Σ mass × potential, 6 places)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from typing import Any

from headwater.replay.choosing import CALCULATED, COMPETING, Choice, Policy, Wanted, stage_of
from headwater.replay.figures import Units, as_decimal, half_up

Row = Mapping[str, str | None]
Line = dict[str, str | None]
PLACES = 6
LOCATION, MARKET, REPORTED, OUTSIDE = "location_based", "market_based", "reported", "outside_of_scopes"
DIRECT = ("activity_based", "spend_based")
ANY_METHOD = (*DIRECT, LOCATION, MARKET)
UPSTREAM = ("well_to_tank", "transmission_and_distribution", "well_to_tank_of_transmission")
MARKET_FACTOR, GRID = "market_factor", "grid_average"
METHANE = "CH4"
GRID_SAID = "grid average: no instrument, residual mix or market-based factor"
_SAME = (
    "activity_id", "activity_type", "facility_code", "region", "period_start", "period_end", "quantity", "unit",
    "data_quality", "quantity_uncertainty_percent",
)  # fmt: skip
_GASES = ("co2", "ch4", "n2o", "gas", "biogenic")
ALWAYS_ALIKE, NEVER_ALIKE = Fraction(2, 10_000), Fraction(5, 1000)
"""Gases that miss the CO2e by less than the first explain it, by more than the second never; between, digits decide."""


@dataclass(frozen=True, kw_only=True)
class PerUnit:
    """What one unit of a factor comes to: masses in kg, and how CO2e comes about in each set it can be had in."""

    co2e: Fraction
    masses: Mapping[str, Fraction | None]
    methane: str
    sets: Sequence[tuple[str, str, tuple[str, ...], Mapping[str, Fraction]]]
    said: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One figure that is looked for, and what was chosen for it from a day to before another."""

    first: date
    last: date
    wanted: Wanted
    method: str | None
    tier: str | None
    choice: Choice


@dataclass(kw_only=True)
class LineMaker:
    """Makes lines as the document says, of the factors, instruments and potentials that were pinned."""

    document: Mapping[str, Any]
    units: Units
    policy: Policy
    instruments: Mapping[str, Row]
    potentials: Mapping[str, Mapping[str, Fraction]]
    _slots: dict[tuple[str, str, str], list[Slot]] = field(default_factory=dict)

    def share(self, activity: Row) -> Fraction | None:
        """What of an activity counts; None where nothing does."""
        boundary, facility = self.document["boundary"], activity["facility_code"]
        if boundary["facilities"] != "all" and facility not in boundary["facilities"]:
            return None
        if boundary["approach"] != "equity_share":
            return Fraction(1)
        given = boundary["shares"].get(facility or "")
        return None if given is None else Fraction(given)

    def slots(self, activity_type: str, region: str, unit: str) -> list[Slot]:
        """Every figure looked for of a kind of activity."""
        key = (activity_type, region, unit)
        if key not in self._slots:
            self._slots[key] = list(self._of_kind(*key))
        return self._slots[key]

    def is_covered(self, activity_type: str, region: str, unit: str) -> bool:
        """Whether instruments may cover such activities: then their market-based figures are made of parts."""
        use, found = self.document["instruments"], self.units.find(unit.strip())
        return (
            use["use"]
            and MARKET in self.document["methods"]
            and activity_type in use["types"]
            and found is not None
            and found.dimension == "energy"
            and self._has_both(activity_type, region)
        )

    def _has_both(self, activity_type: str, region: str) -> bool:
        """Whether both methods of scope 2 apply: not to what the document counts in scope 3."""
        is_scope_2 = self.policy.is_scope_2(activity_type, region)
        return is_scope_2 and activity_type not in self.document.get("categories", {})

    def lines(self, activity: Row) -> Iterator[Line]:
        """The lines of an activity but for those of parts; unsorted."""
        share = self.share(activity)
        if share is None or str(activity["period_start"]) < self.document["period"]["start"]:
            return
        same = self.same(activity)
        if activity.get("reported_co2e_kg") is not None:
            yield from (same | line for line in self._reported(activity, share))
            return
        counted = half_up(Fraction(str(activity["quantity"])) * share, PLACES)
        day = date.fromisoformat(str(activity["period_start"]))
        kind = (str(activity["activity_type"]), str(activity["region"]), str(activity["unit"]))
        for slot in self.slots(*kind):
            if slot.first <= day < slot.last and slot.choice.factor is not None and counted >= 0:
                yield from (same | line for line in self.figures(counted, slot))

    def part_lines(self, activity: Row, part: int, kwh: Fraction, slot: Slot) -> Iterator[Line]:
        """The lines of a part that an instrument, or what is left over, covers."""
        said = {"part": str(part), "part_kwh": _text(kwh)}
        yield from (self.same(activity) | line | said for line in self.figures(kwh, slot))

    def coverable(self, activity: Row, instrument: Row, kwh: Fraction) -> Fraction:
        """What of an activity's kWh an instrument may cover: of its market and site, on its days, spread evenly."""
        site = instrument.get("facility_code")
        if instrument["market"] not in self.policy.regions(str(activity["region"])):
            return Fraction(0)
        if site is not None and site != activity.get("facility_code"):
            return Fraction(0)
        first = date.fromisoformat(str(activity["period_start"]))
        last = date.fromisoformat(activity.get("period_end") or first.isoformat())
        days = max((last - first).days, 1)
        begin, end = (
            min(max((date.fromisoformat(str(instrument[name])) - first).days, 0), days)
            for name in ("valid_from", "valid_to")
        )
        return half_up(kwh * end / days, PLACES) - half_up(kwh * begin / days, PLACES)

    def instrument_slot(self, instrument: Row, region: str) -> Slot:
        """An instrument as a factor per kWh of consumption in a region."""
        masses = {f"{gas}_kg_per_unit": instrument.get(f"{gas}_kg_per_kwh") for gas in ("co2e", "co2", "ch4", "n2o")}
        same = {name: instrument.get(name) for name in ("instrument_id", "renewable", "gwp_set", "source", "row_hash")}
        factor = masses | same | {"unit": "kWh", "scope": "2", "category": None, "method": MARKET, "factor_id": None}
        wanted = Wanted(activity_type="", region="", unit="kWh", methods=(MARKET,))
        said = () if instrument["market"] == region else (f"region {instrument['market']} for {region}",)
        choice = Choice(outcome=CALCULATED, factor=factor, substitutions=said)
        return Slot(first=date.min, last=date.max, wanted=wanted, method=MARKET, tier=instrument["kind"], choice=choice)

    def remainder(self, activity: Row) -> list[Slot]:
        """What covers the kWh of an activity that no instrument does."""
        wanted = Wanted(
            activity_type=str(activity["activity_type"]), region=str(activity["region"]), unit="kWh", methods=(MARKET,)
        )
        return list(self._market(wanted))

    def same(self, activity: Row) -> Line:
        """The columns of a line that are the activity's."""
        share = self.share(activity)
        is_shared = self.document["boundary"]["approach"] == "equity_share"
        return {
            **{name: activity.get(name) for name in _SAME},
            "activity_pedigree": activity.get("pedigree"),
            "activity_row_hash": activity["row_hash"],
            "share": _text(share) if is_shared and share is not None else None,
        }

    def figures(self, quantity: Fraction, slot: Slot) -> Iterator[Line]:
        """What a quantity comes to, in every set."""
        factor = slot.choice.factor or {}
        per_unit = self.per_unit(factor)
        converted = half_up(quantity * slot.choice.multiplier, PLACES)
        masses = {
            name: None if mass is None else half_up(converted * mass, PLACES) for name, mass in per_unit.masses.items()
        }
        scope, category = self._scope(slot, factor)
        grid = (GRID_SAID,) if slot.tier == GRID else ()
        alike: Line = {
            "method": slot.method or factor["method"], "stage": slot.wanted.stage, "part": "0", "tier": slot.tier,
            "scope": scope, "category": category,
            **{name: factor.get(name) for name in ("factor_id", "instrument_id", "renewable")},
            "factor_source": factor["source"], "factor_unit": factor["unit"], "converted_quantity": _text(converted),
            "gas": factor.get("gas") if masses["gas"] is not None else None,
            "substitutions": "; ".join((*grid, *slot.choice.substitutions, *per_unit.said)) or None,
            "factor_uncertainty_percent": factor.get("uncertainty_percent"), "factor_pedigree": factor.get("pedigree"),
            "factor_row_hash": factor.get("row_hash"),
            "co2_kg": _text(masses["co2"]), per_unit.methane: _text(masses["ch4"]), "n2o_kg": _text(masses["n2o"]),
            "gas_kg": _text(masses["gas"]), "biogenic_co2_kg": _text(masses["biogenic"]),
        }  # fmt: skip
        for gwp_set, basis, missing, potentials in per_unit.sets:
            if basis == "published":
                co2e = half_up(converted * per_unit.co2e, PLACES)
            else:
                weighed = sum((masses[gas] or 0) * potential for gas, potential in potentials.items())
                co2e = half_up((masses["co2"] or 0) + Fraction(weighed), PLACES)
            yield alike | {
                "gwp_set": gwp_set, "basis": basis, "missing_sets": ";".join(missing) or None, "co2e_kg": _text(co2e),
            }  # fmt: skip

    def _scope(self, slot: Slot, factor: Row) -> tuple[str | None, str | None]:
        """As the document says for the activity type, else as the factor does; upstream is category 3 of scope 3."""
        stage = slot.wanted.stage
        if stage == OUTSIDE:
            return None, None
        stated = self.document.get("categories", {}).get(slot.wanted.activity_type)
        if stated is not None:
            return "3", str(stated)
        return ("3", factor.get("category") or "3") if stage in UPSTREAM else (factor["scope"], factor.get("category"))

    def per_unit(self, factor: Row) -> PerUnit:
        """Masses per unit, and the sets in which CO2e can be had: the factor's own as published, others from gases."""
        asked, own = list(self.document["gwp_sets"]), str(factor["gwp_set"])
        origin, said = self._origin(factor)
        masses: dict[str, Fraction | None] = {
            "co2": _number(factor.get("co2_kg_per_unit")),
            "ch4": self._mass(factor, "ch4", own, self._methane(origin, own)),
            "n2o": self._mass(factor, "n2o", own, ("N2O",)),
            "gas": _number(factor.get("gas_kg_per_unit")),
            "biogenic": _number(factor.get("biogenic_co2_kg_per_unit")),
        }
        co2e = Fraction(str(factor["co2e_kg_per_unit"]))
        is_outside = stage_of(factor) == OUTSIDE
        if is_outside:
            biogenic = co2e if masses["biogenic"] is None else masses["biogenic"]
            masses, co2e = {**dict.fromkeys(_GASES), "biogenic": biogenic}, Fraction(0)
        derivable = {
            name: found for name in asked if (found := self._derived(name, co2e, masses, factor, origin)) is not None
        }
        if not is_outside and (co2e or any(masses[gas] for gas in _GASES[:4])) and not self._explained(factor):
            derivable = {}
        sets: dict[str, tuple[str, str, tuple[str, ...], Mapping[str, Fraction]]] = {
            name: (name, "derived", (), derivable[name]) for name in asked if name in derivable
        }
        if not is_outside and own in asked:
            sets[own] = (own, "published", (), {})
        missing = tuple(name for name in asked if name not in sets)
        if missing:
            sets[own] = (own, "published", missing, {})
        methane = f"ch4_{origin}_kg" if origin else "ch4_kg"
        return PerUnit(co2e=co2e, masses=masses, methane=methane, sets=list(sets.values()), said=said)

    def _derived(
        self, name: str, co2e: Fraction, masses: Mapping[str, Fraction | None], factor: Row, origin: str
    ) -> dict[str, Fraction] | None:
        """The potentials of a set for the gases there are; None where CO2e cannot be derived in it."""
        if co2e == 0 and not any(masses[gas] for gas in _GASES[:4]):
            return {}
        if masses["gas"] is None and any(masses[gas] is None for gas in ("co2", "ch4", "n2o")):
            return None
        potentials, found = self.potentials.get(name, {}), {}
        methane, further = self._methane(origin, name), str(factor.get("gas"))
        by_gas = {"ch4": methane, "n2o": ("N2O",), "gas": methane if further == METHANE else (further,)}
        for gas, names in by_gas.items():
            if masses[gas]:
                values = {potentials[each] for each in names if each in potentials}
                if len(values) != 1:
                    return None
                found[gas] = values.pop()
        return found if potentials else None

    def _explained(self, factor: Row) -> bool:
        """Whether the gases come to the CO2e as nearly as digits can say, by a potential of methane of its set."""
        co2e, own = str(factor["co2e_kg_per_unit"]), str(factor["gwp_set"])
        whole = Fraction(co2e)
        for known in [self.potentials[own]] if own in self.potentials else list(self.potentials.values()):
            split = {known[name] for name in ("CH4_fossil", "CH4_non_fossil") if name in known}
            for methane in split or {known.get(METHANE, Fraction(0))}:
                further = methane if factor.get("gas") == METHANE else known.get(str(factor.get("gas")), Fraction(0))
                weights = {"co2": Fraction(1), "gas": further}
                weights |= {"ch4": methane, "n2o": known.get("N2O", Fraction(0))}
                total, room = Fraction(0), _half(co2e)
                for gas, weight in weights.items():
                    mass, published = factor.get(f"{gas}_kg_per_unit"), factor.get(f"{gas}_co2e_kg_per_unit")
                    figure = mass if mass is not None else published if gas in {"ch4", "n2o"} else None
                    if figure is not None:
                        by = Fraction(1) if mass is None else weight
                        total, room = total + Fraction(figure) * by, room + _half(figure) * by
                if abs(total - whole) <= min(max(room, whole * ALWAYS_ALIKE), whole * NEVER_ALIKE):
                    return True
        return False

    def _methane(self, origin: str, gwp_set: str) -> Sequence[str]:
        """The potentials of methane that may apply: by origin, or the one of a set that does not tell origins apart."""
        names = [f"CH4_{each}" for each in ([origin] if origin else ["fossil", "non_fossil"])]
        return names if any(name in self.potentials.get(gwp_set, {}) for name in names) else [METHANE]

    def _mass(self, factor: Row, gas: str, own: str, names: Sequence[str]) -> Fraction | None:
        given, co2e = _number(factor.get(f"{gas}_kg_per_unit")), _number(factor.get(f"{gas}_co2e_kg_per_unit"))
        if given is not None or not co2e:
            return given if given is not None else co2e
        potentials = self.potentials.get(own, {})
        values = {potentials[name] for name in names if name in potentials}
        return co2e / values.pop() if len(values) == 1 else None

    def _origin(self, factor: Row) -> tuple[str, tuple[str, ...]]:
        stated, declared = factor.get("ch4_origin"), self.document["ch4_origin"]["default"]
        if stated in {"fossil", "non_fossil"}:
            return str(stated), ()
        named = ["ch4_kg_per_unit", "ch4_co2e_kg_per_unit"]
        named += ["gas_kg_per_unit"] if factor.get("gas") == METHANE else []
        has_methane = any(_number(factor.get(name)) for name in named)
        if declared == "none" or not has_methane:
            return "", ()
        return declared, (f"methane taken as {declared.replace('_', '-')} by the document",)

    def _of_kind(self, activity_type: str, region: str, unit: str) -> Iterator[Slot]:
        methods, policy = self.document["methods"], self.policy
        wanted = Wanted(activity_type=activity_type, region=region, unit=unit, methods=DIRECT)
        is_scope_2, has_both = policy.is_scope_2(activity_type, region), self._has_both(activity_type, region)
        used: list[Slot] = []
        if not is_scope_2:
            used += self._slot(wanted)
        elif LOCATION in methods or not has_both:
            scope = "2" if has_both else None
            used += self._slot(_with(wanted, (LOCATION,), scope=scope), method=LOCATION)
        if has_both and MARKET in methods and not self.is_covered(activity_type, region, unit):
            used += self._market(wanted)
        yield from used
        if self.document["factors"]["upstream"]:
            for stage in UPSTREAM if is_scope_2 else UPSTREAM[:1]:
                yield from self._slot(_with(wanted, ANY_METHOD, stage))
        for span in self._without_biogenic(used):
            yield from self._slot(_with(wanted, ANY_METHOD, OUTSIDE), span=span)

    def _without_biogenic(self, used: Iterable[Slot]) -> Iterator[tuple[date, date]]:
        """The days whose factors of use do not give biogenic CO2 themselves."""
        start, end = (date.fromisoformat(self.document["period"][name]) for name in ("start", "end"))
        for first, last in sorted(
            (slot.first, slot.last)
            for slot in used
            if slot.choice.factor and _number(slot.choice.factor.get("biogenic_co2_kg_per_unit"))
        ):
            if start < first:
                yield start, first
            start = max(start, last)
        if start < end:
            yield start, end

    def _market(self, wanted: Wanted) -> Iterator[Slot]:
        for slot in self._slot(_with(wanted, (MARKET,), scope="2"), method=MARKET, tier=MARKET_FACTOR):
            if slot.choice.outcome in {CALCULATED, COMPETING} or not self.document["instruments"]["grid_average"]:
                yield slot
                continue
            span = (slot.first, slot.last)
            grid = _with(wanted, (LOCATION,), scope="2")
            yield from self._slot(grid, method=MARKET, tier=GRID, span=span)

    def _slot(
        self, wanted: Wanted, *, method: str | None = None, tier: str | None = None,
        span: tuple[date, date] | None = None,
    ) -> list[Slot]:  # fmt: skip
        period = self.document["period"]
        start, end = span or (date.fromisoformat(period["start"]), date.fromisoformat(period["end"]))
        return [
            Slot(first=first, last=last, wanted=wanted, method=method, tier=tier, choice=choice)
            for first, last, choice in self.policy.pieces(wanted, start, end)
        ]

    def _reported(self, activity: Row, share: Fraction) -> Iterator[Line]:
        if activity.get("reported_scope") is None:
            return
        own = activity.get("reported_gwp_set") or "not_stated"
        kg = half_up(Fraction(str(activity["reported_co2e_kg"])) * share, PLACES)
        missing = ";".join(name for name in self.document["gwp_sets"] if name != own)
        yield {
            "method": REPORTED, "gwp_set": own, "stage": "use", "part": "0", "scope": activity["reported_scope"],
            "category": activity.get("reported_category"), "basis": REPORTED, "co2e_kg": _text(kg),
            "missing_sets": missing or None,
        }  # fmt: skip


def _with(wanted: Wanted, methods: tuple[str, ...], stage: str = "use", scope: str | None = None) -> Wanted:
    return replace(wanted, methods=methods, stage=stage, scope=scope)


def _half(figure: str) -> Fraction:
    """Half a unit of the last place that a figure has, zeros at its end apart; of whole numbers half of one."""
    return Fraction(1, 2 * 10 ** len(figure.partition(".")[2].rstrip("0")))


def _number(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def _text(number: Fraction | None) -> str | None:
    return None if number is None else f"{as_decimal(number, PLACES):f}"
