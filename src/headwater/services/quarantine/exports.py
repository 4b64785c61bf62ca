"""Refused records as CSV for a spreadsheet: which, why, where, then their cells as they were read."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from headwater.documents.nulls import NULL
from headwater.errors import Misuse
from headwater.pipeline.mending import MendForm, guard
from headwater.pipeline.refusals import RAGGED_RULE, UNCUT
from headwater.services.access.policy import Right
from headwater.services.connectors.null_cells import with_nulls
from headwater.services.sources import layout_from_json
from headwater.store import quarantine, runs
from headwater.store.quarantine import AS_MENDED, Quarantined, Which

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta
    from uuid import UUID

    from headwater.documents.delimiters import Delimiter
    from headwater.services.installation import Installation
    from headwater.store.runs import Run

Tried = Sequence[Mapping[str, Any]] | None
"""What was wrong with a record as it was mended last."""
NULLS = f"{NULL} null at the source, not empty"
_AT_ONCE = 1000
BYTE_ORDER_MARK = "\ufeff"
"""Without it, spreadsheets read UTF-8 as something else."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What an export holds.

    run_id  the run that refused all of it: the one it was asked of, or the only one; None where there are several
    runs    how many refused some of it last
    """

    rows: int
    source_name: str
    run_id: UUID | None
    runs: int
    columns: tuple[str, ...]


def export(
    installation: Installation, out: IO[str], *, run: str | None, rule: str | None, delimiter: Delimiter = ","
) -> Exported:
    """Write open records as CSV: which, why (and of what was mended in vain, why that was), where, then their cells as
    they were read.

    Misuse where the records chosen do not all belong to one source read by one mapping, naming the runs to choose from,
    or where there are none.
    """
    seen, tenant_id = installation.seeing(Right.WRITE), installation.tenant_id
    with seen.database.connect(tenant_id) as connection:
        which = which_records(connection, seen, state="open", run=run, rule=rule)
        origins = [
            runs.get_run(connection, tenant_id, run_id) for run_id in quarantine.last_runs(connection, tenant_id, which)
        ]
        if not origins:
            raise Misuse(
                "there is nothing to export: no record chosen is open in quarantine",
                where="quarantine",
                value=run,
                remedy="`headwater quarantine list` shows what is open.",
            )
        form = form_of(origins, has_record=quarantine.has_uncut(connection, tenant_id, which))
        records = quarantine.each_quarantined(connection, tenant_id, which)
        latest = latest_of(origins)
        tried = quarantine.with_last_tries(connection, tenant_id, records)
        rows = write_rows(out, form, _with_nulls(seen, connection, latest, tried), delimiter=delimiter)
    return Exported(
        rows=rows,
        source_name=latest.source_name,
        run_id=which.run_id or (latest.run_id if len(origins) == 1 else None),
        runs=len(origins),
        columns=form.header,
    )


def export_run(installation: Installation, out: IO[str], run: Run) -> int:
    """Write what one run refused first or last, whatever became of it since, in the same form; how many records.

    That is all it refused until a later run refuses some of it again: of a record the first and the last run that did
    are known, and not those between them.
    """
    tenant_id = installation.tenant_id
    which = Which(state=None, run_id=run.run_id)
    with installation.database.connect(tenant_id) as connection:
        form = form_of([run], has_record=quarantine.has_uncut(connection, tenant_id, which))
        records = quarantine.each_quarantined(connection, tenant_id, which)
        untried = ((record, None) for record in records)
        return write_rows(out, form, _with_nulls(installation, connection, run, untried))


def which_records(
    connection: Any,
    installation: Installation,
    *,
    state: str | None,
    run: str | None,
    rule: str | None,
    older_than: timedelta | None = None,
) -> Which:
    """A choice of refused records; Misuse where run or rule name nothing. What is None does not restrict it."""
    run_id = runs.find_run(connection, installation.tenant_id, run).run_id if run else None
    if rule is not None:
        _check_rule(connection, installation, rule)
    return Which(state=state, run_id=run_id, rule=rule, older_than=older_than)


def _check_rule(connection: Any, installation: Installation, rule: str) -> None:
    """Misuse where no contract has such a rule and no record was ever refused for it."""
    documents = [document for pack in installation.packs for document in pack.documents()]
    known = {RAGGED_RULE} | {spec.id for document in documents for spec in document.rules}
    known |= {f"mapping.{spec.name}.values" for document in documents for spec in document.fields}
    known |= {f"{document.name}.{rule}" for document in documents for rule in ("key.conflict", "version.older")}
    if rule in known:
        return
    known |= quarantine.count_by_rule(connection, installation.tenant_id, Which(state=None)).keys()
    if rule not in known:
        raise Misuse(
            "no contract has such a rule, and no record was refused for it",
            where="rule",
            value=rule,
            valid=", ".join(difflib.get_close_matches(rule, sorted(known), n=5, cutoff=0.4)) or None,
            remedy="`headwater contracts show CONTRACT` lists rules; `headwater quarantine list` names those broken.",
        )


def form_of(origins: Sequence[Run], *, has_record: bool) -> MendForm:
    """How records refused by these runs stand in a file; Misuse where they would not share their columns."""
    latest = latest_of(origins)
    other = next((run for run in origins if _kind(run) != _kind(latest)), None)
    if other is not None:
        raise Misuse(
            "the records come from different sources, or from runs that read one source in different ways",
            where="quarantine",
            value=f"{latest.source_name} in run {latest.run_id}, {other.source_name} in run {other.run_id}",
            valid="records of one source, mapping and contract",
            remedy="Choose one with --run.",
        )
    layout = layout_from_json(dict(latest.layout))
    return MendForm(
        columns=layout.columns,
        dialect=layout.dialect,
        has_record=has_record,
        settled_from=min(run.started_at for run in origins),
    )


def _kind(run: Run) -> tuple[Any, ...]:
    return run.source_id, run.contract_hash, run.mapping_hash, tuple(run.layout["columns"]), run.layout["dialect"]


def latest_of(origins: Sequence[Run]) -> Run:
    """The run of them that began last."""
    return max(origins, key=lambda run: run.started_at)


def _with_nulls(
    installation: Installation, connection: Any, run: Run, records: Iterable[tuple[Quarantined, Tried]]
) -> Iterator[tuple[Quarantined, Tried, Sequence[str]]]:
    """The same records, each with its columns that are null at the source; `run` has read the same columns."""
    each = iter(records)
    while some := list(islice(each, _AT_ONCE)):
        cells = with_nulls(installation, connection, [(run, record) for record, _ in some])
        for (record, tried), told in zip(some, cells, strict=True):
            yield record, tried, [column for column, cell in told.items() if cell is None]


def write_rows(
    out: IO[str],
    form: MendForm,
    records: Iterable[tuple[Quarantined, Tried, Sequence[str]]],
    *,
    delimiter: Delimiter = ",",
) -> int:
    """Write records, each with what was wrong with it as it was mended last and with the columns that are null at its
    source, in a form, as a spreadsheet reads them; how many there were.
    """
    out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out, lineterminator="\r\n", delimiter=delimiter)
    writer.writerow(form.header)
    rows = 0
    for record, tried, nulls in records:
        why = "\n".join([reasons(record.findings, tried), *([f"{NULLS}: {', '.join(nulls)}"] if nulls else [])])
        cells = [record.raw.get(column) or "" for column in form.columns]
        uncut = [record.raw.get(UNCUT) or ""] if form.has_record else []
        writer.writerow(map(guard, [str(record.key), why, str(record.line), *uncut, *cells]))
        rows += 1
    return rows


def reasons(findings: Sequence[Mapping[str, Any]], tried: Sequence[Mapping[str, Any]] | None) -> str:
    """Why a record was refused and how to mend it, a line a finding: of its cells, then of how it was mended last."""
    return "\n".join([*map(_told, findings), *(f"{AS_MENDED}: {_told(finding)}" for finding in tried or ())])


def _told(finding: Mapping[str, Any]) -> str:
    return " ".join(part for part in (_named(finding), finding["message"], finding["mend"]) if part)


def _named(finding: Any) -> str:
    return f"{finding['field']}:" if finding["field"] else ""
