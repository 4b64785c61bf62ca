"""What the client and Snowflake say when they refuse, sorted by who can help."""

from __future__ import annotations

from headwater.connectors.protocol import Cause, Problem
from headwater.connectors.snowflake.config import SnowflakeConfig
from headwater.connectors.sql.probe import without
from headwater.connectors.sql.source import raised
from headwater.connectors.sql.warehouse import error_of_arrow
from headwater.errors import HeadwaterError, InputRefused, Misuse, RetryLater, Stopped

# Numbers of the client's own (25…, 29…: 290000 and the HTTP status) and of Snowflake's.
_CAUSES: dict[int, Cause] = {
    250001: "login",  # whatever else Snowflake answers to a login
    250003: "timeout",
    250006: "login",
    251001: "config",
    251005: "login",
    251006: "login",
    251008: "login",
    251009: "name_not_found",
    251011: "timeout",
    290400: "not_found",
    290403: "not_found",  # what Snowflake answers for an account that does not exist
    290404: "not_found",
    390100: "login",
    390101: "login",
    390102: "login",
    390144: "login",
    390189: "missing_right",
    390201: "not_found",
    390302: "login",
    390303: "login",
    390318: "login",
    390422: "login",
    394300: "login",
    394304: "login",
    394400: "login",
}
_REMEDIES: dict[Cause, str] = {
    "config": "Check `account`",
    "name_not_found": "Check `account`, and whether this machine can look names up",
    "timeout": "Check routes, proxies and firewalls between this machine and Snowflake",
    "refused": "Check `host` and `port`",
    "tls": "Check what stands between this machine and Snowflake, and the certificates that the machine trusts",
    "missing_right": "Ask for the role, or choose another",
    "not_found": "Check `account`, `database`, `warehouse` and `role`",
    "protocol": "Check that Snowflake is what answers there",
}
_NOBODY_ANSWERS = 250001
_TLS = ("SSL", "certificate", "CERTIFICATE", "EOF occurred")
_GIVES_UP = {604, 630}  # cancelled, time was up
_NO_WAREHOUSE = 606
_OBJECTS = {2003, 2043}
_NO_RIGHT = 3001
_TOO_OLD = 707  # Time Travel does not reach so far back
_SESSION_GONE = range(390104, 390120)
_FETCHING = range(252000, 253000)
_FAILED_OVER_HTTP = {290408, 290429, *range(290500, 290600)}


def number_of(error: Exception) -> int:
    """The number of an error; -1 where it has none."""
    return int(getattr(error, "errno", None) or -1)


def words_of(error: Exception, secrets: tuple[str, ...]) -> str:
    """The message as one line, without the secrets."""
    text = " ".join(str(getattr(error, "raw_msg", "") or getattr(error, "msg", "") or error).split())
    for secret in secrets:
        text = without(secret, text)
    return text or type(error).__name__


def problem_of(error: Exception, config: SnowflakeConfig, secrets: tuple[str, ...]) -> Problem:
    """Why no session is to be had."""
    number, said = number_of(error), words_of(error, secrets)
    cause = _CAUSES.get(number, "protocol")
    if any(word in said for word in _TLS):
        cause, said = "tls", ""
    elif (number == _NOBODY_ANSWERS and "Could not connect" in said) or number in _FAILED_OVER_HTTP:
        cause = "timeout"
    return config.login.problem(cause, said, _REMEDIES)


def error_of(error: Exception, config: SnowflakeConfig, secrets: tuple[str, ...]) -> HeadwaterError:
    """What the caller does next, of whatever the client raised, or Arrow did with what it gave."""
    of_rows = error_of_arrow(error, "Snowflake", config.where)
    return _of_client(error, config, secrets) if of_rows is None else of_rows


def _of_client(error: Exception, config: SnowflakeConfig, secrets: tuple[str, ...]) -> HeadwaterError:
    number, said, where = number_of(error), words_of(error, secrets), config.where
    state = getattr(error, "sqlstate", None) or ""
    if number in _GIVES_UP or state == "57014":
        return RetryLater(
            "Snowflake broke the statement off, for its time was up or somebody asked it to",
            where=where,
            value=said,
            remedy="Where it happens again, raise `statement_timeout` or read fewer rows a chunk",
        )
    if number == _NO_WAREHOUSE:
        return Misuse(f"no warehouse reckons for this login: {said}", where=where, remedy="Name one as `warehouse`")
    if number == _TOO_OLD or "Time travel data is not available" in said:
        return Misuse(
            f"Snowflake no longer knows how the table was at the moment of the plan: {said}",
            where=where,
            remedy="Begin the sync anew, raise DATA_RETENTION_TIME_IN_DAYS of the table, or set time_travel to false",
        )
    if number in _SESSION_GONE or number in _FETCHING or number in _FAILED_OVER_HTTP:
        return RetryLater("Snowflake gave up", where=where, value=said)
    if number == _NO_RIGHT or state == "42501":
        return Misuse(f"a right is missing: {said}", where=where, remedy="Grant it to the role, or choose another role")
    if number in _CAUSES:
        return raised(problem_of(error, config, secrets))
    if state.startswith("22"):
        return InputRefused("Snowflake cannot give these rows", where=where, value=said)
    if state or number in _OBJECTS:
        return Misuse("Snowflake refuses the statement", where=where, value=said)
    if isinstance(error, OSError) or type(error).__name__ in {
        "OperationalError",
        "InterfaceError",
        "ServiceUnavailableError",
    }:
        return RetryLater("Snowflake gave up", where=where, value=said)
    return Stopped("reading failed in a way that is not known", where=where, value=said)
