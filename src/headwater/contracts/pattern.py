r"""The regular expressions a contract may use: ASCII, linear in time, and of one meaning in DuckDB (RE2) and Python.

Allowed: characters, escaped punctuation, `\d`, `[…]` classes, `(?:…)`, `|`, and the repeats `?` `*` `+` `{m}` `{m,n}`
with n ≤ 1000. A group that repeats without bound may not itself be repeated: Python would backtrack over it without
end. A pattern matches the whole value, so it may not hold `^` or `$`. No `.`, back-references, look-around or flags.
"""

from __future__ import annotations

import re

from headwater.errors import Misuse

_ATOM = r"[A-Za-z0-9 _\-/:,;@#%&=~'<>!]|\\[dD.\-+*?()\[\]{}|/\\^$]"
_PLAIN = r"[A-Za-z0-9 _/:,;@#%&=~'<>!.+*?()|$]"
_CLASS = rf"\[\^?(?:{_PLAIN}-[A-Za-z0-9]|{_PLAIN}|\\[d.\-+\[\]\\^])+-?\]"
_REPEAT = r"[?*+]|\{(?P<low>\d{1,4})(?P<comma>,(?P<high>\d{0,4}))?\}"
_TOKEN = re.compile(
    rf"(?P<open>\(\?:)|(?P<close>\))|(?P<either>\|)|(?P<repeat>{_REPEAT})|(?P<one>{_ATOM}|{_CLASS})", re.ASCII
)
MOST_REPEATS = 1000


def check_pattern(pattern: str, where: str) -> None:
    """Misuse naming the first character that is not allowed."""
    at = 0
    unbounded = [False]  # by open group: whether something in it repeats without bound
    closed = False  # whether the token before closed a group with such a repeat
    repeatable = False
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None:
            raise _refused(pattern, where, f"{pattern[at:]!r} is not allowed here")
        kind = token.lastgroup if token.lastgroup in ("open", "close", "either", "one") else "repeat"
        if kind == "repeat":
            if not repeatable:
                raise _refused(pattern, where, f"{token[0]!r} repeats nothing")
            endless = _endless(token, pattern, where)
            if closed and (endless or token["low"]):
                raise _refused(pattern, where, "an endless repeat stands inside a repeat")
            unbounded[-1] |= endless
        elif kind == "open":
            unbounded.append(False)
        elif kind == "close":
            if len(unbounded) == 1:
                raise _refused(pattern, where, "a group is closed that was not opened")
            closed = unbounded.pop()
            unbounded[-1] |= closed
        closed = closed and kind == "close"
        repeatable = kind in ("one", "close")
        at = token.end()
    if len(unbounded) != 1:
        raise _refused(pattern, where, "a group is not closed")
    re.compile(pattern, re.ASCII)


def _endless(token: re.Match[str], pattern: str, where: str) -> bool:
    if token[0] in ("*", "+"):
        return True
    if any(int(token[name] or 0) > MOST_REPEATS for name in ("low", "high")):
        raise _refused(pattern, where, f"more than {MOST_REPEATS} repeats")
    return bool(token["comma"]) and not token["high"]


def _refused(pattern: str, where: str, what: str) -> Misuse:
    return Misuse(f"pattern refused: {what}", where=where, value=pattern, valid=str(__doc__).split("\n\n")[1])
