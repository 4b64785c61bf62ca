"""From a mapping, a contract and a header to SQL: one text expression a field, over the quoted raw columns."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from headwater.engine.binding import check_binds
from headwater.engine.expressions import Rendered, columns_in, render_condition, render_value
from headwater.engine.fragments import NOTHING, quote_name, quote_text
from headwater.engine.readings import READING_PREFIX, Readings
from headwater.errors import Misuse
from headwater.values.canonical import record_text_sql
from headwater.values.characters import trim_sql
from headwater.values.outcome import Outcome
from headwater.values.text_format import OWN_FORMAT, TextFormat

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from collections.abc import Mapping as Lookup

    from headwater.contracts.document import Document
    from headwater.mapping.document import FieldRule, Locale, Mapping

RECORD_NUMBER = "_record_no"
"""The column that a record's number has beside the file's own."""

NET, NET_OF = "_net", "_net_of"
"""Columns beside those of the records where the mapping has some of them take off others."""

BLANK = "blank"
"""Why a blank cell of a column that became records is skipped."""

COMPILER_VERSION = "2"
"""Part of every chunk's fingerprint: raise it when the same mapping compiles to SQL with other results."""


@dataclass(frozen=True, kw_only=True)
class CompiledMapping:
    """SQL over `source(relation)`, where the relation's columns are the header's names, all VARCHAR.

    texts: every field of the contract, in its order → VARCHAR expression (NULL where the mapping leaves it open).
    skip: VARCHAR expression: the reason to skip the record, NULL to keep it.
    unmapped: field → BOOLEAN expression, true where the text is not in the field's table of values and the mapping
        rejects such texts; the row belongs in quarantine, the raw value is the field's text.
    program: these three as instructions (`headwater.replay.program`), which need no engine.
    """

    texts: Lookup[str, str]
    skip: str
    unmapped: Lookup[str, str]
    program: Lookup[str, Any]
    format: TextFormat
    used_columns: tuple[str, ...]
    unused_columns: tuple[str, ...]
    readings: Readings

    def source(self, relation: str) -> str:
        """What to select `texts`, `skip` and `unmapped` from: the relation, still under its name, with every text that
        an expression computes with read once. It is the relation itself where no expression computes.
        """
        return self.readings.relation(relation)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What is compiled; the hashes stand for the documents."""

    hashes: tuple[bytes, bytes]
    columns: tuple[str, ...]
    mapping: Mapping = field(compare=False)
    document: Document = field(compare=False)


def compile_mapping(mapping: Mapping, document: Document, columns: Sequence[str]) -> CompiledMapping:
    """Compile a mapping for a contract and the header of one file. What was compiled before is remembered: a run asks
    twice, and a verification once for each run.

    Raises `Misuse` naming what is there when a column, field or contract does not fit, when a required field stays
    open, or when an expression leaves the sandbox.
    """
    hashes = (mapping.hash, document.hash)
    return _compiled(_Asked(hashes=hashes, columns=tuple(columns), mapping=mapping, document=document))


@lru_cache(maxsize=64)
def _compiled(asked: _Asked) -> CompiledMapping:
    mapping, document, columns = asked.mapping, asked.document, asked.columns
    place = f"mapping {mapping.mapping} {mapping.version}"
    _check_header(columns, place)
    if mapping.net and NET not in columns:
        raise Misuse(
            "the mapping takes records off others, and to know which it takes all records of a contract",
            where=f"{place}, net",
            remedy="Name a contract in the recipe: source: {contract: …}.",
        )
    mapping = mapping.for_columns(columns)
    _check_contract(mapping, document, place)
    readings = Readings(text_format(mapping))
    used: dict[str, None] = {}
    texts: dict[str, Rendered] = {}
    unmapped: dict[str, Rendered] = {}
    for spec in document.fields:
        rule = mapping.fields.get(spec.name)
        if rule is None:
            texts[spec.name] = Rendered(sql="CAST(NULL AS VARCHAR)", code=NOTHING, columns=())
            continue
        rendered = _origin(rule, columns, readings, f"{place}, field {spec.name}")
        used.update(dict.fromkeys(rendered.columns))
        texts[spec.name] = rendered
        if rule.values is not None:
            texts[spec.name] = _looked_up(rendered, rule.values)
            if rule.otherwise != "keep":
                unmapped[spec.name] = _not_listed(rendered, rule.values)
    skip = _skip(mapping, columns, readings, place)
    used.update(dict.fromkeys(skip.columns))
    check_binds([each.sql for each in (*texts.values(), skip, *unmapped.values())], columns, readings, where=place)
    return CompiledMapping(
        texts={name: each.sql for name, each in texts.items()},
        skip=skip.sql,
        unmapped={name: each.sql for name, each in unmapped.items()},
        program={
            "texts": {name: each.code for name, each in texts.items()},
            "skip": skip.code,
            "unmapped": {name: each.code for name, each in unmapped.items()},
        },
        format=readings.text_format,
        readings=readings,
        used_columns=tuple(used),
        unused_columns=tuple(column for column in columns if column not in used),
    )


def columns_named(mapping: Mapping) -> tuple[str, ...]:
    """The columns a mapping speaks of, each by its first name: they stand for the header of a file that has none."""
    place = f"mapping {mapping.mapping} {mapping.version}"
    found: dict[str, None] = {}
    for rule in mapping.fields.values():
        if rule.column is not None:
            found[rule.column if isinstance(rule.column, str) else rule.column[0]] = None
    texts = [rule.expression for rule in mapping.fields.values() if rule.expression is not None]
    for text in (*texts, *(skip.when for skip in mapping.skip), *_net_texts(mapping)):
        found.update(dict.fromkeys(columns_in(text, where=place)))
    return tuple(found)


def columns_read(mapping: Mapping, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Of a header, the columns that the mapping reads, with the fields each fills; () where it only skips by it."""
    place = f"mapping {mapping.mapping} {mapping.version}"
    mapping = mapping.for_columns(columns)
    spelt = {column.casefold(): column for column in columns}
    found: dict[str, dict[str, None]] = {}
    for name, rule in mapping.fields.items():
        named = rule.names if rule.expression is None else columns_in(rule.expression, where=place)
        for column in named:
            found.setdefault(spelt.get(column.casefold(), column), {})[name] = None
    for text in (*(skip.when for skip in mapping.skip), *_net_texts(mapping)):
        for column in columns_in(text, where=place):
            found.setdefault(spelt.get(column.casefold(), column), {})
    return {column: tuple(fields) for column, fields in found.items() if column in columns}


