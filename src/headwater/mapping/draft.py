"""A suggestion written as a mapping: what is found as keys, why as comments, what is open as `# open:` lines."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from headwater.mapping.shapes import REPORTED_ELSEWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headwater.mapping.profile import Profile
    from headwater.mapping.suggest import SuggestedField, Suggestion, Unpivoted
    from headwater.mapping.totals import Totals

SHOWN, LISTED = 5, 20
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_ ./-]*[A-Za-z0-9_.]|[A-Za-z]")
_WORDS_OF_YAML = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_KNOWN_ABSENT = frozenset(
    {
        "n/a",
        "na",
        "n.a.",
        "not applicable",
        "n/r",
        "nr",
        "n.r.",
        "not reported",
        "not available",
        "-99",
        "-999",
        "-9999",
    }
)


def draft(
    suggestion: Suggestion,
    *,
    name: str,
    source: Mapping[str, object],
    totals: Sequence[tuple[str, Totals]] = (),
    told: Sequence[str] = (),
) -> str:
    """YAML that `load_mapping` reads, once every required field is filled.

    `source` holds the keys of that part, `totals` what looks like totals, each with the words for where it stands;
    `told` is what inspection says of totals that the sample does not have.
    """
    lines = [f"mapping: {name}", "version: 1.0.0", f"contract: {suggestion.contract}"]
    if suggestion.required_open:
        lines.append(f"# open: required and not found: {', '.join(suggestion.required_open)}")
    lines += _source(suggestion, source)
    lines += _locale(suggestion.profile)
    lines += _absent(suggestion.profile)
    lines += _skip(totals)
    if told:
        lines += [*(f"# open: {_comment(each)}, as in:" for each in told), "# skip:"]
        lines.append("#   - {when: \"COLUMN LIKE 'Total%'\", reason: total_line}")
    lines.append("fields:")
    if not suggestion.found:
        lines.append("  # open: nothing was found; give each field a column, a constant or an expression")
    for field in suggestion.fields:
        lines += _field(field, suggestion.unpivot)
    if suggestion.unused:
        lines.append("# columns that no field takes:")
        lines += [f"#   {_comment(column)}" for column in suggestion.unused]
    return "\n".join(lines) + "\n"


def _named(column: str) -> str:
    """A column as expressions write it."""
    doubled = column.replace('"', '""')
    return f'"{doubled}"'


def quoted(text: str) -> str:
    """A text as YAML, plain where it can be."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML and "  " not in text:
        return text
    return json.dumps(text, ensure_ascii=False)


