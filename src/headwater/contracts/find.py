"""Every failure of a whole relation in one query, those included that need the other records."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from headwater.contracts.bulk import BITS, Enforcement, enforcement, literal, outcome_column, quoted, text_column
from headwater.contracts.document import Document, FieldSpec
from headwater.errors import Misuse
from headwater.values import TextFormat


def find_all(
    con: duckdb.DuckDBPyConnection,
    document: Document,
    relation: str,
    fmt: TextFormat,
    references: Mapping[str, str] | None = None,
) -> pa.Table:
    """(row, rule_id, field, value, outcome), ordered by row and then as the document orders its rules.

    `relation` is a table's name or a query in parentheses with a BIGINT `row`, by which records are in source order,
    and a VARCHAR `<field>__text` for each field. `references` maps "<contract>.<field>" to a query in parentheses with
    one column, the codes that exist; without it references are not checked.
    """
    pieces = enforcement(document, fmt)
    checked = _checked(document, relation, pieces)
    queries = [_by_mask(document, pieces)]
    refused = " OR ".join(f"mask_{place} & {bits} <> 0" for place, bits in enumerate(pieces.reject))
    for place, rule in enumerate(document.set_rules, start=len(pieces.rules)):
        field = document.by_name[rule.fields[0]]
        facts = f"row, {place} AS place, {literal(rule.id)} AS rule_id, {_blamed(field)}"
        if rule.kind == "reference" and references is not None:
            unknown = unknown_sql(field, references)
            refused += f" OR {unknown}"
            queries.append(f"SELECT {facts} FROM checked WHERE {unknown}")
    rule = next(rule for rule in document.set_rules if rule.kind == "unique")
    field = document.by_name[rule.fields[0]]
    keys = ", ".join(quoted(name) for name in rule.fields)
    queries.append(
        f"SELECT row, {len(pieces.rules)} AS place, {literal(rule.id)} AS rule_id, {_blamed(field)} FROM ("
        f"SELECT *, first_value(row_text) OVER (PARTITION BY {keys} ORDER BY row) AS first_text"
        f" FROM checked WHERE NOT ({refused})) WHERE row_text <> first_text"
    )
    union = " UNION ALL ".join(queries)
    try:
        found: pa.Table = con.sql(
            f"WITH {checked} SELECT row, rule_id, field, value, outcome FROM ({union}) ORDER BY row, place"
        ).to_arrow_table()
    except duckdb.Error as error:
        raise Misuse(
            "the relation cannot be checked",
            where=document.reference,
            value=str(error),
            valid="a column `row` and a text column `<field>__text` for each field",
        ) from error
    return found


def _checked(document: Document, relation: str, pieces: Enforcement) -> str:
    """The levels of `bulk.py` as named queries, one upon the other."""
    texts = ", ".join(quoted(text_column(field)) for field in document.fields)
    readings = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in pieces.readings.items())
    values = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in (pieces.outcomes | pieces.values).items())
    masks = ", ".join(f"{sql} AS mask_{place}" for place, sql in enumerate(pieces.masks))
    return (
        f"texts AS (SELECT row, {texts} FROM {relation}),"
        f" readings AS (SELECT *, {readings} FROM texts),"
        f" typed AS MATERIALIZED (SELECT *, {values} FROM readings),"
        f" explained AS (SELECT *, {pieces.absent} AS absent FROM typed),"
        f" checked AS MATERIALIZED (SELECT *, {masks}, {pieces.row_text} AS row_text FROM explained)"
    )


def _by_mask(document: Document, pieces: Enforcement) -> str:
    """Failing records × the rules whose bit they carry."""
    listed = []
    for place, rule in enumerate(pieces.rules):
        bits = [1 << place % BITS if mask == place // BITS else 0 for mask in range(len(pieces.masks))]
        listed.append(f"({place}, {literal(rule.id)}, {literal(rule.fields[0])}, {', '.join(map(str, bits))})")
    names = ", ".join(f"bit_{mask}" for mask in range(len(pieces.masks)))
    hit = " OR ".join(f"mask_{mask} & bit_{mask} <> 0" for mask in range(len(pieces.masks)))
    value = " ".join(f"WHEN '{field.name}' THEN {quoted(text_column(field))}" for field in document.fields)
    outcome = " ".join(f"WHEN '{field.name}' THEN {quoted(outcome_column(field))}" for field in document.fields)
    return (
        f"SELECT row, place, rule_id, field, CASE field {value} END AS value, CASE field {outcome} END AS outcome"
        f" FROM checked JOIN (VALUES {', '.join(listed)}) AS rules(place, rule_id, field, {names}) ON {hit}"
    )


def _blamed(field: FieldSpec) -> str:
    return (
        f"{literal(field.name)} AS field, {quoted(text_column(field))} AS value,"
        f" {quoted(outcome_column(field))} AS outcome"
    )


def unknown_sql(field: FieldSpec, references: Mapping[str, str]) -> str:
    """SQL of whether a value is none of the codes that its field refers to; `references` as for `find_all`."""
    name = str(field.reference)
    if name not in references:
        raise Misuse("no codes given for a reference", value=name, valid=", ".join(references) or "none given")
    codes = f"SELECT code FROM {references[name]} AS codes(code) WHERE code IS NOT NULL"
    return f"({quoted(field.name)} IS NOT NULL AND {quoted(field.name)} NOT IN ({codes}))"
