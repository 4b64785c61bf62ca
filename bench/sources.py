"""Tables of other databases brought in: Headwater's connectors beside dlt and bare copies, all into the same server."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.contestants import result, told
from bench.generate import COLUMNS
from bench.mariadb import MariaDb, programs, running_mariadb
from bench.measure import run_measured
from bench.river import LOADED_WITH_QUARANTINE, MAPPING, installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bench.inputs import Inputs
    from bench.result import Result
    from bench.server import Server

KINDS: Final = ("PostgreSQL", "MariaDB")
WAYS: Final = {
    "dlt, connectorx, append": "append",
    "dlt, connectorx, merge on the key (upsert)": "upsert",
    "dlt, connectorx, merge on the key (delete and insert)": "delete-insert",
}
ITEMS: Final = Path(__file__).parent / "purchase_order_item.yaml"
CHANGED: Final = 100
"""One row in so many is changed before the second sync."""


def first(kind: str) -> str:
    """Everything, by the time of its change."""
    return f"{kind} → Headwater, first sync"


def records(kind: str) -> str:
    """Everything, as records of which no figures are made: what a merge on the key is to be held against."""
    return f"{kind} → Headwater, first sync, no figures"


def delta(kind: str) -> str:
    """What was changed since."""
    return f"{kind} → Headwater, 1 % of the rows changed"


def peer(kind: str, way: str) -> str:
    """Another tool, the whole table."""
    return f"{kind} → {way}"


def copy(kind: str) -> str:
    """What the databases' own programs take, into a heap."""
    return f"{kind} → {'COPY into COPY' if kind == 'PostgreSQL' else 'mariadb --batch into COPY'}"


