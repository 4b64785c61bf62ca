"""What was done to one record said as a change of the mapping, so that all records like it are read as it was mended.

Each amendment reads otherwise only what it names: one text, or texts of one form. Whether it changes records that stand
is not for this room to know: whoever applies it looks.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from headwater.mapping.document import FieldRule, Mapping

SAME_TEXT, NUMBER_WITHIN, DECIMAL_SIGN, DATE_ORDER = "same-text", "number-within", "decimal-sign", "date-order"
NUMERIC = frozenset({"decimal", "integer"})
CALENDAR = frozenset({"date", "timestamp"})

_NUMBER = r"[+-]?[0-9][0-9.,' ]*"
_DAY = re.compile(r"\s*([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})(?![0-9]).*", re.DOTALL)
_ISO_DAY = re.compile(r"\s*([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?![0-9]).*", re.DOTALL)
_LONGEST_PATTERN = 200
"""Of what `regexp_extract` takes."""


@dataclass(frozen=True, kw_only=True)
class Mended:
    """What was done to one record: the text of a field as it was refused, and as somebody mended it.

    type  the field's, as its contract says
    """

    field: str
    type: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Amendment:
    """A mapping that does by itself what was done to one record. Its version is that of the mapping it was made of."""

    name: str
    says: str
    mapping: Mapping


def amendments(mapping: Mapping, columns: Sequence[str], mended: Mended) -> tuple[Amendment, ...]:
    """Ways to say it, the narrowest first; none where a constant fills the field, or nothing was changed."""
    rule = mapping.for_columns(columns).fields.get(mended.field)
    if rule is None or rule.constant is not None or mended.before == mended.after or not mended.before.strip():
        return ()
    ways: tuple[Callable[[Mapping, Sequence[str], Mended], Amendment | None], ...] = (
        _same_text,
        _number_within,
        _decimal_sign,
        _date_order,
    )
    return tuple(amendment for way in ways if (amendment := way(mapping, columns, mended)) is not None)


def raised(version: str, taken: Collection[str]) -> str:
    """The next minor version that is not taken."""
    major, minor, _ = (int(part) for part in version.split("."))
    while (found := f"{major}.{(minor := minor + 1)}.0") in taken:
        pass
    return found


def to_yaml(mapping: Mapping) -> str:
    """As a file that reads back as the same mapping, key by key in the order of the reference."""
    body = mapping.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    text: str = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=120)
    return text


def difference(before: Mapping, after: Mapping) -> str:
    """What changes from one version of a mapping to the other, as lines of a unified diff."""
    old, new = (to_yaml(mapping).splitlines(keepends=True) for mapping in (before, after))
    names = (f"{before.mapping} {before.version}", f"{after.mapping} {after.version}")
    return "".join(difflib.unified_diff(old, new, *names))


def _same_text(mapping: Mapping, columns: Sequence[str], mended: Mended) -> Amendment | None:
    key = mended.before.strip().lower()
    if not mended.after.strip():
        return _blanked(mapping, columns, mended, key)

    def listed(rule: FieldRule) -> FieldRule:
        values = {word: meaning for word, meaning in (rule.values or {}).items() if word.strip().lower() != key}
        otherwise = rule.otherwise if rule.values is not None else "keep"
        return rule.model_copy(
            update={"values": {**values, mended.before.strip(): mended.after}, "otherwise": otherwise}
        )

    return Amendment(
        name=SAME_TEXT,
        says=f"{mended.before.strip()!r} in {mended.field} means {mended.after!r}",
        mapping=_with_rule(mapping, columns, mended.field, listed),
    )


def _blanked(mapping: Mapping, columns: Sequence[str], mended: Mended, key: str) -> Amendment | None:
    """A table of values cannot say that a word is a blank; an expression over the one column can."""
    origin = _origin(mapping, columns, mended.field)
    if origin is None or not _is_visible(key):
        return None
    expression = f"CASE WHEN lower(trim({origin})) = {_literal(key)} THEN '' ELSE {origin} END"
    return Amendment(
        name=SAME_TEXT,
        says=f"{mended.before.strip()!r} in {mended.field} is a blank",
        mapping=_computed(mapping, columns, mended.field, expression),
    )


def _number_within(mapping: Mapping, columns: Sequence[str], mended: Mended) -> Amendment | None:
    """A text "12 kWh" that was mended to "12": the words around the number are left out wherever they stand."""
    number, text = mended.after.strip(), mended.before.strip()
    if mended.type not in NUMERIC or not re.fullmatch(_NUMBER, number) or text.count(number) != 1:
        return None
    before, _, after = text.partition(number)
    around = f"{before}{after}"
    origin = _origin(mapping, columns, mended.field)
    if origin is None or not around.strip() or re.search("[0-9]", around) or not _is_visible(around):
        return None
    pattern = rf"^\s*{re.escape(before.strip())}\s*({_NUMBER})\s*{re.escape(after.strip())}\s*$"
    if len(pattern) > _LONGEST_PATTERN:
        return None
    found = f"regexp_extract({origin}, {_literal(pattern)}, 1)"
    words = " … ".join(repr(part.strip()) for part in (before, after) if part.strip())
    return Amendment(
        name=NUMBER_WITHIN,
        says=f"{words} around a number in {mended.field} is left out",
        mapping=_computed(mapping, columns, mended.field, f"CASE WHEN {found} <> '' THEN {found} ELSE {origin} END"),
    )


def _decimal_sign(mapping: Mapping, columns: Sequence[str], mended: Mended) -> Amendment | None:
    """A text "1.234,5" that was mended to "1234.5": the other sign stands before decimals, in every column."""
    locale = mapping.for_columns(columns).locale
    other = {".": ",", ",": "."}[locale.decimal]
    if mended.type not in NUMERIC or other not in mended.before:
        return None
    if _digits(mended.before, other) != _digits(mended.after, locale.decimal) or not _digits(
        mended.after, locale.decimal
    ):
        return None
    group = locale.decimal if locale.group == other else locale.group
    return Amendment(
        name=DECIMAL_SIGN,
        says=f"{other!r} stands before decimals, in numbers of every column",
        mapping=_with_locale(mapping, columns, {"decimal": other, "group": group}),
    )


def _date_order(mapping: Mapping, columns: Sequence[str], mended: Mended) -> Amendment | None:
    """A text "01.02.2024" that was mended to "2024-02-01": the day stands first, in every column."""
    was, became = _DAY.fullmatch(mended.before), _ISO_DAY.fullmatch(mended.after)
    if mended.type not in CALENDAR or was is None or became is None:
        return None
    first, second, year = (int(part) for part in was.groups())
    found = [
        order
        for order, day, month in (("DMY", first, second), ("MDY", second, first))
        if (year, month, day) == tuple(int(part) for part in became.groups())
    ]
    if len(found) != 1 or mapping.for_columns(columns).locale.date_order == found[0]:
        return None
    words = {"DMY": "the day", "MDY": "the month"}[found[0]]
    return Amendment(
        name=DATE_ORDER,
        says=f"{words} stands first, in dates of every column",
        mapping=_with_locale(mapping, columns, {"date_order": found[0]}),
    )


def _digits(text: str, decimal: str) -> tuple[str, str] | None:
    """Whole digits and decimals of a number; None where it is none."""
    found = re.fullmatch(rf"([+-]?)([0-9][0-9.,' ]*?)(?:{re.escape(decimal)}([0-9]+))?", text.strip())
    if found is None or decimal in found[2]:
        return None
    return found[1] + re.sub("[^0-9]", "", found[2]).lstrip("0"), (found[3] or "").rstrip("0")


def _variant(mapping: Mapping, columns: Sequence[str]) -> int | None:
    """Which `when` holds for a header."""
    header = frozenset(columns)
    return next((number for number, when in enumerate(mapping.when) if header.issuperset(when.columns)), None)


def _with_rule(
    mapping: Mapping, columns: Sequence[str], field: str, change: Callable[[FieldRule], FieldRule]
) -> Mapping:
    """The rule of a field changed where it is written: in the variant that holds, or else in the mapping itself."""
    number = _variant(mapping, columns)
    if number is not None and (rule := mapping.when[number].fields.get(field)) is not None:
        return _with_variant(mapping, number, {"fields": {**mapping.when[number].fields, field: change(rule)}})
    return mapping.model_copy(update={"fields": {**mapping.fields, field: change(mapping.fields[field])}})


def _with_locale(mapping: Mapping, columns: Sequence[str], changes: dict[str, Any]) -> Mapping:
    number = _variant(mapping, columns)
    if number is not None and (locale := mapping.when[number].locale) is not None:
        return _with_variant(mapping, number, {"locale": locale.model_copy(update=changes)})
    return mapping.model_copy(update={"locale": mapping.locale.model_copy(update=changes)})


def _with_variant(mapping: Mapping, number: int, changes: dict[str, Any]) -> Mapping:
    variants = list(mapping.when)
    variants[number] = variants[number].model_copy(update=changes)
    return mapping.model_copy(update={"when": tuple(variants)})


def _computed(mapping: Mapping, columns: Sequence[str], field: str, expression: str) -> Mapping:
    return _with_rule(
        mapping, columns, field, lambda rule: rule.model_copy(update={"column": None, "expression": expression})
    )


def _origin(mapping: Mapping, columns: Sequence[str], field: str) -> str | None:
    """The field's text as an expression; None where its column has several names, of which one expression names one."""
    number = _variant(mapping, columns)
    rule = (mapping.when[number].fields.get(field) if number is not None else None) or mapping.fields[field]
    if rule.expression is not None:
        return f"({rule.expression})"
    if len(rule.names) != 1 or not _is_visible(rule.names[0]):
        return None
    return '"' + rule.names[0].replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _is_visible(text: str) -> bool:
    """Whether an expression may hold it: no invisible characters."""
    return not any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"} for character in text)
