"""Syncs of stores of files: each new or changed file is fetched, pinned to its version, and imported as a run."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from headwater.errors import HeadwaterError, InputRefused, Misuse
from headwater.services.batches import Imported
from headwater.services.connectors.asking import Asker
from headwater.services.folders import SourceFile
from headwater.services.imports import LOADED, Remote, carry_out, logic_of, plan_source, source_id, source_name
from headwater.services.imports import stored_logic as logic_of_run
from headwater.services.runs_view import show_run
from headwater.store import runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headwater.connectors.protocol import FileStore, RemoteFile
    from headwater.pipeline.recipe import Recipe
    from headwater.services.installation import Installation
    from headwater.store.connectors import StoredConnector
    from headwater.telemetry import Progress


def files_of_store(installation: Installation, stored: StoredConnector, source: FileStore) -> Sequence[RemoteFile]:
    """The files the connector's pattern means."""
    return Asker(installation, stored.connector_id, stored.name).ask(source.files, about="the list of files")


def sync_files(
    installation: Installation,
    stored: StoredConnector,
    source: FileStore,
    files: Sequence[RemoteFile],
    *,
    recipe: Recipe,
    base: Path,
    progress: Progress,
) -> Iterator[Imported]:
    """Bring in the files one after another; one whose version was loaded last is not even fetched."""
    asker = Asker(installation, stored.connector_id, stored.name)
    for file in files:
        name = f"{stored.name}/{file.name}"
        try:
            if _was_loaded(installation, recipe, base, name, file.version):
                yield Imported(file=name, view=None, error=None)
                continue
            with TemporaryDirectory(prefix="headwater-", dir=_scratch(installation)) as folder:
                at_hand = _fetched(asker, source, file, Path(folder), name=name)
                remote = Remote(connector_id=stored.connector_id, version=file.version)
                run_id = plan_source(installation, recipe, base, at_hand, remote=remote)
        except (InputRefused, Misuse) as refused:
            yield Imported(file=name, view=None, error=refused)
            continue
        error: HeadwaterError | None = None
        try:
            carry_out(installation, run_id, progress=progress)
        except HeadwaterError as stopped:
            error = stopped  # the run has noted it and can be resumed; the other files are not concerned
        yield Imported(file=name, view=show_run(installation, run_id), error=error)


def fetched_files(
    installation: Installation, stored: StoredConnector, source: FileStore, folder: Path
) -> Iterator[SourceFile]:
    """The files the connector's pattern means, each at hand in the folder until the next is asked for."""
    asker = Asker(installation, stored.connector_id, stored.name)
    for file in files_of_store(installation, stored, source):
        at_hand = _fetched(asker, source, file, folder, name=f"{stored.name}/{file.name}")
        yield at_hand
        at_hand.path.unlink()


def _scratch(installation: Installation) -> Path:
    folder = installation.settings.data_dir / "fetched"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _fetched(asker: Asker, source: FileStore, file: RemoteFile, folder: Path, *, name: str) -> SourceFile:
    """The file at hand, under its own name, whose ending tells its format."""
    own = PurePosixPath(file.name).name
    path = folder / (own if own not in {"", ".", ".."} else "file")
    asker.ask(lambda: source.fetch(file, path), about=file.name)
    return SourceFile(path=path, name=name)


def _was_loaded(installation: Installation, recipe: Recipe, base: Path, name: str, version: str) -> bool:
    """Whether this very version was loaded last, by the same mapping, contract, factors and code."""
    logic = logic_of(installation, recipe, base)
    source = source_id(logic.mapping, source_name(recipe, SourceFile(path=Path(), name=name)))
    with installation.database.connect(installation.tenant_id) as connection:
        last = runs.latest_of_source(connection, installation.tenant_id, source)
    return (
        last is not None
        and last.state in LOADED
        and last.layout.get("remote", {}).get("version") == version
        and logic_of_run(installation, last).hash == logic.hash
    )
