"""Two runs compared: file, mapping with its contract, factor policy and factor set replaced one after another.

A run's figures are what its file gives by its documents and factors, whatever else stands in the database: so two runs
can be compared long after both were overtaken. A run has no boundary of its own, so that cause moves nothing.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from headwater.accounting.timeline import FactorPolicy
from headwater.engine.duck import engine
from headwater.errors import InputRefused, Misuse
from headwater.pipeline.calculation import Calculation
from headwater.pipeline.source_rows import later_is_newer
from headwater.services.comparison.steps import Named, Steps
from headwater.services.factors import factor_sets
from headwater.services.imports import stored_logic
from headwater.services.logic import RESULTS, compile_logic
from headwater.services.reports.licences import of_figures, together
from headwater.services.run_texts import RunTexts, span_of
from headwater.services.sources import layout_from_json
from headwater.store import runs
from headwater.store.chunks import chunks_of
from headwater.store.cited_blobs import get_cited_blob

if TYPE_CHECKING:
    import duckdb

    from headwater.accounting.comparison.causes import Comparison
    from headwater.accounting.factors import RestsOn
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.store.runs import Run

_READ = "activity_id, activity_type, region, unit, period_start, quantity"


@dataclass(frozen=True, kw_only=True)
class _Side:
    """A run with its documents."""

    run: Run
    logic: Logic

    @property
    def factors(self) -> bytes:
        if self.logic.factor_set is None:
            raise Misuse(
                "the run calculates nothing",
                where=f"run {self.run.run_id}",
                valid="a run that brought activities and their figures",
            )
        return self.logic.factor_set


def compare_runs(installation: Installation, a: str, b: str) -> Comparison:
    """What leads from the figures of run `a` to those of run `b`; each by its id or the beginning of it."""
    one, other = _side(installation, a), _side(installation, b)
    memory = f"{installation.settings.memory_limit // 2**20}MiB"
    with engine(memory_limit=memory) as duck:
        return _Runs(installation, duck, one, other).compared()


def _side(installation: Installation, text: str) -> _Side:
    with installation.database.connect(installation.tenant_id) as connection:
        run = runs.find_run(connection, installation.tenant_id, text)
        blob = get_cited_blob(connection, installation.tenant_id, run.blob_sha256)
        read = get_cited_blob(connection, installation.tenant_id, run.text_sha256)
    if run.kind != "import":
        raise Misuse(
            "a resubmission is a part of another run",
            where=f"run {run.run_id}",
            valid="a run that imported a file",
            remedy="Import the corrected file whole, and compare that run.",
        )
    if blob.state != "held":
        raise InputRefused("its file was erased", where=f"run {run.run_id}", value=blob.name)
    if read.copy_sha256 is not None:
        raise InputRefused("somebody was erased from its file", where=f"run {run.run_id}", value=blob.name)
    side = _Side(run=run, logic=stored_logic(installation, run))
    _ = side.factors
    return side


class _Runs:
    def __init__(self, installation: Installation, duck: duckdb.DuckDBPyConnection, a: _Side, b: _Side) -> None:
        self._installation = installation
        self._duck = duck
        self._a, self._b = a, b
        self._steps = Steps(connection=duck)
        self._tables: dict[tuple[bytes, bytes], str] = {}

    def compared(self) -> Comparison:
        """Seven steps, of which most are the same calculation."""
        a, b = self._a, self._b
        mixed = self._activities(b, a)  # the records of B as the mapping of A reads them
        self._steps.know(f"SELECT activity_id FROM {self._activities(a, a)}")
        own, last = self._activities(a, a), self._activities(b, b)
        if mixed is None:
            self._steps.notes["input"] = "A's mapping does not fit B's file: both moved together, and are told as input"
            mixed = last
        self._steps.notes["boundary"] = "a run has no boundary of its own"
        for activities, policy, factors in (
            (own, a, a), (own, a, a), (mixed, a, a), (last, a, a), (last, b, a), (last, b, b),
        ):  # fmt: skip
            self._add(str(activities), policy, factors, held=a if factors is b else None)
        self._add(str(last), b, b)
        sets = [self._sets(str(activities), side) for activities, side in ((own, a), (last, b))]
        licences = together(self._licences(str(activities), side) for activities, side in ((own, a), (last, b)))
        found = self._steps.compared(
            self._named(a, str(own), sets[0]), self._named(b, str(last), sets[1]), self._notes()
        )
        return replace(found, licences=licences)

    def _licences(self, activities: str, side: _Side) -> list[RestsOn]:
        """Of the factors by which a side's figures are made."""
        calculated = self._calculated(activities, side, side)
        self._duck.execute(f"CREATE OR REPLACE TEMP TABLE comparison_used AS SELECT factor_id FROM ({calculated})")
        self._duck.register("comparison_factors", factor_sets.read(self._installation, self._duck, side.factors))
        try:
            return of_figures(self._duck, "comparison_used", "comparison_factors")
        finally:
            self._duck.unregister("comparison_factors")

    def _notes(self) -> list[str]:
        if self._a.run.blob_sha256 != self._b.run.blob_sha256 or self._a.logic.mapping == self._b.logic.mapping:
            return []
        return ["both runs read the same file"]

    def _named(self, side: _Side, activities: str, gwp_set: str | None) -> Named:
        mapping, run = side.logic.mapping, side.run
        ((count,),) = self._duck.execute(f"SELECT count(*) FROM {activities}").fetchall()
        what = f"{run.source_name} by {mapping.mapping} {mapping.version}, {run.started_at:%Y-%m-%d}"
        return Named(name=f"run {str(run.run_id)[:8]}", what=what, gwp_set=gwp_set, activities=count)

    def _activities(self, records: _Side, logic: _Side) -> str | None:
        """The table of a run's records as a logic reads them, each key once; None where the mapping does not fit."""
        key = (records.run.text_sha256, logic.logic.mapping.hash + logic.logic.contract.hash)
        if key not in self._tables:
            name = f"comparison_activities_{len(self._tables)}"
            try:
                self._read(name, records, logic)
            except Misuse:
                if records is logic:
                    raise
                return None
            self._tables[key] = name
        return self._tables[key]

    def _read(self, name: str, records: _Side, logic: _Side) -> None:
        run, layout = records.run, layout_from_json(dict(records.run.layout))
        version = logic.logic.recipe.load.version
        with self._installation.database.connect(self._installation.tenant_id) as connection:
            planned = chunks_of(connection, self._installation.tenant_id, run.run_id)
        reads = replace(logic.logic, factor_set=None)
        transform, _ = compile_logic(
            self._installation, self._duck, reads, columns=layout.columns, source_id=run.source_id
        )
        ordering = "NULL::BIGINT" if version is None else f'"{version}"'
        columns = f"{_READ}, {ordering} AS version"
        with ExitStack() as stack:
            texts = stack.enter_context(RunTexts(self._installation, run))
            for number, chunk in enumerate(planned):
                span = span_of(chunk)
                raw = texts.chunk(span)
                rows = transform.run(raw.table, raw.record_nos, first_record=span.first_record).records
                self._duck.register("records_read", rows)
                query = f"SELECT {columns}, {number} AS chunk_no, record_no FROM records_read"
                begin = f"CREATE OR REPLACE TEMP TABLE {name} AS" if number == 0 else f"INSERT INTO {name}"
                self._duck.execute(f"{begin} {query}")
                self._duck.unregister("records_read")
        if not planned:
            raise Misuse("the run holds no records", where=f"run {run.run_id}")
        # Of a key the first in source order stays, the highest version, or what was read of a row last.
        order = "chunk_no DESC" if later_is_newer(run.layout) else "version DESC NULLS LAST, chunk_no"
        self._duck.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {_READ} FROM {name} QUALIFY row_number() OVER"
            f" (PARTITION BY activity_id ORDER BY {order}, record_no) = 1"
        )

    def _add(self, activities: str, policy: _Side, factors: _Side, held: _Side | None = None) -> None:
        """A step. With `held`, figures that differ from those by its factors in the GWP set alone stay as they were."""
        choice = policy.logic.recipe.factors
        key = (activities, choice.methods, choice.sources, factors.factors)
        if held is None or held.factors == factors.factors:
            self._steps.add(key, lambda number: self._steps.insert(number, self._figures(activities, policy, factors)))
            return

        def fill(number: int) -> None:
            for name, side in (("comparison_before", held), ("comparison_after", factors)):
                self._duck.execute(
                    f"CREATE OR REPLACE TEMP TABLE {name} AS {self._calculated(activities, policy, side)}"
                )
            same = " AND ".join(f"b.{gas}_kg = a.{gas}_kg" for gas in ("co2", "ch4", "n2o"))
            self._steps.insert(
                number,
                f"""
SELECT a.activity_id, a.scope, a.activity_type,
       CASE WHEN b.gwp_set <> a.gwp_set AND {same} THEN b.co2e_kg ELSE a.co2e_kg END
FROM comparison_after a LEFT JOIN comparison_before b USING (activity_id)""",
            )

        self._steps.add((*key, held.factors), fill)

    def _figures(self, activities: str, policy: _Side, factors: _Side) -> str:
        calculated = self._calculated(activities, policy, factors)
        return f"SELECT activity_id, scope, activity_type, co2e_kg FROM ({calculated})"

    def _calculated(self, activities: str, policy: _Side, factors: _Side) -> str:
        """SQL of the figures, over tables of factors that hold until the next call."""
        choice = policy.logic.recipe.factors
        calculation = Calculation(
            self._duck,
            emission=self._installation.contract(*RESULTS),
            factors=partial(factor_sets.read, self._installation, self._duck, factors.factors),
            policy=FactorPolicy(methods=choice.methods, sources=choice.sources),
        )
        calculation.read_factors()
        return f"SELECT * FROM ({calculation.over(activities)}) WHERE calculation_outcome = 0"

    def _sets(self, activities: str, side: _Side) -> str | None:
        """The one GWP set of a side's figures; Misuse where there are several: their sum would mean nothing."""
        rows = self._duck.execute(
            f"SELECT DISTINCT gwp_set FROM ({self._calculated(activities, side, side)}) ORDER BY 1"
        ).fetchall()
        if len(rows) > 1:
            raise Misuse(
                "the run's figures rest on several sets of warming potentials, and their sum would mean nothing",
                where=f"run {side.run.run_id}",
                value=", ".join(name for (name,) in rows),
                valid="figures of one set",
                remedy="Compare two inventories: each has one set of its own.",
            )
        return str(rows[0][0]) if rows else None
