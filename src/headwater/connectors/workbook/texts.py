"""What a cell's value looks like as text: shortest decimals, per cents, dates, times."""

from __future__ import annotations

import datetime
from decimal import Decimal

from headwater.connectors.workbook.formats import Shown

_MILLISECONDS = 86_400_000
_LAST_DAY = 2_958_465
"""9999-12-31, the last that Excel shows."""
_LEAP_BUG = 60
"""In the 1900 system a 29th of February 1900 is counted that there was not."""


def number_text(number: float, decimal: str = ".") -> str:
    """The shortest decimal that reads back to the same double; an exponent only below 1e-6 and from 1e21 on."""
    text = repr(number)
    if text.endswith(".0"):
        text = text[:-2]
        return text if text != "-0" else "0"
    if "e" in text and 1e-6 <= abs(number) < 1e21:
        text = format(Decimal(text), "f")
    return text.replace(".", decimal) if decimal != "." else text


def code_text(number: float, shown: Shown, decimal: str = ".") -> str:
    """A whole number with as many digits at least, another one as it is; with the sign that stands behind it."""
    text = number_text(number, decimal)
    text = text.zfill(shown.digits) if text.isdecimal() else text
    return f"{text}%" if shown.signed else text


def percent_text(number: float, decimal: str = ".") -> str:
    """Exactly a hundred times the shortest decimal: 0.45 is 45%, 0.07 is 7%."""
    hundredfold = Decimal(repr(number)).scaleb(2)
    if hundredfold == 0:
        return "0%"
    text = format(hundredfold, "f") if Decimal("1e-6") <= abs(hundredfold) < Decimal("1e21") else str(hundredfold)
    if "." in text and "E" not in text:
        text = text.rstrip("0").rstrip(".")
    return f"{text.replace('.', decimal)}%"


def serial_text(serial: float, shown: Shown, *, since_1904: bool, decimal: str = ".") -> str:
    """A day count as date, time or both. What the format shows is there, and what the value has beyond it is too.

    2024-03-01, 13:45:00, 2024-03-01T13:45:00; elapsed time runs on over 24 hours: 36:30:00. Days that there are none
    of, as Excel's 1900-02-29, come as Excel shows them, for the contract to refuse; what no date can be shown of
    (below zero, beyond the year 9999) stays a number.
    """
    if shown.elapsed and not shown.date:
        return clock_text(round(serial * _MILLISECONDS))
    day, milliseconds = divmod(round(serial * _MILLISECONDS), _MILLISECONDS)
    if day < 0 or day > _LAST_DAY - (1462 if since_1904 else 0):
        return number_text(serial, decimal)
    if day == 0 and not shown.date:
        return clock_text(milliseconds)
    date = _date(day, since_1904=since_1904)
    return f"{date}T{clock_text(milliseconds)}" if shown.time or milliseconds else date


def _date(day: int, *, since_1904: bool) -> str:
    if since_1904:
        return (datetime.date(1904, 1, 1) + datetime.timedelta(days=day)).isoformat()
    if day == 0:
        return "1900-01-00"
    if day == _LEAP_BUG:
        return "1900-02-29"
    first = datetime.date(1899, 12, 31 if day < _LEAP_BUG else 30)
    return (first + datetime.timedelta(days=day)).isoformat()


def clock_text(milliseconds: int) -> str:
    """Hours (as many as there are), minutes, seconds; thousandths where there are any."""
    sign = "-" if milliseconds < 0 else ""
    seconds, thousandths = divmod(abs(milliseconds), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{thousandths:03}".rstrip("0") if thousandths else ""
    return f"{sign}{hours:02}:{minutes:02}:{seconds:02}{fraction}"
