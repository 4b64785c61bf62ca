"""Syncs of stores of files: each new or changed file is fetched, pinned to its version, and imported as a run."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from headwater.errors import InputRefused, Misuse
from headwater.services.access.policy import Right
from headwater.services.batches import Imported, left_out, load_one
from headwater.services.connectors.asking import Asker, refusal_noted
from headwater.services.connectors.keeping import is_store
from headwater.services.connectors.refused import refusal_kept, refusals_kept
from headwater.services.folders import SourceFile, members_of
from headwater.services.imports import Remote, logic_of, plan_source, source_id, source_name
from headwater.services.scratch import scratch
from headwater.services.unchanged import is_as_then, last_of_source
from headwater.store import runs
from headwater.store.given_up import latest_of_connector

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
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
    with refusal_kept(installation, stored, stored.name), refusal_noted(installation, stored.connector_id):
        return Asker(installation, stored.connector_id, stored.name).ask(source.files, about="the list of files")


def files_to_sync(
    installation: Installation, stored: StoredConnector, source: Connector | FileStore
) -> tuple[FileStore, Sequence[RemoteFile]]:
    """The source as a store, and the files the connector's pattern means. InputRefused where there is none, Misuse
    where it has tables and one must be said.
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
        raise InputRefused(
            f"there is no file to read: {told.what}" if told else "there is no file to read",
            where=f"connector {stored.name}",
            valid=told.valid if told else None,
            remedy="Look at its pattern, and at where it starts: headwater connectors show " + stored.name,
        )
    return source, files


def _untold(source: str, files: Sequence[SourceFile]) -> None:
    """Whom nobody asks how many there are."""


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
    opened: Callable[[str, Sequence[SourceFile]], None] = _untold,
) -> Iterator[Imported]:
    """Bring in the files that the store lists, one after another; one whose version was loaded last is not even
    fetched, unless `again`, nor one whose source is `done`. Those left out come last: see `import_each`.

    opened: is told what source each file is that is fetched, and the files in it, where it is an archive of several.
    """
    installation.require(Right.WRITE)
    before = LoadedBefore(installation, stored, recipe, base)
    left: list[tuple[str, Sequence[Run]]] = []
    named = {before.name_of(file): file for file in files}
    there, unread = set(named), set[str]()

    def load(file: RemoteFile) -> Iterator[Imported]:
        try:
            with parts_at_hand(installation, stored, source, file, before.member) as parts:
                opened(before.name_of(file), parts)
                for part in parts:
                    there.add(before.called(part.name))
                    if len(parts) > 1 and not again and (last := before.last_as_it_is(part.name, file)):
                        left.append((part.name, [last]))
                    else:
                        yield load_part(part, file, of=len(parts))
        except (InputRefused, Misuse) as refused:
            yield Imported(file=f"{stored.name}/{file.name}", view=None, error=refused)

    def load_part(part: SourceFile, file: RemoteFile, *, of: int) -> Imported:
        remote = Remote(
            connector_id=stored.connector_id,
            version=file.version,
            address=file.address,
            archive=before.name_of(file) if of > 1 else None,
            members=of,
        )
        plan = partial(plan_source, installation, recipe, base, part, remote=remote)
        return load_one(installation, part.name, plan, progress=progress)

    for name, file in [(name, file) for name, file in named.items() if name not in done]:
        if not again and (last := before.as_it_is(file)):
            left.append((f"{stored.name}/{file.name}", last))
            there.update(run.source_name for run in last)
            continue
        for each in refusals_kept(installation, stored, f"{stored.name}/{file.name}", load(file)):
            if each.view is None:
                unread.add(name)
            yield each
    yield from left_out(installation, left, before.gone(there, unread) if left else ())


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

    def name_of(self, file: RemoteFile) -> str:
        """What the source is called that is a file of the store."""
        return self.called(f"{self._stored.name}/{file.name}")

    def as_it_is(self, file: RemoteFile) -> Sequence[Run]:
        """The last runs of a file, or of each in it, where they loaded this very version as it would be loaded now."""
        last = self.last_as_it_is(f"{self._stored.name}/{file.name}", file)
        if last is not None:
            return (last,)
        inside = [self._last_as_it_is(name, file) for name in dict.fromkeys(self._archives.get(self.name_of(file), ()))]
        found = [run for run in inside if run is not None]
        return found if found and len(found) == found[0].layout["archive"]["members"] else ()

    def gone(self, there: Collection[str], unread: Collection[str]) -> Sequence[UUID]:
        """The last runs of sources of the recipe that are not `there` any more; what lies in an archive that could not
        be read may be.
        """
        logic = logic_of(self._installation, self._recipe, self._base)
        own, unsure = self.called(f"{self._stored.name}/"), tuple(f"{name}/" for name in unread)
        with self._installation.database.connect(self._installation.tenant_id) as connection:
            latest = latest_of_connector(connection, self._installation.tenant_id, self._stored.connector_id)
        return [
            run_id
            for run_id, source, name in latest
            if name not in there
            and name.startswith(own)
            and not name.startswith(unsure)
            and source == source_id(self._installation, self._recipe, logic.mapping, name)
        ]

    def last_as_it_is(self, name: str, file: RemoteFile) -> Run | None:
        """The last run of a file of the store, or of one inside it, where it loaded this version: see `is_as_then`."""
        return self._last_as_it_is(self.called(name), file)

    def _last_as_it_is(self, source: str, file: RemoteFile) -> Run | None:
        logic = logic_of(self._installation, self._recipe, self._base)
        last = last_of_source(self._installation, self._recipe, logic, source)
        is_same = (
            last is not None
            and last.layout.get("remote", {}).get("version") == file.version
            and is_as_then(self._installation, last, logic)
        )
        return last if is_same else None

    def called(self, name: str) -> str:
        """What the source of that name is called in the recipe."""
        return source_name(self._recipe, SourceFile(path=Path(), name=name))
