"""What the client and Databricks say when they refuse, sorted by who can help."""

from __future__ import annotations

import re
from typing import Any

from headwater.connectors.databricks.config import DatabricksConfig
from headwater.connectors.protocol import Cause, Problem
from headwater.connectors.sql.probe import without
from headwater.connectors.sql.source import raised
from headwater.connectors.sql.warehouse import error_of_arrow
from headwater.errors import HeadwaterError, InputRefused, Misuse, RetryLater, Stopped

_CAUSES: dict[int, Cause] = {400: "not_found", 401: "login", 403: "login", 404: "not_found"}
_REMEDIES: dict[Cause, str] = {
    "not_found": "Check `http_path` and `catalog`",
    "missing_right": "Ask for USE CATALOG, USE SCHEMA and SELECT",
    "timeout": "Check that the warehouse runs or may start, and routes and proxies between this machine and it",
    "tls": "Check what stands between this machine and Databricks, and the certificates that this machine trusts",
    "protocol": "Check that a SQL warehouse of Databricks is what answers there",
}
_STATE = re.compile(r"SQLSTATE:\s*([0-9A-Z]{5})")
_PASSING = ("08", "40", "53", "57", "58", "HYT", "KD0")
_RIGHTS = ("INSUFFICIENT_PERMISSIONS", "PERMISSION_DENIED", "INSUFFICIENT_PRIVILEGES")
_MISSING_CATALOG = ("NO_SUCH_CATALOG", "CATALOG_NOT_FOUND", "SCHEMA_NOT_FOUND")
ZONE = "the SQL warehouse has the time zone"
"""How it begins that statements would mean other days than those of UTC."""
_LATER = (408, 409)
_LOST = ("RequestError", "MaxRetryDurationError", "CursorAlreadyClosedError", "SessionAlreadyClosedError")


class StatementError(Exception):
    """What the Statement Execution API, or its client, says of a statement that came to no end.

    status      of HTTP; 0 where a statement was taken, and failed
    is_passing  whether the same may go well later, whatever is said
    """

    def __init__(self, message: str, *, status: int = 0, is_passing: bool = False) -> None:
        super().__init__(message)
        self.is_passing = is_passing
        self.context = {"http-code": status} if status else {}


def status_of(error: BaseException) -> int:
    """The HTTP status behind an error; 0 where there is none."""
    context: Any = getattr(error, "context", None) or {}
    code = context.get("http-code") if isinstance(context, dict) else None
    if isinstance(code, int):
        return code
    if isinstance(error, StatementError):
        return 0
    found = re.search(r"(?:HTTP[ -]?(?:code|status)?:?|status code|too many) ?(\d{3})\b", str(error), re.IGNORECASE)
    return int(found[1]) if found else 0


def words_of(error: Exception, token: str) -> str:
    """The message as one line, without the secret."""
    return without(token, " ".join(str(getattr(error, "message", None) or error).split())) or type(error).__name__


def problem_of(error: Exception, config: DatabricksConfig, token: str) -> Problem:
    """Why no session is to be had."""
    said, status = words_of(error, token), status_of(error)
    cause = _CAUSES.get(status, "protocol")
    if any(word in said for word in _RIGHTS):
        cause = "missing_right"
    elif any(word in said for word in _MISSING_CATALOG):
        cause = "not_found"
    elif "SSL" in said or "certificate" in said:
        cause, said = "tls", ""
    elif status >= 429 or (status == 0 and _is_lost(error)):
        cause = "timeout"
    elif said.startswith(ZONE):
        cause = "config"
    remedy = f"Correct what `token_ref` leads to ({config.token_ref}), or see whether it may use the warehouse"
    return config.login.problem(cause, said, _REMEDIES, remedy=remedy if cause == "login" else None)


def error_of(error: Exception, config: DatabricksConfig, token: str) -> HeadwaterError:
    """What the caller does next, of whatever the client raised."""
    if of_rows := error_of_arrow(error, "Databricks", config.where):
        return of_rows
    said, status, where = words_of(error, token), status_of(error), config.where
    found = _STATE.search(said)
    state = found[1] if found else ""
    if "QUERY_EXECUTION_TIMEOUT" in said or "STATEMENT_TIMEOUT" in said or state == "57KD0":
        return RetryLater(
            "Databricks broke the statement off, for its time was up",
            where=where,
            value=said,
            remedy="Where it happens again, raise `statement_timeout` or read fewer rows a chunk",
        )
    if any(word in said for word in _RIGHTS) or state == "42501":
        return Misuse(f"a right is missing: {said}", where=where, remedy="Grant SELECT on the table to the login")
    if status in _CAUSES and not getattr(error, "is_passing", False):
        return raised(problem_of(error, config, token))
    if status in _LATER or status >= 429 or state.startswith(_PASSING) or isinstance(error, OSError) or _is_lost(error):
        return RetryLater("Databricks gave up", where=where, value=said)
    if state.startswith("22"):
        return InputRefused("Databricks cannot give these rows", where=where, value=said)
    if state or isinstance(error, StatementError) or type(error).__name__ == "ServerOperationError":
        return Misuse("Databricks refuses the statement", where=where, value=said)
    return Stopped("reading failed in a way that is not known", where=where, value=said)


def _is_lost(error: Exception) -> bool:
    """Whether an answer was lost on its way, by what the client says."""
    return type(error).__name__ in _LOST or (isinstance(error, StatementError) and error.is_passing)
