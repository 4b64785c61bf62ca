"""The text of a resubmission that no person saved: written here, in the form that an edited export has."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from headwater.connectors.csv_file import Planner
from headwater.connectors.files import TEXT
from headwater.pipeline.mending import guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from headwater.connectors.csv_file import Plan
    from headwater.pipeline.mending import MendForm
    from headwater.services.installation import Installation
    from headwater.store.blobs import Blob


def write_text(form: MendForm, rows: Iterable[Sequence[str]], write: Callable[[bytes], object]) -> None:
    """Header and rows, each with a cell for every column of `form.header`; the same rows give the same bytes."""
    write(_line(form.header))
    for row in rows:
        write(_line([guard(cell) for cell in row]))


def keep_text(
    installation: Installation, form: MendForm, rows: Iterable[Sequence[str]], *, name: str
) -> tuple[Blob, Plan]:
    """The text as a blob, and its plan. `name` is what errors call it."""
    planner = Planner(TEXT, installation.settings.chunk_size, name=name)
    with installation.blobs.writer(installation.tenant_id) as writer:

        def both(block: bytes) -> None:
            planner.feed(block)
            writer.write(block)

        write_text(form, rows, both)
    return writer.blob, planner.finish()


def _line(cells: Sequence[str]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()
