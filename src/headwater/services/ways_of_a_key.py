"""Whether two mappings can make another key of one record: how each fills a field of the key, and by what it differs.

Only what gives a record that was loaded another key is told. What refuses a record, or admits one that was refused,
makes none stand twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.engine.expressions import columns_in, render_value
from headwater.engine.readings import Readings
from headwater.values.text_format import OWN_FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headwater.contracts.document import FieldSpec
    from headwater.mapping import Mapping
    from headwater.mapping.document import FieldRule, Source

    Way = tuple[str, str]

WORDS_SHOWN = 3
UNDECLARED = "of the file"
READ_BY = {
    "decimal": ("decimal",),
    "integer": ("decimal",),
    "date": ("date_order",),
    "timestamp": ("date_order", "time_zone"),
}
"""Of a locale, what the types of fields are read by."""


def other_way(spec: FieldSpec, before: Mapping, now: Mapping, columns: Sequence[str]) -> Way | None:
    """How a field of the key was filled and how it is, in words; None where no record gets another key by it.

    before, now: as they hold for a header; columns: that of the source when `before` loaded it.
    """
    old, new = before.fields.get(spec.name), now.fields.get(spec.name)
    if old is None or new is None or _origin(old) != _origin(new):
        return None if old is new else (_said(old), _said(new))
    differences = [*_other_words(old, new), *_read_otherwise(spec, old, before, now, columns),
                   *_from_elsewhere(spec, old, before.source, now.source)]  # fmt: skip
    if not differences:
        return None
    was, is_now = (", ".join(said) for said in zip(*differences, strict=True))
    return f"{_said(old)} ({was})", f"{_said(new)} ({is_now})"


def _origin(rule: FieldRule) -> tuple[object, ...]:
    return (rule.names, rule.constant, rule.expression)


def _said(rule: FieldRule | None) -> str:
    if rule is None:
        return "nothing"
    if rule.expression is not None:
        return rule.expression
    if rule.constant is not None:
        return f"the constant {rule.constant!r}"
    return "column " + ", ".join(map(repr, rule.names))


def _other_words(before: FieldRule, now: FieldRule) -> Iterator[Way]:
    """Words that mean another. One that is not listed is refused, or kept as it is."""
    then, since = _folded(before), _folded(now)
    words = list(then) if _refuses(before) else list(then | since)
    told = [word for word in words if then.get(word) != since.get(word) and not (_refuses(now) and word not in since)]
    for word in told[:WORDS_SHOWN]:
        yield _meaning(word, then), _meaning(word, since)
    if len(told) > WORDS_SHOWN:
        yield "…", f"and {len(told) - WORDS_SHOWN} words more"


def _folded(rule: FieldRule) -> dict[str, str]:
    """As it is looked up: case and outer spaces do not count."""
    return {word.strip().lower(): meaning for word, meaning in (rule.values or {}).items()}


def _refuses(rule: FieldRule) -> bool:
    return rule.values is not None and rule.otherwise != "keep"


def _meaning(word: str, meanings: dict[str, str]) -> str:
    return f"{word!r} means {meanings[word]!r}" if word in meanings else f"{word!r} is kept"


def _read_otherwise(
    spec: FieldSpec, rule: FieldRule, before: Mapping, now: Mapping, columns: Sequence[str]
) -> Iterator[Way]:
    """Numbers and dates that are others in the locale there is now."""
    where = f"mapping {before.mapping} {before.version}, field {spec.name}"
    parts = dict.fromkeys(READ_BY.get(spec.type, ()))
    if rule.expression is not None and _computes(rule.expression, columns, where):
        parts |= dict.fromkeys(("decimal", "date_order"))
    for part in parts:
        was, is_now = getattr(before.locale, part), getattr(now.locale, part)
        # A year that stands first is known by its four digits in every order, and what is left out reads nothing else.
        if was != is_now and None not in (was, is_now) and "YMD" not in (was, is_now):
            yield f"locale.{part} {was!r}", f"locale.{part} {is_now!r}"


def _computes(expression: str, columns: Sequence[str], where: str) -> bool:
    """Whether it reads texts as numbers or dates."""
    readings = Readings(OWN_FORMAT)
    render_value(expression, columns, readings, where=where)
    return readings.relation("source") != "source"


def _from_elsewhere(spec: FieldSpec, rule: FieldRule, before: Source, now: Source) -> Iterator[Way]:
    """Columns that the reading of the file makes or fills in another way."""
    named = rule.names if rule.expression is None else columns_in(rule.expression, where=f"field {spec.name}")
    # A blank is a key only where an expression or a default makes one of it; else it was refused, or is.
    blank_counts = rule.expression is not None or spec.default is not None
    for column in named:
        was, is_now = (_made_by(column, source, blank_counts=blank_counts) for source in (before, now))
        if was != is_now:
            yield f"{column!r} {was}", f"{column!r} {is_now}"


def _made_by(column: str, source: Source, *, blank_counts: bool) -> str:
    folded = column.casefold()
    if source.unpivot is not None:
        for part in ("name", "value", "unit"):
            if folded == (getattr(source.unpivot, part) or "").casefold():
                return f"by source.unpivot.{part}"
    if folded in {f"_{what}" for what in source.add}:
        return "by source.add"
    filled = [name.casefold() for name in source.fill_down]
    if blank_counts and folded in filled:
        # Those before it count too: a new value in one begins this one anew.
        return f"by source.fill_down {', '.join(source.fill_down[: filled.index(folded) + 1])}"
    return UNDECLARED
