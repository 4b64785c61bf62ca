"""The calculation as a step of a chunk: activities in, emissions out, what could not be calculated explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from headwater.accounting.calculation_sql import calculation_sql, lookup_sql
from headwater.accounting.explanation import FactorCatalogue
from headwater.accounting.outcome import CalculationOutcome
from headwater.accounting.timeline import FactorPolicy, factor_table, spelling_table
from headwater.contracts.bulk import enforcement, quoted
from headwater.values import OWN_FORMAT, sha256_sql

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from headwater.contracts.document import Document

TIMELINE = "factor_timeline"
SPELLINGS = "unit_spellings"

# Activities that fail alike are explained once: a missing factor is missing on every day and for every quantity.
_DATED = ", ".join(
    str(int(outcome))
    for outcome in (
        CalculationOutcome.TWO_FACTORS,
        CalculationOutcome.OUTSIDE_VALIDITY,
        CalculationOutcome.OUT_OF_RANGE,
    )
)
_MISSING = f"""
CREATE OR REPLACE TEMP TABLE missing AS
SELECT *, dense_rank() OVER (ORDER BY outcome, activity_type, region, unit, period_start, quantity) - 1 AS kind FROM (
    SELECT _record_no, calculation_outcome AS outcome, activity_type, region,
           CASE WHEN calculation_outcome <> {int(CalculationOutcome.NO_FACTOR)} THEN unit END AS unit,
           CASE WHEN calculation_outcome IN ({_DATED}) THEN period_start END AS period_start,
           CASE WHEN calculation_outcome = {int(CalculationOutcome.OUT_OF_RANGE)} THEN quantity END AS quantity
    FROM chunk WHERE is_loaded AND calculation_outcome <> {int(CalculationOutcome.CALCULATED)})"""


class Calculation:
    """Emissions of the activities of a chunk with one set of factors.

    The factors are read into the engine once, before the first chunk that needs them: where every chunk is known
    already none does.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        *,
        emission: Document,
        factors: Callable[[], pa.Table],
        policy: FactorPolicy,
    ) -> None:
        self.document = emission
        self._connection = connection
        self._factors = factors
        self._policy = policy
        self._catalogue: FactorCatalogue | None = None

    def read_factors(self) -> FactorCatalogue:
        """Have the timeline in the engine; the factors it was made from."""
        if self._catalogue is None:
            factors = self._factors()
            for name, rows in ((TIMELINE, factor_table(factors, self._policy)), (SPELLINGS, spelling_table())):
                self._connection.register("rows_read", rows)
                self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM rows_read")
                self._connection.unregister("rows_read")
            for statement in lookup_sql(TIMELINE, SPELLINGS):
                self._connection.execute(statement)
            self._catalogue = FactorCatalogue(factors, self._policy)
        return self._catalogue

    def over(self, relation: str) -> str:
        """A SELECT of the relation's columns and the calculation's, one row for each of its rows."""
        return calculation_sql(relation)

    @property
    def results_sql(self) -> str:
        """The rows of the contract `emission`, of the records that are loaded and calculated."""
        typed = ", ".join(
            f"CAST({quoted(spec.name)} AS {spec.kind.duckdb_type}) AS {quoted(spec.name)}"
            for spec in self.document.fields
        )
        row_text = enforcement(self.document, OWN_FORMAT).row_text
        return f"""
WITH calculated AS (
    SELECT {typed}, NULL::VARCHAR AS absent, _record_no AS record_no
    FROM chunk WHERE is_loaded AND calculation_outcome = {int(CalculationOutcome.CALCULATED)})
SELECT *, {sha256_sql(row_text)} AS row_hash FROM calculated"""

    def explain(self) -> pa.Table:
        """Findings on the loaded records of the chunk without a figure: record_no, rule_id, field, value, message."""
        catalogue = self.read_factors()
        self._connection.execute(_MISSING)
        kinds = self._connection.sql(
            "SELECT DISTINCT kind, outcome, activity_type, region, unit, period_start, quantity "
            "FROM missing ORDER BY kind"
        )
        names = kinds.columns
        explained = []
        for row in kinds.fetchall():
            activity = dict(zip(names, row, strict=True))
            found = catalogue.explain(CalculationOutcome(activity["outcome"]), activity)
            message = f"{found.message} {found.valid} {found.repair}"
            explained.append((activity["kind"], found.rule_id, found.field, found.value, message))
        columns = list(zip(*explained, strict=True)) if explained else [()] * 5
        words = pa.table(
            {
                "kind": pa.array(columns[0], pa.int64()),
                **{
                    name: pa.array(column, pa.string())
                    for name, column in zip(("rule_id", "field", "value", "message"), columns[1:], strict=True)
                },
            }
        )
        self._connection.register("words", words)
        try:
            findings: pa.Table = self._connection.sql(
                "SELECT _record_no AS record_no, rule_id, field, value, message FROM missing JOIN words USING (kind) "
                "ORDER BY record_no"
            ).to_arrow_table()
        finally:
            self._connection.unregister("words")
        return findings
