"""What a person asks about a connector: is it well, what does it hold, how far was it read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from headwater.connectors.protocol import Selection
from headwater.documents.near import did_you_mean
from headwater.errors import Misuse
from headwater.services.access.policy import Right
from headwater.services.connectors.keeping import find, is_store, opened, tables_of
from headwater.services.connectors.kept_samples import TABLES_AT_ONCE, keep_samples
from headwater.services.connectors.noted_columns import note_tables
from headwater.services.connectors.store_viewing import first_records, told_some
from headwater.store import connectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from headwater.connectors.protocol import Connector, FileStore, Problem, RemoteFile, SourcePlan, Table
    from headwater.services.answers.connectors import (
        ConnectorListed,
        ConnectorShown,
    )
    from headwater.services.installation import Installation
    from headwater.store.connectors import StoredConnector


@dataclass(frozen=True, kw_only=True)
class Status:
    """A connector as it stands: its circuit, how far each source was read, its latest syncs, those that came to no run,
    and what changed at its source.
    """

    connector: StoredConnector
    circuit: connectors.Circuit
    states: Sequence[Any]
    syncs: Sequence[Any]
    refused_syncs: Sequence[Any]
    schema_changes: Sequence[Any]

    def as_json(self) -> ConnectorShown:
        """Plain values; what JSON has no form for is left to the printer."""
        circuit: Any = asdict(self.circuit)
        return {
            **connector_as_json(self.connector),
            "circuit": circuit,
            "states": list(self.states),
            "syncs": list(self.syncs),
            "refused_syncs": [each | {"error": each["error"]["message"]} for each in self.refused_syncs],
            "schema_changes": list(self.schema_changes),
        }


def connector_as_json(stored: StoredConnector) -> ConnectorListed:
    """A connector as plain values. Secrets stand in its config as references only."""
    return {"name": stored.name, "kind": stored.kind, "config": dict(stored.config), "created_at": stored.created_at}


def all_connectors(installation: Installation) -> list[StoredConnector]:
    """Those there are, by name."""
    installation.require(Right.READ)
    with installation.database.connect(installation.tenant_id) as connection:
        return connectors.list_connectors(connection, installation.tenant_id)


def status(installation: Installation, name: str, *, limit: int = 10) -> Status:
    """How a connector stands."""
    installation.require(Right.READ)
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        stored = connectors.find_connector(connection, tenant_id, name)
        key = stored.connector_id
        return Status(
            connector=stored,
            circuit=connectors.circuit_of(connection, tenant_id, key),
            states=connectors.states_of_connector(connection, tenant_id, key),
            syncs=connectors.syncs_of_connector(connection, tenant_id, key, limit=limit),
            refused_syncs=connectors.refused_syncs(connection, tenant_id, key, limit=limit),
            schema_changes=connectors.schema_changes(connection, tenant_id, key),
        )


def validate(installation: Installation, name: str, table: str | None) -> Sequence[Problem]:
    """What stands in the way of reading."""
    installation.require(Right.TRANSFORM)
    with opened(installation, find(installation, name)) as source:
        return source.validate(Selection(table=table) if table else None)


def discover(installation: Installation, name: str) -> Sequence[Table] | Sequence[RemoteFile]:
    """The tables of a source, whose columns are noted and first rows kept, or the files of a store."""
    installation.require(Right.TRANSFORM)
    stored = find(installation, name)
    with opened(installation, stored) as source:
        if is_store(source):
            return source.files()
        return _discovered(installation, stored, source)


def _discovered(
    installation: Installation, stored: StoredConnector, source: Connector | FileStore, table: str | None = None
) -> Sequence[Table]:
    """All tables, which are noted; of those there are, or of the one that is meant, the first rows are kept."""
    tables = tables_of(source, stored)
    found = tables.discover()
    note_tables(installation, stored, found)
    names = [each.name for each in found if table in {None, each.name}]
    keep_samples(installation, stored, tables, names if len(names) <= TABLES_AT_ONCE else ())
    return found


def discovered_table(installation: Installation, name: str, table: str) -> Table:
    """One table of a source as its catalogue has it; Misuse naming those most like it where there is none."""
    installation.require(Right.TRANSFORM)
    stored = find(installation, name)
    with opened(installation, stored) as source:
        found = {each.name: each for each in _discovered(installation, stored, source, table)}
    if table not in found:
        raise Misuse(
            "the source has no table of this name that its login may read",
            where=f"connector {name}",
            value=table,
            valid=told_some(sorted(found)),
            remedy=did_you_mean(table, found) or f"All of them: headwater connectors discover {name}",
        )
    return found[table]


def sample(installation: Installation, name: str, table: str, *, rows: int) -> pa.Table:
    """The first rows of a table, or the first records of a file of a store."""
    installation.require(Right.TRANSFORM)
    stored = find(installation, name)
    with opened(installation, stored) as source:
        if is_store(source):
            return first_records(installation, stored, source, table, rows=rows)
        return tables_of(source, stored).sample(table, rows)


def plan(installation: Installation, name: str, selection: Selection) -> SourcePlan:
    """The chunks a sync would read, without reading any."""
    installation.require(Right.TRANSFORM)
    stored = find(installation, name)
    with opened(installation, stored) as source:
        return tables_of(source, stored).plan(selection)
