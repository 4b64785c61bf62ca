"""Syncs of stores of files: each new or changed file is fetched, pinned to its version, and imported as a run."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from headwater.errors import InputRefused, Misuse
from headwater.services.access.policy import Right
from headwater.services.batches import Imported, load_one
from headwater.services.connectors.asking import Asker
from headwater.services.connectors.keeping import is_store
from headwater.services.folders import SourceFile
from headwater.services.given_up import note_gone
from headwater.services.imports import Remote, logic_of, plan_source, source_name
from headwater.services.scratch import scratch
from headwater.services.unchanged import in_turn, is_as_then, last_of_source

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from uuid import UUID

    from headwater.connectors.protocol import Connector, FileStore, RemoteFile
    from headwater.pipeline.recipe import Recipe
    from headwater.services.installation import Installation
    from headwater.store.connectors import StoredConnector
    from headwater.store.runs import Run
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
    done: Collection[str] = (),
) -> Iterator[Imported]:
    """Bring in the files that the store lists, one after another; one whose version was loaded last is not even
    fetched, unless `again`, nor one whose source is `done`.
    """
    installation.require(Right.WRITE)
    named = {_name_of(recipe, stored, file): file for file in files}
    note_gone(installation, stored.connector_id, _name_of(recipe, stored), named)

    def loaded(file: RemoteFile) -> Run | None:
        try:
            return None if again else is_as_loaded(installation, stored, file, recipe, base)
        except (InputRefused, Misuse):
            return None  # it is refused again, and told, where it is planned

    def plan(file: RemoteFile) -> UUID:
        remote = Remote(connector_id=stored.connector_id, version=file.version, address=file.address)
        with at_hand(installation, stored, source, file) as fetched:
            return plan_source(installation, recipe, base, fetched, remote=remote)

    def load(file: RemoteFile) -> Imported:
        return load_one(installation, f"{stored.name}/{file.name}", lambda: plan(file), progress=progress)

    def leave_out(file: RemoteFile) -> Imported:
        return Imported(file=f"{stored.name}/{file.name}", view=None, error=None)

    to_do = [file for name, file in named.items() if name not in done]
    yield from in_turn(installation, to_do, loaded, load, leave_out)


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
) -> Run | None:
    """The last run of a file, where it loaded this very version as it would be loaded now: see `is_as_then`."""
    logic = logic_of(installation, recipe, base)
    last = last_of_source(installation, recipe, logic, _name_of(recipe, stored, file))
    is_same = (
        last is not None
        and last.layout.get("remote", {}).get("version") == file.version
        and is_as_then(installation, last, logic)
    )
    return last if is_same else None


def _name_of(recipe: Recipe, stored: StoredConnector, file: RemoteFile | None = None) -> str:
    """What the source is called that is a file of a store; what those of all its files begin with."""
    return source_name(recipe, SourceFile(path=Path(), name=f"{stored.name}/{file.name if file else ''}"))
