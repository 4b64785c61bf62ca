"""Codes that records refer to, as a step of a chunk: those pinned for the run, in the engine, and a bit a reference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headwater.contracts.bulk import literal, quoted
from headwater.contracts.find import unknown_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import duckdb
    import pyarrow as pa

    from headwater.contracts.document import Document, RuleSpec

CODE = "code"


class ReferenceCodes:
    """The references of a contract, checked against codes that stand beside it in the engine.

    The codes are read once, before the first chunk that needs them: where every chunk is known already none does.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, document: Document, codes: Callable[[], Iterable[pa.RecordBatch]]
    ) -> None:
        rules = [rule for rule in document.set_rules if rule.kind == "reference"]
        self._connection = connection
        self._codes = codes
        self._fields = [document.by_name[rule.fields[0]] for rule in rules]
        self._is_read = False
        # Fields with the same reference hold codes of one kind, see `services.reference_codes`.
        self._kinds = {str(field.reference): field.kind.duckdb_type for field in self._fields}
        self.rules = tuple(
            _told(rule, str(field.reference), document.name) for rule, field in zip(rules, self._fields, strict=True)
        )
        """In bit order, in the words of a load."""

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables of codes in the engine, each with the one column `code`, and named as the reference is."""
        return tuple(self._kinds)

    def read(self) -> None:
        """Have the codes in the engine."""
        if self._is_read:
            return
        for reference, kind in self._kinds.items():
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(reference)} ({CODE} {kind})")
        for batch in self._codes():
            self._connection.register("codes_read", batch)
            for reference, kind in self._kinds.items():
                self._connection.execute(
                    f"INSERT INTO {quoted(reference)} SELECT CAST({CODE} AS {kind}) FROM codes_read"
                    f" WHERE reference = {literal(reference)}"
                )
            self._connection.unregister("codes_read")
        self._is_read = True

    @property
    def mask_sql(self) -> str:
        """A bit for each reference that a record's code is not among; 0 where it has no code."""
        tables = {reference: quoted(reference) for reference in self._kinds}
        bits = (
            f"CASE WHEN {unknown_sql(field, tables)} THEN {1 << bit} ELSE 0 END"
            for bit, field in enumerate(self._fields)
        )
        return " + ".join(bits)


def _told(rule: RuleSpec, reference: str, contract: str) -> RuleSpec:
    """The rule as a load applies it: what counts is what stood when the run was planned."""
    repair = "Correct the code; or load the record it names, then resubmit this one as it is or import its file again."
    if reference.partition(".")[0] == contract:
        repair = (
            "Correct the code, or load the record it names first. Records of one file do not see each other: once that "
            "one stands, resubmit this one as it is, or import the file again."
        )
    return replace(rule, valid=f"a code of {reference} that stood when the run was planned", repair=repair)
