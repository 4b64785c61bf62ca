"""Syncs of stores of files: each new or changed file is fetched, pinned to its version, and imported as a run."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from headwater.errors import HeadwaterError, InputRefused, Misuse
from headwater.services.access.policy import Right
from headwater.services.batches import Imported
from headwater.services.connectors.asking import Asker
from headwater.services.connectors.keeping import is_store
from headwater.services.folders import SourceFile
from headwater.services.imports import Remote, carry_out, is_as_then, logic_of, plan_source, source_id, source_name
from headwater.services.runs_view import show_run
from headwater.services.scratch import scratch
from headwater.store import runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headwater.connectors.protocol import Connector, FileStore, RemoteFile
    from headwater.pipeline.recipe import Recipe
    from headwater.services.installation import Installation
    from headwater.store.connectors import StoredConnector
    from headwater.telemetry import Progress


def files_of_store(installation: Installation, stored: StoredConnector, source: FileStore) -> Sequence[RemoteFile]:
    """The files the connector's pattern means."""
    installation.require(Right.WRITE)
    return Asker(installation, stored.connector_id, stored.name).ask(source.files, about="the list of files")


def files_to_sync(
    installation: Installation, stored: StoredConnector, source: Connector | FileStore
) -> tuple[FileStore, Sequence[RemoteFile]]:
    """The source as a store, and the files the connector's pattern means. Misuse where there is none, or where it has
    tables and one must be said.
    """
    installation.require(Right.WRITE)
    if not is_store(source):
        raise Misuse(
            "a table must be said, for this connector has several",
            where=f"connector {stored.name}",
            remedy=f"`headwater connectors discover {stored.name}` lists them.",
        )
    files = files_of_store(installation, stored, source)
    if not files:
        told = next(iter(source.validate()), None)
        raise Misuse(
            f"there is no file to read: {told.what}" if told else "there is no file to read",
            where=f"connector {stored.name}",
            valid=told.valid if told else None,
            remedy="Look at its pattern, and at where it starts: headwater connectors show " + stored.name,
        )
    return source, files


def sync_files(
    installation: Installation,
    stored: StoredConnector,
    source: FileStore,
    files: Sequence[RemoteFile],
    *,
    recipe: Recipe,
    base: Path,
    progress: Progress,
    again: bool = False,
) -> Iterator[Imported]:
    """Bring in the files one after another; one whose version was loaded last is not even fetched, unless `again`."""
    installation.require(Right.WRITE)
    for file in files:
        name = f"{stored.name}/{file.name}"
        try:
            if not again and is_as_loaded(installation, stored, file, recipe, base):
                yield Imported(file=name, view=None, error=None)
                continue
            remote = Remote(connector_id=stored.connector_id, version=file.version, address=file.address)
            with at_hand(installation, stored, source, file) as fetched:
                run_id = plan_source(installation, recipe, base, fetched, remote=remote)
        except (InputRefused, Misuse) as refused:
            yield Imported(file=name, view=None, error=refused)
            continue
        error: HeadwaterError | None = None
        try:
            carry_out(installation, run_id, progress=progress)
        except HeadwaterError as stopped:
            error = stopped  # the run has noted it and can be resumed; the other files are not concerned
        yield Imported(file=name, view=show_run(installation, run_id), error=error)


@contextmanager
def at_hand(
    installation: Installation, stored: StoredConnector, source: FileStore, file: RemoteFile
) -> Iterator[SourceFile]:
    """A file of the store, fetched for as long as the block lasts."""
    asker = Asker(installation, stored.connector_id, stored.name)
    with scratch(installation.settings.data_dir, "fetched") as folder:
        yield _fetched(asker, source, file, folder, name=f"{stored.name}/{file.name}")


def _fetched(asker: Asker, source: FileStore, file: RemoteFile, folder: Path, *, name: str) -> SourceFile:
    """The file at hand, under its own name, whose ending tells its format."""
    own = PurePosixPath(file.name).name
    path = folder / (own if own not in {"", ".", ".."} else "file")
    asker.ask(lambda: source.fetch(file, path), about=file.name)
    return SourceFile(path=path, name=name)


def is_as_loaded(
    installation: Installation, stored: StoredConnector, file: RemoteFile, recipe: Recipe, base: Path
) -> bool:
    """Whether this very version was loaded last, as it would be loaded now: see `is_as_then`."""
    logic = logic_of(installation, recipe, base)
    named = SourceFile(path=Path(), name=f"{stored.name}/{file.name}")
    source = source_id(installation, recipe, logic.mapping, source_name(recipe, named))
    with installation.database.connect(installation.tenant_id) as connection:
        last = runs.latest_of_source(connection, installation.tenant_id, source)
    return (
        last is not None
        and last.layout.get("remote", {}).get("version") == file.version
        and is_as_then(installation, last, logic)
    )
