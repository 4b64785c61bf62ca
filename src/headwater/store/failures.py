"""What a failure of PostgreSQL means for the caller: psycopg's errors become the four kinds of `headwater.errors`."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

from headwater.errors import HeadwaterError, Misuse, RetryLater, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

# By SQLSTATE, the longest prefix first: (kind, what to do).
_BY_STATE: dict[str, tuple[type[HeadwaterError], str]] = {
    "08": (RetryLater, "Try again; if it goes on, look whether the database server runs."),
    "25006": (Stopped, "The database is read-only: connect to the primary server."),
    "28": (Misuse, "Correct user and password in the database URL."),
    "3D000": (Misuse, "Create the database, or correct its name in the database URL."),
    "40": (RetryLater, "Somebody else worked on the same rows: try again."),
    "42501": (Misuse, "Run `headwater db upgrade` with the owner's URL; it grants what the application needs."),
    "42703": (Stopped, "The schema is not that of this version: run `headwater db upgrade`."),
    "42883": (Stopped, "The schema is not that of this version: run `headwater db upgrade`."),
    "42P01": (Stopped, "The schema is not that of this version: run `headwater db upgrade`."),
    "53100": (Stopped, "Free space on the disk of the database, then resume."),
    "53": (RetryLater, "The database server is short of memory or connections: try again later."),
    "55P03": (RetryLater, "Somebody else holds the lock: try again."),
    "57": (RetryLater, "The database server is stopping, starting or cancelled the statement: try again."),
    "58030": (Stopped, "The database server cannot read or write its disk: look at its log."),
    "XX001": (Stopped, "The database is damaged: restore it from a backup."),
    "XX002": (Stopped, "An index is damaged: look at the server's log."),
}

_QUOTED = re.compile(r'".*"', re.DOTALL)

# A connection that was never made has no SQLSTATE, only the server's words.
_REFUSED_FOR_GOOD = ("password authentication failed", "no password supplied", "does not exist", "no pg_hba.conf entry")


def translate(error: psycopg.Error, *, where: str) -> HeadwaterError:
    """Say in Headwater's terms what `error` means; `where` names what was being done."""
    what = (error.diag.message_primary or str(error) or type(error).__name__).strip()
    state = error.sqlstate or ""
    if state.startswith("22"):  # these messages quote values; channels are told `what` of an error, and no value
        return Stopped(
            _QUOTED.sub('"…"', what),
            where=where,
            value=what,
            remedy="The statement failed and nothing was saved. Please report this.",
        )
    if not state and isinstance(error, psycopg.DataError) and "NUL" in what:  # refused before it was sent
        return Misuse("a text has a sign that no text here can have", where=where, valid="texts without \\x00")
    for prefix in sorted(_BY_STATE, key=len, reverse=True):
        if state.startswith(prefix):
            kind, remedy = _BY_STATE[prefix]
            return kind(what, where=where, remedy=remedy)
    if isinstance(error, psycopg.errors.IntegrityError):
        return Stopped(
            what,
            where=where,
            value=error.diag.constraint_name,
            remedy="The database refused rows that break its rules; nothing was saved. Please report this.",
        )
    if not state and isinstance(error, psycopg.OperationalError):
        if any(words in what for words in _REFUSED_FOR_GOOD):
            return Misuse(what, where=where, remedy="Correct the database URL.")
        return RetryLater(what, where=where, remedy=_BY_STATE["08"][1])
    if _is_unreadable_url(error):
        return Misuse(
            "the database URL cannot be read",
            where=where,
            valid="postgresql://role:password@host:5432/database, with special characters written as %XX",
        )
    return Stopped(what, where=where, remedy="The statement failed and nothing was saved. Please report this.")


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Let no error of psycopg leave the block untranslated."""
    try:
        yield
    except psycopg.Error as error:
        # What libpq says of a URL may quote the password.
        raise translate(error, where=where) from (None if _is_unreadable_url(error) else error)


def _is_unreadable_url(error: psycopg.Error) -> bool:
    return isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None and error.pgresult is None
