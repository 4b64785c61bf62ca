"""Records entered or corrected by hand: one small run, so that they are checked, calculated and audited as any other.

Each entry is a source of its own, whose raw file is what was entered: a trace leads back to who entered it and when.
"""

from __future__ import annotations

import csv
import json
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from headwater.errors import Conflict, InputRefused, Misuse
from headwater.services import records
from headwater.services.access.changing import in_use
from headwater.services.access.policy import Right
from headwater.services.access.record_units import note_assigned
from headwater.services.access.within_units import inside
from headwater.services.contracts_view import loadable
from headwater.services.folders import SourceFile
from headwater.services.imports import carry_out, file_recipe, plan_source
from headwater.services.quarantine import quarantines
from headwater.services.runs_view import show_run
from headwater.store import quarantine, source_units
from headwater.store.holding import held_record
from headwater.store.load import ChangedMeanwhile
from headwater.store.quarantine import Which
from headwater.telemetry import SilentProgress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headwater.contracts import Document
    from headwater.services.answers.records import RecordCorrected, RecordsEntered, RefusedEntered
    from headwater.services.installation import Installation
    from headwater.services.records import Record
    from headwater.store.database import TenantConnection
    from headwater.store.quarantine import Quarantined
    from headwater.store.runs import Run

MOST = 1000
TRIES = 5
"""So often a record is looked at anew that imports keep changing while it is corrected."""
Value = str | int | bool | None


def enter(
    installation: Installation,
    reference: str,
    entered: Sequence[Mapping[str, Value]],
    *,
    unit_id: UUID | None = None,
    corrects: str | None = None,
) -> RecordsEntered:
    """Load records as they were entered: the run, and what was refused of them, which is open in quarantine.

    unit_id: the unit that they belong to; left out, they are the organisation's.
    corrects: the version of the one record that they were made from; ChangedMeanwhile where another stands when they
    are loaded.
    """
    installation.require(Right.WRITE, unit_id, on=f"records/{reference}")
    if unit_id is not None:
        with installation.database.connect(installation.tenant_id) as connection:
            in_use(connection, installation.tenant_id, unit_id)
        installation = inside(installation)
    document = loadable(records.contract_of(installation, reference), where="contract")
    names = [spec.name for spec in document.fields]
    for each in entered:
        unknown = sorted(set(each) - set(names))
        if unknown:
            raise Misuse(
                "the contract has no such field", where=document.name, value=unknown[0], valid=", ".join(names)
            )
    with TemporaryDirectory(prefix="headwater-") as folder:
        mapping = Path(folder) / "by_hand.yaml"
        mapping.write_text(json.dumps(_mapping(document)), encoding="utf-8")
        path = Path(folder) / "entered.csv"
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(names)
            writer.writerows([_text(each.get(name)) for name in names] for each in entered)
        name = f"entered by hand {uuid4()}"
        recipe = file_recipe(path.name, mapping.name, source_name=name)
        file = SourceFile(path=path, name=path.name, alone=True)
        together = None if unit_id is None else partial(_give_to, tenant_id=installation.tenant_id, unit_id=unit_id)
        run_id = plan_source(installation, recipe, mapping.parent, file, together=together, corrects=corrects)
    carry_out(installation, run_id, progress=SilentProgress())
    with installation.database.connect(installation.tenant_id) as connection:
        which = Which(state="open", run_id=run_id)
        refused, _ = quarantine.list_quarantined(connection, installation.tenant_id, which, limit=MOST)
    return {
        "run": show_run(installation, run_id).as_json(),
        "refused": [{"id": str(each.key), "findings": _findings(each)} for each in refused],
    }


def correct(
    installation: Installation, reference: str, key: str, values: Mapping[str, Value], *, expected: str | None
) -> RecordCorrected:
    """The same for one that stands, which keeps what is not named. Its key is not to be changed.

    Conflict with both versions where it is another than `expected` by now. InputRefused where it would break a rule;
    then it stands as it was.
    """
    seen = installation.seeing(Right.WRITE, on=f"records/{reference}")
    document = records.contract_of(installation, reference)
    keys = [spec.name for spec in document.key if spec.name in values]
    with held_record(installation.database, installation.tenant_id, f"{document.name}@{document.major}", key):
        for _ in range(TRIES):
            stands = records.show_record(inside(seen), reference, key, clear=True)
            if expected is not None and stands.version != expected:
                raise _changed(seen, reference, stands, expected, values)
            if keys:
                raise Misuse(
                    "the key names the record and is not changed", where=keys[0], remedy="Enter another record."
                )
            unit_id, whole = UUID(stands.unit_id) if stands.unit_id else None, {**stands.values, **values}
            try:
                answer = enter(installation, reference, [whole], unit_id=unit_id, corrects=stands.version)
            except ChangedMeanwhile:
                continue
            if answer["refused"]:
                raise _put_aside(installation, answer["refused"][0])
            return {"run": answer["run"], "record": records.show_record(inside(seen), reference, key)}
    raise Conflict(
        "others keep changing this record", where=document.name, value=key, remedy="Wait for the imports that bring it."
    )


def _put_aside(installation: Installation, refused: RefusedEntered) -> InputRefused:
    """What is wrong with a correction. It is not left open: nobody mends it, for it is sent again as it should be."""
    quarantines.dismiss_records(installation, [refused["id"]], reason="a correction by hand, which was refused at once")
    findings = refused["findings"]
    return InputRefused(
        "; ".join(each["message"] for each in findings),
        where=findings[0].get("field"),
        value=findings[0].get("value"),
        valid=findings[0].get("valid"),
        remedy="The record stands as it was: correct it with values that its contract takes.",
    )


def _changed(
    seen: Installation, reference: str, stands: Record, expected: str, values: Mapping[str, Value]
) -> Conflict:
    error = Conflict(
        "it was changed since you looked",
        where="If-Match",
        value=expected,
        valid=stands.version,
        remedy="Look again, then decide.",
    )
    error.mine, error.theirs = dict(values), dict(records.show_record(inside(seen), reference, stands.key).values)
    return error


def _give_to(connection: TenantConnection, run: Run, *, tenant_id: UUID, unit_id: UUID) -> None:
    """What is entered is a source of its own, which nobody has loaded yet."""
    source_units.assign(connection, tenant_id, run.source_id, unit_id, ())
    note_assigned(connection, tenant_id, run.source_id, unit_id, name=run.source_name, rows=0)


def _findings(refused: Quarantined) -> list[Any]:
    return list(refused.findings)


def _mapping(document: Document) -> dict[str, Any]:
    return {
        "mapping": f"{document.name.replace('.', '_')}_by_hand",
        "version": document.version,
        "contract": f"{document.name}@{document.major}",
        "source": {"format": "csv", "delimiter": ",", "encoding": "utf-8", "quote": '"'},
        "fields": {spec.name: {"column": spec.name} for spec in document.fields},
    }


def _text(value: Value) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
