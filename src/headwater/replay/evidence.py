"""The documents of an exported file, each held against the hash by which the audit chain cites it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from functools import cached_property
from typing import Any

from headwater.contracts.document import Document
from headwater.documents.counted import counted
from headwater.replay.chain import Chain
from headwater.replay.container import Reader
from headwater.replay.differences import Findings
from headwater.replay.figures import Factors, Units, factor_rows
from headwater.replay.records import RowMaker
from headwater.values import OWN_FORMAT

CONTRACT, MAPPING, RECIPE, RESULTS = (f"documents/{name}.json" for name in ("contract", "mapping", "recipe", "results"))
PROGRAM, UNITS, FACTORS, CODES = "program.json", "units.txt", "factors.csv", "codes.csv"
AS_CHAINED = "the hash by which the audit chain cites it"


class RunEvidence:
    """What a run rests on, read from the file when it is first asked for."""

    def __init__(self, reader: Reader, chain: Chain) -> None:
        self._reader = reader
        self._chain = chain
        self.run_id: str = reader.manifest["run"]["run_id"]

    @property
    def planned(self) -> dict[str, Any]:
        """What the chain says the run was planned with."""
        return self._chain.payloads["run.planned", f"run/{self.run_id}"]

    def chunk(self, chunk_no: int) -> dict[str, Any]:
        """What the chain says of a chunk."""
        return self._chain.payloads["chunk.committed", f"run/{self.run_id}/chunk/{chunk_no}"]

    @cached_property
    def contract(self) -> Document:
        """Of the records."""
        return Document.from_json(self._text(CONTRACT))

    @cached_property
    def results(self) -> Document:
        """Of the figures."""
        return Document.from_json(self._text(RESULTS))

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """How the run loads and which factors it takes."""
        recipe: dict[str, Any] = self._reader.document(RECIPE)
        return recipe

    @cached_property
    def units(self) -> Units:
        """Every unit."""
        return Units(self._text(UNITS))

    @cached_property
    def maker(self) -> RowMaker:
        """What makes rows."""
        return RowMaker(self.contract, self._reader.document(PROGRAM), self._codes())

    @cached_property
    def factors(self) -> Factors:
        """What calculates, with the factors that are there."""
        policy = self.recipe["factors"]
        rows = factor_rows(self._text(FACTORS))
        return Factors(rows, self.units, methods=policy["methods"], sources=policy["sources"])

    @property
    def calculates(self) -> bool:
        """Whether the run calculates figures."""
        return self.planned["factor_set"] is not None

    @cached_property
    def left_out(self) -> frozenset[tuple[str, str]]:
        """Activity type and region of factors that may not be passed on; a run of factors takes none itself."""
        if not self.calculates:
            return frozenset()
        return frozenset((row["activity_type"], row["region"]) for row in self._reader.manifest["left_out"])

    def check(self, findings: Findings) -> int:
        """Hold every document against the chain; how many there are."""
        planned = self.planned
        cited = {CONTRACT: planned["contract"], MAPPING: planned["mapping"], RECIPE: planned["recipe"]}
        if planned.get("reference_codes"):
            cited[CODES] = planned["reference_codes"]
        if self.calculates and not self.left_out:
            cited[FACTORS] = planned["factor_set"]
        for member, hashed in cited.items():
            found = self._reader.digest(member)
            findings.compare(member, "", "SHA-256", stored=hashed, recomputed=found, why=AS_CHAINED)
        if self.left_out:
            findings.notes.append(
                f"{FACTORS} lacks {counted(len(self._reader.manifest['left_out']), 'factor')} that may not be"
                " passed on: its hash cannot be computed again, and figures of their activity types and"
                " regions are checked by hash"
            )
        return len(cited) + self._check_logic(findings)

    def _check_logic(self, findings: Findings) -> int:
        """The hash of everything that decides about results, from its parts."""
        versions = self._reader.manifest["run"]["versions"]
        if versions is None:
            findings.notes.append("the run was made by another version of Headwater, of which only the hash is known")
            return 0
        planned, recipe = self.planned, self.recipe
        decides = {"factors": recipe["factors"], "steps": recipe["steps"], "version": recipe["load"]["version"]}
        codes = planned.get("reference_codes")
        parts = [
            bytes.fromhex(planned["contract"]),
            bytes.fromhex(planned["mapping"]),
            hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).digest(),
            bytes.fromhex(planned["factor_set"] or ""),
            self.units.digest if self.calculates else b"",
            versions["formula"].encode() if self.calculates else b"",
            versions["code"].encode(),
            *([bytes.fromhex(codes)] if codes else []),
        ]
        found = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
        why = "of contract, mapping, recipe, factors, units, formula and versions of the code"
        member = UNITS if self.calculates else RECIPE
        findings.compare(member, "", "logic", stored=planned["logic"], recomputed=found, why=why)
        return 2 if self.calculates else 1

    def _codes(self) -> dict[str, Collection[object]] | None:
        """The codes that records may refer to, typed as the fields that hold them."""
        if not self._reader.has(CODES):
            return None
        found: dict[str, set[object]] = {
            str(field.reference): set() for field in self.contract.fields if field.reference is not None
        }
        kinds = {field.reference: field.kind for field in self.contract.fields}
        for row in self._reader.table(CODES):
            reference = row["reference"] or ""
            if reference in found:
                found[reference].add(kinds[reference].parse(row["code"], OWN_FORMAT).value)
        return {name: frozenset(codes) for name, codes in found.items()}

    def _text(self, member: str) -> str:
        return self._reader.content(member).decode()
