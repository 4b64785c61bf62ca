"""One chunk of a run done again: every record, what became of it, its ledger, its rows and its figures."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from headwater.contracts.row_text import canonical_texts, row_text
from headwater.errors import InputRefused
from headwater.replay.container import Reader
from headwater.replay.differences import Difference, Findings
from headwater.replay.evidence import RunEvidence
from headwater.replay.records import STANDING_BYTES, Row, typed, typed_field
from headwater.values import sha256

ROW, KNOWN, MERGED, CONFLICT, OLDER = "row", "known", "merged", "conflict", "older"
SKIPPED, REFUSED, ELSEWHERE, OLDER_ELSEWHERE = "skipped", "refused", "elsewhere", "older_elsewhere"
DELETED_ELSEWHERE = "deleted_elsewhere"
OF_FIRST = {ROW, KNOWN, ELSEWHERE, OLDER_ELSEWHERE, DELETED_ELSEWHERE}
"""What may become of the first record of a key: that depends on rows beyond the file, which the chain's counts hold."""
BEYOND = {ELSEWHERE, OLDER_ELSEWHERE, DELETED_ELSEWHERE}
"""Refused, older or left out, since it was deleted by hand, for what was beyond the chunk."""
WITHHELD = "withheld"
"""What stands in place of the values of a row that may not be passed on."""
FROM_CELLS = "computed again from the cells"
AS_CHAINED = "as the audit chain says"


@dataclass(kw_only=True)
class _Of:
    """What stands under a key so far: the last record that was loaded under it, and its version."""

    row: Row
    version: Any
    fate: str


@dataclass(kw_only=True)
class Totals:
    """Sums over all that was worked through."""

    records: int = 0
    rows: int = 0
    figures: int = 0
    by_hash: int = 0
    withheld: int = 0
    co2e_kg: dict[tuple[str, str], Decimal] = field(default_factory=dict)

    def add(self, figure: Mapping[str, Any]) -> None:
        """One figure more, by GWP set and scope."""
        key = (str(figure["gwp_set"]), str(figure["scope"]))
        self.co2e_kg[key] = self.co2e_kg.get(key, Decimal(0)) + figure["co2e_kg"]