def columns_sought(mapping: Mapping, columns: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Of columns, those that the mapping speaks of, under any of their names and in any of its variants, with fields
    they may fill; () where it only skips by it. Unlike `columns_read` it asks no header that the mapping holds
    for: they may be those of another version's file.
    """
    place = f"mapping {mapping.mapping} {mapping.version}"
    over = [(name, rule) for when in mapping.when for name, rule in when.fields.items() if rule is not None]
    found: dict[str, dict[str, None]] = {}
    for name, rule in (*mapping.fields.items(), *over):
        for column in rule.names if rule.expression is None else columns_in(rule.expression, where=place):
            found.setdefault(column.casefold(), {})[name] = None
    skips = [*mapping.skip, *(skip for when in mapping.when for skip in when.skip or ())]
    for text in (*(skip.when for skip in skips), *_net_texts(mapping)):
        for column in columns_in(text, where=place):
            found.setdefault(column.casefold(), {})
    return {column: tuple(found[column.casefold()]) for column in columns if column.casefold() in found}


def columns_known_by(mapping: Mapping, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns by which the variant is known that holds for a header; () where the mapping itself does."""
    return next((when.columns for when in mapping.when if set(when.columns) <= set(columns)), ())


def _check_contract(mapping: Mapping, document: Document, place: str) -> None:
    if (mapping.contract_name, mapping.contract_major) != (document.name, document.major):
        raise Misuse(
            "the mapping is for another contract",
            where=place,
            value=mapping.contract,
            valid=f"{document.name}@{document.major}",
            remedy="Choose the contract the mapping names.",
        )
    names = [spec.name for spec in document.fields]
    for name in mapping.fields:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
            raise Misuse(
                f"contract {document.name} {document.version} has no field {name!r}",
                where=place,
                valid=", ".join(near or names),
                remedy="Write the field's name as the contract does, or leave it out.",
            )
    open_fields = [
        spec.name
        for spec in document.fields
        if spec.required and spec.default is None and spec.name not in mapping.fields
    ]
    if open_fields:
        raise Misuse(
            f"the mapping leaves required fields open: {', '.join(open_fields)}",
            where=place,
            remedy="Give each a column, a constant or an expression.",
        )


def _check_header(columns: Sequence[str], place: str) -> None:
    """Engines compare column names without regard to case: two that differ in case alone would be mixed up."""
    folded: dict[str, str] = {}
    for column in columns:
        if column.casefold().startswith((READING_PREFIX, RECORD_NUMBER)):
            raise Misuse(
                "a column's name begins as Headwater's own do",
                where=place,
                value=column,
                valid=f"names that do not begin with {READING_PREFIX} or {RECORD_NUMBER}",
                remedy="Rename the column where it comes from.",
            )
        other = folded.setdefault(column.casefold(), column)
        if other is not column:
            raise Misuse(
                "two columns have the same name but for case",
                where=place,
                value=f"{other}, {column}",
                remedy="Rename one where it comes from.",
            )


def _origin(rule: FieldRule, columns: Sequence[str], readings: Readings, where: str) -> Rendered:
    if rule.constant is not None:
        return Rendered(sql=quote_text(rule.constant), columns=(), code=["constant", rule.constant])
    if rule.expression is not None:
        return render_value(rule.expression, columns, readings, where=where)
    (column,) = rule.names
    return Rendered(sql=quote_name(column), columns=(column,), code=["column", column])


def _skip(mapping: Mapping, columns: Sequence[str], readings: Readings, place: str) -> Rendered:
    """The reason to skip a record, and the columns it is found in.

    Of columns that became records, a blank cell is no record; what the mapping itself says goes before.
    """
    sql: list[str] = []
    code: list[Any] = []
    used: dict[str, None] = {}
    for number, skip in enumerate(mapping.skip, start=1):
        condition = render_condition(skip.when, columns, readings, where=f"{place}, skip {number}")
        used.update(dict.fromkeys(condition.columns))
        sql.append(f"WHEN {condition.sql} THEN {quote_text(skip.reason)}")
        code.append([condition.code, ["constant", skip.reason]])
    for number, (when, reason) in enumerate(_net_skips(mapping), start=1):
        condition = render_condition(when, columns, readings, where=f"{place}, net {number}")
        used.update(dict.fromkeys(condition.columns))
        sql.append(f"WHEN {condition.sql} THEN {quote_text(reason)}")
        code.append([condition.code, ["constant", reason]])
    unpivot = mapping.source.unpivot
    if unpivot is not None and unpivot.value in columns:
        value = quote_name(unpivot.value)
        sql.append(f"WHEN {value} IS NULL OR {trim_sql(value)} = '' THEN {quote_text(BLANK)}")
        code.append([["is_blank", ["column", unpivot.value]], ["constant", BLANK]])
        used[unpivot.value] = None
    return Rendered(
        sql=f"(CASE {' '.join(sql)} END)" if sql else "CAST(NULL AS VARCHAR)",
        code=["choose", code, NOTHING],
        columns=tuple(used),
    )


def _net_texts(mapping: Mapping) -> tuple[str, ...]:
    return (mapping.net.when, mapping.net.amount, *mapping.net.by) if mapping.net else ()


def _net_skips(mapping: Mapping) -> tuple[tuple[str, str], ...]:
    """Conditions and reasons for the records that take off others: they are no records of their own any more."""
    if mapping.net is None:
        return ()
    net = mapping.net
    return (f"({net.when}) AND number({NET}, 18, 6) = 0", net.reason), (net.when, net.left_over)


@dataclass(frozen=True, kw_only=True)
class CompiledNet:
    """SQL over `source(relation)`: which records take off, how much there is of each (VARCHAR), what they must be alike
    in (VARCHAR), and the reason to skip one by the mapping's other rules.
    """

    when: str
    amount: str
    alike: str
    skip: str
    text_format: TextFormat
    readings: Readings

    def source(self, relation: str) -> str:
        """As of a mapping."""
        return self.readings.relation(relation)


def compile_net(mapping: Mapping, columns: Sequence[str]) -> CompiledNet:
    """Compile what a mapping says of records that take off others; `Misuse` as of the mapping itself."""
    place = f"mapping {mapping.mapping} {mapping.version}"
    mapping = mapping.for_columns(columns)
    net = mapping.net
    if net is None:
        raise AssertionError("the mapping takes nothing off")
    readings = Readings(text_format(mapping))
    when = render_condition(net.when, columns, readings, where=f"{place}, net").sql
    amount = render_value(net.amount, columns, readings, where=f"{place}, net").sql
    by = [render_value(text, columns, readings, where=f"{place}, net").sql for text in net.by]
    skip = _skip(mapping.model_copy(update={"net": None}), columns, readings, place).sql
    alike = record_text_sql(by)
    check_binds([when, amount, alike, skip], columns, readings, where=f"{place}, net")
    return CompiledNet(
        when=when, amount=amount, alike=alike, skip=skip, text_format=readings.text_format, readings=readings
    )


def _folded(text: Rendered) -> Rendered:
    return replace(text, sql=f"lower(trim({text.sql}))", code=["lower", ["trim", text.code]])


def _looked_up(text: Rendered, values: Lookup[str, str]) -> Rendered:
    meanings = {word.strip().lower(): meaning for word, meaning in values.items()}
    branches = " ".join(f"WHEN {quote_text(word)} THEN {quote_text(meaning)}" for word, meaning in meanings.items())
    folded = _folded(text)
    return replace(
        text,
        sql=f"(CASE {folded.sql} {branches} ELSE {text.sql} END)",
        code=["meaning", folded.code, meanings, text.code],
    )


def _not_listed(text: Rendered, values: Lookup[str, str]) -> Rendered:
    known = ["", *(word.strip().lower() for word in values)]
    folded = _folded(text)
    return replace(
        text,
        sql=f"coalesce({folded.sql} NOT IN ({', '.join(map(quote_text, known))}), false)",
        code=["first", ["not", ["among", folded.code, known]], ["constant", False]],
    )


def text_format(mapping: Mapping) -> TextFormat:
    """How the texts that a mapping reads are written."""
    locale: Locale = mapping.locale
    defaults = OWN_FORMAT
    return TextFormat(
        decimal=locale.decimal,
        group=locale.group,
        date_order=locale.date_order,
        time_zone=locale.time_zone,
        true_words=locale.true_words or defaults.true_words,
        false_words=locale.false_words or defaults.false_words,
        absent={word: Outcome[reason.upper()] for word, reason in mapping.absent.items()},
    )
