"""Runs as people look at them: what each rests on, its ledger, what was found, what is left to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from headwater.connectors.files import WORKBOOKS
from headwater.documents.counted import counted
from headwater.pipeline.replacing import REPLACED_RULE
from headwater.services.access.policy import Right
from headwater.services.access.within_units import may_reach
from headwater.services.connectors.differences import also_delivered, at_source, explained
from headwater.services.drift import drift_in_words
from headwater.services.quarantine.mending import open_after_resubmission
from headwater.services.sources import file_of, reading_from_json
from headwater.store import findings, runs, source_units
from headwater.store.chunks import Ledger, chunks_of, ledger_of
from headwater.store.documents import get_contract, get_document
from headwater.store.kept_errors import why
from headwater.store.quarantine import key_taken, open_of_earlier_runs, settled_of_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from headwater.services.answers.runs import KeysTaken, RunLedger, RunShown, RunTold
    from headwater.services.installation import Installation
    from headwater.store.quarantine import KeyTaken
    from headwater.store.runs import Run


TAKEN_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class RunView:
    """A run with its ledger.

    contract, mapping   name and version
    refused             rule -> findings on records that are open in quarantine; for a resubmission on refused repairs
    noticed             rule -> findings on records that were loaded, chunks reused included
    open                records of the run that are open in quarantine
    taken               for a resubmission, the first records refused as another has their key, and how many there are
    gaps                chunk number -> why it could not be loaded
    unit_id             the unit of its source; None where it is the organisation's
    open_before         of a sync, which runs before it, the latest first, refused records of its source that are open
                        still and that it did not meet, and how many
    settled             records of the run that are in quarantine and not open, by state; of a resubmission nothing
    """

    run: Run
    contract: str
    mapping: str
    ledger: Ledger
    refused: Mapping[str, int]
    noticed: Mapping[str, int]
    open: int
    taken: tuple[Sequence[KeyTaken], int]
    gaps: Mapping[int, str]
    unit_id: UUID | None
    open_before: Mapping[UUID, int] = field(default_factory=dict)
    settled: Mapping[str, int] = field(default_factory=dict)

    @property
    def drift(self) -> tuple[str, ...]:
        """What changed in the columns since the last file through the mapping, and what was done about it."""
        return drift_in_words(self.run.layout.get("drift"))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was noticed about the file as a whole."""
        return tuple(self.run.layout.get("warnings", ()))

    @property
    def nothing_deleted(self) -> str | None:
        """Why a full sync left what its source no longer holds; None where it did not, or is none."""
        return (self.run.reconciliation or {}).get("nothing_deleted")

    @property
    def deleted(self) -> Mapping[str, int] | None:
        """Rows that a full load has deleted, since its source no longer holds them: `records`, and `results` that were
        calculated from them; None where it is none, or deleted nothing for a reason.
        """
        found: Mapping[str, int] | None = (self.run.reconciliation or {}).get("deleted")
        return found

    @property
    def differences(self) -> tuple[str, ...]:
        """What differing sums of a sync may come from, and where to look; () where none differs."""
        gaps = self.run.chunks_planned - self.ledger.committed  # of a source that was left alone some were never begun
        return explained(self.run.run_id, self.run.reconciliation or {}, gaps=gaps)

    @property
    def at_source(self) -> tuple[str, ...]:
        """Of a sync what the source itself counts and sums otherwise than what was read of it; () where nothing."""
        return at_source(self.run.reconciliation or {})

    @property
    def left_as_made(self) -> tuple[str, ...]:
        """Of a sync of what changed: records that were not read again since the mapping became another; () for none."""
        made: Mapping[str, int] = (self.run.reconciliation or {}).get("made_by_other_mappings", {})
        name, _, now = self.mapping.rpartition(" ")
        return tuple(
            f"{counted(count, 'record stands', 'records stand')} as {_earlier(name, version, now)} made "
            f"{'it' if count == 1 else 'them'}, since only what changed was read; a full load (--full, or "
            f"load.strategy: full in a recipe) brings {'it' if count == 1 else 'them'} anew"
            for version, count in made.items()
        )

    @property
    def also_delivered(self) -> tuple[str, ...]:
        """Of a sync of all rows: how many of them another source delivers too."""
        return also_delivered(self.run.reconciliation or {})

    @property
    def remote(self) -> Mapping[str, str] | None:
        """Of a file of a store its `version` there, and its `address` as the store says it, if it does."""
        found: Mapping[str, str] | None = self.run.layout.get("remote")
        return found

    @property
    def replaced(self) -> int:
        """Records that took the place of what another source had brought under their key."""
        return self.noticed.get(REPLACED_RULE, 0)

    @property
    def workbook(self) -> str | None:
        """How the name of the workbook must end in which the run's records can be mended; None where there is none."""
        reading = reading_from_json(dict(self.run.layout))
        if reading is None or reading.format not in WORKBOOKS or self.run.kind != "import":
            return None
        name = reading.member or file_of(self.run.layout) or self.run.source_name
        return ".xlsm" if name.lower().endswith(".xlsm") else ".xlsx"

    @property
    def is_complete(self) -> bool:
        """Whether every chunk is committed and the run has ended, so that resuming it has nothing to do."""
        ended = self.run.state in {"succeeded", "succeeded_with_quarantine"}
        return ended and self.ledger.committed == self.run.chunks_planned

    @property
    def seconds(self) -> float | None:
        """From the plan to the end of the last attempt; None while it runs."""
        if self.run.finished_at is None:
            return None
        return max(0.0, (self.run.finished_at - self.run.started_at).total_seconds())  # the clock may be set back

    def as_json(self) -> RunShown:
        """Plain values; the ledger's counts add up: read = mapped + skipped + quarantined_raw, produced = the rest."""
        shown: RunShown = {
            **run_as_json(self.run, unit_id=self.unit_id),  # type: ignore[typeddict-item]  # it has none of what follows
            "contract": self.contract,
            "mapping": self.mapping,
            "seconds": self.seconds,
            "ledger": _counts(self.ledger),
            "remote": _as_kept(self.remote),
            "deleted": _as_kept(self.deleted),
            "chunks": {
                "planned": self.run.chunks_planned,
                "committed": self.ledger.committed,
                "failed": self.ledger.failed,
            },
            "findings": {"refused": dict(self.refused), "noticed": dict(self.noticed)},
            "open_in_quarantine": self.open,
            "settled_in_quarantine": dict(self.settled),
            "warnings": list(self.warnings),
            "drift": self.run.layout.get("drift"),
            "gaps": {str(number): why for number, why in self.gaps.items()},
        }
        if self.open_before:
            shown["open_of_earlier_runs"] = {str(run): count for run, count in self.open_before.items()}
        if self.taken[1]:
            shown["key_taken"] = self._taken_as_json()
        if self.run.reconciliation:
            shown["reconciliation"] = _as_kept(self.run.reconciliation)
        if self.differences:
            shown["differences"] = list(self.differences)
        if self.at_source:
            shown["differs_at_source"] = list(self.at_source)
        if self.also_delivered:
            shown["also_delivered"] = list(self.also_delivered)
        if self.left_as_made:
            shown["left_as_made"] = list(self.left_as_made)
        return shown

    def _taken_as_json(self) -> KeysTaken:
        told: list[Any] = [{**asdict(each), "key": str(each.key)} for each in self.taken[0]]
        return {"records": told, "total": self.taken[1]}


