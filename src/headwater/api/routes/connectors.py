"""Connectors: added, changed, tried, looked into, synced."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from headwater.api.access import Here, needs, router
from headwater.api.asking import etag, expected_hash
from headwater.api.commands import told_with_routes
from headwater.connectors.config_fields import schema_of
from headwater.connectors.protocol import RemoteFile
from headwater.services import connector_syncs
from headwater.services.access.policy import Right
from headwater.services.answers.connectors import (
    ConnectorKind,
    ConnectorListed,
    ConnectorShown,
    ConnectorValidated,
    SyncPlanned,
    TableFound,
)
from headwater.services.connectors import keeping, outside, viewing
from headwater.services.connectors.kinds import installed_kinds

routes = router("connectors")
IfMatch = Annotated[str | None, Header(description="The ETag of the version that was looked at; else 412.")]


class NewConnector(BaseModel):
    """A source by name. Secrets stand in its config as references only: `stored:NAME`."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")
    kind: str = Field(max_length=63)
    config: dict[str, Any]


class NewSync(BaseModel):
    """What is read, and how."""

    model_config = ConfigDict(extra="forbid")
    table: str = Field(min_length=1, max_length=500)
    mapping: str = Field(min_length=1, max_length=200)
    cursor: str | None = Field(default=None, max_length=200)
    lag: int = Field(default=0, ge=0, le=31_536_000)
    key: list[str] = Field(default=[], max_length=20)
    columns: list[str] = Field(default=[], max_length=1000)
    strategy: Literal["delta", "full"] = "delta"
    drift: Literal["evolve", "freeze", "quarantine", "stop"] = Field(
        default="freeze", description="What this one sync does where columns changed: `freeze` takes them as they are."
    )
    chunk_size: int | None = Field(default=None, ge=1, le=1_000_000, description="Rows a transaction.")
    window: Literal["none", "month", "week", "day"] | None = Field(
        default=None, description="What of the calendar chunks of a time end with; by default by the table's size."
    )
    read_ahead: int | None = Field(
        default=None, ge=0, le=16, description="Chunks read before their turn comes; by default as its kind does."
    )


@routes.get("/connector-kinds", **needs(Right.READ))
def list_kinds(here: Here) -> list[ConnectorKind]:
    """The kinds of connectors there are, each with the JSON Schema of its config, in words."""
    here.require(Right.READ)
    return [{"name": name, "config": schema_of(kind.config)} for name, kind in sorted(installed_kinds().items())]


@routes.get("/connectors", **needs(Right.READ))
def list_connectors(here: Here) -> list[ConnectorListed]:
    """Connectors by name."""
    return [viewing.connector_as_json(each) for each in viewing.all_connectors(here)]


@routes.post("/connectors", status_code=201, **needs(Right.TRANSFORM, 404, 409))
def add_connector(here: Here, connector: NewConnector, response: Response) -> ConnectorListed:
    """Add a connector. It is not asked for anything yet: that is its validation."""
    found = outside.add(here, connector.name, connector.kind, connector.config)
    response.headers["ETag"] = etag(keeping.version_of(found))
    return viewing.connector_as_json(found)


@routes.get("/connectors/{name}", **needs(Right.READ, 404))
def show_connector(here: Here, name: str, response: Response) -> ConnectorShown:
    """A connector as it stands: its circuit, how far each source was read, its latest syncs, changed columns."""
    found = viewing.status(here, name)
    response.headers["ETag"] = etag(keeping.version_of(found.connector))
    return found.as_json()


@routes.patch("/connectors/{name}", **needs(Right.TRANSFORM, 404, 409, 412))
def change_connector(
    here: Here, name: str, config: dict[str, Any], response: Response, if_match: IfMatch = None
) -> ConnectorListed:
    """Put values into the config; those not named stay, null takes one away."""
    found = outside.change(here, name, config, expected=expected_hash(if_match))
    response.headers["ETag"] = etag(keeping.version_of(found))
    return viewing.connector_as_json(found)


@routes.delete("/connectors/{name}", status_code=204, **needs(Right.TRANSFORM, 404, 409, 412))
def remove_connector(here: Here, name: str, *, force: bool = False, if_match: IfMatch = None) -> None:
    """Let go of a connector; what came through it stays. One that schedules read through is kept, unless `force`."""
    keeping.remove(here, name, force=force, expected=expected_hash(if_match))


@routes.post("/connectors/{name}/validation", **needs(Right.TRANSFORM, 404, long="write"))
def validate(here: Here, name: str, table: Annotated[str | None, Query(max_length=500)] = None) -> ConnectorValidated:
    """Whether the source can be reached and read: `ok`, or what stands in the way."""
    problems: list[Any] = [asdict(each) for each in viewing.validate(here, name, table)]
    return {"ok": not problems, "problems": told_with_routes(problems)}


@routes.post("/connectors/{name}/discovery", **needs(Right.TRANSFORM, 404, long="write"))
def discover(here: Here, name: str) -> list[TableFound] | list[RemoteFile]:
    """The tables of the source, or the files of a store, as they are now."""
    found: list[Any] = outside.plain(viewing.discover(here, name))
    return found


@routes.post("/connectors/{name}/syncs", status_code=202, **needs(Right.WRITE, 404, 409))
def sync(here: Here, name: str, wanted: NewSync) -> SyncPlanned:
    """Plan a sync of a table: the run is planned when this is answered, and a worker carries it out."""
    return connector_syncs.sync(here, name, **wanted.model_dump())
