"""How a source writes its values: decimal sign, grouping, order of dates, time zone, words."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field

from headwater.errors import Misuse
from headwater.values.characters import fold, trim
from headwater.values.outcome import Outcome

DATE_ORDERS = ("YMD", "DMY", "MDY")
GROUPS = (",", ".", " ", "'")

# Read as absent in numbers, dates, timestamps and booleans even if nothing is declared. Texts and
# codes know no such words: NA is Namibia, NR is Nauru. `#N/A` and NaN are not here either: they are
# the trace of a calculation that failed, not a statement that there is nothing to report.
DEFAULT_ABSENT: Mapping[str, Outcome] = {
    "n/a": Outcome.NOT_APPLICABLE,
    "na": Outcome.NOT_APPLICABLE,
    "n.a.": Outcome.NOT_APPLICABLE,
    "not applicable": Outcome.NOT_APPLICABLE,
    "n/r": Outcome.NOT_REPORTED,
    "nr": Outcome.NOT_REPORTED,
    "n.r.": Outcome.NOT_REPORTED,
    "not reported": Outcome.NOT_REPORTED,
    "not available": Outcome.NOT_REPORTED,
}


@dataclass(frozen=True, kw_only=True)
class TextFormat:
    """How a source writes its values. What is not declared is not guessed: an unclear text is a finding.

    decimal: "." or ",".
    group: sign between groups of three digits: "," "." "'" (straight or typographic), " " (also no-break, thin and
        narrow), or None where the source writes none.
    date_order: "YMD", "DMY" or "MDY"; None reads only dates that have one meaning (2024-03-31, 31 March 2024).
    time_zone: IANA name for times without an offset; None refuses these.
    true_words, false_words: for booleans, any case.
    absent: words, any case, that say why there is no value: NOT_APPLICABLE, NOT_REPORTED or BLANK. They hold
        for every kind and go before DEFAULT_ABSENT and before numbers ("-9999").
    """

    decimal: str = "."
    group: str | None = ","
    date_order: str | None = None
    time_zone: str | None = None
    true_words: tuple[str, ...] = ("true", "t", "yes", "y", "1")
    false_words: tuple[str, ...] = ("false", "f", "no", "n", "0")
    absent: Mapping[str, Outcome] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Refuse a format that contradicts itself."""
        if self.decimal not in {".", ","}:
            raise Misuse("unknown decimal sign", where="locale.decimal", value=self.decimal, valid='"." or ","')
        if self.group is not None and self.group not in GROUPS:
            raise Misuse(
                "unknown grouping sign", where="locale.group", value=self.group, valid='",", ".", " ", "\'" or none'
            )
        if self.group == self.decimal:
            raise Misuse(
                "the grouping sign is also the decimal sign",
                where="locale.group",
                value=self.group,
                valid="two different signs, or no grouping sign",
                remedy="Say which sign stands before the decimals and which, if any, between thousands.",
            )
        if self.date_order is not None and self.date_order not in DATE_ORDERS:
            raise Misuse(
                "unknown order of dates", where="locale.date_order", value=self.date_order, valid="YMD, DMY or MDY"
            )
        if self.time_zone is not None:
            _check_time_zone(self.time_zone)
        object.__setattr__(self, "absent", dict(self.absent))
        self._check_words()

    def _check_words(self) -> None:
        for word in (*self.true_words, *self.false_words, *self.absent):
            if not word or word != trim(word) or not word.isprintable():
                raise Misuse(
                    "not a word",
                    where="locale",
                    value=word,
                    valid="at least one visible character, no space at the ends, no control characters",
                    remedy="An empty cell is blank anyway and needs no word.",
                )
        for word, outcome in self.absent.items():
            if not Outcome(outcome).is_absent:
                raise Misuse(
                    "not a reason for having no value",
                    where=f"absent.{word}",
                    value=Outcome(outcome).name.lower(),
                    valid="not_applicable, not_reported or blank",
                )
        for words, where in ((self.true_words, "locale.true"), (self.false_words, "locale.false")):
            if not words:
                raise Misuse("no words given", where=where, valid="at least one word")
        both = spellings(self.true_words) & spellings(self.false_words)
        if both:
            raise Misuse("a word means both true and false", where="locale.true", value=min(both))


def _check_time_zone(name: str) -> None:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Misuse(
            "unknown time zone", where="locale.time_zone", value=name, valid='an IANA name such as "Europe/Berlin"'
        ) from error


def spellings(words: tuple[str, ...]) -> frozenset[str]:
    """Each word in lower, upper and title case, ASCII letters folded, so that folding a text is enough to find it."""
    return frozenset(fold(form) for word in words for form in (word, word.lower(), word.upper(), word.title()))


def absent_words(fmt: TextFormat, *, with_defaults: bool) -> dict[str, Outcome]:
    """Folded spelling → outcome; the declared words go before the defaults."""
    words = dict(DEFAULT_ABSENT) if with_defaults else {}
    for word, outcome in fmt.absent.items():
        words.update(dict.fromkeys(spellings((word,)), Outcome(outcome)))
    return words


OWN_FORMAT = TextFormat()
"""As canonical texts are written, and what people ask by: made once, for that takes longer than to read by it."""
