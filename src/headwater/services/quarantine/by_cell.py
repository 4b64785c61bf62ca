"""Refused records mended cell by cell and sent again, as the same file an edited export would be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from headwater.errors import Conflict, Misuse
from headwater.pipeline.mending import RECORD
from headwater.pipeline.refusals import UNCUT
from headwater.services.access.policy import Right
from headwater.services.access.within_units import unbound
from headwater.services.imports import carry_out
from headwater.services.quarantine.exports import form_of, write_rows
from headwater.services.quarantine.quarantines import plan_resubmission, show_record
from headwater.telemetry import SilentProgress

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.services.quarantine.quarantines import RecordView
    from headwater.store.quarantine import Quarantined


def resubmit(installation: Installation, mends: Mapping[str, Mapping[str, str | None]]) -> UUID:
    """Send records again with these cells in place of their own; the id of the run, which has ended.

    Conflict where one is not open any more. Misuse where they are not of one source, or have no such column.
    """
    seen = installation.seeing(Right.WRITE)
    views = [show_record(installation, key) for key in mends]
    for view in views:
        if view.record.state != "open":
            raise Conflict(
                f"the record is {view.record.state}",
                where="quarantine",
                value=view.record.key,
                valid="a record that is open",
            )
    uncut = any(UNCUT in view.record.raw for view in views)
    form = form_of([view.run for view in views], has_record=uncut)
    mended = [_mended(view, cells, form.columns) for view, cells in zip(views, mends.values(), strict=True)]
    with TemporaryDirectory(prefix="headwater-") as folder:
        path = Path(folder) / "mended.csv"
        with path.open("w", encoding="utf-8", newline="") as out:
            write_rows(out, form, ((record, None, ()) for record in mended))
        run_id = plan_resubmission(installation, path)
    return carry_out(
        unbound(installation) if seen.units is not None else installation, run_id, progress=SilentProgress()
    )


def _mended(view: RecordView, cells: Mapping[str, str | None], columns: tuple[str, ...]) -> Quarantined:
    record = view.record
    known = {RECORD} if UNCUT in record.raw else set(columns)
    unknown = sorted(set(cells) - known)
    if unknown:
        raise Misuse(
            "the record has no such column", where=str(record.key), value=unknown[0], valid=", ".join(sorted(known))
        )
    named = {UNCUT if name == RECORD and UNCUT in record.raw else name: text for name, text in cells.items()}
    return replace(record, raw={**record.raw, **named})
