"""What the columns of a source's table hold: counted by the engine over rows kept in a file that goes again.

Rows are looked at as a sync brings them: nested columns cut into their parts, every value as text. A number is what the
shared parser reads as one, and is added up exactly.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from headwater.connectors.protocol import Selection
from headwater.documents.counted import counted
from headwater.engine.duck import engine, interruptible
from headwater.engine.fragments import quote_name
from headwater.errors import InputRefused, Misuse
from headwater.mapping.profile import profile as looked_at
from headwater.services.access.policy import Right
from headwater.services.connectors.asking import Asker
from headwater.services.connectors.extraction import first_rows
from headwater.services.connectors.keeping import find, is_store, opened, tables_of
from headwater.services.connectors.kept_rows import keep_rows
from headwater.services.connectors.personal import personal_columns
from headwater.services.connectors.store_viewing import all_records, told_some
from headwater.services.samples import RECORDS
from headwater.services.scratch import scratch
from headwater.values.kinds import Number
from headwater.values.outcome import FIRST_FAILURE, Outcome
from headwater.values.text_format import TextFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headwater.connectors.protocol import Column, Connector, FileStore, SourcePlan
    from headwater.services.connectors.kept_rows import KeptColumn, KeptRows
    from headwater.services.installation import Installation
    from headwater.store.connectors import StoredConnector

MOST_OFTEN = 5
SAMPLED_AT_ONCE = 10_000
"""So many rows are asked for as a sample; for more the table is cut into chunks, as for a sync."""
DIGITS = 38
SCALES = (0, 12, 20, 28)
"""Decimals that numbers are read with: the fewest that lose none."""
MEAN_DECIMALS = 12
PLAIN_NUMBERS = TextFormat(group=None)
"""No mapping has said how texts are written here: a point before the decimals, no sign between thousands."""


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """One column. Values are texts; low, high and total of numbers are exact, also of numbers that come as texts.

    type        in the source's own words; of a part of a nested column, where the source declares none, and where
                values are personal, `arrow`: words of an enumeration are values
    arrow       as the connector gives it
    holds       what the first values look like, in the words of `inspect`; "" where they are personal
    blank       rows without a value, or with an empty text
    distinct    how many different values, counted exactly
    total       None where 38 digits may not hold it
    mean        rounded half up to 12 decimals
    longest     characters of the longest text
    most_often  values that stand more than once, and how often
    patterns    what texts look like: A and a for letters, 9 for digits, + for more of the same
    personal    it has filled a field that may hold personal data: none of its values is told
    """

    name: str
    type: str
    arrow: str
    holds: str
    blank: int
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
    """A table; `is_whole`: all of its rows were looked at, otherwise the first. `mappings` told what is personal."""

    table: str
    rows: int
    is_whole: bool
    mappings: tuple[str, ...]
    columns: tuple[ColumnProfile, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def profile(
    installation: Installation, name: str, table: str | None, *, rows: int | None, mapping: str | None, base: Path
) -> TableProfile:
    """Look at so many rows of a table, or records of a file of a store; None for all. Misuse where none is named, with
    the names there are.

    Values of a column are not told where any mapping of this connector, or the one named here, fills a personal field
    from it. InputRefused where values cannot be looked at.
    """
    installation.require(Right.TRANSFORM)
    stored = find(installation, name)
    personal = personal_columns(installation, name, mapping, base)
    with scratch(installation.settings.data_dir, "profiled") as folder:
        with opened(installation, stored) as source:
            asker = Asker(installation, stored.connector_id, stored.name)
            declared: Sequence[Column] = ()
            if not table:
                table, declared = _unnamed(asker, source, stored)
            where = f"connector {name}, {table}"
            if is_store(source):
                with all_records(installation, stored, source, table) as (schema, records):
                    kept = keep_rows(first_rows(records, rows), schema, folder, where=where)
            else:
                kept, declared = asker.ask(
                    lambda: _kept(tables_of(source, stored), table, rows, folder, where, declared=declared), about=table
                )
        memory = f"{installation.settings.memory_limit // 2**20}MiB"
        with engine(memory_limit=memory) as duck, _in_words(where):
            duck.register("rows", kept.dataset)
            looks = _looks(kept)
            columns = tuple(
                _column(duck, each, declared, looks[each.name], is_personal=each.name in personal)
                for each in kept.columns
            )
    return TableProfile(
        table=table,
        rows=kept.rows,
        is_whole=rows is None or kept.rows < rows,
        mappings=personal.mappings,
        columns=columns,
    )


@contextmanager
def _in_words(where: str) -> Iterator[None]:
    try:
        with interruptible():
            yield
    except duckdb.Error as error:
        raise InputRefused(
            "the engine could not work with these rows",
            where=where,
            value=str(error).splitlines()[0],
            remedy="Look at fewer with --rows; if that fails too, it is a fault of Headwater: please report it.",
        ) from error


def _unnamed(asker: Asker, source: Connector | FileStore, stored: StoredConnector) -> tuple[str, Sequence[Column]]:
    """The only one there is, and of a table its columns. Misuse where there are others, or none."""
    what = "file" if is_store(source) else "table"
    found: list[tuple[str, Sequence[Column]]]
    if is_store(source):
        found = [(file.name, ()) for file in asker.ask(source.files, about="the list of files")]
    else:
        tables = asker.ask(tables_of(source, stored).discover, about="the list of tables")
        found = [(table.name, table.columns) for table in tables]
    if len(found) == 1:
        return found[0]
    names = [name for name, _ in found]
    raise Misuse(
        f"a {what} must be said: this connector has {counted(len(names), what)}",
        where=f"connector {stored.name}",
        valid=told_some(names),
        remedy=f"Say one with --table; all of them: headwater connectors discover {stored.name}",
    )


def _kept(
    source: Connector, table: str, rows: int | None, folder: Path, where: str, *, declared: Sequence[Column]
) -> tuple[KeptRows, Sequence[Column]]:
    """The first rows of a table, and its columns as the source declares them, or as they were `declared` before."""
    if rows is not None and rows <= SAMPLED_AT_ONCE:
        found = source.sample(table, rows)
        return keep_rows(found.to_batches(), found.schema, folder, where=where), declared or _declared(source, table)
    selection = Selection(table=table)
    plan = source.plan(selection)
    batches = first_rows(_all_rows(source, selection, plan), rows)
    first = next(batches, None)
    if first is None:
        schema = pa.schema([(column.name, column.arrow) for column in plan.columns])
        return keep_rows((), schema, folder, where=where), plan.columns
    return keep_rows(chain([first], batches), first.schema, folder, where=where), plan.columns


def _declared(source: Connector, table: str) -> Sequence[Column]:
    """() of what is read though the source does not list it, and where another of its tables stands in the way."""
    try:
        return next((each.columns for each in source.discover() if each.name == table), ())
    except (Misuse, InputRefused):
        return ()


def _typed(column: KeptColumn, declared: Sequence[Column]) -> str:
    found = next((each.type for each in declared if each.name == column.name), None)
    return str(column.kind) if found is None or column.part_of is not None else found


def _looks(kept: KeptRows) -> dict[str, str]:
    """What the first texts of each column are, whatever type they came with."""
    seen = looked_at(kept.dataset.head(RECORDS))
    return {each.name: "years" if each.is_year else each.kind for each in seen.columns}


def _all_rows(source: Connector, selection: Selection, plan: SourcePlan) -> Iterator[pa.RecordBatch]:
    for chunk in plan.chunks:
        with source.read(selection, chunk) as batches:
            yield from batches


def _column(
    duck: duckdb.DuckDBPyConnection, column: KeptColumn, declared: Sequence[Column], looks: str, *, is_personal: bool
) -> ColumnProfile:
    name = quote_name(column.name)
    # A count over groups spills to disk where they are many, which count(DISTINCT) does not.
    different = f"SELECT count(*) FROM (SELECT {name} FROM rows WHERE {name} <> '' GROUP BY {name})"
    blank, distinct, longest = _row(
        duck, f"SELECT count(*) FILTER ({name} = ''), ({different}), max(length({name})) FROM rows"
    )
    longest = longest if column.is_text else None
    told: dict[str, Any] = {
        "name": column.name,
        "type": str(column.kind) if is_personal else _typed(column, declared),
        "arrow": str(column.kind),
        "holds": "" if is_personal else looks,
        "blank": blank,
        "distinct": distinct,
        "longest": longest,
    }
    if is_personal:
        return ColumnProfile(**told, personal=True)
    figures = _figures(duck, name) if column.is_text or column.is_number else None
    is_text = column.is_text and figures is None
    told |= _ends(duck, name, column) if figures is None else figures
    return ColumnProfile(
        **told,
        most_often=tuple(_counted(duck, name, name, more_than=1)),
        patterns=tuple(_counted(duck, _pattern(name), name, more_than=0)) if is_text else (),
    )


def _ends(duck: duckdb.DuckDBPyConnection, name: str, column: KeptColumn) -> dict[str, str | None]:
    """The lowest and the highest of what is no number."""
    if column.is_text:
        low, high = _row(duck, f"SELECT min({name}), max({name}) FROM rows WHERE {name} <> ''")
        return {"low": low, "high": high}
    return dict(zip(("low", "high"), column.ends, strict=True)) if column.ends else {}


def _figures(duck: duckdb.DuckDBPyConnection, name: str) -> dict[str, str | None] | None:
    """Lowest, highest, sum and mean of a column; None unless each of its texts is a number, or a word for no value."""
    for scale in SCALES:
        number = Number(precision=DIGITS, scale=scale)
        read = f"SELECT {number.reading_sql(name, PLAIN_NUMBERS)} AS reading FROM rows"
        values = (
            f"(SELECT {number.outcome_sql('reading')} AS outcome, {number.value_sql('reading', PLAIN_NUMBERS)} AS value"
            f" FROM ({read}))"
        )
        count, too_fine, no_numbers, low, high = _row(
            duck,
            f"SELECT count(value), count(*) FILTER (outcome = {Outcome.TOO_MANY_DECIMALS:d}),"
            f" count(*) FILTER (outcome >= {FIRST_FAILURE} AND outcome <> {Outcome.TOO_MANY_DECIMALS:d}),"
            f" min(value), max(value) FROM {values}",
        )
        if no_numbers or not count + too_fine:
            return None
        if too_fine:
            continue
        told = {"low": _plain(low), "high": _plain(high)}
        if (int(max(abs(low), abs(high))) + 1) * count >= 10 ** (DIGITS - scale):
            return {**told, "total": None, "mean": None}
        (total,) = _row(duck, f"SELECT sum(value) FROM {values}")
        return {**told, "total": _plain(total), "mean": _plain(_mean(total, count))}
    return None


def _mean(total: Decimal, count: int) -> Decimal:
    with localcontext(prec=2 * DIGITS):
        return (total / count).quantize(Decimal(1).scaleb(-MEAN_DECIMALS), ROUND_HALF_UP)


def _plain(number: Decimal) -> str:
    """Without noughts that only the type of the sum has added."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


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
        f"SELECT {expression} AS value, count(*) AS times FROM rows WHERE {column} <> ''"
        f" GROUP BY value HAVING times > {more_than} ORDER BY times DESC, value LIMIT {MOST_OFTEN}"
    ).fetchall()
    yield from ((str(value), int(times)) for value, times in found)


def _row(duck: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = duck.execute(query).fetchone()
    if row is None:
        raise AssertionError("what counts gives a row")
    return tuple(row)
