"""An inventory calculated: pinned activities in batches through the SQL of `accounting.inventory`, lines out in order.

Activities are read twice: once to see which kinds there are and which kWh instruments may cover, once for the lines.
Memory is bounded by a batch, whatever the number of activities; only electricity that instruments cover is held whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.accounting.calculation_sql import converted_sql, decimal_sql, units_sql
from headwater.accounting.inventory import lines_sql
from headwater.accounting.inventory.findings import (
    NO_FIGURE,
    NO_SHARE,
    OUTSIDE_BOUNDARY,
    REPORTED_CATEGORY,
    REPORTED_SCOPE,
    STRADDLES,
    Finding,
)
from headwater.accounting.inventory.instruments import (
    NOTHING,
    REMAINDER,
    Consumption,
    check_instruments,
    cover,
)
from headwater.accounting.inventory.lines import LINE_SCHEMA, MASSES, counts_sql
from headwater.accounting.inventory.policy import Policy
from headwater.accounting.inventory.tables import MARKET, Tables
from headwater.accounting.inventory.telling import Noticed, SetSum, findings_of
from headwater.accounting.inventory.unknown_names import nothing_counted, unknown_names
from headwater.accounting.inventory.unknown_sets import NOT_STATED, unknown_sets
from headwater.accounting.units import SPELLINGS, conversion, find_unit
from headwater.errors import InputRefused

if TYPE_CHECKING:
    import duckdb

    from headwater.accounting.currencies import Rates
    from headwater.accounting.inventory.document import Inventory

INVENTORY_VERSION = "4"
"""Part of what an inventory rests on: raise it when the same inputs give other lines or findings."""

PARTS = pa.schema([("row_no", pa.int64()), ("part", pa.int32()), ("kwh_units", pa.int64()), ("demand_no", pa.int32())])
_KG = pa.decimal128(18, 6)
_READ: list[tuple[str, pa.DataType]] = [
    ("row_no", pa.int64()),
    ("activity_id", pa.string()),
    ("activity_type", pa.string()),
    ("facility_code", pa.string()),
    ("region", pa.string()),
    ("period_start", pa.date32()),
    ("period_end", pa.date32()),
    ("quantity", _KG),
    ("unit", pa.string()),
    ("data_quality", pa.string()),
    ("reported_co2e_kg", _KG),
    ("reported_scope", pa.int64()),
    ("reported_category", pa.int64()),
    ("reported_gwp_set", pa.string()),
    ("quantity_uncertainty_percent", pa.decimal128(9, 4)),
    ("pedigree", pa.string()),
    ("activity_row_hash", pa.string()),
]
ACTIVITY_SCHEMA = pa.schema(_READ)
"""What is read of an activity; `row_no` counts from 0 in the order of keys."""
_ACTIVITY = "inventory_activities"
_ALIKE = ("gwp_set", "method", "scope", "category", "stage", "tier", "basis", "missing_sets")
_SUMMED = ("co2e_kg", *MASSES)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What an inventory is made of, pinned and typed.

    activities  batches in the form of ACTIVITY_SCHEMA, the same each time it is called
    early       as activities, those that begin before the period and reach into it: not counted, but told
    factors, instruments  rows of their contracts with row_hash
    potentials  by set and gas
    uncounted   by set and blend: its parts that the set has no potential for, `;` between
    """

    document: Inventory
    activities: Callable[[], Iterator[pa.Table]]
    factors: Sequence[Mapping[str, Any]]
    instruments: Sequence[Mapping[str, Any]]
    potentials: Mapping[str, Mapping[str, Decimal]]
    uncounted: Mapping[tuple[str, str], str] = field(default_factory=dict)
    rates: Rates | None = None
    early: Callable[[], Iterator[pa.Table]] = lambda: iter(())


