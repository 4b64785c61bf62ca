"""Taking in a file piece by piece: what is noted as received is durable, and what came after it is not kept.

A file lies in a folder of its own below `data_dir/uploads`, under the name it came with; several processes and machines
share that folder as they share the blobs.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from headwater.errors import Conflict, InputRefused, Misuse, NotFound, RetryLater, Stopped
from headwater.services import kept_mappings
from headwater.services.access.changing import in_use
from headwater.services.access.policy import Right
from headwater.services.uploads.reaching import reached_import
from headwater.store import audit, imports
from headwater.store.failures import translated

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.imports import Import

LONGEST_NAME = 200
SYNCED_EVERY = 64 * 2**20
LOOKED_AT_AFTER = timedelta(seconds=60)
"""Whoever took a file in has looked at it and planned its run by then, or was killed, and a worker goes on with it."""


def begin(
    installation: Installation, name: str, size: int, *, mapping: str | None, unit_id: UUID | None = None
) -> Import:
    """An import whose file is about to be sent.

    unit_id: the unit that it belongs to; left out, it is the organisation's.
    """
    installation.seeing(Right.WRITE, on="imports")
    with installation.database.connect(installation.tenant_id) as connection:
        in_use(connection, installation.tenant_id, unit_id)
    installation.require(Right.WRITE, unit_id, on="imports")
    if mapping is not None:
        with suppress(NotFound):  # which is said once the file is looked at
            kept_mappings.require_for(installation, mapping)
    name, most = file_name(name), int(installation.settings.api_upload_limit)
    if not 0 <= size <= most:
        raise InputRefused("the file is too large", where="Upload-Length", value=size, valid=f"at most {most:,} bytes")
    import_id, tenant_id = uuid4(), installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        _refuse_over_quota(installation, connection, size)
        imports.add_import(
            connection, tenant_id, import_id, name=name, size=size, mapping=mapping, unit_id=unit_id,
            by=installation.actor.name,
        )  # fmt: skip
        audit.append(
            connection,
            tenant_id,
            action="import.begun",
            resource=f"import/{import_id}",
            payload={"name": name, "size": size} | ({"unit": str(unit_id)} if unit_id else {}),
        )
        return imports.get_import(connection, tenant_id, import_id)


def begun(installation: Installation, import_id: UUID, size: int) -> Import:
    """An import that the same request has begun before, and that goes on. Conflict where it has gone on meanwhile."""
    _, import_ = reached_import(installation, Right.WRITE, import_id)
    if import_.state != "uploading":
        raise Conflict(
            "this was begun already, and its answer was lost on the way",
            where=f"import/{import_id}",
            value=import_.state,
            remedy="Look at what was written. To have it done once more, send it with another key.",
        )
    if import_.size != size:
        raise InputRefused(
            "the file that was begun by the same request has another size",
            where="body",
            value=size,
            valid=f"{import_.size:,}",
        )
    return import_


def _refuse_over_quota(installation: Installation, connection: TenantConnection, size: int) -> None:
    """InputRefused where the organisation's files on their way would be more than it may have; one asks at a time."""
    quota, age = int(installation.settings.api_upload_quota), timedelta(days=installation.settings.api_upload_days)
    held = imports.held_bytes(connection, installation.tenant_id, age=age)
    if held + size > quota:
        raise InputRefused(
            "the organisation has too many files on their way",
            where="Upload-Length",
            value=size,
            valid=f"at most {max(quota - held, 0):,} bytes now, {quota:,} in all",
            remedy="Load or cancel imports that wait; see GET /imports.",
        )


def file_name(name: str) -> str:
    """A name that is one, without folders or signs that nobody sees; InputRefused for any other."""
    name = unicodedata.normalize("NFC", name)
    wrong = (
        not 0 < len(name.encode("utf-8", "replace")) <= LONGEST_NAME
        or any(
            sign in "/\\" or unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for sign in name
        )
        or name.startswith((".", "~"))
        or name != name.strip()
    )
    if wrong:
        raise InputRefused(
            "this is no name for a file",
            where="filename",
            value=name.encode("unicode_escape").decode(),
            valid=f"1 to {LONGEST_NAME} bytes without folders, control characters, or a dot first",
            remedy="Give the file a plain name.",
        )
    return name


def uploads_of(installation: Installation) -> Path:
    """Where the organisation's files on their way lie."""
    return installation.settings.data_dir / "uploads" / str(installation.tenant_id)


def folder_of(installation: Installation, import_id: UUID) -> Path:
    """Where the file of an import lies."""
    return uploads_of(installation) / str(import_id)


def path_of(installation: Installation, import_: Import) -> Path:
    """The file of an import."""
    return folder_of(installation, import_.import_id) / import_.name


