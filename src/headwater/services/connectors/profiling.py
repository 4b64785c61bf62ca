"""What the columns of a source's table hold: counted by the engine over rows kept in a file that goes again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from headwater.connectors.protocol import Selection
from headwater.engine.duck import engine
from headwater.engine.fragments import quote_name
from headwater.mapping.compile import columns_read
from headwater.services.connectors.asking import Asker
from headwater.services.connectors.extraction import first_rows
from headwater.services.connectors.keeping import find, opened, tables_of
from headwater.services.imports import stored_logic
from headwater.store import connectors, runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from headwater.connectors.protocol import Connector
    from headwater.contracts import Document
    from headwater.mapping import Mapping as MappingDocument
    from headwater.services.installation import Installation
    from headwater.store.connectors import StoredConnector

MOST_OFTEN = 5
SAMPLED_AT_ONCE = 10_000
"""So many rows are asked for as a sample; for more the table is cut into chunks, as for a sync."""
LATEST_SYNCS = 50
NUMBER = "DECIMAL(38, 12)"
"""What a text that is a number is counted as."""


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """One column. Values are texts; figures of numbers, also of numbers that come as texts, are exact but for the mean.

    distinct    about how many different values
    longest     characters of the longest text
    most_often  values that stand more than once, and how often
    patterns    what texts look like: A and a for letters, 9 for digits, + for more of the same
    personal    it fills a field that may hold personal data: none of its values is told
    """

    name: str
    type: str
    nulls: int
    distinct: int
    low: str | None = None
    high: str | None = None
    total: str | None = None
    mean: str | None = None
    longest: int | None = None
    most_often: tuple[tuple[str, int], ...] = ()
    patterns: tuple[tuple[str, int], ...] = ()
    personal: bool = False


@dataclass(frozen=True, kw_only=True)
class TableProfile:
    """A table; `is_whole`: all of its rows were looked at, otherwise the first. `mapping` told what is personal."""

    table: str
    rows: int
    is_whole: bool
    mapping: str | None
    columns: tuple[ColumnProfile, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def profile(
    installation: Installation, name: str, table: str, *, rows: int | None, mapping: str | None, base: Path
) -> TableProfile:
    """Look at so many rows, None for all.

    What is personal is known from a mapping: the one that is named, or else the one of the table's latest sync.
    """
    stored = find(installation, name)
    known = _known_mapping(installation, stored, table, mapping, base)
    parent = installation.settings.data_dir
    parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="profiled-", dir=parent) as folder:
        path = Path(folder) / "rows.parquet"
        with opened(installation, stored) as source:
            found = Asker(installation, stored.connector_id, stored.name).ask(
                lambda: _kept(tables_of(source, stored), table, rows, path), about=table
            )
        memory = f"{installation.settings.memory_limit // 2**20}MiB"
        with engine(memory_limit=memory) as duck:
            duck.register("rows", ds.dataset(path))
            schema = pq.read_schema(path)
            personal = _personal(known, schema.names)
            columns = tuple(_column(duck, field, is_personal=field.name in personal) for field in schema)
    return TableProfile(
        table=table,
        rows=found,
        is_whole=rows is None or found < rows,
        mapping=f"{known[0].mapping} {known[0].version}" if known else None,
        columns=columns,
    )


def _kept(source: Connector, table: str, rows: int | None, path: Path) -> int:
    """Write the first rows of a table to a file; how many there were."""
    if rows is not None and rows <= SAMPLED_AT_ONCE:
        found = source.sample(table, rows)
        pq.write_table(found, path)
        return int(found.num_rows)
    count, writer = 0, None
    for batch in first_rows(_all_rows(source, table), rows):
        writer = writer or pq.ParquetWriter(path, batch.schema, compression="zstd")
        writer.write_batch(batch)
        count += batch.num_rows
    if writer is not None:
        writer.close()
    return count


def _all_rows(source: Connector, table: str) -> Iterator[pa.RecordBatch]:
    selection = Selection(table=table)
    for chunk in source.plan(selection).chunks:
        with source.read(selection, chunk) as batches:
            yield from batches


def _known_mapping(
    installation: Installation, stored: StoredConnector, table: str, mapping: str | None, base: Path
) -> tuple[MappingDocument, Document] | None:
    if mapping is not None:
        found = installation.mapping(mapping, base)
        return found, installation.contract(found.contract_name, found.contract_major)
    with installation.database.connect(installation.tenant_id) as connection:
        syncs = connectors.syncs_of_connector(
            connection, installation.tenant_id, stored.connector_id, limit=LATEST_SYNCS
        )
        for each in syncs:
            run = runs.get_run(connection, installation.tenant_id, each["run_id"])
            if run.layout.get("selection", {}).get("table") == table:
                logic = stored_logic(installation, run)
                return logic.mapping, logic.contract
    return None


def _personal(known: tuple[MappingDocument, Document] | None, columns: Sequence[str]) -> set[str]:
    """Columns that the mapping reads for a field that may hold personal data."""
    if known is None:
        return set()
    mapping, contract = known
    tagged = {spec.name for spec in contract.fields if spec.personal}
    return {column for column, fields in columns_read(mapping, columns).items() if tagged & set(fields)}


def _column(duck: duckdb.DuckDBPyConnection, field: pa.Field[Any], *, is_personal: bool) -> ColumnProfile:
    column, kind = quote_name(field.name), field.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    number = column if _is_number(kind) else None
    if is_text and _one(
        duck, f"SELECT count({column}) > 0 AND count({column}) = count({_as_number(column)}) FROM rows"
    ):
        number = _as_number(column)
    ordered = number or (column if is_text or pa.types.is_temporal(kind) or pa.types.is_boolean(kind) else None)
    figures = {
        "nulls": f"count(*) - count({column})",
        "distinct": f"approx_count_distinct({column})",
        "low": f"min({ordered})::VARCHAR" if ordered else "NULL",
        "high": f"max({ordered})::VARCHAR" if ordered else "NULL",
        "total": f"sum({number})::VARCHAR" if number else "NULL",
        "mean": f"avg({number})::VARCHAR" if number else "NULL",
        "longest": f"max(length({column}))" if is_text else "NULL",
    }
    found = duck.execute(f"SELECT {', '.join(figures.values())} FROM rows").fetchone() or ()
    told: dict[str, Any] = dict(zip(figures, found, strict=True))
    if is_personal:
        told |= dict.fromkeys(("low", "high", "total", "mean"))
        return ColumnProfile(name=field.name, type=str(kind), personal=True, **told)
    if number:
        told |= {name: _plain(told[name]) for name in ("low", "high", "total")}
    return ColumnProfile(
        name=field.name,
        type=str(kind),
        most_often=tuple(_counted(duck, f"CAST({column} AS VARCHAR)", column, more_than=1)),
        patterns=tuple(_counted(duck, _pattern(column), column, more_than=0)) if is_text and not number else (),
        **told,
    )


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_floating(kind))


def _as_number(column: str) -> str:
    return f"TRY_CAST({column} AS {NUMBER})"


def _plain(number: str | None) -> str | None:
    """Without noughts that only the type of the sum has added."""
    return number.rstrip("0").rstrip(".") if number is not None and "." in number and "e" not in number else number


def _pattern(column: str) -> str:
    said = f"left({column}, 80)"
    for letters, sign in ((r"\p{Lu}", "A"), (r"\p{Ll}", "a"), (r"\d", "9")):
        said = f"regexp_replace({said}, '{letters}', '{sign}', 'g')"
    for sign in "Aa9":
        said = f"regexp_replace({said}, '{sign}{sign}+', '{sign}+', 'g')"
    return said


def _counted(
    duck: duckdb.DuckDBPyConnection, expression: str, column: str, *, more_than: int
) -> Iterator[tuple[str, int]]:
    found = duck.execute(
        f"SELECT {expression} AS value, count(*) AS times FROM rows WHERE {column} IS NOT NULL"
        f" GROUP BY value HAVING times > {more_than} ORDER BY times DESC, value LIMIT {MOST_OFTEN}"
    ).fetchall()
    yield from ((str(value), int(times)) for value, times in found)


def _one(duck: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = duck.execute(query).fetchone()
    return row[0] if row else None
