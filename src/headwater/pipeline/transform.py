"""One chunk of texts becomes records, results, findings and refused rows: the recipe compiled to one SQL statement.

`CREATE TEMP TABLE chunk AS` makes one wide table whose projections feed every output. Text is parsed once; findings and
raw records are built only for rows whose mask is not 0.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.contracts.bulk import enforcement, literal, outcome_column, reading_column
from headwater.contracts.bulk import quoted as quoted_field
from headwater.engine.fragments import quote_name
from headwater.engine.plain_texts import SEEN, plain_texts, without_blanks
from headwater.engine.readings import READING_PREFIX
from headwater.pipeline.hash_columns import first_bytes
from headwater.pipeline.known_rows import RowNames
from headwater.pipeline.refusals import Conflict
from headwater.quality.findings import REFERENCE_MASK, UNMAPPED_MASK, FindingWords, text_column
from headwater.values import Outcome, record_text_sql, sha256_sql
from headwater.values.kinds import Code, Date, Number, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import duckdb
    import numpy.typing as npt

    from headwater.contracts.document import Document, FieldSpec
    from headwater.mapping.compile import CompiledMapping
    from headwater.pipeline.calculation import Calculation
    from headwater.pipeline.references import ReferenceCodes
    from headwater.values import TextFormat

RAW_HASH_BYTES = 16
"""How much of a raw hash a chunk keeps of each record that stands: enough to know it again, a third of the room."""

PIECE_ROWS = 8_192
"""Rows a thread of the engine takes at a time: four of its vectors, so that 50,000 are shared by more than two."""

TRANSFORM_VERSION = "3"
"""Part of every chunk's fingerprint: raise it when the same raw record could give another row, hash, key or finding."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Records of a chunk that stand: number in the chunk (ascending), 16 bytes of raw hash, 8 of key hash; aligned."""

    record_nos: npt.NDArray[np.int32]
    raw_hashes: npt.NDArray[np.void]
    key_hashes: npt.NDArray[np.uint64]


@dataclass(frozen=True, kw_only=True)
class Transformed:
    """What one chunk gives. All record numbers are within the chunk, from 0.

    records    the contract's fields, absent, record_no, row_hash: what may be loaded, sorted by key, each key once but
               for what `rounds` says
    results    likewise for what was calculated from them, or None where the recipe calculates nothing
    refused    quarantine_id, raw_hash, record_no, raw, findings, key_hash: those that break a rule; key_hash is null
               where no key can be read
    conflicts  those whose key an earlier record of the chunk has with other content
    findings   record_no, rule_id, field, value, message: noticed, loaded all the same
    skipped    reason -> count, by the mapping's own instruction
    merged     those equal to an earlier record of the chunk -> that record
    rounds     those with a higher version of a key that an earlier record of the chunk has -> how many there are of
               these before it; each takes the place of the one before
    older      those of a lower version than an earlier record of the chunk -> that record
    """

    records: pa.Table
    results: pa.Table | None
    refused: pa.Table
    conflicts: tuple[Conflict, ...]
    findings: pa.Table
    skipped: dict[str, int]
    merged: Mapping[int, int]
    standing: Standing
    rounds: Mapping[int, int]
    older: Mapping[int, int]


@dataclass(frozen=True, kw_only=True)
class _Repeated:
    """See `Transformed`."""

    conflicts: tuple[Conflict, ...] = ()
    merged: Mapping[int, int] = field(default_factory=dict)
    rounds: Mapping[int, int] = field(default_factory=dict)
    older: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Plain:
    """A field whose text is a column as it came, and of a kind whose plain form is seen in bytes."""

    spec: FieldSpec
    column: str
    place: int

    @property
    def text(self) -> str:
        """The column of its texts, null for blank."""
        return f"{READING_PREFIX}plain_{self.place}"

    @property
    def is_plain(self) -> str:
        """The column that says whether the text is its own reading."""
        return f"{READING_PREFIX}is_plain_{self.place}"

    def parsed(self, fmt: TextFormat) -> Iterator[tuple[str, str]]:
        """Outcome and value of a plain text, as far as they take less than those of any text."""
        kind, reading = self.spec.kind, quoted_field(reading_column(self.spec))
        if self.spec.default is not None or isinstance(kind, Date):
            return
        blank_or_value = f"CASE WHEN {reading} IS NULL THEN {Outcome.BLANK:d} ELSE {Outcome.VALUE:d} END::UTINYINT"
        yield outcome_column(self.spec), blank_or_value
        if isinstance(kind, Text | Code):
            yield self.spec.name, reading
        elif isinstance(kind, Number) and fmt.decimal == ".":
            yield self.spec.name, f"CAST({reading} AS {kind.duckdb_type})"


