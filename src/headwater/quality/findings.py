"""Findings in bulk: the bitmask of a failing row expanded into rule, field, raw value and words.

The words of the rules stand in a table of the engine, so that a chunk's findings are a join and not a statement as long
as the contract.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headwater.contracts.bulk import BITS, literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import duckdb

    from headwater.contracts.document import RuleSpec

UNMAPPED_MASK = "mask_unmapped"
REFERENCE_MASK = "mask_reference"
_TABLE = "rule_words"
_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("place", pa.int32()),
    ("mask", pa.string()),
    ("bit", pa.int64()),
    ("severity", pa.string()),
    ("rule", pa.string()),
    ("field", pa.string()),
    ("message", pa.string()),
    ("before", pa.string()),
    ("after", pa.string()),
]


class FindingWords:
    """The words of a contract's rules, its references, and the closed tables of values of a mapping, as a table of the
    engine.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        rules: Sequence[RuleSpec],
        unmapped: Sequence[str],
        references: Sequence[RuleSpec] = (),
    ) -> None:
        rows = [
            *_of_rules(rules),
            *_of_references(references, first_place=len(rules)),
            *_of_mapping(unmapped, first_place=len(rules) + len(references)),
        ]
        self._fields = [row.pop("fields") for row in rows]
        connection.register("words", pa.Table.from_pylist(rows, schema=pa.schema(_COLUMNS)))
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {_TABLE} AS SELECT * FROM words")
        connection.unregister("words")

    def warnings_sql(self, relation: str, masks: Sequence[str]) -> str:
        """A SELECT of _record_no, place, rule, field, value, message: one row a broken rule that warns.

        `relation` has _record_no, the masks, and `<field>__text` of every field. Of a rule over several fields the
        value names each.
        """
        return f"""
SELECT r._record_no, w.place, w.rule, w.field, {self._value_sql()} AS value, w.message
FROM {relation} r JOIN {_TABLE} w ON w.severity = 'warn' AND ({_broken(masks)})"""

    def refusals_sql(self, relation: str, masks: Sequence[str]) -> str:
        """A SELECT of _record_no and findings: a JSON list of rule, field, value, message, valid, mend, in order."""
        value = f"coalesce(to_json({self._value_sql()})::VARCHAR, 'null')"
        return f"""
SELECT r._record_no, '[' || string_agg(w.before || {value} || w.after, ',' ORDER BY w.place) || ']' AS findings
FROM {relation} r JOIN {_TABLE} w ON w.severity = 'reject' AND ({_broken(masks)})
GROUP BY r._record_no"""

    def _value_sql(self) -> str:
        branches = " ".join(f"WHEN {place} THEN {_value(fields)}" for place, fields in enumerate(self._fields))
        return f"(CASE w.place {branches} END)" if branches else "NULL::VARCHAR"


def _of_rules(rules: Sequence[RuleSpec]) -> Iterable[dict[str, Any]]:
    for place, rule in enumerate(rules):
        yield _of_rule(rule, place, f"mask_{place // BITS}", place % BITS)


def _of_references(rules: Sequence[RuleSpec], *, first_place: int) -> Iterable[dict[str, Any]]:
    for bit, rule in enumerate(rules):
        yield _of_rule(rule, first_place + bit, REFERENCE_MASK, bit)


def _of_rule(rule: RuleSpec, place: int, mask: str, bit: int) -> dict[str, Any]:
    words = (rule.message, rule.valid, rule.repair)
    return _words(place, mask, bit, rule.severity, rule.id, list(rule.fields), words)


def _of_mapping(unmapped: Sequence[str], *, first_place: int) -> Iterable[dict[str, Any]]:
    for bit, field in enumerate(unmapped):
        words = (
            "The mapping's table of values does not list this text.",
            "a text in the mapping's table of values",
            f"Correct the text, or add it to the values of {field} in the mapping.",
        )
        yield _words(first_place + bit, UNMAPPED_MASK, bit, "reject", f"mapping.{field}.values", [field], words)


def _words(  # noqa: PLR0917  a row of the table, in the order of its columns
    place: int, mask: str, bit: int, severity: str, rule: str, fields: list[str], words: tuple[str, str, str]
) -> dict[str, Any]:
    message, valid, mend = words
    before = json.dumps({"rule": rule, "field": ", ".join(fields)}, ensure_ascii=False)[:-1] + ', "value": '
    after = ", " + json.dumps({"message": message, "valid": valid, "mend": mend}, ensure_ascii=False)[1:]
    return {
        "place": place,
        "mask": mask,
        "bit": 1 << bit,
        "severity": severity,
        "rule": rule,
        "field": ", ".join(fields),
        "message": message,
        "before": before,
        "after": after,
        "fields": fields,
    }


def _broken(masks: Sequence[str]) -> str:
    return " OR ".join(f"(w.mask = {literal(mask)} AND r.{mask} & w.bit <> 0)" for mask in masks)


def _value(fields: Sequence[str]) -> str:
    """The raw text of the field; of several fields each with its name."""
    if len(fields) == 1:
        return f"r.{text_column(fields[0])}"
    named = (f"{literal(f'{field} = ')} || coalesce(r.{text_column(field)}, '')" for field in fields)
    return " || ', ' || ".join(named)


def text_column(field: str) -> str:
    """The column that carries the field's text as it was mapped."""
    return f'"{field}__text"'