def run_as_json(run: Run, *, unit_id: UUID | None) -> RunTold:
    """A run as plain values, without its layout, with the unit of its source."""
    return {
        "run_id": str(run.run_id),
        "state": _as_kept(run.state),
        "kind": run.kind,
        "source": run.source_name,
        "unit_id": str(unit_id) if unit_id else None,
        "encoding": run.encoding,
        "records_planned": run.records_planned,
        "chunks_planned": run.chunks_planned,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "correlation_id": run.correlation_id,
        "source_id": run.source_id.hex(),
        "contract_hash": run.contract_hash.hex(),
        "mapping_hash": run.mapping_hash.hex(),
        "recipe_hash": _hex(run.recipe_hash),
        "factor_set": _hex(run.factor_set),
        "reference_codes": _hex(run.reference_codes),
        "blob_sha256": _hex(run.blob_sha256),
        "text_sha256": _hex(run.text_sha256),
    }


def _counts(ledger: Ledger) -> RunLedger:
    counts: Any = {name: value for name, value in asdict(ledger).items() if name not in {"committed", "failed"}}
    told: RunLedger = counts
    return told


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _as_kept(value: Any) -> Any:
    """What the database keeps of a form that its writer gave it."""
    return value


@dataclass(frozen=True, kw_only=True)
class RunList:
    """The latest runs, how many there are in all, which of the sources belong to units, and the records that committed
    chunks of each have read.
    """

    runs: Sequence[Run]
    total: int
    units: Mapping[bytes, UUID]
    done: Mapping[UUID, int]

    def as_json(self) -> list[dict[str, Any]]:
        """The runs as plain values."""
        return [
            {**run_as_json(run, unit_id=self.units.get(run.source_id)), "records_done": self.done.get(run.run_id, 0)}
            for run in self.runs
        ]


