"""The rows that a run of what changed has brought, by their keys, so that they can be looked at where they stand."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
from psycopg import sql

from headwater.contracts.table import table_name
from headwater.store.failures import translated
from headwater.store.load_names import LoadNames
from headwater.store.queries import named_queries
from headwater.store.staging import copy_to_stage, stage_definition

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from types import TracebackType
    from uuid import UUID

    import psycopg

    from headwater.contracts.document import Document

QUERIES, LOAD = named_queries("source_sums"), named_queries("load")
STAGE = "brought"


class BroughtKeys:
    """Keys as they are stored, of every chunk that this process has committed, in a temp file: the rows of a run may be
    many, and a table of rows that stand is not looked through for those of a few.

    chunks  how many were committed
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self._file = tempfile.TemporaryFile(prefix="headwater-brought-")  # noqa: SIM115  closed by __exit__
        self._schema: pa.Schema | None = None
        self._writer: Any = None
        self.chunks = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def of_rows(self, rows: pa.Table, without: Collection[int]) -> pa.Table:
        """The keys of rows as they are loaded, those with these record numbers left out."""
        if without:
            is_out = np.isin(rows["record_no"].to_numpy(), np.fromiter(without, np.int64, len(without)))
            rows = rows.filter(pa.array(~is_out))
        return rows.select([spec.name for spec in self._document.key])

    def add(self, keys: Sequence[pa.Table]) -> None:
        """A chunk was committed that brought rows with these keys."""
        self.chunks += 1
        for each in keys:
            if self._schema is None:
                self._schema = each.schema
                self._writer = pa.ipc.new_stream(self._file, self._schema)
            self._writer.write_table(each.cast(self._schema))

    def sums(
        self, connection: psycopg.Connection[Any], tenant_id: UUID, fields: Sequence[str]
    ) -> tuple[int, dict[str, Decimal]]:
        """How many of these rows stand now, each once, and the sum of each of these fields of numbers over them."""
        if self._schema is None:
            return 0, dict.fromkeys(fields, Decimal(0))
        names = LoadNames(self._document, STAGE)
        parts = names.parts()
        sums = [sql.SQL("coalesce(sum(t.{}), 0)::numeric").format(sql.Identifier(field)) for field in fields]
        listed = sql.SQL("").join(sql.SQL(", ") + each for each in sums)
        self._writer.close()
        self._file.seek(0)
        with translated("sum what a sync brought"), pa.ipc.open_stream(self._file) as reader:
            definition = stage_definition(reader.schema, names.decimals)
            connection.execute(sql.SQL(LOAD["create_stage"]).format(stage=parts["stage"], definition=definition))
            copy_to_stage(connection, STAGE, reader.schema, iter(reader))
            connection.execute(sql.SQL(LOAD["analyze_stage"]).format(stage=parts["stage"], keys=parts["keys"]))
            statement = sql.SQL(QUERIES["of_brought"]).format(
                sums=listed, table=sql.Identifier(table_name(self._document)), **parts
            )
            row = connection.execute(statement, {"tenant_id": tenant_id}).fetchone()
        if row is None:
            raise AssertionError("a count is one row")
        return row[0], dict(zip(fields, row[1:], strict=True))
