"""Passwords: refused when weak, kept as argon2id, hashed anew when the parameters have risen.

Parameters are those of RFC 9106, section 4, for where memory is scarce: 64 MiB, three passes, four lanes.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY
from zxcvbn_rs_py import zxcvbn

from headwater.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
SHORTEST, LONGEST = 10, 200
STRONG_ENOUGH = 3  # of 4: 10^8 guesses and more
OUR_WORDS = ("headwater", "sustainability", "emissions", "carbon")
_AT_ONCE = threading.BoundedSemaphore(4)  # of hashes in this process: 256 MiB, however many people sign in


def refuse_weak(password: str, *, about: Iterable[str] = ()) -> None:
    """InputRefused, without the password, where it would be guessed; `about`: what is known of the person."""
    if not SHORTEST <= len(password) <= LONGEST or any("\ud800" <= sign <= "\udfff" for sign in password):
        raise _weak(f"a password of {SHORTEST} to {LONGEST} signs")
    words = [part for text in about for part in (text, *text.split("@"), *re.split(r"\W+", text)) if part]
    found = zxcvbn(_normal(password), [*OUR_WORDS, *words])
    if int(found.score) >= STRONG_ENOUGH:
        return
    advice = found.feedback
    hints = [str(hint) for hint in (advice.warning, *advice.suggestions) if hint] if advice else []
    raise _weak(
        "a password that takes more than 100 million guesses, such as four words that nobody says together", hints
    )


def _weak(valid: str, hints: Iterable[str] = ()) -> InputRefused:
    return InputRefused(
        "the password is too easy to guess, or its length is not allowed",
        where="password",
        valid=valid,
        remedy=" ".join(hints) or "Let a password manager make one.",
    )


def hashed(password: str) -> str:
    """What the database keeps."""
    with _AT_ONCE:
        return HASHER.hash(_normal(password))


def is_right(password: str, kept: str | None) -> bool:
    """Whether it is the password of that hash. Without one, as much is computed, and the answer is no."""
    if len(password) > LONGEST:
        password, kept = "", None
    try:
        with _AT_ONCE:
            HASHER.verify(kept or _nobodys(HASHER), _normal(password))
    except (VerificationError, ValueError):  # a half surrogate pair, or no hash at all
        return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Whether the parameters have changed since it was computed."""
    return HASHER.check_needs_rehash(kept)


@cache
def _nobodys(hasher: PasswordHasher) -> str:
    return hasher.hash("nobody has this password")


def _normal(password: str) -> str:
    """One form of what is typed alike on different keyboards, as NIST SP 800-63B, section 5.1.1.2, asks for."""
    return unicodedata.normalize("NFKC", password)
