"""What became of a text: the outcome, the value, and the words in which a failure is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwater.values.kinds import Kind
    from headwater.values.text_format import TextFormat

FIRST_FAILURE = 16


class Outcome(IntEnum):
    """What became of a text: fine below 16, refused from 16 on. The numbers are stored: never reuse one."""

    VALUE = 0
    BLANK = 1
    NOT_APPLICABLE = 2
    NOT_REPORTED = 3
    DEFAULTED = 4
    NOT_A_NUMBER = 16
    TOO_MANY_DECIMALS = 17
    NUMBER_TOO_LARGE = 18
    AMBIGUOUS_NUMBER = 19
    NOT_A_DATE = 20
    AMBIGUOUS_DATE = 21
    NO_SUCH_DATE = 22
    NOT_A_BOOLEAN = 23
    CONTROL_CHARACTER = 24
    NOT_A_TIMESTAMP = 25
    NO_TIME_ZONE = 26
    NOT_A_CODE = 27
    TIME_IN_DATE = 28
    NO_SUCH_TIME = 29
    AMBIGUOUS_TIME = 30

    @property
    def is_failure(self) -> bool:
        """Whether the text is refused."""
        return self >= FIRST_FAILURE

    @property
    def is_absent(self) -> bool:
        """Whether there is no value because none was given, which is not a failure of the text."""
        return self in {Outcome.BLANK, Outcome.NOT_APPLICABLE, Outcome.NOT_REPORTED}


@dataclass(frozen=True)
class Parsed:
    """A parsed text. `value` is None unless `outcome` is VALUE (or DEFAULTED, which only contracts set)."""

    value: object | None
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """A failure told to the person who has to mend it: each part is one or more whole sentences."""

    message: str
    valid: str
    repair: str


_MESSAGE_AND_REPAIR: dict[Outcome, tuple[str, str]] = {
    Outcome.NOT_A_NUMBER: (
        "The text is not a number.",
        (
            "Write digits only, with the unit, currency or remark in a column of its own;"
            " if the text means that there is no figure, declare it under `absent` in the mapping."
        ),
    ),
    Outcome.TOO_MANY_DECIMALS: (
        "The number has more decimals than the field keeps, and it is never rounded silently.",
        (
            "Round it at the source. A long tail such as 0.30000000000000004 is the noise of a binary number:"
            " export the column as text or with fixed decimals."
        ),
    ),
    Outcome.NUMBER_TOO_LARGE: (
        "The number has more digits before the decimal sign than the field holds.",
        "Check the unit (kWh written where MWh is meant makes a figure 1000 times too large) and the decimal sign.",
    ),
    Outcome.AMBIGUOUS_NUMBER: (
        "The signs between the digits do not fit the declared way of writing numbers.",
        "Declare `decimal` and `group` under `locale` in the mapping as the file writes them, or correct the number.",
    ),
    Outcome.NOT_A_DATE: (
        "The text is not a date.",
        (
            "Write the date as year-month-day, 2024-03-31. A bare number such as 45382 is a spreadsheet's day count:"
            " format the column as a date before exporting."
        ),
    ),
    Outcome.AMBIGUOUS_DATE: (
        "The text can be read as more than one date: the order of day and month or the century is not stated.",
        "Declare `date_order` under `locale` in the mapping, or write the date as 2024-03-31 with four digits of year.",
    ),
    Outcome.NO_SUCH_DATE: (
        "The calendar has no such day.",
        "Correct the day or month; if they look swapped, check `date_order` under `locale` in the mapping.",
    ),
    Outcome.NOT_A_BOOLEAN: (
        "The text is neither a word for true nor one for false.",
        "Use one of the words, or declare the file's own under `locale: true` and `false` in the mapping.",
    ),
    Outcome.CONTROL_CHARACTER: (
        "The text contains a control character.",
        "Remove it. Control characters beside odd letters tell that the file was read in a wrong encoding.",
    ),
    Outcome.NOT_A_TIMESTAMP: (
        "The text is not a point in time.",
        "Write date, time and offset: 2024-03-31T14:30:00+02:00.",
    ),
    Outcome.NO_TIME_ZONE: (
        "The time has no time zone.",
        "Declare `time_zone` under `locale` in the mapping, or write the offset: 2024-03-31T14:30:00+02:00.",
    ),
    Outcome.NOT_A_CODE: (
        "The code contains a line break, a tab, or a character that cannot be seen.",
        "Remove it: codes that look alike must be alike, else they never match.",
    ),
    Outcome.TIME_IN_DATE: (
        "The text holds a time of day in a field for dates.",
        "Cut the time off at the source, or use a timestamp field; only midnight may stand behind a date.",
    ),
    Outcome.NO_SUCH_TIME: (
        "The time does not exist: clocks were put forward over it in the declared time zone, or it is no time of day.",
        "Correct the time or write its offset: 2024-03-31T02:30:00+01:00.",
    ),
    Outcome.AMBIGUOUS_TIME: (
        "The time occurs twice: clocks were put back over it in the declared time zone.",
        "Write the offset: 2024-10-27T02:30:00+01:00.",
    ),
}


def explain(outcome: Outcome, kind: Kind, fmt: TextFormat) -> Explanation:
    """Say what is wrong, what is valid for this kind under this format, and how to mend it. `outcome` is a failure."""
    message, repair = _MESSAGE_AND_REPAIR[outcome]
    return Explanation(message=message, valid=kind.valid(fmt), repair=repair)
