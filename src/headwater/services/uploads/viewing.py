"""Imports as people look at them: the list, one with its run, its first rows, its errors by rule, its history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from headwater.connectors.files import FileConfig
from headwater.errors import Conflict
from headwater.services import kept_mappings
from headwater.services.access.policy import Right
from headwater.services.listing import Listed, Page, Question, ask, by_name
from headwater.services.run_progress import progress
from headwater.services.samples import take_sample
from headwater.services.trials.previews import preview
from headwater.services.uploads.reaching import reached_import
from headwater.services.uploads.receiving import path_of
from headwater.store import audit, imports, quarantine, runs
from headwater.store.listing import Column, Order
from headwater.store.quarantine import Which

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.services.answers.imports import EntryListed, FirstRows, ImportErrors, ImportShown, RuleBroken
    from headwater.services.installation import Installation
    from headwater.services.trials.previews import Preview
    from headwater.store.imports import Import

STALE = timedelta(seconds=30)
EXAMPLES = 5
_COLUMNS = by_name(
    [
        Column(name="import_id", type="uuid", nullable=False),
        Column(name="state", type="text", nullable=False),
        Column(name="name", type="text", nullable=False),
        Column(name="size", type="bigint", nullable=False),
        Column(name="received", type="bigint", nullable=False),
        Column(name="sha256", type="bytea"),
        Column(name="mapping", type="text"),
        Column(name="error", type="jsonb"),
        Column(name="run_id", type="uuid"),
        Column(name="job_id", type="uuid"),
        Column(name="version", type="integer", nullable=False),
        Column(name="created_by", type="text", nullable=False),
        Column(name="created_at", type="timestamptz", nullable=False),
        Column(name="updated_at", type="timestamptz", nullable=False),
    ]
)
IMPORTS = Listed(
    what="imports",
    table="imports",
    columns=_COLUMNS,
    order=[Order(column=_COLUMNS["created_at"], descending=True)],
    key=["import_id"],
    filters=frozenset(_COLUMNS) - {"error"},
)


def list_imports(installation: Installation, question: Question) -> Page:
    """Imports, the latest first, each with its unit; of one that is a run, the run's state stands beside it.

    To whom reads in single units only, those of these.
    """
    seen = installation.seeing(Right.READ)
    page = ask(seen, IMPORTS, question)
    planned = [item["run_id"] for item in page.items if item["run_id"] is not None]
    with seen.database.connect(seen.tenant_id) as connection:
        states = runs.states_of(connection, seen.tenant_id, planned)
        units = imports.units_of(connection, seen.tenant_id, [item["import_id"] for item in page.items])
    for item in page.items:
        item["unit_id"] = units[item["import_id"]]
        item["sha256"] = bytes(item["sha256"]).hex() if item["sha256"] is not None else None
        item["run_state"] = states.get(item["run_id"])
    return page


def get(installation: Installation, import_id: UUID) -> Import:
    """One import as it is kept."""
    return reached_import(installation, Right.READ, import_id)[1]


def show(installation: Installation, import_id: UUID) -> ImportShown:
    """One import with what inspection found and, once there is one, how far its run is."""
    whole, import_ = reached_import(installation, Right.READ, import_id)
    with whole.database.connect(whole.tenant_id) as connection:
        unit_id = imports.units_of(connection, whole.tenant_id, [import_id])[import_id]
    told: Any = {
        **vars(import_),
        "unit_id": unit_id,
        "sha256": import_.sha256.hex() if import_.sha256 else None,
        "run": progress(whole, import_.run_id) if import_.run_id else None,
    }
    shown: ImportShown = told
    return shown


def waits_for_nobody(import_: Import) -> bool:
    """Whether the next step is ours."""
    return import_.state in {"uploaded", "scanned", "mapped"} or (
        import_.state == "inspected" and import_.mapping is not None
    )


def was_left(import_: Import) -> bool:
    """Whether it waits for nobody, and whoever worked on it was perhaps killed."""
    return waits_for_nobody(import_) and datetime.now(UTC) - import_.updated_at > STALE


def rows(installation: Installation, import_id: UUID, *, limit: int, mapping: str | None) -> FirstRows | Preview:
    """The first rows of a file that is not a run yet: as they came or, by a mapping, as they would land."""
    installation, import_ = reached_import(installation, Right.WRITE, import_id)
    path = path_of(installation, import_)
    if import_.state in {"uploading", "cancelled"} or not path.is_file():
        raise Conflict(
            f"the import is {import_.state}, and its file is not there to look at",
            where="import",
            value=import_id,
            valid="an import that is uploaded, scanned, inspected, mapped or refused",
        )
    if mapping is None:
        sample = take_sample(path, FileConfig(), records=limit)
        return {
            "columns": sample.rows.column_names,
            "numbers": list(sample.numbers),
            "rows": [list(row.values()) for row in sample.rows.to_pylist()],
            "is_whole": sample.is_whole,
        }
    with kept_mappings.mapping_file(installation, mapping) as document:
        return preview(path, str(document), rows=limit, installation=installation)


def errors(installation: Installation, import_id: UUID) -> ImportErrors:
    """What its run refused, by rule, each with the first records; the most frequent first."""
    installation, import_ = reached_import(installation, Right.WRITE, import_id)
    if import_.run_id is None:
        told: Any = import_.error
        return {"refused": told if import_.error else None, "rules": []}
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        which = Which(state=None, run_id=import_.run_id)
        still = dict(quarantine.count_by_rule(connection, tenant_id, replace(which, state="open")))
        found: list[RuleBroken] = []
        for rule, count in quarantine.count_by_rule(connection, tenant_id, which).items():
            of_rule = Which(state=None, run_id=import_.run_id, rule=rule)
            first, _ = quarantine.list_quarantined(connection, tenant_id, of_rule, limit=EXAMPLES)
            examples: list[Any] = [
                {"id": str(each.key), "line": each.line, **finding}
                for each in first
                for finding in each.findings
                if finding["rule"] == rule
            ]
            left = still.get(rule, 0)
            found.append({"rule": rule, "records": count, "examples": examples[:EXAMPLES], "open": left})
    return {"refused": None, "rules": found}


def history(installation: Installation, import_id: UUID) -> list[EntryListed]:
    """What was done with it, and with its run, from the audit chain."""
    installation, import_ = reached_import(installation, Right.READ, import_id)
    with installation.database.connect(installation.tenant_id) as connection:
        found = list(audit.entries_of(connection, installation.tenant_id, f"import/{import_id}"))
        if import_.run_id is not None:
            found += audit.entries_of(connection, installation.tenant_id, f"run/{import_.run_id}")
    return [
        {"seq": each.seq, "at": each.at, "actor": each.actor, "action": each.action, "result": each.result}
        for each in sorted(found, key=lambda entry: entry.seq)
    ]
