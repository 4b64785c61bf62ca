"""An exported file checked: stage by stage, all that is in it computed again, to the first thing that differs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headwater.documents.counted import counted
from headwater.errors import InputRefused
from headwater.replay.chain import Chain
from headwater.replay.chunks import ChunkCheck, Totals
from headwater.replay.container import MANIFEST, Reader, only_known
from headwater.replay.differences import UNFIT, Difference, Findings
from headwater.replay.evidence import RunEvidence
from headwater.replay.figures import PLACES, as_decimal
from headwater.replay.inventory import InventoryCheck

CODE = ("__main__.py", "headwater/")
"""Members that are the script, by how their names begin."""
KINDS = ("emission", "run", "inventory")


def check_file(path: Path, *, own_code: Mapping[str, bytes] | None = None) -> Findings:
    """Check a file; InputRefused where it is none, or holds more than is opened.

    `own_code` is the script as an installed Headwater has it: the file's own is held beside it, and never run.
    """
    reader = Reader(path)
    findings = Findings()
    try:
        only_known(str(reader.manifest.get("kind")), KINDS)
        _check(reader, path.name, findings, own_code)
    except UNFIT as error:
        raise InputRefused(
            "the manifest does not say what it should", where=f"{path.name}, {MANIFEST}", value=repr(error)[:200]
        ) from error
    finally:
        reader.close()
    return findings


def _check(reader: Reader, name: str, findings: Findings, own_code: Mapping[str, bytes] | None) -> None:
    findings.facts |= {
        "file": name,
        "kind": reader.manifest["kind"],
        "about": dict(reader.manifest.get("about", {})),
        "script": _script_digest(reader),
    }
    _check_container(reader, findings)
    _compare_code(reader, findings, own_code)
    (_check_inventory if reader.manifest["kind"] == "inventory" else _check_run)(reader, findings)


def _check_container(reader: Reader, findings: Findings) -> None:
    with findings.stage("file") as stage:
        if not reader.knows_manifest:
            findings.changed.append(MANIFEST)
            findings.differ(Difference(member=MANIFEST, why="the seal is of another manifest"))
        noted = reader.manifest["members"]
        for name in sorted({*noted, *reader.members} - {MANIFEST}):
            if name not in noted or not reader.has(name):
                findings.changed.append(name)
                findings.differ(Difference(member=name, why="it is missing" if name in noted else "nothing names it"))
                continue
            stage.count += 1
            with findings.stage_part(name):
                _check_member(reader, findings, name, noted[name])
        if not reader.is_whole:
            findings.differ(Difference(member=reader.name, why="its seal does not hold: some byte of it was changed"))
        stage.said = f"{stage.count} members, each by its SHA-256, and the seal over all bytes"


def _check_member(reader: Reader, findings: Findings, name: str, noted: str) -> None:
    try:
        found = reader.digest(name)
    except InputRefused:
        findings.changed.append(name)
        raise
    if found != noted:
        findings.changed.append(name)
        line = reader.first_changed_line(name)
        row = f"line {line}" if line else ""
        findings.compare(name, row, "SHA-256", stored=noted, recomputed=found, why="the content of the member")


def _script_digest(reader: Reader) -> str:
    """One hash of the whole script: of its members' names and hashes, as the manifest has them."""
    listed = sorted((name, digest) for name, digest in reader.manifest["members"].items() if name.startswith(CODE))
    return hashlib.sha256("".join(f"{name} {digest}\n" for name, digest in listed).encode()).hexdigest()


def _compare_code(reader: Reader, findings: Findings, own_code: Mapping[str, bytes] | None) -> None:
    if own_code is None:
        findings.notes.append(
            "this script stands in the file that it checks; `headwater replay check` of an installed Headwater checks"
            " with its own, and says whether both are the same"
        )
        return
    noted = {name: digest for name, digest in reader.manifest["members"].items() if name.startswith(CODE)}
    own = {name: hashlib.sha256(content).hexdigest() for name, content in own_code.items()}
    findings.facts["script_is_own"] = noted == own
    if noted != own:
        findings.notes.append(
            f"the script inside, by {reader.manifest.get('made_by')}, is not the one of this version of Headwater;"
            " what is said here comes from this version's"
        )


