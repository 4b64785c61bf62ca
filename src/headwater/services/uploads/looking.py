"""From a file that is here to a run: scanned, inspected, mapped, planned. Each step is noted: any process goes on.

The guards against bombs, corrupt and hostile files are those of the readers; what they refuse ends the import as
`refused`, in their words.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from headwater.errors import Conflict, HeadwaterError, InputRefused, Misuse, NotFound
from headwater.services import kept_mappings
from headwater.services.access.policy import Right
from headwater.services.contract_forms import is_rested_on
from headwater.services.folders import SourceFile
from headwater.services.imports import file_recipe, plan_source
from headwater.services.jobs import asked_with_plan
from headwater.services.notifications.happened import import_refused
from headwater.services.notifications.telling import tell
from headwater.services.uploads.finding import found_in, is_undecided, refuse_no_table
from headwater.services.uploads.reaching import reached_import
from headwater.services.uploads.receiving import LOOKED_AT_AFTER, path_of, remove_file
from headwater.services.uploads.viewing import waits_for_nobody
from headwater.store import audit, imports
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.imports import Import
    from headwater.store.runs import Run

LOOKED_AT = ("uploaded", "scanned", "inspected")
OPEN = ("uploading", *LOOKED_AT, "mapped")
MOST_TRIES = 5
"""Looks at a file that may come to no end, or fail of what may pass, before it is refused."""


def go_on(installation: Installation, import_id: UUID) -> Import:
    """Take an import as far as it gets: to its run, or to where a mapping must be said. Conflict where it has ended."""
    installation, _ = reached_import(installation, Right.WRITE, import_id)
    with imports.hold(installation.database, installation.tenant_id, import_id) as connection:
        import_ = imports.get_import(connection, installation.tenant_id, import_id)
        if import_.state not in {*LOOKED_AT, "mapped"}:
            raise Conflict(
                f"the import is {import_.state}", where="import", value=import_id, valid=", ".join(LOOKED_AT)
            )
        tries = imports.begin_try(connection, installation.tenant_id, import_id)
        connection.commit()
        return _tried(installation, connection, import_, tries)


def _tried(installation: Installation, connection: TenantConnection, import_: Import, tries: int) -> Import:
    """As far as it gets, or refused: for what it is, or once it was tried often enough."""
    try:
        _refuse_endless(import_, tries)
        return _steps(installation, connection, import_)
    except (InputRefused, Misuse) as error:
        refused: HeadwaterError = error
    except HeadwaterError as error:
        if tries < MOST_TRIES:
            raise
        refused = error
    except Exception as error:  # noqa: BLE001 - whatever it is, it would be the same the next time
        get_logger(__name__).exception("a file fails of something unforeseen", import_id=str(import_.import_id))
        kind = type(error).__name__  # what it says may quote a value, and is for the log alone
        refused = InputRefused(f"{kind}, which nobody has foreseen: see the log", where=import_.name)
    connection.rollback()
    return _refused(installation, connection, import_.import_id, refused)


def _refuse_endless(import_: Import, tries: int) -> None:
    """InputRefused where so many looks at it came to no end: had one failed, the file would be refused by now."""
    if tries > MOST_TRIES:
        raise InputRefused(
            f"looking at it was begun {MOST_TRIES} times and came to no end: whoever did it was gone in the middle",
            where=import_.name,
            remedy="Often memory ran out. Cut the file into several, or save it in another format; then send it again.",
        )


def go_on_quietly(installation: Installation, import_id: UUID) -> None:
    """The same after an answer was given: what happens is told by the import."""
    try:
        go_on(installation, import_id)
    except HeadwaterError as error:
        get_logger(__name__).warning("an import did not go on", import_id=str(import_id), error=str(error))


def go_on_if_left(installation: Installation, import_id: UUID) -> float | None:
    """What a worker does some time after a file was sent: go on where whoever took it in was killed, for them.

    Seconds until it is to be looked at again, where somebody works on it still.
    """
    try:
        installation, import_ = reached_import(installation, Right.WRITE, import_id)
    except NotFound:  # and will not come back
        return None
    if waits_for_nobody(import_):
        try:
            go_on(installation.acting(replace(installation.actor, name=import_.created_by)), import_id)
        except Conflict:
            return LOOKED_AT_AFTER.total_seconds()
    elif import_.state in {"planned", "cancelled"}:
        remove_file(installation, import_id)
    return None


def choose_mapping(installation: Installation, import_id: UUID, mapping: str) -> Import:
    """Say by which mapping the file is read, and go on; also of one that another mapping did not fit."""
    installation, _ = reached_import(installation, Right.WRITE, import_id)
    kept_mappings.require_for(installation, mapping)
    with installation.database.connect(installation.tenant_id) as connection:
        import_ = imports.get_import(connection, installation.tenant_id, import_id)
        if (import_.state, import_.mapping) != ("mapped", mapping):  # as where whoever was told this before was killed
            states = [state for state in ("inspected", "refused") if import_.found is not None]
            imports.advance(
                connection, installation.tenant_id, import_id, "mapped",
                from_states=states or ["inspected"], mapping=mapping,
            )  # fmt: skip
            imports.look_later(connection, installation.tenant_id, import_id, wait=LOOKED_AT_AFTER)
    return go_on(installation, import_id)


def cancel(installation: Installation, import_id: UUID) -> Import:
    """Give up an import before it is a run. Conflict where it is one: then its job or run is ended."""
    installation, _ = reached_import(installation, Right.WRITE, import_id)
    tenant_id = installation.tenant_id
    with imports.hold(installation.database, tenant_id, import_id) as connection:
        imports.advance(connection, tenant_id, import_id, "cancelled", from_states=[*OPEN, "refused"])
        audit.append(connection, tenant_id, action="import.cancelled", resource=f"import/{import_id}", payload={})
        import_ = imports.get_import(connection, tenant_id, import_id)
    remove_file(installation, import_id)
    return import_


def _steps(installation: Installation, connection: TenantConnection, import_: Import) -> Import:
    path, tenant_id = path_of(installation, import_), installation.tenant_id
    if not path.is_file():
        raise InputRefused("the file is not here any more", where=import_.name, remedy="Send it again.")

    def advanced(state: str, **facts: Any) -> Import:
        imports.advance(connection, tenant_id, import_.import_id, state, from_states=[import_.state], **facts)
        connection.commit()
        return imports.get_import(connection, tenant_id, import_.import_id)

    if import_.state == "uploaded":
        refuse_no_table(path)
        with path.open("rb") as file:
            import_ = advanced("scanned", sha256=hashlib.file_digest(file, "sha256").digest())
    if import_.state == "scanned":
        found = found_in(installation, import_, path)
        import_ = advanced("inspected", found=found, mapping=import_.mapping or _named_by_itself(installation, found))
    if import_.state == "inspected" and import_.mapping is not None:
        kept_mappings.known(installation, import_.mapping)
        import_ = advanced("mapped")
    if import_.state == "mapped":
        if is_undecided(import_):  # until a mapping was chosen
            import_ = advanced("mapped", found=found_in(installation, import_, path))
        _plan(installation, import_, path)
        remove_file(installation, import_.import_id)
        import_ = imports.get_import(connection, tenant_id, import_.import_id)
    return import_


def _named_by_itself(installation: Installation, found: Mapping[str, Any]) -> str | None:
    """The contract that a workbook to fill in was made for, as its mapping. That of records that others rest on is for
    somebody to say: by a sheet of factors that was taken for another, figures would change that nobody looked at.
    """
    named: str | None = found.get("contract")
    documents = (document for pack in installation.packs for document in pack.documents())
    return None if named is None or is_rested_on(documents, named) else named


def _plan(installation: Installation, import_: Import, path: Path) -> None:
    """Its run, the job that carries it out and the end of the import, in one transaction: all of it or nothing."""
    job_id = uuid4()
    ask = asked_with_plan(installation, job_id)

    def together(connection: TenantConnection, run: Run) -> None:
        tenant_id = installation.tenant_id
        imports.advance(
            connection, tenant_id, import_.import_id, "planned",
            from_states=[import_.state], run_id=run.run_id, job_id=job_id,
        )  # fmt: skip
        ask(connection, run)

    with kept_mappings.mapping_file(installation, str(import_.mapping)) as mapping:
        recipe = file_recipe(import_.name, mapping.name, unit=str(import_.unit_id) if import_.unit_id else None)
        file = SourceFile(path=path, name=import_.name, alone=True)
        plan_source(installation, recipe, mapping.parent, file, together=together)


def _refused(
    installation: Installation, connection: TenantConnection, import_id: UUID, error: HeadwaterError
) -> Import:
    told = {
        name: None if (value := getattr(error, name)) is None else str(value)[:500]
        for name in ("what", "where", "value", "valid", "remedy")
    }
    tenant_id = installation.tenant_id
    imports.advance(connection, tenant_id, import_id, "refused", from_states=[*LOOKED_AT, "mapped"], error=told)
    tell(connection, tenant_id, [import_refused(imports.get_import(connection, tenant_id, import_id), error)])
    audit.append(
        connection, tenant_id, action="import.refused", resource=f"import/{import_id}", payload={"what": error.what},
        result="failed",
    )  # fmt: skip
    connection.commit()
    return imports.get_import(connection, tenant_id, import_id)
