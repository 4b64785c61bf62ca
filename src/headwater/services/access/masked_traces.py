"""A trace for whoever may not see personal data in clear: values and cells that are personal, or may be, are masked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headwater.services.access.masking import STARS, mask, personal_fields, show_records_clear
from headwater.services.access.policy import Right

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.contracts import Document
    from headwater.services.installation import Installation
    from headwater.services.inventories.tracing import LineTrace
    from headwater.services.tracing.trace import RawRecord, RecordTrace, Trace


def for_reader(installation: Installation, trace: Trace, *, clear: bool) -> Trace:
    """As it is where it is asked for in clear, which is noted, or refused; else with what is personal masked."""
    installation.seeing(Right.READ)  # what is traced was chosen by who may see it
    if clear:
        show_records_clear(installation, _contract(installation, trace.record), key=trace.record.row_hash)
        return trace
    return replace(trace, record=_masked(installation, trace.record))


def line_for_reader(installation: Installation, trace: LineTrace, *, clear: bool) -> LineTrace:
    """The same of a line of an inventory."""
    installation.require(Right.READ)
    if clear:
        show_records_clear(installation, _contract(installation, trace.record), key=trace.record.row_hash)
        return trace
    factor = trace.factor_record
    return replace(
        trace,
        record=_masked(installation, trace.record),
        factor_record=replace(factor, record=_masked(installation, factor.record)) if factor else None,
    )


def _masked(installation: Installation, record: RecordTrace) -> RecordTrace:
    made_from = tuple(
        replace(each, key=STARS, record=_masked(installation, each.record)) if each.record else each
        for each in record.made_from
    )
    contract = _contract(installation, record)
    hidden = personal_fields(contract)
    if not hidden:
        return replace(record, made_from=made_from)
    closed = {column for origin in record.fields if origin.field in hidden for column in origin.raw}
    # Of a column that no field reads nobody said that it is not personal.
    shown = {column for origin in record.fields for column in origin.raw} - closed
    values = {name: mask(value) if name in hidden else value for name, value in record.values.items()}
    fields = tuple(
        replace(
            origin,
            value=values.get(origin.field, origin.value) if origin.field in hidden else origin.value,
            raw=_cells(origin.raw, shown),
        )
        for origin in record.fields
    )
    mended = record.mended
    if mended is not None:
        was = {column: text if column in shown else STARS for column, text in mended.cells.items()}
        mended = replace(mended, cells=was, raw=_raw(mended.raw, shown) if mended.raw else None)
    key = "|".join(str(values[spec.name]) for spec in contract.key)
    return replace(
        record, key=key, values=values, fields=fields, raw=_raw(record.raw, shown), mended=mended, made_from=made_from
    )


def _raw(raw: RawRecord, shown: set[str]) -> RawRecord:
    return replace(raw, text=None, cells=None if raw.cells is None else _cells(raw.cells, shown))


def _cells(cells: Mapping[str, str], shown: set[str]) -> dict[str, str]:
    return {column: text if column in shown else STARS for column, text in cells.items()}


def _contract(installation: Installation, record: RecordTrace) -> Document:
    return installation.contract(record.contract.name, int(record.contract.version.partition(".")[0]))