@dataclass(kw_only=True)
class InventoryCalculation:
    """One inventory over an engine; `lines` once, then `findings` and `totals`."""

    connection: duckdb.DuckDBPyConnection
    inputs: Inputs
    tables: Tables = field(init=False)
    done: int = 0
    """Activities whose lines are made."""
    _findings: list[Finding] = field(default_factory=list)
    _noticed: Noticed = field(default_factory=Noticed)
    _reported_sets: Counter[str] = field(default_factory=Counter)
    _facilities: set[str] = field(default_factory=set)
    _read: int = 0
    _counted: int = 0

    def __post_init__(self) -> None:
        document = self.inputs.document
        policy = Policy(factors=self.inputs.factors, rules=document.factors, rates=self.inputs.rates)
        inputs = self.inputs
        self.tables = Tables(document=document, policy=policy, potentials=inputs.potentials, uncounted=inputs.uncounted)

    def lines(self) -> Iterator[pa.Table]:
        """The lines in order: by activity as the activities come, then method, set, stage, part."""
        self.prepare()
        for batch in self._batches():
            with self._batch(batch):
                self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {lines_sql.PLACED} AS {lines_sql.placed_sql()}")
                found = self.connection.sql(lines_sql.lines_sql()).to_arrow_table().cast(LINE_SCHEMA)
                self._notice(found)
            self.done += batch.num_rows
            yield found

    def findings(self) -> list[Finding]:
        """What there is to say, once the lines are made: what is missing first."""
        document = self.inputs.document
        own = f"'{document.designated_set}'", f"'{document.designated.method}'"
        would = counts_sql(*own, accept_other_sets=True)
        is_own = f"{would} AND gwp_set <> {own[0]}"
        sums = self.connection.sql(
            f"SELECT gwp_set, missing_sets, method, {is_own}, sum(lines), sum(co2e_kg) FROM inventory_sums"
            " WHERE missing_sets IS NOT NULL GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        names = ("gwp_set", "missing_sets", "method", "is_own", "lines", "co2e_kg")
        other_sets = [SetSum(**dict(zip(names, row, strict=True))) for row in sums]
        unknown = unknown_sets(self._noticed, self.tables, self._reported_sets)
        return [
            *nothing_counted(document, self._read, self._counted),
            *findings_of(self._noticed, self.tables, other_sets),
            *unknown_names(document, sorted(self._facilities), sorted({row["source"] for row in self.inputs.factors})),
            *unknown,
            *self._findings,
        ]

    def totals(self) -> pa.Table:
        """Sums of the lines alike in all that must not be added across."""
        listed = ", ".join(f"sum({name}) AS {name}" for name in ("lines", *_SUMMED))
        summed = f"SELECT {', '.join(_ALIKE)}, {listed} FROM inventory_sums GROUP BY ALL ORDER BY ALL"
        found: pa.Table = self.connection.sql(summed).to_arrow_table()
        return found

    def prepare(self) -> None:
        """The first pass, before `lines`: kinds of activities, and what instruments cover."""
        document = self.inputs.document
        self._small_tables()
        self._notice_early()
        kinds: dict[tuple[str, str, str], None] = {}
        covered: list[pa.Table] = []
        for batch in self._batches():
            with self._batch(batch):
                self._notice_boundary()
                self._notice_names(batch)
                self._notice_reported_sets()
                found = self.connection.sql(
                    f"SELECT DISTINCT activity_type, region, unit FROM {lines_sql.COUNTED}"
                    " WHERE reported_co2e_kg IS NULL ORDER BY ALL"
                ).fetchall()
                kinds |= dict.fromkeys((str(kind), str(region), str(unit)) for kind, region, unit in found)
                if MARKET in document.methods and document.instruments.use:
                    pairs = {(str(kind), str(region)) for kind, region, _ in found}
                    covered.append(self._consumption(sorted(pairs)))
        self.tables.add_demands(sorted(kinds))
        self._make("inventory_parts", self._parts(covered))
        for name, table in self.tables.as_arrow().items():
            self._make(name, table)
        self._make_ranks()
        self._make_parts()

    def _small_tables(self) -> None:
        document, boundary = self.inputs.document, self.inputs.document.boundary
        shares = [(code, document.share(code)) for code in boundary.shares]
        facilities = [] if boundary.facilities == "all" else list(boundary.facilities)
        self._make("inventory_facilities", pa.table({"facility_code": pa.array(facilities, pa.string())}))
        self._make(
            "inventory_shares",
            pa.table(
                {
                    "facility_code": pa.array([code for code, _ in shares], pa.string()),
                    "share": pa.array([share for _, share in shares], pa.decimal128(7, 6)),
                }
            ),
        )
        sets = {"gwp_set": list(document.gwp_sets), "place": list(range(len(document.gwp_sets)))}
        self._make("inventory_asked_sets", pa.table(sets))
        spellings = [
            (text, ratio.numerator, ratio.denominator)
            for text, unit in SPELLINGS.items()
            if unit.dimension == "energy" and (ratio := conversion(unit, _kwh())) is not None
        ]
        columns = [list(column) for column in zip(*spellings, strict=True)]
        self._make("inventory_kwh", pa.table(columns, names=["unit", "numerator", "denominator"]))

    def _make_ranks(self) -> None:
        """Every word that orders lines, in the order of texts."""
        self._make("inventory_reported_sets", pa.table({"gwp_set": pa.array(self._reported_sets, pa.string())}))
        self.connection.execute(
            """CREATE OR REPLACE TEMP TABLE inventory_ranks AS
SELECT name, (row_number() OVER (ORDER BY name))::BIGINT AS place FROM (
  SELECT method AS name FROM inventory_pieces UNION SELECT stage FROM inventory_pieces
  UNION SELECT gwp_set FROM inventory_sets UNION SELECT 'use' UNION SELECT 'reported'
  UNION SELECT gwp_set FROM inventory_reported_sets) WHERE name IS NOT NULL"""
        )
        ((count,),) = self.connection.execute("SELECT count(*) FROM inventory_ranks").fetchall()
        if count >= lines_sql.RANKS:
            raise InputRefused(
                "there are too many methods, stages and sets of warming potentials",
                where="activities and factors",
                value=count,
                valid=f"fewer than {lines_sql.RANKS:,}",
                remedy="Give one set one name.",
            )

    def _make(self, name: str, rows: pa.Table) -> None:
        self.connection.register("rows_given", rows)
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM rows_given")
        self.connection.unregister("rows_given")

    def _batches(self) -> Iterator[pa.Table]:
        yield from self.inputs.activities()

    def _batch(self, batch: pa.Table) -> _Batch:
        boundary = self.inputs.document.boundary
        counted = lines_sql.counted_sql(
            _ACTIVITY, facilities=boundary.facilities != "all", shares=boundary.approach == "equity_share"
        )
        return _Batch(self.connection, batch, counted)

    def _notice_boundary(self) -> None:
        """Activities that are not counted, or not as they stand."""
        document = self.inputs.document
        is_listed, is_shared = document.boundary.facilities != "all", document.boundary.approach == "equity_share"
        outside = "facility_code IS NULL OR facility_code NOT IN (FROM inventory_facilities)"
        unshared = "facility_code IS NULL OR facility_code NOT IN (SELECT facility_code FROM inventory_shares)"
        asked = {
            OUTSIDE_BOUNDARY: (_ACTIVITY, outside if is_listed else "false"),
            NO_SHARE: (
                _ACTIVITY,
                f"NOT ({outside if is_listed else 'false'}) AND ({unshared})" if is_shared else "false",
            ),
            STRADDLES: (lines_sql.COUNTED, f"period_end > DATE '{document.period.end}'"),
            REPORTED_SCOPE: (lines_sql.COUNTED, "reported_co2e_kg IS NOT NULL AND reported_scope IS NULL"),
            REPORTED_CATEGORY: (
                lines_sql.COUNTED,
                "reported_co2e_kg IS NOT NULL AND reported_scope = 3 AND reported_category IS NULL",
            ),
        }
        for rule, (relation, condition) in asked.items():
            rows = self.connection.sql(f"SELECT count(*) FROM {relation} WHERE {condition}").fetchall()
            self._noticed.counts[rule] += int(rows[0][0])

    def _notice_names(self, batch: pa.Table) -> None:
        """How many activities there are and how many of them are counted, and the sites they name."""
        self._read += batch.num_rows
        ((counted,),) = self.connection.sql(f"SELECT count(*) FROM {lines_sql.COUNTED}").fetchall()
        self._counted += int(counted)
        self._facilities.update(name for name in pc.unique(batch["facility_code"]).to_pylist() if name is not None)

    def _notice_reported_sets(self) -> None:
        rows = self.connection.sql(
            f"SELECT coalesce(reported_gwp_set, '{NOT_STATED}'), count(*) FROM {lines_sql.COUNTED}"
            " WHERE reported_co2e_kg IS NOT NULL GROUP BY 1"
        ).fetchall()
        self._reported_sets.update({str(name): int(count) for name, count in rows})

    def _notice_early(self) -> None:
        for batch in self.inputs.early():
            with self._batch(batch):
                self._noticed.add_early(
                    self.connection.sql(
                        "SELECT activity_type, region, unit, count(*), sum(quantity), sum(reported_co2e_kg)"
                        f" FROM {lines_sql.COUNTED} GROUP BY ALL ORDER BY ALL"
                    ).fetchall()
                )

    def _consumption(self, pairs: Sequence[tuple[str, str]]) -> pa.Table:
        """Electricity of a batch, of these activity types and regions, in kWh that instruments may cover."""
        converted = converted_sql("units")
        covered = [pair for pair in pairs if self.tables.is_covered(*pair, "kWh")]
        columns = {"activity_type": [kind for kind, _ in covered], "region": [region for _, region in covered]}
        schema = pa.schema([(name, pa.string()) for name in columns])
        self._make("inventory_covered", pa.table(columns, schema=schema))
        # What would not fit stays with the demand's own unit, and is told as out of range.
        fits = "CAST(units AS HUGEINT) * numerator < CAST(denominator AS HUGEINT) * 1000000000000000000"
        found: pa.Table = self.connection.sql(
            f"""SELECT row_no, activity_type, region, facility_code, period_start - DATE '1970-01-01' AS day,
                       greatest(coalesce(period_end - period_start, 1), 1) AS days,
                       CASE WHEN {fits} THEN {converted} END AS kwh
            FROM (SELECT a.*, {units_sql("counted")} AS units, k.numerator, k.denominator, false AS is_narrow
                  FROM {lines_sql.COUNTED} AS a JOIN inventory_kwh AS k ON k.unit = a.unit
                  SEMI JOIN inventory_covered AS c ON c.activity_type = a.activity_type AND c.region = a.region
                  WHERE a.reported_co2e_kg IS NULL)
            ORDER BY row_no"""
        ).to_arrow_table()
        return found

    def _parts(self, covered: Sequence[pa.Table]) -> pa.Table:
        """Parts by instrument, and what none covers with the demand that finds its factor."""
        document = self.inputs.document
        checked = check_instruments(
            self.inputs.instruments,
            organisation=document.organisation,
            start=document.period.start,
            end=document.period.end,
        )
        if not (MARKET in document.methods and document.instruments.use):
            return PARTS.empty_table()
        self._findings += checked.findings
        if not covered or not (table := self._fitting(pa.concat_tables(covered))).num_rows:
            self._findings += cover(checked.usable, NOTHING, markets=self.tables.policy.regions)[1]
            return PARTS.empty_table()
        consumption, kinds = _consumption_of(table)
        found, unused = cover(checked.usable, consumption, markets=self.tables.policy.regions)
        self._findings += unused
        numbers = [self.tables.add_instrument(use.instrument, use.said) for use in found.uses]
        remainders = np.array([self.tables.add_remainder(*kind) for kind in kinds["names"]], np.int64)
        place = np.searchsorted(kinds["row_no"], found.row_no)
        is_rest = found.use == REMAINDER
        by_instrument = np.array([*numbers, 0], np.int64)[found.use]
        return pa.table(
            {
                "row_no": pa.array(found.row_no),
                "part": pa.array(found.part.astype(np.int32)),
                "kwh_units": pa.array(found.kwh),
                "demand_no": pa.array(
                    np.where(is_rest, remainders[kinds["kind"][place]], by_instrument).astype(np.int32)
                ),
            },
            schema=PARTS,
        )

    def _fitting(self, covered: pa.Table) -> pa.Table:
        """Consumption without what has too many kWh to be written down, which is told."""
        fitting = covered.filter(pc.is_valid(covered["kwh"])).combine_chunks()
        if left := covered.num_rows - fitting.num_rows:
            message = "The consumption would not fit 12 digits of kWh before the point. Check quantity and unit."
            self._findings.append(
                Finding(rule_id=NO_FIGURE, subject="electricity", method=MARKET, activities=left, message=message)
            )
        return fitting

    def _make_parts(self) -> None:
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE inventory_parts AS SELECT row_no, part, {decimal_sql('kwh_units')} AS kwh,"
            " demand_no FROM inventory_parts ORDER BY row_no"
        )

    def _notice(self, found: pa.Table) -> None:
        self._noticed.add_pieces(
            self.connection.sql(
                f"SELECT piece_no, is_figure, count(*), sum(quantity_in) FROM {lines_sql.PLACED} GROUP BY ALL"
            ).fetchall()
        )
        self.connection.register("lines_made", found)
        listed = ", ".join(f"sum({name}) AS {name}" for name in _SUMMED)
        sums = f"SELECT {', '.join(_ALIKE)}, count(*) AS lines, {listed} FROM lines_made GROUP BY ALL"
        self.connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS inventory_sums AS FROM ({sums}) WITH NO DATA")
        self.connection.execute(f"INSERT INTO inventory_sums {sums}")
        self.connection.unregister("lines_made")