def _inline(value: object) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(str(key))}: {_inline(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_inline(each) for each in value) + "]"
    return "null" if value is None else str(value)


def _comment(text: str) -> str:
    """On one line, whatever the text holds."""
    return " ".join(text.split())


def _source(suggestion: Suggestion, source: Mapping[str, object]) -> Iterator[str]:
    keys = {key: value for key, value in source.items() if value not in (None, "", (), [])}
    if keys:
        yield f"source: {_inline(keys)}" if not suggestion.unpivot else "source:"
    elif suggestion.unpivot:
        yield "source:"
    if suggestion.unpivot:
        yield from (f"  {key}: {_inline(value)}" for key, value in keys.items())
        turned = suggestion.unpivot
        columns = _year_columns(turned, [column.name for column in suggestion.profile.columns])
        yield f"  # {len(turned.columns)} columns are years: each row becomes a record for each"
        if turned.beside:
            yield f"  # open: named by a year too, and not among them: {_comment(', '.join(turned.beside))}"
        yield f"  unpivot: {_inline({'columns': columns, 'name': turned.name, 'value': turned.value})}"


def _are_plain(columns: Sequence[str]) -> bool:
    """Whether years are all that the columns are called."""
    return all(re.fullmatch("(19|20)[0-9]{2}", column) for column in columns)


def _year_columns(turned: Unpivoted, others: Sequence[str]) -> list[str]:
    """Patterns where they take these columns and no other, else their names."""
    if _are_plain(turned.columns):
        patterns = [f"{century}??" for century in sorted({column[:2] for column in turned.columns})]
        if not any(fnmatchcase(other, pattern) for other in others for pattern in patterns):
            return patterns
    # A name with a * is a pattern as well: it must take no other column.
    return [
        re.sub(r"([*?[])", r"[\1]", column) if any(fnmatchcase(other, column) for other in others) else column
        for column in turned.columns
    ]


def _locale(profile: Profile) -> Iterator[str]:
    decimal, dates = profile.decimal, profile.date_order
    sign = decimal.value if decimal.is_sure else "."
    group = profile.group if profile.group != sign else None
    keys: dict[str, object] = {"decimal": sign, "group": group}
    if dates.is_sure and dates.value is not None:
        keys["date_order"] = dates.value
    if not decimal.is_sure and decimal.confidence < 1:
        yield f"# open: the decimal sign: {decimal.because} ({_comment(', '.join(decimal.examples))})"
    if not dates.is_sure and dates.confidence < 1:
        yield f"# open: locale.date_order: {dates.because} ({_comment(', '.join(dates.examples))})"
    yield f"locale: {_inline(keys)}"


def _absent(profile: Profile) -> Iterator[str]:
    words: dict[str, int] = {}
    for column in profile.columns:
        for word, count in column.absent.items():
            words[word] = words.get(word, 0) + count
    listed: dict[str, str] = {}
    for word in sorted(words, key=lambda word: -words[word]):
        if word.lower() not in _KNOWN_ABSENT - {"-99", "-999", "-9999"} and word.lower() not in map(str.lower, listed):
            listed[word] = "not_applicable" if word.lower() in REPORTED_ELSEWHERE else "not_reported"
    if listed:
        yield "absent:"
        yield from (
            f"  {json.dumps(word, ensure_ascii=False)}: {why}  # {words[word]:,} in the sample"
            for word, why in listed.items()
        )


def _skip(totals: Sequence[tuple[str, Totals]]) -> Iterator[str]:
    for where, found in totals:
        told = ", ".join(found.texts[:SHOWN]) + (", …" if len(found.texts) > SHOWN else "")
        yield _comment(f"# open: totals, by the look of it: {where} ({told}); records unless the mapping skips them:")
    if totals:
        yield "# skip:"
    for _, found in totals:
        texts = dict.fromkeys(text.strip().replace("'", "''") for text in found.texts[:LISTED])
        column = _named(found.column)
        column = column if all(text == text.strip() for text in found.texts) else f"trim({column})"
        listed = ", ".join(f"'{text}'" for text in texts)
        when = f"{column} IN ({listed})"
        yield f"#   - {{when: {json.dumps(when, ensure_ascii=not when.isprintable())}, reason: total_line}}"


def _field(field: SuggestedField, turned: Unpivoted | None) -> Iterator[str]:
    why = _comment("; ".join(field.why))
    if turned is not None and field.column == turned.name and not _are_plain(turned.columns):
        read = quoted(f"regexp_extract({_named(field.column)}, '((19|20)[0-9]{{2}})', 1)")
        yield f"  {field.field}: {{expression: {read}}}  # {field.confidence:.0%}: {why}; the year alone"
    elif field.column is not None:
        yield f"  {field.field}: {{column: {quoted(field.column)}}}  # {field.confidence:.0%}: {why}"
        if field.field == "period_end":
            after = quoted(f"day_after({_named(field.column)})")
            yield "  # The contract wants the day after the last day. Where the column holds that last day, write:"
            yield f"  # period_end: {{expression: {after}}}"
    elif field.constant is not None:
        yield f"  {field.field}: {{constant: {quoted(field.constant)}}}  # {field.confidence:.0%}: {why}"
    elif field.required or field.perhaps:
        told = [f"  # open: {field.field}" + (" (required)" if field.required else "")]
        perhaps = "; ".join(f"{each.column} {each.confidence:.0%}" for each in field.perhaps)
        yield ": ".join([*told, *([why] if why else [])]) + (f": perhaps {_comment(perhaps)}" if perhaps else "")
        yield from _numbers(field, turned)


def _numbers(field: SuggestedField, turned: Unpivoted | None) -> Iterator[str]:
    """Columns that may be the figure though they are not called so; each of several, in a wide table."""
    shown = field.numbers[:LISTED]
    if not shown:
        return
    more = f" and {len(field.numbers) - LISTED:,} more" if len(field.numbers) > LISTED else ""
    told = "; ".join(f"{each.column} ({', '.join(each.why)})" if each.why else each.column for each in shown)
    yield f"  #   columns of numbers that no field takes: {_comment(told)}{more}"
    if len(field.numbers) > 1 and turned is None:
        unpivot = {"columns": [each.column for each in shown], "name": "figure", "value": "amount"}
        yield f"  #   where each of them is one, a record of each: source: {_comment(_inline({'unpivot': unpivot}))}"
