"""What somebody wants to be fixed everywhere: read off a record that was mended, or said in so many words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from headwater.engine.duck import engine
from headwater.engine.fragments import quote_name
from headwater.errors import Misuse
from headwater.mapping import compile_mapping
from headwater.pipeline.mending import MendForm
from headwater.pipeline.refusals import UNCUT
from headwater.services.access.policy import Right
from headwater.services.imports import stored_logic
from headwater.services.run_texts import RunTexts, span_of
from headwater.store import fixes, quarantine, runs
from headwater.store.chunks import chunks_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.store.fixes import Group
    from headwater.store.quarantine import Quarantined, Repair
    from headwater.store.runs import Run


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A text that a rule refused for a field of a source's records, and what was put in its place.

    like  the record that was mended so, where one was
    """

    source_id: bytes
    rule: str
    field: str
    before: str
    after: str
    like: str | None = None

    @property
    def sentence(self) -> str:
        """As a person says it."""
        return f"{self.field}: {self.before!r} became {self.after!r}"

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "rule": self.rule, "field": self.field, "before": self.before, "after": self.after, "like": self.like,
        }  # fmt: skip


def worth_fixing(installation: Installation, *, run: str | None, limit: int) -> list[Group]:
    """Texts that several open records were refused for, the most frequent first."""
    installation.require(Right.READ)
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        run_id = runs.find_run(connection, tenant_id, run).run_id if run else None
        return fixes.groups(connection, tenant_id, run_id=run_id, limit=limit)


def like_mended(installation: Installation, run_id: UUID) -> list[Group]:
    """Open records that a rule refused for a field for which a resubmission has just mended one, most first."""
    installation.require(Right.WRITE)
    with installation.database.connect(installation.tenant_id) as connection:
        return fixes.like_mended(connection, installation.tenant_id, run_id, limit=3)


def wanted_like(installation: Installation, key: str, *, rule: str | None = None) -> Wanted:
    """What the last repair of a record did to a field that a rule had refused.

    Misuse where the record was not mended, where nothing was done to such a field, or where more than one was mended
    and `rule` does not say which is meant.
    """
    installation.require(Right.WRITE)
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        record, repairs = quarantine.get_quarantined(connection, tenant_id, quarantine.parse_key(key))
        held = quarantine.find_held(connection, tenant_id, [str(record.key)], run_id=None)[str(record.key)]
        origin = runs.get_run(connection, tenant_id, held.last_run_id)
    if not repairs or UNCUT in record.raw:
        raise Misuse(
            "this record was not mended yet" if not repairs else "what was no record cannot be an example",
            where="quarantine fix",
            value=key,
            remedy="Mend it and resubmit it; or say what is meant with --rule, --column, --from and --to.",
        )
    cells = _mended_cells(installation, repairs[-1], key)
    columns = tuple(cells)
    logic = stored_logic(installation, origin)
    raw = {column: record.raw.get(column) or "" for column in columns}
    before, after = _texts(logic, columns, [raw, cells])
    changed = [
        Wanted(
            source_id=record.source_id, rule=finding["rule"], field=field, before=before[field], after=after[field],
            like=str(record.key),
        )
        for finding in record.findings
        if (field := finding["field"]) in before and before[field] != after[field]
    ]  # fmt: skip
    return _only(changed, rule, record)


def wanted_so(
    installation: Installation, *, rule: str, column: str | None, before: str, after: str, run: str | None
) -> Wanted:
    """What is said in words: the rule, the column (or the field it fills), the text, and what it means.

    Misuse where several sources have such records and no run says which is meant, or where no field is.
    """
    installation.require(Right.WRITE)
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        if run is not None:
            sources = [runs.find_run(connection, tenant_id, run).source_id]
        else:
            sources = fixes.sources_of_rule(connection, tenant_id, rule)
        if len(sources) != 1:
            raise Misuse(
                "several sources have open records that this rule refused" if sources else "this rule refuses nothing",
                where="quarantine fix",
                value=rule,
                valid="a rule that refused records of one source",
                remedy="Choose a run with --run." if sources else "`headwater quarantine fix` shows what there is.",
            )
        latest = fixes.runs_of_source(connection, tenant_id, sources[0])[0]
        of_source = runs.get_run(connection, tenant_id, latest.run_id)
    field = _field(stored_logic(installation, of_source), of_source, rule, column)
    return Wanted(source_id=sources[0], rule=rule, field=field, before=before, after=after)


def _field(logic: Logic, run: Run, rule: str, column: str | None) -> str:
    """The one field that a rule is about, or that a column fills."""
    columns = tuple(run.layout.get("mends", run.layout)["columns"])
    rules = logic.mapping.for_columns(columns).fields
    about = [name for spec in logic.contract.rules if spec.id == rule for name in spec.fields]
    about = about or [name for name in rules if rule == f"mapping.{name}.values"]
    named = [name for name, each in rules.items() if column is None or name == column or column in each.names]
    found = [name for name in about if name in named]
    if len(found) == 1:
        return found[0]
    raise Misuse(
        "more than one field could be meant" if found else "the rule is not about this column",
        where="quarantine fix",
        value=f"{rule}, {column}" if column else rule,
        valid=", ".join(about) or "a rule of the contract, or of the mapping's tables of values",
        remedy="Name the field, or the column that fills it, with --column.",
    )


def _only(changed: Sequence[Wanted], rule: str | None, record: Quarantined) -> Wanted:
    found = [each for each in changed if rule in {None, each.rule}]
    if len(found) == 1:
        return found[0]
    raise Misuse(
        "more than one thing was mended in this record"
        if found
        else "the repair changed no text that a rule had refused",
        where="quarantine fix",
        value=record.key,
        valid="; ".join(f"{each.rule}, {each.sentence}" for each in changed) or None,
        remedy="Choose one with --rule." if found else "Say what is meant with --rule, --column, --from and --to.",
    )


def _mended_cells(installation: Installation, repair: Repair, key: str) -> dict[str, str]:
    """The record as it was sent in place of the refused one, by column."""
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        run_id, number = fixes.run_of_chunk(connection, tenant_id, repair.chunk_id)
        run = runs.get_run(connection, tenant_id, run_id)
        chunk = next(chunk for chunk in chunks_of(connection, tenant_id, run_id) if chunk.chunk_no == number)
    form = MendForm.from_json(run.layout["mends"])
    if form.fix is not None:
        raise Misuse(
            "this record was itself mended by a change of the mapping",
            where="quarantine fix",
            value=key,
            remedy="Choose a record that somebody mended.",
        )
    with RunTexts(installation, run) as texts:
        raw = texts.chunk(span_of(chunk))
    place = int(np.searchsorted(raw.record_nos, repair.record_no - chunk.first_record))
    return dict(zip(form.columns, form.rows(raw.table)[place].cells or (), strict=True))


def _texts(logic: Logic, columns: Sequence[str], records: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The text of every field for some records, as the mapping makes it."""
    compiled = compile_mapping(logic.mapping, logic.contract, columns)
    table = pa.table({column: pa.array([cells[column] for cells in records], pa.string()) for column in columns})
    numbered = table.append_column("_record_no", pa.array(np.arange(len(records), dtype=np.int32)))
    listed = ", ".join(f"coalesce({sql}, '') AS {quote_name(field)}" for field, sql in compiled.texts.items())
    with engine() as duck:
        duck.register("raw", numbered)
        rows = duck.sql(f"SELECT {listed} FROM {compiled.source('raw')} ORDER BY _record_no").to_arrow_table()
    found: list[dict[str, str]] = rows.to_pylist()
    return found
