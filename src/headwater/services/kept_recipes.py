"""Recipes said from outside: they name what the organisation keeps here, never a path of the server.

The mapping is the newest of its name, and an upload the latest file of its name, when the job is done and not when it
is asked for. A file that waits for a mapping is loaded by this one.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from headwater.errors import Conflict, Misuse, NotFound
from headwater.pipeline.recipe import recipe_of
from headwater.services import jobs, kept_mappings
from headwater.services.access.policy import Right
from headwater.services.connectors.keeping import find
from headwater.services.jobs import Wanted, recipe_of_job
from headwater.services.kept_files import clear_file
from headwater.services.source_places import source_id_by_name
from headwater.services.uploads.receiving import file_name, path_of, remove_file
from headwater.store import imports, runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from headwater.pipeline.recipe import Recipe
    from headwater.services.installation import Installation
    from headwater.store.imports import Import
    from headwater.store.jobs import Job

WAITING = ("inspected",)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What is read and by which mapping. The source is one of a connector, an upload by its file's name, a contract."""

    mapping: str
    connector: str | None = None
    upload: str | None = None
    contract: str | None = None
    table: str | None = None
    cursor: str | None = None
    lag: int = 0
    key: Sequence[str] = ()
    columns: Sequence[str] = ()
    follow: Mapping[str, str] = field(default_factory=dict)
    strategy: Literal["delta", "full"] = "delta"
    chunk_size: int | None = None


def wanted(installation: Installation, said: Said) -> Wanted:
    """The import or sync that is said. Misuse where it names what there is not."""
    installation.require(Right.WRITE)
    kept_mappings.known(installation, said.mapping)
    if said.upload is not None:
        _latest(installation, file_name(said.upload))
    if said.connector is not None:
        find(installation, said.connector)
    recipe = recipe_of(_as_recipe(said), where="source")
    label = next(filter(None, (said.upload, said.contract)), None) or "/".join(
        filter(None, (said.connector, said.table))
    )
    arguments = {
        "recipe": recipe.model_dump(mode="json"),
        "base": "",
        "every": False,
        "kept": {"mapping": said.mapping, "upload": said.upload},
    }
    if said.connector is None:
        return Wanted(kind="import", label=label, arguments=arguments, lock=None)
    lock = jobs.lock_of_connector(installation, said.connector)
    return Wanted(kind="sync", label=label, arguments=arguments, lock=lock)


def recipe_wanted(wanted: Wanted) -> Recipe:
    """The recipe of an import or sync that is wanted."""
    return recipe_of(wanted.arguments["recipe"], where=wanted.label)


def said_of(arguments: Mapping[str, Any], *, where: str) -> Said:
    """What was said, of a job's arguments. Misuse where they are of a recipe at the server, which says more."""
    kept = arguments.get("kept")
    if kept is None:
        raise Misuse(
            "it runs a recipe of the server",
            where=where,
            valid="a source and a mapping, in place of all that the recipe says",
        )
    source, load = arguments["recipe"]["source"], arguments["recipe"]["load"]
    return Said(
        mapping=kept["mapping"], connector=source["connector"], upload=kept["upload"], contract=source["contract"],
        table=source["table"], cursor=source["cursor"], lag=source["lag"], key=source["key"],
        columns=source["columns"], follow=source["follow"], strategy=load["strategy"], chunk_size=load["chunk_size"],
    )  # fmt: skip


def _as_recipe(said: Said) -> dict[str, Any]:
    source: dict[str, Any] = {
        "path": said.upload, "connector": said.connector, "contract": said.contract, "table": said.table,
        "cursor": said.cursor, "lag": said.lag, "key": list(said.key), "columns": list(said.columns),
        "follow": dict(said.follow),
    }  # fmt: skip
    if sum(source[kind] is not None for kind in ("path", "connector", "contract")) != 1:
        raise Misuse("a source is one of three", where="source", valid="connector, upload or contract")
    load = {"strategy": said.strategy, "chunk_size": said.chunk_size}
    return {"recipe": "kept", "source": source, "mapping": said.mapping, "load": load}


@contextmanager
def laid_out(installation: Installation, job: Job) -> Iterator[tuple[Recipe, Path]]:
    """The recipe of a job and the folder that its paths are taken from; of one said from outside, made for it."""
    recipe, kept = recipe_of_job(job), job.arguments.get("kept")
    if kept is None:
        yield recipe, Path(job.arguments["base"])
        return
    text = kept_mappings.text_of(installation, kept["mapping"])
    with TemporaryDirectory(prefix="headwater-") as name, ExitStack() as stack:
        folder = Path(name)
        (folder / ".by").mkdir()  # no upload is called so: a dot is never first in its name
        (folder / ".by" / "mapping.yaml").write_text(text, encoding="utf-8")
        upload = None if kept["upload"] is None else _latest(installation, kept["upload"])
        if upload is not None:
            content = stack.enter_context(_content(installation, upload))
            (folder / upload.name).symlink_to(content.absolute())
        yield recipe.model_copy(update={"mapping": ".by/mapping.yaml"}), folder
        if upload is not None:
            _note_loaded(installation, upload, job, kept["mapping"])


def _latest(installation: Installation, name: str) -> Import:
    """The latest file of this name that arrived whole and could be read."""
    with installation.database.connect(installation.tenant_id) as connection:
        found = imports.latest_named(connection, installation.tenant_id, name)
    if found is None:
        raise NotFound(
            "no file of this name was sent, or none that could be read",
            where="upload",
            value=name,
            remedy="Send it as an import; with or without a mapping.",
        )
    return found


def _content(installation: Installation, upload: Import) -> AbstractContextManager[Path]:
    if upload.state in WAITING:
        return nullcontext(path_of(installation, upload))
    return clear_file(installation, bytes(upload.sha256 or b""))


def _note_loaded(installation: Installation, upload: Import, job: Job, mapping: str) -> None:
    """One that waited for a mapping waits no longer, where it was loaded and nobody chose another meanwhile."""
    if upload.state not in WAITING:
        return
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        run = runs.latest_of_source(connection, tenant_id, source_id_by_name(mapping, upload.name))
        if run is None or run.blob_sha256 != upload.sha256:
            return
        with suppress(Conflict):
            imports.advance(
                connection, tenant_id, upload.import_id, "planned", from_states=WAITING, mapping=mapping,
                run_id=run.run_id, job_id=job.job_id,
            )  # fmt: skip
    remove_file(installation, upload.import_id)
