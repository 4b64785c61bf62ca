"""Accounting beside the river's own calculation: the same activities × the same factors, each in a process of its own.

    python -m bench.accounting                      10,000,000 activities, 20,000 factors
    python -m bench.accounting --rows 200000        a look

`river` is the quick figure that a run gives (`accounting.calculation_sql`): factor join and four figures a row.
`inventory` is all of accounting: two passes, the policy asked for every kind of activity, lines with their row hashes,
sums and findings. `accounting` is what of it corresponds to the river's part: kinds of activities, factors joined,
every figure, and no hash, order or sum. All have the same batches and processors; what is printed is seconds, processor
seconds, rows a processor second, peak memory, and the ratio to the river.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.accounting.calculation_sql import calculation_sql, lookup_sql
from headwater.accounting.gases import built_in
from headwater.accounting.inventory import lines_sql
from headwater.accounting.inventory.document import read_document
from headwater.accounting.timeline import FactorPolicy, factor_table, spelling_table
from headwater.engine.duck import engine
from headwater.pipeline.inventory import ACTIVITY_SCHEMA, Inputs, InventoryCalculation
from headwater.services.inventories.calculating import processors

BATCH = 250_000
TYPES, REGIONS = 200, 100
DAYS = 366
FIRST = date(2024, 1, 1)
METHODS = ("river", "accounting", "inventory", "inventory, two sets")
DOCUMENT = {
    "inventory": "bench",
    "organisation": "Bench",
    "boundary": {"approach": "operational_control"},
    "period": {"start": "2024-01-01", "end": "2025-01-01"},
    "methods": ["location_based"],
    "instruments": {"use": False},
}


def factors(count: int) -> list[dict[str, Any]]:
    """So many factors, each of its own activity type and region; every third with its gases."""
    found = []
    for number in range(count):
        gases = number % 3 == 0
        found.append(
            {
                "factor_id": f"f{number}", "source": "bench", "publication_year": 2024,
                "activity_type": f"type {number % TYPES}", "region": f"R{number // TYPES}", "unit": "kWh", "scope": 1,
                "category": None, "method": "activity_based", "gwp_set": "AR5",
                "co2e_kg_per_unit": Decimal(number + 1).scaleb(-5),
                "co2_kg_per_unit": Decimal(number).scaleb(-5) if gases else None,
                "ch4_kg_per_unit": Decimal(number).scaleb(-8) if gases else None,
                "n2o_kg_per_unit": Decimal(number).scaleb(-9) if gases else None,
                "ch4_origin": "fossil", "valid_from": FIRST, "valid_to": date(2025, 1, 1), "row_hash": f"{number:064x}",
            }
        )  # fmt: skip
    return found


def batches(rows: int, count: int) -> Iterator[pa.Table]:
    """Activities in order, the same each time: any factor's type and region, any day, kWh or MWh."""
    names = {
        "activity_type": pa.array([f"type {number}" for number in range(TYPES)]),
        "region": pa.array([f"R{number}" for number in range(max(1, count // TYPES))]),
        "unit": pa.array(["kWh", "MWh"]),
    }
    for first in range(0, rows, BATCH):
        size = min(BATCH, rows - first)
        draw = np.random.default_rng(first)
        columns: dict[str, Any] = {
            "row_no": pa.array(np.arange(first, first + size)),
            "activity_id": pa.array([f"a{number:09d}" for number in range(first, first + size)]),
            "period_start": pa.array(
                (draw.integers(0, DAYS, size) + (FIRST - date(1970, 1, 1)).days).astype("int32"), pa.date32()
            ),
            "quantity": pa.array(draw.integers(0, 10**9, size))
            .cast(pa.decimal128(19, 0))
            .cast(pa.decimal128(25, 6))
            .cast(pa.decimal128(18, 6)),
            "activity_row_hash": pa.array([f"{number:064x}" for number in range(first, first + size)]),
        }
        for name, values in names.items():
            columns[name] = values.take(pa.array(draw.integers(0, len(values), size), pa.int64()))
        yield pa.table(
            {field.name: columns.get(field.name, pa.nulls(size, field.type)) for field in ACTIVITY_SCHEMA},
            schema=ACTIVITY_SCHEMA,
        )


def river(count: int, given: Callable[[], Iterator[pa.Table]]) -> int:
    """The river's calculation over every batch."""
    made = 0
    rows = [{name: value for name, value in row.items() if name != "row_hash"} for row in factors(count)]
    table = pa.Table.from_pylist(rows)
    per_unit = [name for name in table.column_names if name.endswith("_kg_per_unit")]
    for name in per_unit:
        column = table[name].cast(pa.decimal128(18, 10))
        table = table.set_column(table.column_names.index(name), name, column)
    with engine() as duck:
        for name, rows_given in (
            ("factor_timeline", factor_table(table, FactorPolicy())),
            ("unit_spellings", spelling_table()),
        ):
            duck.register(name, rows_given)
        for statement in lookup_sql():
            duck.execute(statement)
        for batch in given():
            duck.register("activities", batch)
            duck.execute(f"CREATE OR REPLACE TEMP TABLE calculated AS {calculation_sql('activities')}")
            made += batch.num_rows
    return made


def inventory(count: int, given: Callable[[], Iterator[pa.Table]], sets: list[str]) -> int:
    """All of accounting over every batch."""
    document = read_document(DOCUMENT | {"gwp_sets": sets}, where="bench")
    inputs = Inputs(
        document=document, activities=given, factors=factors(count), instruments=[], potentials=potentials()
    )
    with engine(threads=processors()) as duck:
        calculation = InventoryCalculation(connection=duck, inputs=inputs)
        made = sum(table.num_rows for table in calculation.lines())
        calculation.findings()
    return made


def accounting(count: int, given: Callable[[], Iterator[pa.Table]]) -> int:
    """Factor join and figures alone, by the statements of an inventory."""
    document = read_document(DOCUMENT | {"gwp_sets": ["AR5"]}, where="bench")
    inputs = Inputs(
        document=document, activities=given, factors=factors(count), instruments=[], potentials=potentials()
    )
    made = 0
    with engine(threads=processors()) as duck:
        InventoryCalculation(connection=duck, inputs=inputs).prepare()
        counted = lines_sql.counted_sql("batch", facilities=False, shares=False)
        for batch in given():
            duck.register("batch", batch)
            duck.execute(f"CREATE OR REPLACE TEMP TABLE {lines_sql.COUNTED} AS {counted}")
            duck.execute(f"CREATE OR REPLACE TEMP TABLE {lines_sql.PLACED} AS {lines_sql.placed_sql()}")
            duck.execute(f"CREATE OR REPLACE TEMP TABLE calculated AS {lines_sql.calculated_sql()}")
            made += batch.num_rows
    return made


def potentials() -> dict[str, dict[str, Decimal]]:
    """By set and gas."""
    found: dict[str, dict[str, Decimal]] = {}
    for row in built_in().table().to_pylist():
        found.setdefault(row["gwp_set"], {})[row["gas"]] = row["gwp_100"]
    return found


def measured(which: str, rows: int, count: int) -> dict[str, Any]:
    """One of them in this process; the time that making the batches takes is taken off."""
    began, worked = time.perf_counter(), time.process_time()
    for _ in batches(rows, count):
        pass
    making, making_cpu = time.perf_counter() - began, time.process_time() - worked
    passes = 1 if which == "river" else 2
    began, worked = time.perf_counter(), time.process_time()
    if which == "river":
        made = river(count, lambda: batches(rows, count))
    elif which == "accounting":
        made = accounting(count, lambda: batches(rows, count))
    else:
        sets = ["AR5", "AR6"] if which.endswith("two sets") else ["AR5"]
        made = inventory(count, lambda: batches(rows, count), sets)
    seconds = time.perf_counter() - began - passes * making
    cpu = time.process_time() - worked - passes * making_cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "which": which,
        "rows": rows,
        "made": made,
        "seconds": round(seconds, 2),
        "cpu": round(cpu, 2),
        "peak_mib": round(peak),
    }


def main() -> None:
    """Measure each in a process of its own, and print how they compare."""
    parser = argparse.ArgumentParser(prog="python -m bench.accounting", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--factors", type=int, default=TYPES * REGIONS)
    parser.add_argument("--only", choices=METHODS)
    asked = parser.parse_args()
    if asked.only:
        print(json.dumps(measured(asked.only, asked.rows, asked.factors)))
        return
    found = []
    for which in METHODS:
        command = [sys.executable, "-m", "bench.accounting", "--rows", str(asked.rows), "--factors", str(asked.factors)]
        done = subprocess.run([*command, "--only", which], check=True, capture_output=True, text=True)
        found.append(json.loads(done.stdout))
        base, each = found[0], found[-1]
        print(
            f"{which}: {each['rows']:,} activities, {each['made']:,} figures in {each['seconds']:.1f} s, "
            f"{each['cpu']:.1f} CPU s, {each['rows'] / each['cpu']:,.0f} activities a CPU s, {each['peak_mib']:,} MiB, "
            f"{each['seconds'] / base['seconds']:.2f} × the river's time, {each['cpu'] / base['cpu']:.2f} × its CPU",
            flush=True,
        )


if __name__ == "__main__":
    main()
