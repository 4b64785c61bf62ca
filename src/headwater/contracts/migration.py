"""Stored rows of one major version carried over into the table of the next, in bulk and exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headwater.contracts.contract import Contract, compile_contract
from headwater.contracts.document import Document, FieldSpec
from headwater.contracts.expression import Term, compile_expression
from headwater.contracts.row_text import row_text_sql
from headwater.contracts.table import table_name
from headwater.errors import Misuse

_FAMILIES = {"code": "text", "decimal": "number", "integer": "number"}


@dataclass(frozen=True, kw_only=True)
class Migration:
    """How the fields of `new` come from those of `old`, and why the version was needed."""

    old: type[Contract]
    new: type[Contract]
    reason: str
    fields: Mapping[str, str]  # new field → expression over the old ones; fields of one name are carried over
    left_behind: tuple[str, ...] = ()  # old fields whose values have no place in the new version


def migration_sql(migration: Migration) -> str:
    """INSERT for PostgreSQL that carries every row of the old table over, of the tenant that is set.

    Rows keep chunk and record, so that they are traced as before; `absent` follows renamed fields; the row hash is
    made anew. Rows whose key stands in the new table already stay as they are there. Misuse where an old field is
    neither used nor left behind, or a new one could not be filled or hold every value.
    """
    old, new = compile_contract(migration.old), compile_contract(migration.new)
    terms = _terms(migration, old, new)
    columns = ", ".join(f'"{field.name}"' for field in new.fields)
    values = ",\n        ".join(f'{_cast(terms.get(field.name), field)} AS "{field.name}"' for field in new.fields)
    key = ", ".join(f'"{field.name}"' for field in new.key)
    return f"""INSERT INTO "{table_name(new)}" (tenant_id, {columns}, absent, chunk_id, record_no, row_hash)
SELECT tenant_id, {columns}, absent, chunk_id, record_no,
    sha256(convert_to({row_text_sql(new, _canonical)}, 'UTF8'))
FROM (
    SELECT tenant_id, chunk_id, record_no,
        {values},
        {_absent(new, terms)} AS absent
    FROM "{table_name(old)}"
) AS carried
ON CONFLICT (tenant_id, {key}) DO NOTHING
"""


def _terms(migration: Migration, old: Document, new: Document) -> dict[str, Term]:
    where = f"migration {old.reference} → {new.reference}"
    if old.name != new.name or new.major != old.major + 1:
        raise Misuse("a migration leads from one major version to the next", where=where)
    unknown = migration.fields.keys() - new.by_name.keys()
    if unknown:
        raise Misuse("no such field in the new version", where=where, value=sorted(unknown))
    texts = {name: name for name in new.by_name if name in old.by_name} | dict(migration.fields)
    terms = {name: _term(texts[name], old, new.by_name[name], where) for name in new.by_name if name in texts}
    empty = [field.name for field in new.fields if field.required and field.name not in terms]
    if empty:
        raise Misuse("a required field gets no value", where=where, value=empty, remedy="Give it an expression.")
    used = frozenset().union(*(term.fields for term in terms.values())) | frozenset(migration.left_behind)
    forgotten = [name for name in old.by_name if name not in used]
    if forgotten:
        raise Misuse(
            "values would be lost",
            where=where,
            value=forgotten,
            remedy="Use the field in an expression, or name it in `left_behind`.",
        )
    return terms


def _term(text: str, old: Document, field: FieldSpec, where: str) -> Term:
    term = compile_expression(text, old.by_name, _FAMILIES.get(field.type, field.type))
    if personal := sorted(term.fields & old.personal.keys()):
        raise Misuse("what is personal is encrypted, and SQL cannot carry it", where=where, value=personal)
    scale = field.scale or 0
    if field.type == "decimal" and (term.scale > scale or term.precision - term.scale > (field.precision or 0) - scale):
        raise Misuse("the new field cannot hold every value", where=f"{where}, {field.name}", value=text)
    if field.type == "integer" and not term.whole:
        raise Misuse("this is not a whole number", where=f"{where}, {field.name}", value=text)
    return term


def _cast(term: Term | None, field: FieldSpec) -> str:
    return f"CAST({'NULL' if term is None else term.sql} AS {field.kind.postgres_type.split(' ')[0]})"


def _absent(new: Document, terms: Mapping[str, Term]) -> str:
    """Reasons for missing values, of fields that are one old field under whatever name, in the new order."""
    copies = {
        name: next(iter(term.fields)) for name, term in terms.items() if term.sql in {f'"{f}"' for f in term.fields}
    }
    words = [
        f"'{name}=' || substring(absent FROM '(?:^|;){source}=([a-z_]+)')"
        for name in new.by_name
        if (source := copies.get(name)) is not None
    ]
    return f"nullif(concat_ws(';', {', '.join(words)}), '')"


def _canonical(field: FieldSpec) -> str:
    """PostgreSQL's twin of the kind's canonical text, whatever the session's date style and time zone."""
    column = f'"{field.name}"'
    match field.type:
        case "text" | "code":
            return column
        case "date":
            return f"to_char({column}, 'YYYY-MM-DD')"
        case "timestamp":
            return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
        case _:
            return f"{column}::text"
