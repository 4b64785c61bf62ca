"""What decides about the results of a run, compiled and hashed: chunks with equal bytes and logic give equal rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from headwater.accounting.calculation import FORMULA, FORMULA_VERSION
from headwater.accounting.timeline import FactorPolicy
from headwater.accounting.units import registry_hash
from headwater.connectors.csv_file.read import READER_VERSION
from headwater.engine.duck import ENGINE_VERSION
from headwater.errors import Misuse
from headwater.mapping import compile_mapping
from headwater.mapping.compile import COMPILER_VERSION
from headwater.pipeline.calculation import Calculation
from headwater.pipeline.known_rows import RowNames
from headwater.pipeline.references import ReferenceCodes
from headwater.pipeline.transform import TRANSFORM_VERSION, ChunkTransform
from headwater.services import reference_codes
from headwater.services.factors import factor_sets
from headwater.values import PARSER_VERSION, record_text, sha256

if TYPE_CHECKING:
    from collections import abc
    from collections.abc import Sequence

    import duckdb

    from headwater.connectors.csv_file import Layout
    from headwater.contracts import Document
    from headwater.mapping import Mapping
    from headwater.pipeline.recipe import Recipe
    from headwater.services.installation import Installation

CALCULATED = "activity"
ORDERED = {"date", "timestamp", "integer", "decimal"}
"""Types of fields that can order the versions of a record."""
RESULTS = ("emission", 1)


@dataclass(frozen=True, kw_only=True)
class Logic:
    """The documents of a run. `factor_set` is there exactly where the run calculates; `reference_codes` where fields of
    its contract refer to those of others.
    """

    contract: Document
    mapping: Mapping
    recipe: Recipe
    factor_set: bytes | None
    reference_codes: bytes | None = None

    def __post_init__(self) -> None:
        _check_version(self.recipe, self.contract)

    @property
    def hash(self) -> bytes:
        """Of everything that decides: documents, factors, units, codes, and the versions of the code and its engine."""
        rooms = (
            f"reader {READER_VERSION}, values {PARSER_VERSION}, mapping {COMPILER_VERSION}, "
            f"transform {TRANSFORM_VERSION}"
        )
        parts = (
            self.contract.hash,
            self.mapping.hash,
            self.recipe.logic(),
            self.factor_set or b"",
            registry_hash() if self.factor_set else b"",
            f"{FORMULA} {FORMULA_VERSION}".encode() if self.factor_set else b"",
            f"{rooms}, {ENGINE_VERSION}".encode(),
            *((self.reference_codes,) if self.reference_codes else ()),
        )
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


def pinned(installation: Installation, *, contract: Document, mapping: Mapping, recipe: Recipe) -> Logic:
    """The logic of a run that is planned now: factors and codes that it rests on are pinned as they stand."""
    return Logic(
        contract=contract,
        mapping=mapping,
        recipe=recipe,
        factor_set=factor_sets.pin(installation) if calculates(recipe, contract.name) else None,
        reference_codes=reference_codes.pin(installation, contract),
    )


def _check_version(recipe: Recipe, contract: Document) -> None:
    """Misuse where the field that should order the versions of a key cannot."""
    ordering = [spec.name for spec in contract.fields if spec.type in ORDERED and not (spec.key or spec.personal)]
    if recipe.load.version is not None and recipe.load.version not in ordering:
        raise Misuse(
            "no field by which versions of a record can be told apart",
            where=f"recipe {recipe.recipe}, load.version",
            value=recipe.load.version,
            valid=", ".join(ordering) or f"nothing: {contract.reference} has no such field",
            remedy=f"Name a field of {contract.reference} that is a date, a time or a number and no part of its key.",
        )


def fingerprint(logic: bytes, layout: Layout, results: Document | None) -> bytes:
    """What a chunk rests on beside its bytes: the hash of its logic, the contract of what is calculated, and how the
    text is cut into named columns.
    """
    dialect = layout.dialect
    unwanted = ["drift", *layout.unwanted] if layout.unwanted else []
    how = record_text([*unwanted, *layout.columns, dialect.delimiter, dialect.quote, dialect.comment, dialect.line_end])
    calculated = results.hash if results is not None else b""
    return hashlib.sha256(logic + calculated + sha256(how)).digest()


def calculates(recipe: Recipe, contract: str) -> bool:
    """Whether a recipe that loads a contract of this name calculates: as its steps say, or, where it says nothing, for
    activities.
    """
    return contract == CALCULATED if recipe.steps is None else "calculate" in recipe.steps


def compile_logic(
    installation: Installation,
    connection: duckdb.DuckDBPyConnection,
    logic: Logic,
    *,
    columns: Sequence[str],
    source_id: bytes,
    layout: abc.Mapping[str, Any] | None = None,
) -> tuple[ChunkTransform, Calculation | None]:
    """The logic as SQL over a source with these columns, its factors and codes read into the engine.

    layout  of the run, which says by which cells refused rows are known again
    """
    calculation = references = None
    if logic.factor_set is not None:
        calculation = Calculation(
            connection,
            emission=installation.contract(*RESULTS),
            factors=partial(factor_sets.read, installation, connection, logic.factor_set),
            policy=FactorPolicy(methods=logic.recipe.factors.methods, sources=logic.recipe.factors.sources),
        )
    if logic.reference_codes is not None:
        codes = partial(reference_codes.read, installation, logic.reference_codes)
        references = ReferenceCodes(connection, logic.contract, codes)
    transform = ChunkTransform(
        connection,
        document=logic.contract,
        mapping=compile_mapping(logic.mapping, logic.contract, columns),
        columns=columns,
        names=RowNames.of_run(source_id, layout or {}),
        calculation=calculation,
        references=references,
        version=logic.recipe.load.version,
    )
    return transform, calculation
