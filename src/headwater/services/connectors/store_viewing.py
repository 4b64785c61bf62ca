"""A file of a store looked at before any of it is loaded: brought here under its own name, or its first records."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from headwater.connectors.files import FileConfig
from headwater.documents.near import did_you_mean
from headwater.errors import InputRefused, Misuse
from headwater.services.access.policy import Right
from headwater.services.connectors.asking import Asker
from headwater.services.connectors.keeping import find, is_store, opened
from headwater.services.connectors.syncing import at_hand
from headwater.services.samples import RECORDS, every_record, take_sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from headwater.connectors.protocol import FileStore, RemoteFile
    from headwater.services.installation import Installation
    from headwater.services.samples import Sample
    from headwater.store.connectors import StoredConnector

SHOWN = 5


def fetch(installation: Installation, name: str, file: str, out: Path | None, *, force: bool) -> Path:
    """Bring a file of a store here, as it is now; where it was written.

    out  a file, or a folder that is there; None for its own name, here. Misuse where a file is there already, unless
         `force` says that it may go
    """
    installation.require(Right.TRANSFORM)
    stored = find(installation, name)
    path = _place(out, file, force=force)
    with opened(installation, stored) as source:
        if not is_store(source):
            raise Misuse(
                "this connector brings tables, not files",
                where=f"connector {name}",
                value=stored.kind,
                remedy=f"Look at a table with: headwater connectors sample {name} --table TABLE",
            )
        remote = _named(installation, stored, source, file)
        try:
            Asker(installation, stored.connector_id, name).ask(lambda: source.fetch(remote, path), about=file)
        except OSError as error:
            raise Misuse(f"the file cannot be written: {error.strerror}", where=str(path)) from error
    return path


def first_records(
    installation: Installation, stored: StoredConnector, source: FileStore, file: str, *, rows: int
) -> pa.Table:
    """The first records of a file of an open store, as texts."""
    return file_sample(installation, stored, source, file, FileConfig(), records=rows).rows


def file_sample(
    installation: Installation,
    stored: StoredConnector,
    source: FileStore,
    file: str,
    hints: FileConfig,
    *,
    records: int = RECORDS,
) -> Sample:
    """The first records of a file of an open store, and what the file is; what `hints` say is taken as said."""
    remote = _named(installation, stored, source, file)
    with at_hand(installation, stored, source, remote) as found, _refused_here(stored, file):
        return take_sample(found.path, hints, records=records)


@contextmanager
def all_records(
    installation: Installation, stored: StoredConnector, source: FileStore, file: str
) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """All records of a file of an open store, as texts, as long as the block lasts."""
    with (
        at_hand(installation, stored, source, _named(installation, stored, source, file)) as found,
        _refused_here(stored, file),
        every_record(found.path, FileConfig()) as records,
    ):
        yield records


@contextmanager
def _refused_here(stored: StoredConnector, file: str) -> Iterator[None]:
    """What a refusal asks for is said to commands that look at a file at hand."""
    try:
        yield
    except InputRefused as refused:
        raise InputRefused(
            refused.what,
            where=refused.where,
            value=refused.value,
            valid=refused.valid,
            remedy=f"Bring it here and look closer: headwater connectors fetch {stored.name} {shlex.quote(file)}",
        ) from refused


def told_some(names: Sequence[str]) -> str | None:
    """The first few of many names, and how many more there are; None for none."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more if names else None


def _named(installation: Installation, stored: StoredConnector, source: FileStore, name: str) -> RemoteFile:
    """The file of that name or address; Misuse naming those most like it, or the first, of all that are meant."""
    asker = Asker(installation, stored.connector_id, stored.name)
    files = asker.ask(source.files, about="the list of files")
    found = next((each for each in files if name in {each.name, each.address}), None)
    if found is None:
        names = [each.name for each in files]
        raise Misuse(
            "there is no such file among those that the connector's pattern means",
            where=f"connector {stored.name}",
            value=name,
            valid=told_some(names),
            remedy=did_you_mean(name, names) or f"All of them: headwater connectors discover {stored.name}",
        )
    return found


def _place(out: Path | None, file: str, *, force: bool) -> Path:
    own = PurePosixPath(file).name
    path = Path(own) if out is None else out / own if out.is_dir() else out
    if path.exists() and not force:
        apart = path.with_name("-".join(PurePosixPath(file).parts))
        told = f", as --out {shlex.quote(str(apart))}" if apart.name != path.name else ""
        raise Misuse(
            "the file is there already; files of one name from different folders would take each other's place",
            where=str(path),
            remedy=f"Say another name with --out{told}, or add --force to write over it.",
        )
    if not path.parent.is_dir():
        raise Misuse("the folder does not exist", where=str(path.parent), valid="a folder that is there")
    return path