class ChunkCheck:
    """Checks one chunk; `is_whole` where all of its records are in the file, not only the one of a figure."""

    def __init__(
        self, reader: Reader, evidence: RunEvidence, findings: Findings, totals: Totals, chunk_no: int
    ) -> None:
        self._reader = reader
        self._evidence = evidence
        self._findings = findings
        self._totals = totals
        self._no = chunk_no
        self._folder = f"chunks/{chunk_no}"
        self._made: dict[int, Row] = {}
        self._fates: dict[int, str] = {}
        self._counts: Counter[str] = Counter()
        self._standing = hashlib.sha256()
        self._stood = 0

    @property
    def is_whole(self) -> bool:
        """Whether all records of the chunk are there."""
        return bool(self._reader.manifest["kind"] == "run")

    def records(self) -> None:
        """Every record from its cells: its raw hash, and what became of it."""
        member = f"{self._folder}/records.jsonl"
        version = self._evidence.recipe["load"]["version"]
        keys: dict[tuple[str | None, ...], _Of] = {}
        maker = self._evidence.maker
        for _, (number, _line, raw_hash, cells, fate, detail) in self._reader.records(member):
            name = f"record {number}"
            with self._findings.stage_part(member, name):
                is_withheld = isinstance(cells, dict)
                row = self._withheld(cells, raw_hash, fate, detail) if is_withheld else maker.make(cells)
                self._totals.withheld += is_withheld
                self._compare(member, name, "raw_hash", raw_hash, row.raw_hash.hex(), why="SHA-256 of the cells")
                expected = self._fate(row, version, keys, fate)
                self._compare(member, name, "fate", [fate, detail], list(expected), why=FROM_CELLS)
                self._made[number], self._fates[number] = row, fate
                self._counts[fate if fate != SKIPPED else f"{SKIPPED} {detail}"] += 1
                if fate in {ROW, KNOWN}:
                    self._standing.update(row.raw_hash[:STANDING_BYTES])
                    self._stood += 1
        self._totals.records += len(self._made)

    def _withheld(self, known: Mapping[str, Any], raw_hash: str, fate: str, detail: Any) -> Row:
        """A record that may not be passed on: its key, its version, and the hashes that the audit chain holds."""
        contract, version = self._evidence.contract, self._evidence.recipe["load"]["version"]
        if "redistributable" not in contract.by_name:
            raise InputRefused("only what has a licence may be withheld", value=contract.name)
        if known["key"] is None:
            told = (detail, ()) if fate == SKIPPED else (None, tuple(detail or ()))
            return Row(raw_hash=bytes.fromhex(raw_hash), skipped=told[0], refused=told[1])
        names = [spec.name for spec in contract.key]
        own = {} if version is None else typed_field(contract, version, known["version"])
        return Row(
            raw_hash=bytes.fromhex(raw_hash),
            values=own,
            texts=dict(zip(names, known["key"], strict=True)),
            row_hash=bytes.fromhex(known["row_hash"]),
        )

    def _fate(
        self, row: Row, version: str | None, keys: dict[tuple[str | None, ...], _Of], stated: str
    ) -> tuple[str, Any]:
        if row.skipped is not None:
            return SKIPPED, row.skipped
        if row.refused:
            return REFUSED, list(row.refused)
        key = self._evidence.maker.key(row)
        own = None if version is None else (row.values or {})[version]
        stands = keys.get(key)
        if stands is None or _is_higher(own, stands.version):
            fate = stated if stated in OF_FIRST else ROW
            keys[key] = _Of(row=row, version=own, fate=fate)
            return fate, None
        if stands.fate in BEYOND:
            # It met the same row beyond this file.
            return (stated if stated in {MERGED, *BEYOND} else ELSEWHERE), None
        if row.row_hash == stands.row.row_hash:
            return MERGED, None
        return (OLDER if own != stands.version else CONFLICT), None

    def ledger(self) -> None:
        """The counts and hashes that the audit chain holds of the chunk."""
        said, name = self._evidence.chunk(self._no), f"chunk {self._no}"
        member = f"{self._folder}/records.jsonl"
        if not self.is_whole:
            return
        uncut = self._reader.document(f"{self._folder}/chunk.json")["uncut"]
        skipped = Counter(uncut["skipped"])
        skipped.update(
            {key.removeprefix(f"{SKIPPED} "): n for key, n in self._counts.items() if key.startswith(SKIPPED)}
        )
        older = self._counts[OLDER] + self._counts[OLDER_ELSEWHERE]
        if older:
            skipped["older_version"] += older
        deleted = self._counts[DELETED_ELSEWHERE]
        if deleted:
            skipped["deleted"] += deleted
        refused = self._counts[REFUSED] + self._counts[CONFLICT] + self._counts[ELSEWHERE]
        left = older + deleted
        worked = len(self._made) - left - sum(n for key, n in self._counts.items() if key.startswith(SKIPPED))
        counted = {
            "read": len(self._made) + uncut["quarantined"] + sum(uncut["skipped"].values()),
            "skipped": dict(skipped),
            "quarantined_raw": uncut["quarantined"],
            "produced": worked,
            "quarantined": refused,
        }
        for field_name, recomputed in counted.items():
            self._compare(member, name, field_name, said[field_name], recomputed, why=AS_CHAINED)
        loaded = sum(said[count] for count in ("inserted", "updated", "unchanged", "merged"))
        self._compare(member, name, "loaded", loaded, worked - refused, why=AS_CHAINED)
        if said["raw_hashes"] is not None or (self._stood and said["reused"] is None):
            self._compare(
                member, name, "raw_hashes", said["raw_hashes"], self._standing.hexdigest() if self._stood else None,
                why="SHA-256 over the raw hashes of the records that stand, as the audit chain has it",
            )  # fmt: skip

    def rows(self) -> None:
        """The rows as they are stored, each computed again, and the manifest of their hashes."""
        member = f"{self._folder}/rows.jsonl"
        manifest, seen, stored = hashlib.sha256(), set(), 0
        names = list(self._evidence.contract.by_name)
        for _, (number, values, absent, row_hash) in self._reader.records(member):
            name, row = f"record {number}", self._made.get(number)
            if row is None or row.texts is None or self._fates[number] != ROW or number in seen:
                self._findings.differ(Difference(member=member, row=name, why="the record has no row of its own here"))
                continue
            seen.add(number)
            if values is not None:
                stored += 1
            if values is not None and not (values == WITHHELD and row.texts.keys() != set(names)):
                for field_name, value in zip([*names, "absent"], [*values, absent], strict=True):
                    expected = row.absent if field_name == "absent" else row.texts[field_name]
                    self._compare(member, name, field_name, value, expected, why=FROM_CELLS)
            self._compare(member, name, "row_hash", row_hash, row.row_hash.hex(), why="SHA-256 of the row's texts")
            manifest.update(bytes.fromhex(row_hash))
        self._totals.rows += len(seen)
        if not self.is_whole:
            self._check_part(member)
            return
        said, name = self._evidence.chunk(self._no), f"chunk {self._no}"
        rows = sum(fate == ROW for fate in self._fates.values())
        self._compare(member, name, "rows", len(seen), rows, why="one for each record that was loaded")
        self._compare(member, name, "stored rows", stored, said["inserted"] + said["updated"], why=AS_CHAINED)
        why = "SHA-256 over the hashes of its rows, as the audit chain has it"
        self._compare(member, name, "rows_sha256", said["rows_sha256"], manifest.hexdigest(), why=why)

    def _check_part(self, member: str) -> None:
        """Of one record: that its hashes stand in the lists whose hashes the audit chain holds."""
        part, said = self._reader.manifest["part"], self._evidence.chunk(self._no)
        ((number, row),) = self._made.items()
        for file, hashed, place, width, own in (
            ("manifest.bin", said["rows_sha256"], part["manifest_place"], 32, row.row_hash),
            ("standing.bin", said["raw_hashes"], part["standing_place"], STANDING_BYTES, row.raw_hash[:STANDING_BYTES]),
        ):
            content = self._reader.content(f"{self._folder}/{file}")
            found = hashlib.sha256(content).hexdigest()
            self._compare(f"{self._folder}/{file}", f"chunk {self._no}", "SHA-256", hashed, found, why=AS_CHAINED)
            listed = content[place * width : (place + 1) * width].hex()
            why = f"the record's hash in the list of chunk {self._no}"
            self._compare(member, f"record {number}", file, listed, own.hex(), why=why)

    def figures(self) -> None:
        """The figures as they are stored, each calculated again."""
        if not self._evidence.calculates:
            return
        made: dict[int, Mapping[str, Any]] = {}
        missing: Counter[str] = Counter()
        for number, row in self._made.items():
            if self._fates[number] != ROW or row.values is None or self._is_left_out(row):
                continue
            figure = self._evidence.factors.figure(row.values)
            if figure.values is None:
                missing[f"calculation.{figure.why}"] += 1
            else:
                made[number] = figure.values
                self._totals.add(figure.values)
        self._totals.figures += len(made)
        stored = sum(1 for _ in self._stored_figures(made))
        if self.is_whole:
            self._figures_counted(made, missing, stored)

    def _stored_figures(self, made: Mapping[int, Mapping[str, Any]]) -> Iterator[int]:
        member, results = f"{self._folder}/figures.jsonl", self._evidence.results
        names = list(results.by_name)
        for _, (number, values, row_hash) in self._reader.records(member):
            name, stored = f"record {number}", dict(zip(names, values, strict=True))
            hashed = sha256(row_text(results, stored, None)).hex()
            row = self._made.get(number)
            if row is None:
                self._findings.differ(Difference(member=member, row=name, why="there is no such record"))
                continue
            if self._is_left_out(row):
                self._totals.by_hash += 1
                self._totals.add(typed(results, stored))
            elif number not in made:
                self._findings.differ(Difference(member=member, row=name, why="the factors give no figure for it"))
            else:
                texts = canonical_texts(results, {**dict.fromkeys(names), **made[number]})
                for field_name in names:
                    why = "calculated again from the row and the factors"
                    self._compare(member, name, field_name, stored[field_name], texts[field_name], why=why)
            self._compare(member, name, "row_hash", row_hash, hashed, why="SHA-256 of the figure's texts")
            yield number

    def _figures_counted(self, made: Mapping[int, object], missing: Counter[str], stored: int) -> None:
        said = self._evidence.chunk(self._no)
        ledger, member, name = said["calculation"], f"{self._folder}/figures.jsonl", f"chunk {self._no}"
        self._compare(member, name, "stored figures", stored, ledger["inserted"] + ledger["updated"], why=AS_CHAINED)
        if self._evidence.left_out or said["reused"] is not None:
            return
        self._compare(member, name, "missing", ledger["missing"], dict(missing), why=AS_CHAINED)
        # What merged with a row of another chunk has its figure there.
        merged_elsewhere = said["merged"] - self._counts[MERGED]
        counted = ledger["inserted"] + ledger["updated"] + ledger["unchanged"] + ledger.get("refused", 0)
        if not merged_elsewhere:
            self._compare(member, name, "figures", counted, len(made), why=AS_CHAINED)

    def _is_left_out(self, row: Row) -> bool:
        values = row.values or {}
        return (values.get("activity_type"), values.get("region")) in self._evidence.left_out

    def _compare(self, member: str, row: str, name: str, stored: Any, recomputed: Any, *, why: str) -> None:
        self._findings.compare(member, row, name, stored=stored, recomputed=recomputed, why=why)


def _is_higher(version: Any, than: Any) -> bool:
    return version is not None and (than is None or version > than)
