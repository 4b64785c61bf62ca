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
from headwater.services.folders import SourceFile, members_of
from headwater.services.given_up import note_gone
from headwater.services.imports import Remote, logic_of, plan_source, source_name
from headwater.services.scratch import scratch
from headwater.services.unchanged import in_turn, is_as_then, last_of_source
from headwater.store import runs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

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
    before = LoadedBefore(installation, stored, recipe, base)
    named = {before.name_of(file): file for file in files}
    note_gone(installation, stored.connector_id, before.prefix, named)

    def loaded(file: RemoteFile) -> Sequence[Run]:
        return () if again else before.as_it_is(file)

    def load(file: RemoteFile) -> Iterator[Imported]:
        try:
            with parts_at_hand(installation, stored, source, file, before.member) as parts:
                for part in parts:
                    yield load_part(part, file, of=len(parts))
        except (InputRefused, Misuse) as refused:
            yield Imported(file=f"{stored.name}/{file.name}", view=None, error=refused)

    def load_part(part: SourceFile, file: RemoteFile, *, of: int) -> Imported:
        if of > 1 and not again and before.last_as_it_is(part.name, file):
            return Imported(file=part.name, view=None, error=None)
        remote = Remote(
            connector_id=stored.connector_id,
            version=file.version,
            address=file.address,
            archive=before.name_of(file) if of > 1 else None,
            members=of,
        )
        return load_one(
            installation,
            part.name,
            lambda: plan_source(installation, recipe, base, part, remote=remote),
            progress=progress,
        )

    def leave_out(file: RemoteFile) -> Imported:
        return Imported(file=f"{stored.name}/{file.name}", view=None, error=None)

    to_do = [file for name, file in named.items() if name not in done]
    yield from in_turn(installation, to_do, loaded, load, leave_out)


@contextmanager
def parts_at_hand(
    installation: Installation, stored: StoredConnector, source: FileStore, file: RemoteFile, member: str | None
) -> Iterator[Sequence[SourceFile]]:
    """The same; of an archive with several files that `member` means, each of those."""
    with at_hand(installation, stored, source, file) as fetched:
        yield tuple(members_of(fetched, member))


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


class LoadedBefore:
    """What a recipe has loaded of the files of a store. Misuse where it names what is not there."""

    def __init__(self, installation: Installation, stored: StoredConnector, recipe: Recipe, base: Path) -> None:
        self._installation, self._stored, self._recipe, self._base = installation, stored, recipe, base
        self.member = logic_of(installation, recipe, base).mapping.source.member
        with installation.database.connect(installation.tenant_id) as connection:
            found = runs.latest_of_archives(connection, installation.tenant_id, stored.connector_id)
        self._archives: dict[str, list[str]] = {}
        for run in found:
            self._archives.setdefault(run.layout["archive"]["name"], []).append(run.source_name)

    @property
    def prefix(self) -> str:
        """What the names of all its sources begin with."""
        return self._called(f"{self._stored.name}/")

    def name_of(self, file: RemoteFile) -> str:
        """What the source is called that is a file of the store."""
        return self._called(f"{self._stored.name}/{file.name}")

    def as_it_is(self, file: RemoteFile) -> Sequence[Run]:
        """The last runs of a file, or of each in it, where they loaded this very version as it would be loaded now."""
        last = self.last_as_it_is(f"{self._stored.name}/{file.name}", file)
        if last is not None:
            return (last,)
        inside = [self._last_as_it_is(name, file) for name in dict.fromkeys(self._archives.get(self.name_of(file), ()))]
        found = [run for run in inside if run is not None]
        return found if found and len(found) == found[0].layout["archive"]["members"] else ()

    def last_as_it_is(self, name: str, file: RemoteFile) -> Run | None:
        """The last run of a file of the store, or of one inside it, where it loaded this version: see `is_as_then`."""
        return self._last_as_it_is(self._called(name), file)

    def _last_as_it_is(self, source: str, file: RemoteFile) -> Run | None:
        logic = logic_of(self._installation, self._recipe, self._base)
        last = last_of_source(self._installation, self._recipe, logic, source)
        is_same = (
            last is not None
            and last.layout.get("remote", {}).get("version") == file.version
            and is_as_then(self._installation, last, logic)
        )
        return last if is_same else None

    def _called(self, name: str) -> str:
        return source_name(self._recipe, SourceFile(path=Path(), name=name))
