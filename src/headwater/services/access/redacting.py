"""Kept files that speak of somebody who is erased, replaced by copies that do not.

A copy is made and durable before the database is told of it, and put in its place once the database knows: whoever is
killed between the two leaves a copy that the next erasure puts in its place.
"""

from __future__ import annotations

import io
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from headwater.connectors.csv_file.redact import Range, overwrite
from headwater.connectors.parquet_file.redact import write_without
from headwater.connectors.redaction import obstacle, write_redacted
from headwater.connectors.text_table.parts import part_of
from headwater.errors import HeadwaterError, RetryLater
from headwater.services.access.theirs import OPEN_STATES
from headwater.services.kept_files import clear_file
from headwater.services.scratch import scratch
from headwater.services.sources import layout_from_json, reading_from_json
from headwater.store import audit
from headwater.store.blobs import BLOCK, NO_CONTENT, BlobFile
from headwater.store.cited_blobs import all_cited_blobs, get_cited_blob, note_redacted
from headwater.store.erasures import hold_erasing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from headwater.services.access.theirs import FileOfTheirs
    from headwater.services.installation import Installation
    from headwater.store.blobs import Blob, BlobWriter
    from headwater.store.runs import Run

REDACTED, WHOLLY, GONE = "redacted", "erased wholly", "not there"
BLOB_REDACTED = "blob.redacted"
"""What the audit chain calls it that another content stands for a blob."""
EDITED = "it is an edited workbook, whose records were read beside those it mends"


@dataclass(frozen=True, kw_only=True)
class RedactedFile:
    """What became of a file.

    became   redacted: a copy without what was personal stands in its place; erased wholly: nothing does; not there: it
             was lost before, and may have spoken of them
    records  how many records of theirs it held, where that is known
    why      why there is no copy
    """

    sha256: str
    name: str
    became: str
    records: int
    why: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def not_there(sha256: bytes, name: str) -> RedactedFile:
    """A file that was lost before somebody was erased whom it may have spoken of."""
    why = "it was lost before; where it is put back, erase them again"
    return RedactedFile(sha256=sha256.hex(), name=name, became=GONE, records=0, why=why)


@dataclass(frozen=True, kw_only=True)
class _Copy:
    """A copy that is durable; `sha256` is of the blob whose place it takes, `blob` None where nothing takes it."""

    sha256: bytes
    name: str
    blob: Blob | None
    records: int
    payload: Mapping[str, Any]


class Copies:
    """Copies made in the transaction at hand, noted at its end, and put in place once it is committed."""

    def __init__(self, installation: Installation, connection: Any) -> None:
        self._installation = installation
        self._connection = connection
        self._made: list[_Copy] = []

    def make(self, found: Collection[FileOfTheirs]) -> None:
        """A copy of each file, and of those that the texts among them were made of. RetryLater while one is loaded."""
        _refuse_open(found)
        for file in found:
            self._made.append(self._extract(file) if file.is_extract else self._text(file))
        texts = {file.sha256 for file in found}
        originals: dict[bytes, list[FileOfTheirs]] = {}
        for file in found:
            # A file that is its own text in another run was overwritten as that already.
            for raw in {run.blob_sha256 for run in file.runs.values() if not file.is_extract} - texts:
                originals.setdefault(raw, []).append(file)
        self._made += [self._original(raw, texts) for raw, texts in originals.items()]

    def note(self) -> list[RedactedFile]:
        """In the database and the chain, last in the transaction."""
        return [self._note(made) for made in self._made]

    def settle(self) -> None:
        """Once the transaction is committed."""
        for made in self._made:
            copy = made.blob.sha256 if made.blob is not None else NO_CONTENT
            self._installation.blobs.replace(self._installation.tenant_id, made.sha256, copy)

    def _text(self, file: FileOfTheirs) -> _Copy:
        with self._writer(file.sha256) as writer, self._open(file.sha256) as text:
            overwrite(text, sorted(file.cells), file.filler, writer.write)
        return self._copy(file.sha256, writer.blob, file, {"records": sorted(file.records)})

    def _extract(self, file: FileOfTheirs) -> _Copy:
        with self._writer(file.sha256) as writer, self._open(file.sha256) as extract:
            write_without(extract, file.rows, BlobFile(writer))
        return self._copy(file.sha256, writer.blob, file, {"rows": sorted(file.rows)})

    def _original(self, raw: bytes, texts: list[FileOfTheirs]) -> _Copy:
        """A file as it came; erased wholly where it cannot be written without them."""
        of_raw = [(file, run) for file in texts for run in file.runs.values() if run.blob_sha256 == raw]
        why = _obstacle(of_raw)
        with scratch(self._installation.settings.data_dir, "redacting") as folder:
            copy = folder / "copy"
            if why is None:
                why = self._try(raw, of_raw, copy)
            with self._writer(raw) as writer, ExitStack() as stack:
                prepared = stack.enter_context(copy.open("rb")) if why is None else io.BytesIO()
                while block := prepared.read(BLOCK):
                    writer.write(block)
        return self._copy(raw, None if why else writer.blob, texts[0], {"why": why} if why else {})

    def _try(self, raw: bytes, of_raw: list[tuple[FileOfTheirs, Run]], copy: Path) -> str | None:
        """Write the copy; why it cannot be, or None."""
        file, run = of_raw[0]
        config = reading_from_json(dict(run.layout))
        if config is None:
            raise AssertionError("a file that is not its own text was read by something")
        name = get_cited_blob(self._connection, self._installation.tenant_id, raw).name
        text = copy.with_name("text")
        with self._open(file.sha256) as original, text.open("wb") as overwritten:
            overwrite(original, sorted(file.cells), file.filler, overwritten.write)
        try:
            with clear_file(self._installation, raw) as path, copy.open("wb") as out:
                write_redacted(path, config, out, name=name, rows=_rows(of_raw), text=text)
        except HeadwaterError as error:
            return error.what
        return None

    def _copy(self, sha256: bytes, blob: Blob | None, file: FileOfTheirs, payload: Mapping[str, Any]) -> _Copy:
        name = get_cited_blob(self._connection, self._installation.tenant_id, sha256).name
        return _Copy(sha256=sha256, name=name, blob=blob, records=len(file.rows), payload=payload)

    def _note(self, made: _Copy) -> RedactedFile:
        tenant_id = self._installation.tenant_id
        copy = made.blob.sha256 if made.blob is not None else None
        note_redacted(self._connection, tenant_id, made.sha256, copy_sha256=copy)
        audit.append(
            self._connection,
            tenant_id,
            action=BLOB_REDACTED,
            resource=f"blob/{made.sha256.hex()}",
            payload={"copy": copy.hex() if copy else None, **made.payload, **self._installation.actor.came_by()},
        )
        return RedactedFile(
            sha256=made.sha256.hex(),
            name=made.name,
            became=REDACTED if copy else WHOLLY,
            records=made.records,
            why=made.payload.get("why"),
        )

    def _writer(self, sha256: bytes) -> BlobWriter:
        return self._installation.blobs.copy_writer(self._installation.tenant_id, sha256)

    def _open(self, sha256: bytes) -> Any:
        return self._installation.blobs.open(self._installation.tenant_id, sha256)