class _Batch:
    """A batch of activities in the engine, with what of it is counted."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, batch: pa.Table, counted: str) -> None:
        self._connection, self._batch, self._counted = connection, batch, counted

    def __enter__(self) -> None:
        self._connection.register(_ACTIVITY, self._batch)
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {lines_sql.COUNTED} AS {self._counted}")

    def __exit__(self, *_: object) -> None:
        self._connection.unregister(_ACTIVITY)


def _consumption_of(table: pa.Table) -> tuple[Consumption, dict[str, Any]]:
    """Texts as numbers; of each row the kind (activity type and region) whose remainder it is."""
    regions, facilities = (table[name].combine_chunks().dictionary_encode() for name in ("region", "facility_code"))
    types = table["activity_type"].combine_chunks().dictionary_encode()
    region, kind = regions.indices.to_numpy(), types.indices.to_numpy().astype(np.int64)
    pairs, number = np.unique(kind * len(regions.dictionary) + region, return_inverse=True)
    names = [
        (
            types.dictionary[int(pair) // len(regions.dictionary)].as_py(),
            regions.dictionary[int(pair) % len(regions.dictionary)].as_py(),
        )
        for pair in pairs
    ]
    row_no = table["row_no"].to_numpy()
    consumption = Consumption(
        row_no=row_no,
        day=table["day"].to_numpy().astype(np.int64),
        days=table["days"].to_numpy().astype(np.int64),
        region=region.astype(np.int64),
        facility=facilities.indices.fill_null(-2).to_numpy().astype(np.int64),
        kwh=table["kwh"].to_numpy(),
        regions=[str(name) for name in regions.dictionary.to_pylist()],
        facilities=facilities.dictionary.to_pylist(),
    )
    return consumption, {"names": names, "row_no": row_no, "kind": number}


def _kwh() -> Any:
    return find_unit("kWh")
