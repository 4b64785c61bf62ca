"""The queue: procrastinate's tables in a schema of their own, brought up by its own migrations, and the way to them.

They hold ids only and are the one place with tenants' ids that row-level security does not guard, since a worker takes
the jobs of all organisations; what a job is about stands in the table `jobs`, which it does guard.
"""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.errors import Stopped
from headwater.store.failures import translated
from headwater.store.queries import named_queries

if TYPE_CHECKING:
    from typing import Any

    import psycopg
    from procrastinate import PsycopgConnector

QUERIES = named_queries("queue")
GIVE_BACK, HAS_WORK, AT_WORK = QUERIES["give_back"], QUERIES["has_work"], QUERIES["tenants_at_work"]
FINISH, PUT_BACK = QUERIES["finish"], QUERIES["put_back"]
"""What a worker asks over its own connection; see each statement's sentence."""
SCHEMA = "headwater_queue"
ROWS_A_WORKER = 3
"""As so many the process of a worker stands in the queue's table: for jobs, for times of schedules, for messages."""


def queue_migrations() -> dict[str, str]:
    """The migrations that the installed procrastinate brings, text by name, in order."""
    files = sorted((_sql_of_procrastinate() / "migrations").glob("*.sql"))
    return {file.stem: file.read_text(encoding="utf-8") for file in files}


def _sql_of_procrastinate() -> Path:
    """Its folder of SQL. Every command looks there, so the package, which takes a while, is not imported for it."""
    found = find_spec("procrastinate")
    if found is None or not found.submodule_search_locations:
        raise Stopped(
            "procrastinate is not installed", remedy="Install Headwater again: it is one of its dependencies."
        )
    return Path(found.submodule_search_locations[0]) / "sql"


def pending_of_queue(connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    """What `upgrade_queue` would do, named; the newest migration alone where there is no queue yet."""
    names = list(queue_migrations())
    exists = connection.execute(QUERIES["exists"]).fetchone()
    if exists is None or not exists[0]:
        return (_told(names[-1]),)
    applied = {name for (name,) in connection.execute(QUERIES["applied"])}
    return tuple(_told(name) for name in names if name not in applied)


def upgrade_queue(owner: psycopg.Connection[Any]) -> tuple[str, ...]:
    """Bring the queue to the schema of the installed procrastinate, as the owner; what was applied, named.

    A new one is made as a whole. Stopped where a newer procrastinate was at work here.
    """
    ours = queue_migrations()
    owner.execute(QUERIES["create"])
    applied = {name for (name,) in owner.execute(QUERIES["applied"])}
    if unknown := sorted(applied - set(ours)):
        raise Stopped(
            "the queue was upgraded by a newer version of procrastinate",
            where=f"migration {unknown[0]}",
            value=metadata.version("procrastinate"),
            remedy="Install the version of Headwater, and with it of procrastinate, that did so, or a newer one.",
        )
    missing = [name for name in ours if name not in applied]
    if not applied:
        whole = (_sql_of_procrastinate() / "schema.sql").read_text(encoding="utf-8")
        _apply(owner, whole, missing)
        return (_told(missing[-1]),)
    for name in missing:
        _apply(owner, ours[name], [name])
    return tuple(_told(name) for name in missing)


def _apply(owner: psycopg.Connection[Any], text: str, names: list[str]) -> None:
    version = metadata.version("procrastinate")
    with translated(f"queue, migration {names[-1]}"), owner.transaction():
        owner.execute(QUERIES["work_in_it"])
        owner.execute(text)
        owner.execute(QUERIES["pin"])
        for name in names:
            owner.execute(QUERIES["record"], {"name": name, "version": version})


def _told(name: str) -> str:
    return f"queue {name}"


def queue_connector(app_url: str, *, connections: int) -> PsycopgConnector:
    """What a worker speaks to the queue by, as the application's role."""
    from procrastinate import PsycopgConnector  # noqa: PLC0415 - only workers pay for its import

    return PsycopgConnector(
        conninfo=app_url,
        kwargs={"options": f"-c search_path={SCHEMA}", "application_name": "headwater worker"},
        min_size=1,
        max_size=connections,
    )