CASES: Final = tuple(
    case
    for kind in KINDS
    for case in (copy(kind), records(kind), first(kind), delta(kind), *(peer(kind, way) for way in WAYS))
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Source:
    """A database with a table `activity`, and how each contestant reaches it.

    process  of its server, whose processor time counts as a server's; None where it is the target's server
    change   changes one row in so many, the turn telling which, and gives how many
    """

    kind: str
    connector: Sequence[str]
    table: str
    url: str
    reflected: str
    unloading: Sequence[str]
    loading: str
    process: int | None
    change: Callable[[int], int]


@dataclass(frozen=True)
class Sources:
    """All contestants over one size of table."""

    command: Sequence[str]
    server: Server
    inputs: Inputs

    def runs(self, repeats: int) -> Iterator[Result]:
        """Each source in turn; where there is no MariaDB, that one is left out."""
        with _postgresql(self.server, self.inputs) as source:
            for turn in range(repeats):
                yield from self._turn(source, turn)
        if programs() is None:
            print("no MariaDB: `make services` installs it", file=sys.stderr, flush=True)
            return
        with _mariadb(self.inputs) as source:
            for turn in range(repeats):
                yield from self._turn(source, turn)

    def _turn(self, source: Source, turn: int) -> Iterator[Result]:
        yield self._copy(source)
        yield self._records(source)
        yield from self._sync(source, turn)
        for way in WAYS:
            yield self._dlt(source, way)

    def _records(self, source: Source) -> Result:
        rows = self.inputs.copyable.contents.rows
        with self._connected(source, ITEMS.read_text(encoding="utf-8")) as synced:
            return synced(records(source.kind), rows, {"read": rows})

    def _sync(self, source: Source, turn: int) -> Iterator[Result]:
        contents = self.inputs.copyable.contents
        lines = MAPPING.read_text(encoding="utf-8").splitlines(keepends=True)
        with self._connected(source, "".join(line for line in lines if not line.startswith("source:"))) as synced:
            yield synced(first(source.kind), contents.rows, {"read": contents.rows, "inserted": contents.good_rows})
            changed = source.change(turn)
            # The row that was the last to be changed is read again: others may share its moment.
            yield synced(delta(source.kind), contents.rows, {"read": changed + 1, "inserted": 0})

    @contextmanager
    def _connected(self, source: Source, mapping: str) -> Iterator[Callable[[str, int, dict[str, int]], Result]]:
        """An installation with the source as a connector: what syncs it and holds the ledger against what is right."""
        with installed(self.command, self.server, self.inputs) as installation, tempfile.TemporaryDirectory() as folder:
            environment = {**installation.environment, "BENCH_PASSWORD": "unused"}
            document = Path(folder, "mapping.yaml")
            document.write_text(mapping, encoding="utf-8")
            run_measured(
                [*self.command, "connectors", "add", "plant", *source.connector],
                environment=environment,
            )

            def synced(case: str, rows: int, expected: dict[str, int]) -> Result:
                self.server.settle()
                words = ["connectors", "sync", "plant", "--table", source.table, "--cursor", "changed_at"]
                measured = run_measured(
                    [*self.command, *words, "--mapping", document, "--json"],
                    environment=environment,
                    postmaster=self.server.postmaster,
                    source=source.process,
                    expected=(0, LOADED_WITH_QUARANTINE),
                )
                ledger = json.loads(measured.output)["ledger"]
                complaints = [
                    f"{name}: {ledger[name]:,} where {right:,} are right"
                    for name, right in expected.items()
                    if ledger[name] != right
                ]
                return result(case, rows, measured, answer={"ledger": ledger}, complaints=complaints)

            yield synced

    def _dlt(self, source: Source, way: str) -> Result:
        program = [sys.executable, "-m", "bench.peers.dlt_source", WAYS[way], source.reflected, source.url]
        with self.server.database("peer") as database:
            self.server.settle()
            measured = run_measured(
                [*program, self.server.url(database)], postmaster=self.server.postmaster, source=source.process
            )
            loaded = self.server.value(database, "SELECT count(*) FROM peer.activity")
        return self._whole(peer(source.kind, way), measured, loaded, told(measured))

    def _copy(self, source: Source) -> Result:
        with self.server.database("peer") as database:
            columns = ", ".join(f"{column} text" for column in COLUMNS)
            self.server.execute(database, f"CREATE TABLE activity (row_no bigint, {columns}, changed_at timestamp)")
            self.server.settle()
            into = [self.server.psql, "--no-psqlrc", "-c", f"\\copy activity FROM stdin {source.loading}"]
            pipe = f"{shlex.join(source.unloading)} | {shlex.join(map(str, [*into, self.server.url(database)]))}"
            measured = run_measured(
                ["bash", "-o", "pipefail", "-c", pipe], postmaster=self.server.postmaster, source=source.process
            )
            loaded = self.server.value(database, "SELECT count(*) FROM activity")
        return self._whole(copy(source.kind), measured, loaded, None)

    def _whole(self, case: str, measured: object, loaded: object, answer: dict[str, object] | None) -> Result:
        rows = self.inputs.copyable.rows
        complaints = [] if loaded == rows else [f"loaded {loaded} of {rows:,} rows"]
        return result(case, rows, measured, answer=answer, complaints=complaints)  # type: ignore[arg-type]


@contextmanager
def _postgresql(server: Server, inputs: Inputs) -> Iterator[Source]:
    path = inputs.copyable.path
    columns = ", ".join(f"{column} text" for column in COLUMNS)
    with server.database("plant") as database:
        server.execute(database, f"CREATE TABLE staging ({columns})")
        copied = f"\\copy staging FROM '{path}' WITH (FORMAT csv, HEADER)"
        run_measured([server.psql, "--no-psqlrc", "--set=ON_ERROR_STOP=1", "-c", copied, server.url(database)])
        server.execute(
            database,
            "CREATE TABLE activity AS SELECT row_number() OVER () AS row_no, *,"
            " timestamp '2024-01-01' + row_number() OVER () * interval '1 second' AS changed_at FROM staging",
        )
        for statement in ("ALTER TABLE activity ADD PRIMARY KEY (activity_id)", "CREATE INDEX ON activity (changed_at)",
                          "DROP TABLE staging", "ANALYZE activity"):  # fmt: skip
            server.execute(database, statement)

        def change(turn: int) -> int:
            server.execute(database, _CHANGE.format(turn=turn, later="interval '1 second' * (10000000 + row_no)"))
            return int(str(server.value(database, f"SELECT count(*) FROM activity WHERE row_no % {CHANGED} = {turn}")))

        settings = {"host": server.socket_folder, "database": database, "user": "postgres"}
        yield Source(
            kind="PostgreSQL",
            connector=["-k", "postgresql", *_settings(settings)],
            table="public.activity",
            url=server.url(database),
            reflected=server.url(database),
            unloading=[str(server.psql), "--no-psqlrc", "-c", r"\copy activity TO stdout (FORMAT binary)",
                       server.url(database)],
            loading="(FORMAT binary)",
            process=None,
            change=change,
        )  # fmt: skip


@contextmanager
def _mariadb(inputs: Inputs) -> Iterator[Source]:
    with running_mariadb(inputs.folder / "mariadb") as mariadb:
        _fill(mariadb, inputs.copyable.path)

        def change(turn: int) -> int:
            later = "INTERVAL (10000000 + row_no) SECOND"
            return mariadb.execute(_CHANGE.format(turn=turn, later=later))

        settings = {"host": "127.0.0.1", "port": mariadb.port, "database": "plant", "user": "bench",
                    "password_ref": "env:BENCH_PASSWORD", "tls": "disable"}  # fmt: skip
        url = f"mysql://bench:unused@127.0.0.1:{mariadb.port}/plant"
        yield Source(
            kind="MariaDB",
            connector=["-k", "mysql", *_settings(settings)],
            table="activity",
            url=url,
            reflected=url.replace("mysql:", "mysql+pymysql:"),
            unloading=[str(mariadb.client), "--no-defaults", f"--socket={mariadb.socket}", "--user=root", "--batch",
                       "--quick", "--skip-column-names", "--default-character-set=utf8mb4",
                       "--execute=SELECT * FROM activity", "plant"],
            loading="(NULL 'NULL')",
            process=mariadb.process,
            change=change,
        )  # fmt: skip


_CHANGE: Final = (
    "UPDATE activity SET note = concat('changed ', row_no), changed_at = timestamp '2024-01-01 00:00:00' + {later}"
    f" WHERE row_no % {CHANGED} = {{turn}}"
)


def _fill(mariadb: MariaDb, path: Path) -> None:
    lengths = {"activity_id": "VARCHAR(100) PRIMARY KEY", "note": "VARCHAR(2500)"}
    columns = ", ".join(f"{name} {lengths.get(name, 'VARCHAR(250)')}" for name in COLUMNS)
    mariadb.execute(
        f"CREATE TABLE activity (row_no BIGINT, {columns}, changed_at DATETIME) COLLATE utf8mb4_bin ROW_FORMAT=DYNAMIC"
    )
    mariadb.execute("SET @n = 0")
    mariadb.execute(
        f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE activity CHARACTER SET utf8mb4 FIELDS TERMINATED BY ','"
        " OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' IGNORE 1 LINES"
        f" ({', '.join(COLUMNS)}) SET row_no = (@n := @n + 1), changed_at = '2024-01-01' + INTERVAL @n SECOND"
    )
    mariadb.execute("CREATE INDEX changed ON activity (changed_at)")


def _settings(values: Mapping[str, object]) -> list[str]:
    return [word for name, value in values.items() for word in ("-s", f"{name}={value}")]
