"""What libpq and the server say when they refuse, sorted by who can help."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headwater.connectors.postgresql.config import PostgresConfig
from headwater.connectors.protocol import Cause, Problem
from headwater.connectors.sql.probe import without
from headwater.connectors.sql.source import raised
from headwater.errors import HeadwaterError, InputRefused, Misuse, RetryLater, Stopped

if TYPE_CHECKING:
    from adbc_driver_manager import Error as DriverError

# Of a connection that fails libpq hands on no code, only words; the server's own may be in its language.
_WORDS: tuple[tuple[str, Cause], ...] = (
    (r"too many (?:connections|clients)|remaining connection slots|starting up|shutting down|recovery mode", "refused"),
    (r"could not translate host name|Name or service not known", "name_not_found"),
    (r"Connection refused|No such file or directory.*socket|Is the server running", "refused"),
    (r"timeout expired|timed out|No route to host|Network is unreachable", "timeout"),
    (r"pg_hba.*(?:SSL|GSS) encryption", "login"),
    (r"SSL|certificate|TLS|root.crt|no encryption", "tls"),
    (r'database ".*" does not exist|3D000', "not_found"),
    (r"permission denied for database", "missing_right"),
    (r"authentication|password|pg_hba|role \".*\" does not exist|no PostgreSQL user|role .* is not permitted", "login"),
)
_NO_RULE = "Ask whoever runs the server for a line of pg_hba.conf that lets `user` in from this machine"
_REMEDIES: dict[Cause, str] = {
    "name_not_found": "Check the name of the host",
    "refused": "Check host and port, and whether the server is running and has room for one more session",
    "timeout": "Check routes and firewalls between this machine and the server",
    "tls": "Give the authority's certificates by `ca_file`, or choose another `sslmode`",
    "not_found": "Check the name of the database",
    "missing_right": "Ask for the right to connect to the database",
    "protocol": "Check that a PostgreSQL server is what answers there, and look into its log",
}
# What libpq says before the server's own words: where it asked, which stands in our sentence.
_LIBPQ = re.compile(
    r"^(?:Failed to connect: )?(?:connection to server (?:at|on) .*?, port \d+ failed: |connection to server on socket"
    r" .*? failed: )?(?:[A-Z]{4,12}: +)?"
)
_ATTEMPT = re.compile(r"connection to server (?:at|on) .*?failed: ")
# SQLSTATEs, and classes of them, that may pass by themselves: connection, resources, operator, conflict, lock.
_PASSING = ("08", "53", "57", "40", "55P03", "25P0")
_LOST = re.compile(
    r"server closed the connection|connection (?:not open|reset|to server was lost)|terminat|could not receive"
    r"|broken pipe|too many (?:connections|clients)"
    r"|starting up|shutting down|recovery|remaining connection slots|eof detected"
    r"|ssl syscall|could not send",
    re.IGNORECASE,
)


def code_of(error: DriverError) -> str:
    """The SQLSTATE; "" where the driver knows none."""
    code = error.sqlstate or ""
    if code.strip("\0"):
        return code
    found = re.search(r"SQLSTATE:? ?([0-9A-Z]{5})", str(error))
    return found[1] if found else ""


def words_of(error: DriverError, password: str) -> str:
    """The driver's message as one line, without its preamble, without the secret."""
    text = re.sub(r"^[A-Z_]+: (?:\[libpq\] )?", "", " ".join(str(error).split()))
    text = re.sub(r"\. (?:SQLSTATE|Vendor code).*$", "", text)
    return without(password, text)


def problem_of(error: DriverError, config: PostgresConfig, password: str) -> Problem:
    """Why no connection is to be had."""
    said = words_of(error, password)
    last = _last_attempt(said)
    cause: Cause = next((cause for words, cause in _WORDS if re.search(words, last)), "protocol")
    remedy = _NO_RULE if cause == "login" and "pg_hba" in last else None
    return config.login.problem(cause, _LIBPQ.sub("", last), _REMEDIES, remedy=remedy)


def _last_attempt(said: str) -> str:
    """Of several addresses of one host libpq tells of each in turn: the last says how it ended."""
    return said[max((found.start() for found in _ATTEMPT.finditer(said)), default=0) :]


def error_of(error: DriverError, config: PostgresConfig, password: str) -> HeadwaterError:
    """What the caller does next, of whatever the driver raised."""
    code, said = code_of(error), words_of(error, password)
    if not code and "PGRES_FATAL_ERROR" in said:  # in the middle of COPY the driver hands on no code
        code = "57014" if "canceling statement" in said else "" if _LOST.search(said) else "22000"
    if code.startswith(_PASSING) or (not code and _LOST.search(said)):
        if code == "57014":
            return RetryLater(
                "the server broke the statement off, for its time was up or somebody asked it to",
                where=config.where,
                value=said,
                remedy="Where it happens again, raise `statement_timeout` or read fewer rows a chunk",
            )
        return RetryLater("the server gave up", where=config.where, value=said)
    if code.startswith(("22", "XX")):
        return InputRefused("the server cannot give these rows", where=config.where, value=said)
    if code == "42501":
        return Misuse(
            f"a right is missing: {said}", where=config.where, remedy=f"Grant it to {config.user!r} on the server"
        )
    if code:
        return Misuse("the server refuses the statement", where=config.where, value=said)
    problem = problem_of(error, config, password)
    if problem.cause == "protocol" and "ERROR: " in said:
        # While rows stream in, the server's refusal comes without its code.
        return InputRefused("the server cannot give these rows", where=config.where, value=said)
    if problem.cause == "protocol":
        return Stopped("reading failed in a way that is not known", where=config.where, value=said)
    return raised(problem)
