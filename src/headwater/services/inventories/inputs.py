"""What an inventory is made of, pinned: rows as they stood, potentials and rates, each a blob that is read again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from headwater.accounting.currencies import Rates, read_rates
from headwater.accounting.gases import PotentialSets, built_in
from headwater.errors import Misuse
from headwater.pipeline.inventory import ACTIVITY_SCHEMA, Inputs
from headwater.services.factors import factor_sets
from headwater.services.kept_files import clear_file
from headwater.store.blobs import Blob
from headwater.store.inventories import pin_rows
from headwater.store.stored_rows import parse_rows

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import duckdb

    from headwater.accounting.inventory.document import Inventory
    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection

ACTIVITY, FACTOR, INSTRUMENT = ("activity", 1), ("emission_factor", 1), ("energy_instrument", 1)
POTENTIAL = ("warming_potential", 1)
PINNED_ROWS = "pinned_rows"
BLOCK_BYTES = 16 * 2**20


@dataclass(frozen=True, kw_only=True)
class Pins:
    """The blobs an inventory is made of, durable."""

    activities: Blob
    factors: Blob
    instruments: Blob
    potentials: Blob
    rates: Blob | None

    def hashes(self) -> dict[str, bytes | None]:
        """SHA-256 by what it is of, in order."""
        named = {name: getattr(self, name) for name in ("activities", "factors", "instruments", "potentials", "rates")}
        return {name: None if blob is None else blob.sha256 for name, blob in named.items()}


def pin(installation: Installation, document: Inventory, rates: Path | None) -> Pins:
    """Keep everything that stands now, as of one moment. Misuse where a set that is asked for is not there."""
    tenant_id, blobs = installation.tenant_id, installation.blobs
    with installation.database.snapshot(tenant_id) as connection:
        rows = {name: _pin_contract(installation, connection, name) for name in (FACTOR, INSTRUMENT)}
        sets = _potential_sets(installation, connection)
        with blobs.writer(tenant_id) as writer:
            pin_rows(
                connection,
                writer,
                installation.contract(*ACTIVITY),
                span=("period_start", "period_end"),
                start=document.period.start,
                end=document.period.end,
            )
    strange = [name for name in document.gwp_sets if name not in sets.sets]
    if strange:
        raise Misuse(
            "there is no such set of warming potentials",
            where=f"inventory {document.inventory}, gwp_sets",
            value=", ".join(strange),
            valid=", ".join(sets.sets),
            remedy="Import the set as rows of the contract warming_potential, or correct its name.",
        )
    return Pins(
        activities=writer.blob,
        factors=rows[FACTOR],
        instruments=rows[INSTRUMENT],
        potentials=blobs.put_bytes(tenant_id, potentials_text(sets)),
        rates=None if rates is None else blobs.put_file(tenant_id, rates),
    )


def _pin_contract(installation: Installation, connection: TenantConnection, name: tuple[str, int]) -> Blob:
    with installation.blobs.writer(installation.tenant_id) as writer:
        pin_rows(connection, writer, installation.contract(*name))
    return writer.blob


def _potential_sets(installation: Installation, connection: TenantConnection) -> PotentialSets:
    out = io.BytesIO()
    pin_rows(connection, out, installation.contract(*POTENTIAL))
    return built_in().with_rows(parse_rows(out.getvalue()).to_pylist())


def potentials_text(sets: PotentialSets) -> bytes:
    """By set and gas, in order, as CSV, with the parts of a blend that the set has no potential for."""
    rows = sorted(
        (row["gwp_set"], row["gas"], f"{row['gwp_100']:f}", row["uncounted"] or "") for row in sets.table().to_pylist()
    )
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([("gwp_set", "gas", "gwp_100", "uncounted"), *rows])
    return out.getvalue().encode()


def inputs_of(
    installation: Installation, duck: duckdb.DuckDBPyConnection, document: Inventory, hashes: dict[str, bytes | None]
) -> Inputs:
    """What was pinned, typed for the calculation."""
    activities, start = _sha256(hashes, "activities"), document.period.start
    potentials = _content(installation, _sha256(hashes, "potentials"))
    return Inputs(
        document=document,
        activities=partial(pinned_activities, installation, activities, start),
        early=partial(pinned_early, installation, activities, start),
        factors=_typed(installation, duck, FACTOR, _sha256(hashes, "factors")),
        instruments=_typed(installation, duck, INSTRUMENT, _sha256(hashes, "instruments")),
        potentials=read_potentials(potentials),
        uncounted=read_uncounted(potentials),
        rates=_rates(installation, document, hashes["rates"]),
    )


def read_potentials(content: bytes) -> dict[str, dict[str, Decimal]]:
    """By set and gas, from the text that was pinned."""
    found: dict[str, dict[str, Decimal]] = {}
    for row in csv.DictReader(io.StringIO(content.decode())):
        found.setdefault(row["gwp_set"], {})[row["gas"]] = Decimal(row["gwp_100"])
    return found


def read_uncounted(content: bytes) -> dict[tuple[str, str], str]:
    """The parts of blends that a set has no potential for, `;` between, by set and blend, from the same text."""
    rows = csv.DictReader(io.StringIO(content.decode()))
    return {(row["gwp_set"], row["gas"]): row["uncounted"] for row in rows if row.get("uncounted")}


def _rates(installation: Installation, document: Inventory, sha256: bytes | None) -> Rates | None:
    if sha256 is None or document.factors.rates is None:
        return None
    with clear_file(installation, sha256) as path:
        return read_rates(path, name=document.factors.rates)


def _sha256(hashes: dict[str, bytes | None], name: str) -> bytes:
    found = hashes[name]
    if found is None:
        raise AssertionError(f"an inventory is always made of {name}")
    return found


def _content(installation: Installation, sha256: bytes) -> bytes:
    with installation.blobs.open(installation.tenant_id, sha256) as file:
        return file.read()


def _typed(
    installation: Installation, duck: duckdb.DuckDBPyConnection, name: tuple[str, int], sha256: bytes
) -> list[dict[str, Any]]:
    """Rows of a contract as values, with `row_hash`."""
    texts = parse_rows(_content(installation, sha256))
    rows: list[dict[str, Any]] = factor_sets.typed(duck, installation.contract(*name), texts).to_pylist()
    hashes = texts["row_hash"].to_pylist()
    return [row | {"row_hash": row_hash} for row, row_hash in zip(rows, hashes, strict=True)]


def pinned_activities(installation: Installation, sha256: bytes, start: date) -> Iterator[pa.Table]:
    """Pinned activities of a period that begins on `start`, in batches, in order, numbered."""
    for batch in _pinned(installation, sha256):
        is_inside = pc.greater_equal(batch["period_start"], pa.scalar(start))
        yield batch if pc.all(is_inside).as_py() else batch.filter(is_inside)


def pinned_early(installation: Installation, sha256: bytes, start: date) -> Iterator[pa.Table]:
    """Those that begin before the period and reach into it: they are pinned first, so that they can be told."""
    for number, batch in enumerate(_pinned(installation, sha256)):
        early = batch.filter(pc.less(batch["period_start"], pa.scalar(start)))
        yield early
        if number and early.num_rows < batch.num_rows:
            return


def _pinned(installation: Installation, sha256: bytes) -> Iterator[pa.Table]:
    """All that was pinned, in batches, in order, numbered."""
    with installation.blobs.open(installation.tenant_id, sha256) as file:
        header = file.readline().decode().strip().replace('"', "").split(",")
        file.seek(0)
        reader = arrow_csv.open_csv(
            file,
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: pa.string() for name in header},
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=[""],
            ),
        )
        first = 0
        yield as_activities(reader.schema.empty_table(), first)  # so that nothing at all is a batch too
        for batch in reader:
            yield as_activities(pa.Table.from_batches([batch]), first)
            first += batch.num_rows


def as_activities(texts: pa.Table, first: int) -> pa.Table:
    """Canonical texts of activities as values, numbered from `first`."""
    columns: list[Any] = []
    for field in ACTIVITY_SCHEMA:
        name = "row_hash" if field.name == "activity_row_hash" else field.name
        if field.name == "row_no":
            columns.append(pa.array(range(first, first + texts.num_rows), pa.int64()))
        elif name in texts.column_names:
            columns.append(pc.cast(texts[name], field.type))
        else:
            columns.append(pa.nulls(texts.num_rows, field.type))
    return pa.table(columns, schema=ACTIVITY_SCHEMA)