@dataclass
class Receiving:
    """A file that is being received by one request; others are kept away until it is closed.

    again: so many bytes that are here come once more first, and are held against these
    """

    installation: Installation
    import_: Import
    connection: TenantConnection
    file: BinaryIO
    offset: int
    noted: int
    again: int = 0

    def take(self, block: bytes) -> None:
        """Some more bytes; InputRefused where these are more than the file was said to have, or others than before.

        RetryLater once the session that holds the import is lost: what comes could not be noted any more.
        """
        if self.connection.is_lost:
            raise RetryLater(
                "the session of the database that held this import is lost",
                where=f"import {self.import_.import_id}",
                remedy="Ask by HEAD how much is here, and go on from there.",
            )
        block = self._new_of(block)
        if self.offset + len(block) > self.import_.size:
            raise InputRefused(
                "more bytes came than the file was said to have",
                where="Upload-Length",
                value=self.offset + len(block),
                valid=str(self.import_.size),
            )
        with _disk(self.installation):
            self.file.write(block)
        self.offset += len(block)
        if self.offset - self.noted >= SYNCED_EVERY:
            self.note()

    def _new_of(self, block: bytes) -> bytes:
        known, new = block[: self.again], block[self.again :]
        with _disk(self.installation):
            is_same = self.file.read(len(known)) == known
        if not is_same:
            raise InputRefused(
                "this is not the file that was begun by the same request",
                where="body",
                valid="the same bytes from the first on",
                remedy="Send another file with another Idempotency-Key.",
            )
        self.again -= len(known)
        return new

    def note(self) -> None:
        """What came so far is durable, and noted."""
        if self.noted == self.offset:
            return
        with _disk(self.installation):
            self.file.flush()
            os.fsync(self.file.fileno())
        with translated("receive a file"):
            imports.note_received(self.connection, self.installation.tenant_id, self.import_.import_id, self.offset)
            self.connection.commit()
        self.noted = self.offset

    def close(self) -> bool:
        """Note what came, and let others at it; whether the file is whole."""
        try:
            self.note()
            if self.offset == self.import_.size:
                tenant_id, import_id = self.installation.tenant_id, self.import_.import_id
                with translated("receive a file"):
                    imports.advance(self.connection, tenant_id, import_id, "uploaded", from_states=["uploading"])
                    imports.look_later(self.connection, tenant_id, import_id, wait=LOOKED_AT_AFTER)
                    self.connection.commit()
                return True
            return False
        finally:
            self.file.close()
            self.connection.close()


def receive(installation: Installation, import_id: UUID, offset: int | None) -> Receiving:
    """Begin to receive from an offset. Conflict where it is not where the file ends so far, or somebody else sends.

    offset: None where the file is sent once more from its first byte on
    """
    installation, _ = reached_import(installation, Right.WRITE, import_id)
    connection = imports.hold(installation.database, installation.tenant_id, import_id)
    try:
        with translated("receive a file"):
            import_ = imports.get_import(connection, installation.tenant_id, import_id)
            connection.commit()
        again = 0 if offset is not None else import_.received
        offset = import_.received if offset is None else offset
        _refuse_other_offset(import_, offset)
        path = path_of(installation, import_)
        with _disk(installation):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            file = os.fdopen(descriptor, "r+b")
            _alone(file, import_id)
            file.truncate(offset)  # what a killed process wrote beyond was never noted
            file.seek(offset - again)
    except BaseException:
        connection.close()
        raise
    return Receiving(
        installation=installation, import_=import_, connection=connection, file=file, offset=offset, noted=offset,
        again=again,
    )  # fmt: skip


def _alone(file: BinaryIO, import_id: UUID) -> None:
    """Conflict where somebody writes the file still: who has lost the session that holds the import may not know it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise Conflict(
            "somebody else works on this import just now",
            where="import",
            value=import_id,
            remedy="Wait, and send it again.",
        ) from None


def _refuse_other_offset(import_: Import, offset: int) -> None:
    if import_.state != "uploading" or offset != import_.received:
        raise Conflict(
            "the file does not go on there",
            where="Upload-Offset",
            value=offset,
            valid=str(import_.received) if import_.state == "uploading" else f"nothing: the import is {import_.state}",
            remedy="Ask by HEAD how much is here, and go on from there.",
        )


def remove_file(installation: Installation, import_id: UUID) -> None:
    """The file is not needed any more."""
    shutil.rmtree(folder_of(installation, import_id), ignore_errors=True)


class _disk:  # noqa: N801 - reads as the words do: with _disk(…)
    """What the disk refuses, in words."""

    def __init__(self, installation: Installation) -> None:
        self._where = str(installation.settings.data_dir)

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        """An error of the disk becomes one of ours."""
        if isinstance(error, OSError):
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise Stopped("the disk is full", where=self._where, remedy="Free space, then go on.") from error
            raise Stopped(f"the disk refuses: {error.strerror}", where=self._where) from error


def refuse_name(name: str | None) -> str:
    """The name a file was sent with; Misuse where there is none."""
    if name is None:
        raise Misuse("the file needs a name", where="filename", remedy="Say it in Upload-Metadata, or as ?name=….")
    return name