def settle_what_was_left(installation: Installation, connection: Any) -> None:
    """Put copies in place that the database knows and that whoever made them could not put there any more, and remove
    files that are still beside theirs; remove copies of which it knows nothing. Nobody else erases somebody until the
    transaction at hand ends.
    """
    blobs, tenant_id = installation.blobs, installation.tenant_id
    hold_erasing(connection, tenant_id)
    known = {
        (cited.sha256, cited.copy_sha256 or NO_CONTENT)
        for cited in all_cited_blobs(connection, tenant_id)
        if cited.copy_sha256 is not None or cited.state != "held"
    }
    for sha256, copy in known:
        blobs.replace(tenant_id, sha256, copy)
    for sha256, copy in blobs.prepared(tenant_id) - known:
        blobs.discard(tenant_id, sha256, copy)


def _refuse_open(found: Collection[FileOfTheirs]) -> None:
    for file in found:
        for run in file.runs.values():
            if run.state in OPEN_STATES:
                raise RetryLater(
                    "a file that speaks of them is being loaded",
                    where=f"run {run.run_id}",
                    value=run.source_name,
                    remedy="Erase them once it has ended; one that was left is ended by `headwater runs resume`.",
                )


def _obstacle(of_raw: list[tuple[FileOfTheirs, Run]]) -> str | None:
    """Why a file as it came cannot be written again, by the runs that read it and the texts they made of it."""
    configs = [reading_from_json(dict(run.layout)) for _, run in of_raw]
    if any("mends" in run.layout for _, run in of_raw):
        return EDITED
    several = len({file.sha256 for file, _ in of_raw}) > 1
    if several and any(config is not None and config.is_delimited for config in configs):
        return "it was read in several encodings"
    return next((why for config in configs if config is not None and (why := obstacle(config))), None)


def _rows(of_raw: list[tuple[FileOfTheirs, Run]]) -> dict[str, dict[int, set[str]]]:
    """Where records of theirs stand in the file as it came: part -> row -> columns."""
    found: dict[str, dict[int, set[str]]] = {}
    for file, run in of_raw:
        parts = layout_from_json(dict(run.layout)).parts
        for record, names in file.rows.items():
            part = part_of(parts, record)
            if part is not None:
                found.setdefault(part.name, {}).setdefault(part.number(record), set()).update(names)
    return found


def ranges_of(payload: Mapping[str, Any]) -> list[Range]:
    """The records of a text that an entry of the chain says were overwritten."""
    return [(first, last) for first, last in payload.get("records", ())]
