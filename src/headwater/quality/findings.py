"""Findings in bulk: the bitmask of a failing row expanded into rule, field, raw value and words.

The words of the rules stand in a table of the engine, so that a chunk's findings are a join and not a statement as long
as the contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from headwater.contracts.bulk import BITS, literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from headwater.contracts.document import RuleSpec

WORDS = "rule_words"
UNMAPPED_MASK = "mask_unmapped"
_WORDS: list[tuple[str, pa.DataType]] = [
    ("place", pa.int32()),
    ("mask", pa.string()),
    ("bit", pa.int64()),
    ("severity", pa.string()),
    ("rule", pa.string()),
    ("fields", pa.list_(pa.string())),
    ("message", pa.string()),
    ("valid", pa.string()),
    ("mend", pa.string()),
]


def load_words(connection: duckdb.DuckDBPyConnection, rules: Sequence[RuleSpec], unmapped: Sequence[str]) -> None:
    """Make the table of words: the contract's rules in bit order, then one for each field with a closed table."""
    rows = [
        {
            "place": place,
            "mask": f"mask_{place // BITS}",
            "bit": 1 << (place % BITS),
            "severity": rule.severity,
            "rule": rule.id,
            "fields": list(rule.fields),
            "message": rule.message,
            "valid": rule.valid,
            "mend": rule.repair,
        }
        for place, rule in enumerate(rules)
    ]
    rows += [
        {
            "place": len(rules) + bit,
            "mask": UNMAPPED_MASK,
            "bit": 1 << bit,
            "severity": "reject",
            "rule": f"mapping.{field}.values",
            "fields": [field],
            "message": "The mapping's table of values does not list this text.",
            "valid": "a text in the mapping's table of values",
            "mend": f"Correct the text, or add it to the values of {field} in the mapping.",
        }
        for bit, field in enumerate(unmapped)
    ]
    connection.register("words", pa.Table.from_pylist(rows, schema=pa.schema(_WORDS)))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {WORDS} AS SELECT * FROM words")
    connection.unregister("words")


def findings_sql(relation: str, *, severity: str, fields: Sequence[str], masks: Sequence[str]) -> str:
    """A SELECT of _record_no, place, rule, field, value, message, valid, mend: one row a broken rule of this severity.

    `relation` has _record_no, the masks, and `<field>__text` of every field. Of a rule over several fields the value
    names each.
    """
    cells = ", ".join(f"{literal(field)}: {text_column(field)}" for field in fields)
    broken = " OR ".join(f"(w.mask = {literal(mask)} AND r.{mask} & w.bit <> 0)" for mask in masks)
    return f"""
SELECT r._record_no, w.place, w.rule, array_to_string(w.fields, ', ') AS field,
       CASE WHEN len(w.fields) = 1 THEN r.cells[w.fields[1]]
            ELSE array_to_string([f || ' = ' || coalesce(r.cells[f], '') FOR f IN w.fields], ', ') END AS value,
       w.message, w.valid, w.mend
FROM (SELECT *, MAP {{{cells}}} AS cells FROM {relation}) r
JOIN {WORDS} w ON w.severity = {literal(severity)} AND ({broken})"""


def text_column(field: str) -> str:
    """The column that carries the field's text as it was mapped."""
    return f'"{field}__text"'