def list_runs(installation: Installation, *, limit: int) -> RunList:
    """The latest runs first; to whom reads in single units only, those of these."""
    seen = installation.seeing(Right.READ)
    with seen.database.connect(seen.tenant_id) as connection:
        found, total = runs.list_runs(connection, seen.tenant_id, limit=limit)
        return RunList(
            runs=found,
            total=total,
            units=source_units.all_units(connection, seen.tenant_id),
            done=runs.records_done(connection, seen.tenant_id, [run.run_id for run in found]),
        )


def find_run_id(installation: Installation, run: str) -> UUID:
    """The one run whose id begins so; Misuse where there is none or more than one."""
    seen = installation.seeing(Right.READ)
    with seen.database.connect(seen.tenant_id) as connection:
        found = runs.find_run(connection, seen.tenant_id, run)
        may_reach(seen, connection, found)
        return found.run_id


def goes_back(installation: Installation, run_id: UUID) -> str | None:
    """A sentence where the source was loaded by a newer version of the mapping before: its rows will be replaced."""
    seen, tenant_id = installation.seeing(Right.READ), installation.tenant_id
    with seen.database.connect(tenant_id) as connection:
        run = runs.get_run(connection, tenant_id, run_id)
        may_reach(seen, connection, run)
        mapping = get_document(connection, tenant_id, run.mapping_hash)
        newest = max(runs.mapping_versions_before(connection, tenant_id, run_id), key=_numbers, default=mapping.version)
    if _numbers(newest) <= _numbers(mapping.version):
        return None
    return (
        f"{run.source_name} was loaded by version {newest} of mapping {mapping.name} before; this run reads it "
        f"by version {mapping.version}, which is older, and replaces what differs."
    )


def _earlier(mapping: str, version: str, now: str) -> str:
    return f"mapping {mapping} {version}" if version != now else f"an earlier text of mapping {mapping} {version}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def show_run(installation: Installation, run: str | UUID) -> RunView:
    """One run, named by its id or the beginning of it."""
    seen, tenant_id = installation.seeing(Right.READ), installation.tenant_id
    with seen.database.connect(tenant_id) as connection:
        found = runs.find_run(connection, tenant_id, str(run))
        unit_id = may_reach(seen, connection, found)
        contract = get_contract(connection, found.contract_hash)
        mapping = get_document(connection, tenant_id, found.mapping_hash)
        ledger = ledger_of(connection, tenant_id, found.run_id)
        is_repair = found.kind == "resubmit"
        may_quote = installation.actor.may(Right.WRITE, unit_id)  # as may see rows as they stand in a file
        failed = [chunk for chunk in chunks_of(connection, tenant_id, found.run_id) if chunk.state == "failed"]
        refused, refused_records = findings.refused_by_rule(connection, tenant_id, found.run_id, repairs=is_repair)
        # Where all are open nobody asks: every record in quarantine would be looked at.
        is_open = is_repair or refused_records == ledger.quarantined + ledger.quarantined_raw
        return RunView(
            run=found,
            contract=f"{contract.name} {contract.version}",
            mapping=f"{mapping.name} {mapping.version}",
            ledger=ledger,
            refused=refused,
            noticed=findings.noticed_by_rule(connection, tenant_id, found.run_id),
            open=open_after_resubmission(ledger) if is_repair else refused_records,
            taken=key_taken(connection, tenant_id, found.run_id, limit=TAKEN_SHOWN) if is_repair else ((), 0),
            gaps={chunk.chunk_no: why(connection, chunk.error, whole=may_quote) for chunk in failed},
            unit_id=unit_id,
            open_before=open_of_earlier_runs(connection, tenant_id, found.run_id) if found.kind == "sync" else {},
            settled={} if is_open else settled_of_run(connection, tenant_id, found.run_id),
        )