class ChunkTransform:
    """A recipe compiled for one layout of columns; `run` takes one chunk at a time through it."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        *,
        document: Document,
        mapping: CompiledMapping,
        columns: Sequence[str],
        names: RowNames,
        calculation: Calculation | None = None,
        references: ReferenceCodes | None = None,
        version: str | None = None,
    ) -> None:
        self._connection = connection
        self.names = names
        self._mapping = mapping
        self._references = references
        self._version = "NULL" if version is None else quoted_field(version)
        self._columns = columns
        self._calculation = calculation
        self._rules = enforcement(document, mapping.format)
        self._specs = document.fields
        self._fields = [spec.name for spec in document.fields]
        self._keys = [spec.name for spec in document.key]
        self._texts = _listed(f"{sql} AS {text_column(field)}" for field, sql in mapping.texts.items())
        self._masks = [f"mask_{number}" for number in range(len(self._rules.masks))]
        self._refusing = [UNMAPPED_MASK, REFERENCE_MASK] if references else [UNMAPPED_MASK]
        self._words = FindingWords(
            connection, self._rules.rules, list(mapping.unmapped), references.rules if references else ()
        )
        self._plain = {
            spec.name: _Plain(spec=spec, column=column, place=place)
            for place, (spec, column) in enumerate(_seen(document, mapping, columns))
        }
        self.made_of = {made: plain.column for plain in self._plain.values() for made in (plain.text, plain.is_plain)}
        """Columns that `sql` reads beside the source's own: each name with the column it is made of."""
        self.refers_to = references.tables if references else ()
        """Tables of codes that `sql` reads, see `ReferenceCodes`."""
        self.sql = self._compile()
        # Read once: to read so long a statement takes as long as to plan it.
        (self._statement,) = connection.extract_statements(self.sql)

    def raw_hashes(self, raw: pa.Table) -> npt.NDArray[np.void]:
        """16 bytes of raw hash for each row, in order."""
        self._connection.register("raw", raw)
        try:
            return first_bytes(
                self._arrow(f"SELECT {self._raw_hash()} AS raw_hash FROM raw")["raw_hash"], RAW_HASH_BYTES
            )
        finally:
            self._connection.unregister("raw")

    def key_hashes(self, raw: pa.Table) -> npt.NDArray[np.uint64]:
        """The hash of each row's key, in order, as `Standing` has them; also of rows that will be refused."""
        hashes: npt.NDArray[np.uint64] = self._keys_of(raw)["key_hash"].to_numpy()
        return hashes

    def keys_read(self, raw: pa.Table) -> pa.Array[Any]:
        """The same of rows to be refused; null where no key can be read."""
        keys = self._keys_of(raw)
        read: pa.Array[Any] = pc.if_else(keys["has_key"], keys["key_hash"], None).combine_chunks()
        return read

    def _keys_of(self, raw: pa.Table) -> pa.Table:
        self._connection.register("raw", raw)
        try:
            return self._arrow(self._keys_sql())
        finally:
            self._connection.unregister("raw")

    def values(self, raw: pa.Table, record_nos: npt.NDArray[np.int32], names: Sequence[str]) -> pa.Table:
        """Some fields of each row, in order, also of rows that are refused; null where no value could be read."""
        with self._read(raw, record_nos):
            return self._arrow(f"SELECT {_listed(map(quoted_field, names))} FROM chunk ORDER BY _record_no")

    def run(self, raw: pa.Table, record_nos: npt.NDArray[np.int32], *, first_record: int) -> Transformed:
        """`raw` holds the source's columns as texts, `record_nos` the number of each row within the chunk, ascending;
        `first_record` is the number in the file of the chunk's first record.
        """
        with self._read(raw, record_nos) as numbered:
            repeated = self._take_out_repeated(first_record)
            records = self._records()
            results = self._sorted(self._calculation.results_sql) if self._calculation else None
            is_warned = self._keep_noticed(numbered)
            return Transformed(
                records=records,
                results=results,
                refused=self._refused(),
                conflicts=repeated.conflicts,
                findings=self._findings(
                    is_warned=is_warned, is_missing=results is not None and results.num_rows < records.num_rows
                ),
                skipped=self._counts("SELECT _skip, count(*) FROM chunk WHERE _skip IS NOT NULL GROUP BY _skip"),
                merged=repeated.merged,
                rounds=repeated.rounds,
                older=repeated.older,
                standing=self._standing(),
            )

    @contextmanager
    def _read(self, raw: pa.Table, record_nos: npt.NDArray[np.int32]) -> Iterator[pa.Table]:
        """Until the block ends the table `chunk` holds what the rows say; they are given back with their numbers."""
        if self._calculation is not None:
            self._calculation.read_factors()
        if self._references is not None:
            self._references.read()
        numbered = raw.append_column("_record_no", pa.array(record_nos, pa.int32()))
        self._connection.register("raw", _in_pieces(self._with_plain(numbered)))
        try:
            self._connection.execute(self._statement)
            yield numbered
        finally:
            self._connection.unregister("raw")

    def _with_plain(self, raw: pa.Table) -> pa.Table:
        """With the texts that may be taken as they are, and whether they may."""
        for plain in self._plain.values():
            texts = raw[plain.column]
            raw = raw.append_column(plain.text, without_blanks(texts))
            is_plain = plain_texts(texts, plain.spec.kind, self._mapping.format)
            raw = raw.append_column(plain.is_plain, pa.array(is_plain))
        return raw

    def _compile(self) -> str:
        rules, calculation = self._rules, self._calculation
        plain = "".join(f" {column}," for column in self.made_of)
        is_plain = "".join(f" {plain.is_plain}," for plain in self._plain.values())
        readings = {
            reading_column(spec): self._plain_or(spec, rules.readings[reading_column(spec)]) for spec in self._specs
        }
        closed = self._mapping.unmapped.values()
        unmapped = [f"CASE WHEN {sql} THEN {1 << bit} ELSE 0 END" for bit, sql in enumerate(closed)]
        fields = _listed(map(quoted_field, self._fields))
        referring = f" {self._references.mask_sql} AS {REFERENCE_MASK}," if self._references else ""
        return f"""
CREATE OR REPLACE TEMP TABLE chunk AS
WITH mapped AS (
    SELECT _record_no,{plain} {self._texts}, {self._mapping.skip} AS _skip, {self._raw_hash()} AS _raw_hash,
           {" + ".join(unmapped) or "0"} AS mask_unmapped
    FROM {self._mapping.source("raw")}
), read AS (
    SELECT _record_no, _skip, _raw_hash, mask_unmapped,{is_plain}
           {_listed(f"{sql} AS {quoted_field(name)}" for name, sql in readings.items())}
    FROM mapped
), parsed AS (
    SELECT _record_no, _skip, _raw_hash, mask_unmapped,
           {_listed(f"{sql} AS {quoted_field(name)}" for name, sql in self._parsed().items())}
    FROM read
), checked AS (
    SELECT _record_no, _skip, _raw_hash, mask_unmapped,{referring} {fields}, {rules.absent} AS absent,
           {_listed(f"{sql} AS {name}" for name, sql in zip(self._masks, rules.masks, strict=True))}
    FROM parsed
), judged AS (
    SELECT *, _skip IS NULL AND NOT ({self._rejected()}) AS is_loaded FROM checked
)
SELECT judged.*,
       CASE WHEN is_loaded THEN {sha256_sql(rules.row_text)} END AS row_hash,
       {self._key_hash()} AS key_hash
FROM {f"({calculation.over('judged')}) AS judged" if calculation else "judged"}
"""

    def _plain_or(self, spec: FieldSpec, reading: str) -> str:
        """SQL of the reading: the text as it came where it is plain."""
        plain = self._plain.get(spec.name)
        return f"CASE WHEN {plain.is_plain} THEN {plain.text} ELSE {reading} END" if plain else reading

    def _keys_sql(self) -> str:
        rules, keys = self._rules, [spec for spec in self._specs if spec.name in self._keys]
        texts = _listed(f"{self._mapping.texts[spec.name]} AS {text_column(spec.name)}" for spec in keys)
        readings = _listed(f"{rules.readings[name]} AS {quoted_field(name)}" for name in map(reading_column, keys))
        values = _listed(f"{rules.values[spec.name]} AS {quoted_field(spec.name)}" for spec in keys)
        return f"""
WITH mapped AS (SELECT {texts} FROM {self._mapping.source("raw")}),
     read AS (SELECT {readings} FROM mapped),
     parsed AS (SELECT {values} FROM read)
SELECT {self._key_hash()} AS key_hash, {self._has_key()} AS has_key FROM parsed"""

    def _key_hash(self) -> str:
        return f"hash({_listed(map(quoted_field, self._keys))})"

    def _has_key(self) -> str:
        """Whether all of it could be read."""
        return " AND ".join(f"{quoted_field(name)} IS NOT NULL" for name in self._keys)

    def _parsed(self) -> dict[str, str]:
        """SQL of the outcomes and values; a plain text is one already, or nearly."""
        parsed = self._rules.outcomes | self._rules.values
        for plain in self._plain.values():
            for name, sql in plain.parsed(self._mapping.format):
                parsed[name] = f"CASE WHEN {plain.is_plain} THEN {sql} ELSE {parsed[name]} END"
        return parsed

    def _raw_hash(self) -> str:
        return sha256_sql(record_text_sql([quote_name(column) for column in self._columns]))

    def _rejected(self) -> str:
        broken = [f"{mask} & {bits} <> 0" for mask, bits in zip(self._masks, self._rules.reject, strict=True) if bits]
        return " OR ".join([*broken, *(f"{mask} <> 0" for mask in self._refusing)])

    def _records(self) -> pa.Table:
        fields = _listed(map(quoted_field, self._fields))
        return self._sorted(f"SELECT {fields}, absent, _record_no AS record_no, row_hash FROM chunk WHERE is_loaded")

    def _refused(self) -> pa.Table:
        cells = _listed(f"{literal(column)}: raw.{quote_name(column)}" for column in self._columns)
        masks = [*self._masks, *self._refusing]
        return self._arrow(f"""
WITH failing AS (
         SELECT _record_no, _raw_hash, CASE WHEN {self._has_key()} THEN key_hash END AS key_hash, {_listed(masks)}
         FROM chunk WHERE _skip IS NULL AND ({self._rejected()})),
     texts AS (SELECT failing.*, {self._texts} FROM failing JOIN {self._mapping.source("raw")} USING (_record_no)),
     told AS ({self._words.refusals_sql("texts", masks)})
SELECT {self.names.sql("raw", "failing._raw_hash")} AS quarantine_id, failing._raw_hash AS raw_hash,
       failing._record_no AS record_no,
       to_json({{{cells}}})::VARCHAR AS raw, told.findings, failing.key_hash
FROM failing JOIN told USING (_record_no) JOIN raw USING (_record_no)
ORDER BY failing._record_no""")

    def _keep_noticed(self, raw: pa.Table) -> bool:
        """From here on `raw` is the few records of which there is something to tell; whether any of them is loaded."""
        any_mask = " OR ".join(f"{mask} <> 0" for mask in (*self._masks, *self._refusing))
        noticed = self._arrow(f"SELECT _record_no, is_loaded FROM chunk WHERE _skip IS NULL AND ({any_mask})")
        self._connection.register("raw", raw.filter(pc.is_in(raw["_record_no"], noticed["_record_no"])))
        return bool(pc.any(noticed["is_loaded"]).as_py())

    def _findings(self, *, is_warned: bool, is_missing: bool) -> pa.Table:
        """Warnings on loaded records, and what the calculation has to say."""
        found = [FINDINGS_SCHEMA.empty_table()]
        if is_warned:
            found.append(self._warnings().cast(FINDINGS_SCHEMA))
        if is_missing and self._calculation is not None:
            found.append(self._calculation.explain().cast(FINDINGS_SCHEMA))
        return pa.concat_tables(found)

    def _warnings(self) -> pa.Table:
        warned = " OR ".join(f"{mask} <> 0" for mask in self._masks)
        return self._arrow(f"""
WITH noticed AS (SELECT _record_no, {_listed(self._masks)} FROM chunk WHERE is_loaded AND ({warned})),
     texts AS (SELECT noticed.*, {self._texts} FROM noticed JOIN {self._mapping.source("raw")} USING (_record_no)),
     found AS ({self._words.warnings_sql("texts", self._masks)})
SELECT _record_no AS record_no, rule AS rule_id, field, value, message
FROM found ORDER BY _record_no, place""")

    def _take_out_repeated(self, first_record: int) -> _Repeated:
        """Of a key more than once in the chunk the first in source order stays; equal ones merge, others conflict.

        Where versions are declared, each record of a higher version than all before it stays too, for a round of its
        own; one of a lower version is older. So the chunk ends as it would record by record.
        """
        hashes = self._connection.sql("SELECT key_hash FROM chunk WHERE is_loaded").fetchnumpy()["key_hash"]
        in_order = np.sort(hashes)
        again = in_order[1:][in_order[1:] == in_order[:-1]]
        if not again.size:
            return _Repeated()
        keys = _listed(map(quoted_field, self._keys))
        self._connection.register("repeated_hashes", pa.table({"key_hash": np.unique(again)}))
        self._connection.execute(f"""
CREATE OR REPLACE TEMP TABLE repeated AS
WITH same_hash AS (
    SELECT _record_no, row_hash, {keys}, {self._version} AS _version
    FROM chunk SEMI JOIN repeated_hashes USING (key_hash) WHERE is_loaded
), climbing AS (
    SELECT *, row_number() OVER of_key = 1 AS is_first, max(_version) OVER (of_key ROWS BETWEEN UNBOUNDED PRECEDING
                                                                            AND 1 PRECEDING) AS highest
    FROM same_hash WINDOW of_key AS (PARTITION BY {keys} ORDER BY _record_no)
), stepped AS (
    SELECT *, is_first OR coalesce(_version > highest, _version IS NOT NULL) AS is_step FROM climbing
), told AS (
    SELECT *, sum(is_step::INTEGER) OVER so_far AS steps, max(CASE WHEN is_step THEN _record_no END) OVER so_far AS step
    FROM stepped WINDOW so_far AS (PARTITION BY {keys} ORDER BY _record_no)
)
SELECT told._record_no, told.step, told.is_step, (told.steps - 1)::INTEGER AS round,
       told._version IS DISTINCT FROM above._version AS is_older, told.row_hash = above.row_hash AS is_equal,
       told.row_hash
FROM told JOIN same_hash above ON above._record_no = told.step
WHERE NOT told.is_step OR told.steps > 1""")
        self._connection.unregister("repeated_hashes")
        self._connection.execute(
            "UPDATE chunk SET is_loaded = false FROM repeated"
            " WHERE chunk._record_no = repeated._record_no AND NOT repeated.is_step"
        )
        rows = self._connection.sql("SELECT * FROM repeated ORDER BY _record_no").fetchall()
        return _Repeated(
            conflicts=tuple(
                Conflict(
                    record_no=number,
                    stands=f"record {first_record + step:,} of this source",
                    first=step,
                    row_hash=row_hash,
                )
                for number, step, is_step, _, is_older, is_equal, row_hash in rows
                if not (is_step or is_older or is_equal)
            ),
            merged={number: step for number, step, _, _, _, is_equal, _ in rows if is_equal and number != step},
            rounds={number: rank for number, _, is_step, rank, *_ in rows if is_step},
            older={number: step for number, step, is_step, _, is_older, *_ in rows if is_older and not is_step},
        )

    def _standing(self) -> Standing:
        table = self._arrow("SELECT _record_no, _raw_hash, key_hash FROM chunk WHERE is_loaded ORDER BY _record_no")
        return Standing(
            record_nos=table["_record_no"].to_numpy(),
            raw_hashes=first_bytes(table["_raw_hash"], RAW_HASH_BYTES),
            key_hashes=table["key_hash"].to_numpy(),
        )

    def _counts(self, query: str) -> dict[str, int]:
        return dict(self._connection.sql(query).fetchall())

    def _sorted(self, query: str) -> pa.Table:
        """Sorted by key: random order doubles the time of an insert."""
        table = self._arrow(query)
        first = table[self._keys[0]]
        if table.num_rows < 2 or (
            len(self._keys) == 1 and pc.all(pc.less_equal(first.slice(0, len(first) - 1), first.slice(1))).as_py()
        ):
            return table
        return table.take(pc.sort_indices(table, [(key, "ascending") for key in self._keys]))

    def _arrow(self, query: str) -> pa.Table:
        table: pa.Table = self._connection.sql(query).to_arrow_table()
        return table


_FINDINGS: list[tuple[str, pa.DataType]] = [
    ("record_no", pa.int64()),
    ("rule_id", pa.string()),
    ("field", pa.string()),
    ("value", pa.string()),
    ("message", pa.string()),
]
FINDINGS_SCHEMA = pa.schema(_FINDINGS)


def _in_pieces(table: pa.Table) -> pa.Table:
    """The same rows in batches of a size that several threads of the engine share well."""
    return pa.Table.from_batches(table.combine_chunks().to_batches(max_chunksize=PIECE_ROWS), table.schema)


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _seen(document: Document, mapping: CompiledMapping, columns: Sequence[str]) -> Iterator[tuple[FieldSpec, str]]:
    """The fields whose text is a column of the source as it came, and of a kind whose plain form is seen in bytes."""
    by_sql = {quote_name(column): column for column in columns}
    for spec in document.fields:
        column = by_sql.get(mapping.texts[spec.name])
        if column is not None and isinstance(spec.kind, SEEN):
            yield spec, column
