"""The factors of a run, pinned: the rows of `emission_factor` as they stood, kept as a blob that the run cites."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from headwater.accounting.timeline import FactorPolicy, timeline
from headwater.accounting.units import SPELLINGS
from headwater.contracts.bulk import quoted
from headwater.replay.records import typed as typed_values
from headwater.services.latest import Latest
from headwater.store.cited_blobs import cite_blob
from headwater.store.stored_rows import current_rows, parse_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from headwater.contracts import Document
    from headwater.services.installation import Installation

FACTORS = ("emission_factor", 1)


@dataclass(frozen=True, kw_only=True)
class OfPair:
    """The factors of an activity type and region: as pinned, in texts, and the rows of their timeline that an activity
    in its unit can meet.
    """

    texts: Sequence[Mapping[str, str | None]]
    timeline: Sequence[Mapping[str, Any]]


_OF_PAIRS: Latest[OfPair] = Latest(2048)
_SETS: Latest[pa.Table] = Latest(8)


def pin(installation: Installation) -> bytes:
    """Keep the factors that stand now; the SHA-256 under which they are kept."""
    document = installation.contract(*FACTORS)
    with installation.database.connect(installation.tenant_id) as connection:
        content = current_rows(connection, document)
        blob = installation.blobs.put_bytes(installation.tenant_id, content)
        if installation.keeps:
            cite_blob(connection, installation.tenant_id, blob, kind="factor_set", name="emission_factor.csv")
    return blob.sha256


def read(installation: Installation, connection: duckdb.DuckDBPyConnection, sha256: bytes) -> pa.Table:
    """The rows of a pinned set, typed as the contract says."""
    with installation.blobs.open(installation.tenant_id, sha256) as file:
        rows = parse_rows(file.read())
    return typed(connection, installation.contract(*FACTORS), rows)


def of_pair(installation: Installation, sha256: bytes, activity: Mapping[str, Any], policy: FactorPolicy) -> OfPair:
    """Those of a pinned set that an activity can have: a set may hold thousands.

    The set is read each time, so that nobody changes it unseen; what is made of the same bytes is made once.
    """
    contract = installation.contract(*FACTORS)
    pair = {name: str(activity[name]) for name in ("activity_type", "region")}
    with installation.blobs.open(installation.tenant_id, sha256) as file:
        content = file.read()
    digest, unit = hashlib.sha256(content).digest(), SPELLINGS.get(activity["unit"])
    symbol = unit.symbol if unit else None
    return _OF_PAIRS.get(
        (digest, contract.hash, *pair.values(), symbol, policy),
        lambda: _of_pair(contract, _SETS.get(digest, lambda: parse_rows(content)), pair, symbol, policy),
    )


def _of_pair(
    contract: Document, pinned: pa.Table, pair: Mapping[str, str], symbol: str | None, policy: FactorPolicy
) -> OfPair:
    texts = pinned.filter(
        pc.and_(*(pc.equal(pinned[name], pa.scalar(text)) for name, text in pair.items()))
    ).to_pylist()
    rows = timeline([typed_values(contract, each) for each in texts], policy)
    # The row without a unit tells that the pair is known.
    met = pc.fill_null(pc.equal(rows["unit"], pa.scalar(symbol, pa.string())), pc.is_null(rows["unit"]))
    return OfPair(texts=texts, timeline=rows.filter(met).to_pylist())


def typed(connection: duckdb.DuckDBPyConnection, document: Document, rows: pa.Table) -> pa.Table:
    """Canonical texts, written by this code, as values of the contract's types; none for fields added since."""
    casts = ", ".join(
        f"CAST({quoted(spec.name) if spec.name in rows.column_names else 'NULL'} AS {spec.kind.duckdb_type})"
        f" AS {quoted(spec.name)}"
        for spec in document.fields
    )
    connection.register("canonical_rows", rows)
    try:
        typed_rows: pa.Table = connection.sql(f"SELECT {casts} FROM canonical_rows").to_arrow_table()
    finally:
        connection.unregister("canonical_rows")
    return typed_rows