def _check_run(reader: Reader, findings: Findings) -> None:
    manifest = reader.manifest
    numbers: list[int] = list(manifest["chunks"])
    chain = _walked(reader, findings, f"run/{manifest['run']['run_id']}")
    evidence, totals = RunEvidence(reader, chain), Totals()
    with findings.stage("documents") as stage:
        stage.count = evidence.check(findings)
        _check_about(reader, findings, chain, numbers)
        stage.said = "contract, mapping, recipe, factors and units are those that the audit chain cites"
    checks = [ChunkCheck(reader, evidence, findings, totals, number) for number in numbers]
    with findings.stage("records") as stage:
        for check in checks:
            check.records()
            check.ledger()
        stage.count = totals.records
        stage.said = f"{counted(totals.records - totals.withheld, 'record')} worked through from their cells"
        if totals.withheld:
            stage.said += f", {totals.withheld:,} known by hash only: they may not be passed on"
    with findings.stage("rows") as stage:
        for check in checks:
            check.rows()
        stage.count = totals.rows
        stage.said = f"{counted(totals.rows, 'row')} computed again, and found in the hashes that the audit chain holds"
    if evidence_calculates(findings, evidence):
        with findings.stage("figures") as stage:
            for check in checks:
                check.figures()
            stage.count = totals.figures + totals.by_hash
            by_hash = f"; {totals.by_hash:,} checked by hash" if totals.by_hash else ""
            stage.said = f"{counted(totals.figures, 'figure')} calculated again{by_hash}"
    _tell(findings, manifest, totals)


def _check_about(reader: Reader, findings: Findings, chain: Chain, numbers: list[int]) -> None:
    """What the file says it is about is what is in it: the run, all of its chunks, the activity."""
    manifest, committed = reader.manifest, chain.committed()
    if manifest["kind"] == "emission":
        committed = [number for number in committed if number in numbers][:1]
        activities = [line[1][0] for _, line in reader.records(f"chunks/{numbers[0]}/figures.jsonl")]
        told, why = [manifest["about"].get("activity_id")], "the activity that the file is about"
        findings.compare(MANIFEST, "", "about", stored=told, recomputed=activities, why=why)
    why = "the chunks that were committed, as the audit chain says"
    findings.compare(MANIFEST, "", "chunks", stored=numbers, recomputed=committed, why=why)
    told, why = manifest["about"].get("run"), "the run that the file is about"
    findings.compare(MANIFEST, "", "about", stored=told, recomputed=manifest["run"]["run_id"], why=why)


def _walked(reader: Reader, findings: Findings, resource: str) -> Chain:
    """The chain, gone through; what it holds of this resource is at hand."""
    chain = Chain(reader, findings, resource)
    with findings.stage("audit chain") as stage:
        chain.walk()
        stage.count = chain.last - chain.first + 1
        head = _anchor(reader.manifest)
        stage.said = f"entries {chain.first} to {chain.last}, each linked to the next; the head is {head}"
    return chain


def _check_inventory(reader: Reader, findings: Findings) -> None:
    manifest = reader.manifest
    inventory_id = manifest["inventory"]["inventory_id"]
    chain = _walked(reader, findings, f"inventory/{inventory_id}")
    inventory = InventoryCheck(reader, chain, findings)
    with findings.stage("documents") as stage:
        stage.count = inventory.documents()
        told, why = manifest["about"].get("inventory_id"), "the inventory that the file is about"
        findings.compare(MANIFEST, "", "about", stored=told, recomputed=inventory_id, why=why)
        stage.said = "document, lines and everything pinned are those that the audit chain cites"
    with findings.stage("pinned rows") as stage:
        stage.count = inventory.pinned()
        stage.said = f"{counted(inventory.rows, 'row')} of activities, factors and instruments, each by its hash"
    with findings.stage("choices") as stage:
        stage.count = inventory.choices()
        stage.said = f"{counted(stage.count, 'factor')} chosen again by the document's policy"
    with findings.stage("lines") as stage:
        stage.count = inventory.calculated()
        by_hash = f", {inventory.by_hash:,} of them by hash only" if inventory.by_hash else ""
        stage.said = f"{counted(inventory.lines, 'line')} computed again from the pinned rows{by_hash}"
    findings.facts["co2e_kg"] = {
        f"{gwp_set}, {name}": f"{as_decimal(total, PLACES):f}"
        for (gwp_set, name), total in sorted(inventory.totals.items())
    }
    findings.facts["anchor"] = _anchor(manifest)
    findings.notes += [str(note) for note in manifest.get("notes", ())]


def evidence_calculates(findings: Findings, evidence: RunEvidence) -> bool:
    """Whether there are figures to check; what cannot be told is a difference already."""
    try:
        return evidence.calculates
    except KeyError:
        findings.notes.append("the chain does not tell of the run, so that its figures are not looked at")
        return False


def _tell(findings: Findings, manifest: Mapping[str, Any], totals: Totals) -> None:
    findings.facts["co2e_kg"] = {
        f"{gwp_set}, scope {scope}": f"{total:f}" for (gwp_set, scope), total in sorted(totals.co2e_kg.items())
    }
    findings.facts["anchor"] = _anchor(manifest)
    findings.notes += [str(note) for note in manifest.get("notes", ())]


def _anchor(manifest: Mapping[str, Any]) -> str:
    return str(manifest["chain"]["anchor"])
