"""An exported inventory checked: pinned rows by their hashes, factors chosen again, every line computed again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cached_property
from itertools import groupby
from typing import Any

from headwater.contracts.document import Document
from headwater.contracts.row_text import row_text
from headwater.documents.counted import counted
from headwater.errors import InputRefused
from headwater.replay.chain import Chain
from headwater.replay.choosing import Policy
from headwater.replay.container import Reader
from headwater.replay.differences import Difference, Findings
from headwater.replay.figures import PLACES, Unit, Units, as_decimal, half_up
from headwater.replay.inventory_lines import LineMaker, Slot
from headwater.replay.program import joined_text
from headwater.values import sha256

DOCUMENT, LINES, UNITS, CHOICES = "documents/inventory.json", "lines.csv", "units.txt", "choices.jsonl"
ACTIVITIES, FACTORS, INSTRUMENTS = "activities.csv", "factors.csv", "instruments.csv"
POTENTIALS, RATES = "potentials.csv", "rates.csv"
PINNED = {"activities": ACTIVITIES, "factors": FACTORS, "instruments": INSTRUMENTS, "potentials": POTENTIALS}
CONTRACTS = {ACTIVITIES: "activity", FACTORS: "emission_factor", INSTRUMENTS: "energy_instrument"}
KEPT_BACK = "kept back: personal data"
"""What stands in place of a personal value; the hash of its row cannot be computed again then."""
ALL_OF_IT = 10**9
"""Quantities beyond this may be too large for exact work, and then have no figure, which findings tell."""

Row = dict[str, str | None]


class InventoryCheck:
    """Checks one inventory; the stages are called in order."""

    def __init__(self, reader: Reader, chain: Chain, findings: Findings) -> None:
        self._reader = reader
        self._chain = chain
        self._findings = findings
        self._id: str = reader.manifest["inventory"]["inventory_id"]
        self._left_out = {row["factor_id"] for row in reader.manifest["left_out"]}
        self._left_types = {row["activity_type"] for row in reader.manifest["left_out"]}
        self._left_instruments = {row["instrument_id"] for row in reader.manifest["instruments_left_out"]}
        self._kept_back: dict[str, int] = reader.manifest["kept_back"]
        self._covered: Counter[str] = Counter()
        self.lines = self.by_hash = self.rows = 0
        self.totals: dict[tuple[str, str], Fraction] = {}

    def documents(self) -> int:
        """Everything pinned is what the audit chain cites."""
        said = self._chain.payloads["inventory.calculated", f"inventory/{self._id}"]
        cited = {DOCUMENT: said["document"], LINES: said["lines"]}
        cited |= {member: said[name] for name, member in PINNED.items()}
        if self._left_out:
            del cited[FACTORS]
            self._findings.notes.append(
                f"{FACTORS} lacks {counted(len(self._left_out), 'factor')} that may not be passed on: its hash"
                " cannot be computed again, and lines of their activity types are checked by hash"
            )
        if self._left_instruments:
            del cited[INSTRUMENTS]
            self._findings.notes.append(
                f"{INSTRUMENTS} lacks {counted(len(self._left_instruments), 'instrument')} that may not be passed on:"
                " its hash cannot be computed again, and lines that they cover are checked by hash"
            )
        for member, rows in self._kept_back.items():
            del cited[member]
            self._findings.notes.append(
                f"{member} lacks the personal values of {counted(rows, 'row')}: its hash and theirs cannot be"
                " computed again; the lines hold what counts of them"
            )
        if said.get("rates"):
            cited[RATES] = said["rates"]
        for member, hashed in cited.items():
            found = self._reader.digest(member)
            why = "the hash by which the audit chain cites it"
            self._findings.compare(member, "", "SHA-256", stored=hashed, recomputed=found, why=why)
        self._units = Units(self._reader.content(UNITS).decode())
        units = said["logic"].rpartition(" ")[2]
        self._findings.compare(
            UNITS, "", "hash", stored=units, recomputed=self._units.digest.hex()[: len(units)],
            why="the units that the audit chain cites",
        )  # fmt: skip
        return len(cited) + 1

    def pinned(self) -> int:
        """Every pinned row is what its own hash says."""
        for member, name in CONTRACTS.items():
            contract = Document.from_json(self._reader.content(f"documents/{name}.json").decode())
            key, kept_back = contract.key[0].name, 0
            personal = [spec.name for spec in contract.fields if spec.personal and member in self._kept_back]
            for row in self._reader.table(member):
                self.rows += 1
                if any(row.get(name) == KEPT_BACK for name in personal):
                    kept_back += 1
                    continue
                texts = {spec.name: row.get(spec.name) for spec in contract.fields}
                found = sha256(row_text(contract, texts, row.get("absent"))).hex()
                why = "SHA-256 of the row's texts"
                self._findings.compare(
                    member, f"record {row[key]}", "row_hash", stored=row["row_hash"], recomputed=found, why=why
                )
            why = "rows whose personal values were kept back, as the manifest counts them"
            told = self._kept_back.get(member, 0)
            self._findings.compare(member, "", "kept back", stored=told, recomputed=kept_back, why=why)
        return self.rows

    def calculated(self) -> int:
        """Every line follows from its activity; none is missing, none too many."""
        maker = self._line_maker
        lines = groupby(self._reader.table(LINES), key=lambda line: line["activity_id"])
        group = next(lines, None)
        for activity in self._reader.table(ACTIVITIES):
            stored: list[Row] = []
            if group is not None and group[0] == activity["activity_id"]:
                stored = list(group[1])
                group = next(lines, None)
            with self._findings.stage_part(LINES, f"record {activity['activity_id']}"):
                self._activity(maker, activity, stored)
        if group is not None:
            self._findings.differ(
                Difference(
                    member=LINES, row=f"record {group[0]}", why="no pinned activity stands behind it, or not here"
                )
            )
        self._instruments_hold(maker)
        return self.lines

    def _activity(self, maker: LineMaker, activity: Row, stored: list[Row]) -> None:
        for line in stored:
            self._hash(line)
        if self._is_by_hash(maker, activity):
            self.by_hash += len(stored)
            return
        kind = (str(activity["activity_type"]), str(activity["region"]), str(activity["unit"]))
        parts = [line for line in stored if line["part_kwh"] is not None] if maker.is_covered(*kind) else []
        by_hash = [line for line in stored if line["instrument_id"] in self._left_instruments]
        self.by_hash += len(by_hash)
        expected: list[Mapping[str, str | None]] = [*maker.lines(activity), *self._parts(maker, activity, parts)]
        found = {_key(line): line for line in stored if line not in by_hash}
        for made in expected:
            key = _key(made)
            if key in found:
                self._compare(found.pop(key), made)
            elif Fraction(str(activity["quantity"])) <= ALL_OF_IT:
                self._findings.differ(Difference(member=LINES, row=_named(made), why="the line is missing"))
        for extra in found.values():
            self._findings.differ(Difference(member=LINES, row=_named(extra), why="nothing gives this line"))

    def _hash(self, line: Row) -> None:
        texts = [value for name, value in line.items() if name != "row_hash"]
        found = sha256(joined_text(texts)).hex()
        why = "SHA-256 of the line's texts"
        self._findings.compare(LINES, _named(line), "row_hash", stored=line["row_hash"], recomputed=found, why=why)
        self.lines += 1
        if line["scope"] is not None:
            key = (str(line["gwp_set"]), f"scope {line['scope']}, {str(line['method']).replace('_', ' ')}")
            self.totals[key] = self.totals.get(key, Fraction(0)) + Fraction(str(line["co2e_kg"]))

    def _compare(self, stored: Row, expected: Mapping[str, str | None]) -> None:
        for name, value in stored.items():
            if name != "row_hash":
                self._findings.compare(
                    LINES, _named(stored), name, stored=value, recomputed=expected.get(name),
                    why="calculated again from the pinned rows",
                )  # fmt: skip

    def _is_by_hash(self, maker: LineMaker, activity: Row) -> bool:
        """Where a factor that was left out might have been chosen, or money is exchanged by rates."""
        if activity.get("reported_co2e_kg") is not None:
            return False
        types = set(maker.policy.types(str(activity["activity_type"])))
        unit = self._units.find(str(activity["unit"]).strip())
        is_money = unit is not None and unit.dimension.startswith("money in ")
        return bool(types & self._left_types) or is_money

    def _parts(self, maker: LineMaker, activity: Row, parts: list[Row]) -> Iterator[Mapping[str, str | None]]:
        """Lines of the parts that instruments cover; how the kWh were dealt out is taken from the lines, and summed."""
        seen: dict[int, Fraction] = {}
        for line in parts:
            part, kwh = int(str(line["part"])), Fraction(str(line["part_kwh"]))
            if part in seen:
                continue
            seen[part] = kwh
            if line["instrument_id"] in self._left_instruments:
                continue
            slot = self._slot_of(maker, activity, line)
            if slot is not None:
                yield from maker.part_lines(activity, part, kwh, slot)
        if seen:
            whole = self._whole(maker, activity)
            if sum(seen.values()) > whole:
                self._findings.differ(
                    Difference(
                        member=LINES, row=f"record {activity['activity_id']}", field="part_kwh",
                        stored=str(as_decimal(sum(seen.values(), Fraction(0)), PLACES)),
                        recomputed=str(as_decimal(whole, PLACES)), why="parts add up to more than the activity",
                    )
                )  # fmt: skip

    def _whole(self, maker: LineMaker, activity: Row) -> Fraction:
        """What counts of an activity in kWh; 0 where its unit is none of energy, and no part can be right."""
        unit = self._units.find(str(activity["unit"]).strip())
        return Fraction(0) if unit is None else half_up(
            _counted(maker, activity) * unit.size / self._kwh().size, PLACES
        )  # fmt: skip

    def _slot_of(self, maker: LineMaker, activity: Row, line: Row) -> Slot | None:
        if line["instrument_id"] is not None:
            instrument = maker.instruments.get(line["instrument_id"])
            if instrument is None:
                raise InputRefused("there is no such instrument", where=LINES, value=line["instrument_id"])
            self._covered[line["instrument_id"]] += int(Fraction(str(line["part_kwh"])) * 10**PLACES)
            most = maker.coverable(activity, instrument, self._whole(maker, activity))
            if Fraction(str(line["part_kwh"])) > most:
                self._findings.differ(
                    Difference(
                        member=LINES, row=_named(line), field="part_kwh", stored=line["part_kwh"],
                        recomputed=str(as_decimal(most, PLACES)),
                        why="this much of the activity is of the instrument's market, site and days",
                    )
                )  # fmt: skip
            return maker.instrument_slot(instrument, str(activity["region"]))
        day = str(activity["period_start"])
        slots = (slot for slot in maker.remainder(activity) if slot.first.isoformat() <= day < slot.last.isoformat())
        return next((slot for slot in slots if slot.choice.factor is not None), None)

    def _instruments_hold(self, maker: LineMaker) -> None:
        """No instrument covers more than its energy."""
        for name, units in sorted(self._covered.items()):
            energy = maker.instruments[name].get("energy_mwh")
            if energy is not None and units > Fraction(energy) * 1000 * 10**PLACES:
                self._findings.differ(
                    Difference(
                        member=INSTRUMENTS, row=f"record {name}", field="energy_mwh", stored=energy,
                        recomputed=f"{as_decimal(Fraction(units, 10 ** (PLACES + 3)), PLACES + 3):f}",
                        why="lines claim more than there is",
                    )
                )  # fmt: skip

    def choices(self) -> int:
        """What the file tells of factors and their rivals names the factor that the policy takes."""
        maker, count = self._line_maker, 0
        for number, row in self._reader.records(CHOICES):
            kind = (row["activity_type"], row["region"], row["unit"])
            count += 1
            if set(maker.policy.types(row["activity_type"])) & self._left_types or row["by_rates"]:
                continue
            taken = [
                (slot.choice.factor or {}).get("factor_id") for slot in maker.slots(*kind)
                if slot.wanted.stage == row["stage"] and slot.tier == row["tier"]
                and (slot.method or "") == (row["method"] or "")
                and slot.first.isoformat() <= row["valid_from"] < slot.last.isoformat()
            ]  # fmt: skip
            told = [row["taken"]] if taken or row["taken"] else []
            why = "chosen again by the document's policy"
            self._findings.compare(CHOICES, f"line {number}", "taken", stored=told, recomputed=taken, why=why)
        return count

    @cached_property
    def _line_maker(self) -> LineMaker:
        document = self._reader.document(DOCUMENT)
        factors = self._reader.table(FACTORS)
        potentials: dict[str, dict[str, Fraction]] = {}
        for row in self._reader.table(POTENTIALS):
            potentials.setdefault(str(row["gwp_set"]), {})[str(row["gas"])] = Fraction(str(row["gwp_100"]))
        return LineMaker(
            document=document,
            units=self._units,
            policy=Policy(factors, self._units, document["factors"]),
            instruments={str(row["instrument_id"]): row for row in self._reader.table(INSTRUMENTS)},
            potentials=potentials,
        )

    def _kwh(self) -> Unit:
        found = self._units.find("kWh")
        if found is None:
            raise InputRefused("there is no kWh", where=UNITS)
        return found


def _counted(maker: LineMaker, activity: Row) -> Fraction:
    return half_up(Fraction(str(activity["quantity"])) * (maker.share(activity) or Fraction(0)), PLACES)


def _key(line: Mapping[str, str | None]) -> tuple[Any, ...]:
    return tuple(line[name] for name in ("activity_id", "method", "gwp_set", "stage", "part"))


def _named(line: Mapping[str, str | None]) -> str:
    return "record " + "|".join(str(part) for part in _key(line))
