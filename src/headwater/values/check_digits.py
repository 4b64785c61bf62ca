"""Check digits of identifiers: numbers by which a mistyped or counted-up identifier is told from one that was issued.

Letters count as two digits, A = 10 to Z = 35, as ISO/IEC 7064 and ISO 6166 have it. A text of anything but capital
letters and digits has no such number. Each function has its twin as DuckDB SQL.
"""

from __future__ import annotations

import re

_IDENTIFIER = re.compile("[0-9A-Z]{1,64}")


def mod_97_10(text: str) -> int | None:
    """What is left of the number after division by 97: 1 for every LEI (ISO 17442, by ISO/IEC 7064 MOD 97-10)."""
    digits = _digits(text)
    return None if digits is None else int(digits) % 97


def luhn(text: str) -> int | None:
    """The last digit of the sum in which every second digit from the right is doubled: 0 for every ISIN (ISO 6166)."""
    digits = _digits(text)
    if digits is None:
        return None
    doubled = ((int(digit) * 2 if place % 2 else int(digit)) for place, digit in enumerate(reversed(digits)))
    return sum(number // 10 + number % 10 for number in doubled) % 10


def _digits(text: str) -> str | None:
    if not _IDENTIFIER.fullmatch(text):
        return None
    return "".join(str(int(sign, 36)) for sign in text)


def mod_97_10_sql(text: str) -> str:
    """Twin of `mod_97_10` over VARCHAR: INTEGER, NULL for a text that has no such number."""
    return _known(text, f"list_reduce({_digits_sql(text)}, lambda rest, digit: (rest * 10 + digit) % 97, 0)")


def luhn_sql(text: str) -> str:
    """Twin of `luhn` over VARCHAR: INTEGER, NULL for a text that has no such number."""
    doubled = "CASE WHEN place % 2 = 0 THEN digit * 2 // 10 + digit * 2 % 10 ELSE digit END"
    from_the_right = f"list_reverse({_digits_sql(text)})"
    return _known(
        text, f"CAST(list_sum(list_transform({from_the_right}, lambda digit, place: {doubled})) % 10 AS INTEGER)"
    )


def _known(text: str, sql: str) -> str:
    return f"(CASE WHEN regexp_full_match({text}, '{_IDENTIFIER.pattern}') THEN {sql} END)"


def _digits_sql(text: str) -> str:
    """A list of INTEGER."""
    sign = "CASE WHEN sign > '9' THEN CAST(ascii(sign) - 55 AS VARCHAR) ELSE sign END"
    digits = f"array_to_string(list_transform(string_split({text}, ''), lambda sign: {sign}), '')"
    return f"list_transform(string_split({digits}, ''), lambda digit: CAST(digit AS INTEGER))"
