"""The lists of the house's own tables: runs, jobs, what schedules did, quarantine, the audit chain, documents."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headwater.errors import Misuse
from headwater.services.access.policy import Right
from headwater.services.access.within_units import sources_seen
from headwater.services.connectors.null_cells import RefusedCells, with_nulls
from headwater.services.jobs import shown_arguments
from headwater.services.listing import Listed, Page, Question, ask, by_name
from headwater.services.quarantine.exports import which_records
from headwater.store import jobs as job_rows
from headwater.store import quarantine, schedules, source_units
from headwater.store.listing import Column, Condition, Order
from headwater.store.quarantine import QuarantineKey
from headwater.store.runs import get_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headwater.services.installation import Installation


def _columns(**types: str) -> Mapping[str, Column]:
    """Columns by name; a type that ends in `?` may be null."""
    return by_name(
        [
            Column(name=name, type=type_name.rstrip("?"), nullable=type_name.endswith("?"))
            for name, type_name in types.items()
        ]
    )


_RUNS = _columns(
    run_id="uuid", kind="text", state="text", source_name="text", source_id="bytea", connector_id="uuid?",
    contract_hash="bytea", mapping_hash="bytea", chunks_planned="integer", records_planned="bigint",
    started_at="timestamptz", finished_at="timestamptz?", error="jsonb?",
)  # fmt: skip
RUNS = Listed(
    what="runs",
    table="runs",
    columns=_RUNS,
    order=[Order(column=_RUNS["started_at"], descending=True)],
    key=["run_id"],
    filters=frozenset(_RUNS) - {"error"},
)
_CHUNKS = _columns(
    run_id="uuid", chunk_no="integer", chunk_id="uuid", state="text", records="integer", read="integer?",
    mapped="integer?", skipped="jsonb", quarantined_raw="integer?", produced="integer?", inserted="integer?",
    updated="integer?", unchanged="integer?", merged="integer?", quarantined="integer?", superseded="bigint",
    attempts="integer", error="jsonb?", committed_at="timestamptz?", first_record="bigint", first_line="bigint",
)  # fmt: skip
CHUNKS = Listed(
    what="chunks",
    table="chunks",
    columns=_CHUNKS,
    order=[],
    key=["run_id", "chunk_no"],
    filters=frozenset({"chunk_no", "state", "attempts", "committed_at", "records"}),
)
_JOBS = _columns(
    job_id="uuid", kind="text", label="text", arguments="jsonb", queue="text", priority="integer",
    time_limit="integer?", most_attempts="integer", asked_by="text", correlation_id="text?", state="text",
    attempts="integer", asked_at="timestamptz", not_before="timestamptz?", started_at="timestamptz?",
    finished_at="timestamptz?", heartbeat="timestamptz?", cancel_asked_at="timestamptz?", cancel_asked_by="text?",
    error="jsonb?", result="jsonb?", fence="bigint", sources_planned="integer?",
    sources_done="integer",
)  # fmt: skip
JOBS = Listed(
    what="jobs",
    table="jobs",
    columns=_JOBS,
    order=[Order(column=_JOBS["asked_at"], descending=True)],
    key=["job_id"],
    filters=frozenset(_JOBS) - {"arguments", "error", "result", "fence"},
)
_TIMES = _columns(schedule_id="uuid", due_at="timestamptz", outcome="text", reason="text?", job_id="uuid?")
TIMES = Listed(
    what="times of a schedule",
    table="schedule_history",
    columns=_TIMES,
    order=[Order(column=_TIMES["due_at"], descending=True)],
    key=["due_at"],
    filters=frozenset(_TIMES) - {"schedule_id"},
)
_UPDATES = _columns(
    schedule="text", job_id="uuid", source_name="text", run_id="uuid?", read="bigint", inserted="bigint",
    updated="bigint", unchanged="bigint", quarantined="bigint", errors="jsonb", improvements="jsonb",
    noted_at="timestamptz",
)  # fmt: skip
UPDATES = Listed(
    what="entries of the update log",
    table="update_log",
    columns=_UPDATES,
    order=[Order(column=_UPDATES["noted_at"], descending=True)],
    key=["job_id", "source_name"],
    filters=frozenset(_UPDATES) - {"errors", "improvements"},
)
_QUARANTINE = _columns(
    quarantine_id="uuid", occurrence="integer", source_id="bytea", contract="text", chunk_id="uuid", record_no="bigint",
    line="bigint", state="text", state_reason="text?", raw="jsonb", findings="jsonb", created_at="timestamptz",
    updated_at="timestamptz",
)  # fmt: skip
QUARANTINE = Listed(
    what="refused records",
    table="quarantine",
    columns=_QUARANTINE,
    order=[Order(column=_QUARANTINE[name]) for name in ("source_id", "record_no")],
    key=["quarantine_id", "occurrence"],
    filters=frozenset(_QUARANTINE) - {"raw", "findings"},
)
_AUDIT = _columns(
    seq="bigint", at="timestamptz", actor="text", action="text", resource="text", result="text", payload="text",
    prev_hash="bytea", entry_hash="bytea",
)  # fmt: skip
AUDIT = Listed(
    what="audit entries",
    table="audit_entries",
    columns=_AUDIT,
    order=[Order(column=_AUDIT["seq"], descending=True)],
    key=["seq"],
    filters=frozenset(_AUDIT) - {"payload"},
)
_DOCUMENTS = _columns(hash="bytea", kind="text", name="text", version="text", created_at="timestamptz")
DOCUMENTS = Listed(
    what="documents",
    table="documents",
    columns=_DOCUMENTS,
    order=[Order(column=_DOCUMENTS[name]) for name in ("name", "version")],
    key=["hash"],
)


def runs(installation: Installation, question: Question) -> Page:
    """Runs, the latest first, each with the unit of its source; to whom reads in single units only, those of these."""
    seen = installation.seeing(Right.READ)
    page = ask(seen, RUNS, question, allowed=_of_units(seen, _RUNS["source_id"]))
    with seen.database.connect(seen.tenant_id) as connection:
        units = source_units.all_units(connection, seen.tenant_id)
    for item in page.items:
        item["unit_id"] = units.get(bytes(item["source_id"]))
    return _plain(page)


def chunks(installation: Installation, run_id: str, question: Question) -> Page:
    """The chunks of a run with the ledger of each."""
    seen = installation.seeing(Right.READ)
    of_run = Condition(column=_CHUNKS["run_id"], operator="eq", value=run_id)
    return _plain(ask(seen, CHUNKS, question, also=[of_run]))


def jobs(installation: Installation, question: Question, *, state: str | None = None) -> Page:
    """Jobs, the latest first, and how many there are; to whom reads in single units only, those of runs of these."""
    seen = installation.seeing(Right.READ)
    if state is not None and state not in job_rows.STATES:
        raise Misuse("jobs have no such state", where="state", value=state, valid=", ".join(job_rows.STATES))
    page = ask(seen, JOBS, replace(question, count=True), also=_equal(_JOBS["state"], state))
    with seen.database.connect(seen.tenant_id) as connection:
        names = schedules.names_of(connection, seen.tenant_id, [item["asked_by"] for item in page.items])
    for item in page.items:
        item["schedule"] = names.get(item["asked_by"])
        item["arguments"] = shown_arguments(item["arguments"])
    return page


def schedule_history(installation: Installation, name: str, question: Question) -> Page:
    """The latest times of a schedule first: what was done about each, how its job ended and why it failed."""
    installation.require(Right.READ)
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        found = schedules.find_schedule(connection, tenant_id, name)
    page = ask(installation, TIMES, question, also=_equal(_TIMES["schedule_id"], str(found.schedule_id)))
    with installation.database.connect(tenant_id) as connection:
        asked = [item["job_id"] for item in page.items if item["job_id"] is not None]
        ends = job_rows.ends_of(connection, tenant_id, asked)
    for item in page.items:
        del item["schedule_id"]
        item.update(ends.get(item["job_id"], job_rows.NO_END))
    return page


def updates(installation: Installation, question: Question, *, name: str | None = None) -> Page:
    """The update log, the latest first: per job and source counts, errors, and what got better."""
    installation.require(Right.READ)
    return ask(installation, UPDATES, question, also=_equal(_UPDATES["schedule"], name))


def refused(installation: Installation, question: Question, *, run: str | None, rule: str | None) -> Page:
    """Refused records in the order of their sources, as their source wrote them: for who may mend them. A cell is None
    where a table has no value there, as far as what was read is held.
    """
    seen = installation.seeing(Right.WRITE)
    with seen.database.connect(seen.tenant_id) as connection:
        which = which_records(connection, seen, state=None, run=run, rule=rule)
    of_units = _of_units(seen, _QUARANTINE["source_id"])
    page = _plain(ask(seen, QUARANTINE, question, within=which, allowed=of_units))
    for item in page.items:
        item["id"] = f"{item['quarantine_id']}.{item['occurrence']}"
    _tell_nulls(seen, page.items)
    return page


def _tell_nulls(seen: Installation, items: Sequence[dict[str, Any]]) -> None:
    keys = [QuarantineKey(quarantine_id=item["quarantine_id"], occurrence=item["occurrence"]) for item in items]
    with seen.database.connect(seen.tenant_id) as connection:
        last = quarantine.last_run_of_each(connection, seen.tenant_id, keys)
        found = {run_id: get_run(connection, seen.tenant_id, run_id) for run_id in set(last.values())}
        read = [
            (found[last[key]], RefusedCells(chunk_id=item["chunk_id"], record_no=item["record_no"], raw=item["raw"]))
            for key, item in zip(keys, items, strict=True)
        ]
        for item, cells in zip(items, with_nulls(seen, connection, read), strict=True):
            item["raw"] = cells


def refused_by_rule(installation: Installation, *, run: str | None, state: str | None) -> dict[str, int]:
    """How many refused records break each rule; one that breaks two counts for both."""
    seen = installation.seeing(Right.READ)
    with seen.database.connect(seen.tenant_id) as connection:
        which = which_records(connection, seen, state=state, run=run, rule=None)
        return dict(quarantine.count_by_rule(connection, seen.tenant_id, which))


def audit_entries(installation: Installation, question: Question) -> Page:
    """The audit chain, the latest first."""
    installation.require(Right.READ)
    page = _plain(ask(installation, AUDIT, question))
    for item in page.items:
        item["payload"] = json.loads(item["payload"])
    return page


def documents(installation: Installation, kind: str, question: Question) -> Page:
    """Documents of a kind that runs and inventories of the organisation rest on."""
    installation.require(Right.READ)
    of_kind = Condition(column=_DOCUMENTS["kind"], operator="eq", value=kind)
    return _plain(ask(installation, DOCUMENTS, question, also=[of_kind]))


def _equal(column: Column, value: str | None) -> list[Condition]:
    """That rows hold this; nothing where it is None."""
    return [] if value is None else [Condition(column=column, operator="eq", value=value)]


def _of_units(seen: Installation, source_id: Column) -> list[Condition]:
    """That rows are of the sources of the units that are seen; nothing where all are."""
    sources = sources_seen(seen)
    return [] if sources is None else [Condition(column=source_id, operator="in", value=sources)]


def _plain(page: Page) -> Page:
    """Hashes as hexadecimal digits."""
    for item in page.items:
        for name, value in item.items():
            if isinstance(value, bytes | memoryview):
                item[name] = bytes(value).hex()
    return page
